//! A request's target, its authority and its path.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::target(bytes));
