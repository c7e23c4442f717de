//! The conditions of a request on a file's state.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::conditions(bytes));
