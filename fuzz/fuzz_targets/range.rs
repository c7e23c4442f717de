//! The parts of a file that a request asks for.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::range(bytes));
