//! Supervisor's configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::supervisor_ini(bytes));
