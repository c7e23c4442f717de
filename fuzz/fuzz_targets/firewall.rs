//! Whatever a request carries: judged without a panic, and twice alike.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::firewall(bytes));
