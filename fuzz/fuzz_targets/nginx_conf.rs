//! Nginx's configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pilothouse::fuzz::nginx_conf(bytes));
