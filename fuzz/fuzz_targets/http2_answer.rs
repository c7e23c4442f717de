//! An answer of HTTP/1.1 on a stream of HTTP/2: its client is told it whole, or that it broke off.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::http2_answer(bytes));
