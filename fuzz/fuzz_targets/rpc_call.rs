//! A call of Supervisor's clients.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::rpc_call(bytes));
