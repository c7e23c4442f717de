//! A path as a backend of HTTP/2 is asked for it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::http2_path(bytes));
