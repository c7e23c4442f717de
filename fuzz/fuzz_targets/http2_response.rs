//! A response's fields and trailers in HTTP/2, as those of HTTP/1.1.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::http2_response(bytes));
