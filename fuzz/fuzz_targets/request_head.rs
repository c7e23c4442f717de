//! A request's head, and what is forwarded of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::request_head(bytes));
