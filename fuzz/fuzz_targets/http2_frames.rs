//! The frames of an HTTP/2 client: too many of a kind are found, however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::http2_frames(bytes));
