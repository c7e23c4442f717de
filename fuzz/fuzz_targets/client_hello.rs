//! The first message of a TLS client, wherever it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::client_hello(bytes));
