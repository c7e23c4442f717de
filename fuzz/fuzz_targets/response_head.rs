//! A response's head, and what the client gets of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::response_head(bytes));
