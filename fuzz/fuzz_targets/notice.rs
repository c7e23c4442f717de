//! A datagram of `sd_notify`, as any process may send it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::notice(bytes));
