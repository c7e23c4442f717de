//! A chunked body, its first byte saying how the others are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::chunked_body(bytes));
