//! A body and trailers of HTTP/2, as a server of HTTP/1.1 reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::http2_body(bytes));
