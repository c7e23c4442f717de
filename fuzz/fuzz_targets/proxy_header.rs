//! A PROXY header of either version, and what is written of it again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::proxy_header(bytes));
