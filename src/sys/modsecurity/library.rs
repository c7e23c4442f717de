//! What is called of libmodsecurity 3: its C interface, as `modsecurity/*.h` declares it.
#![allow(unsafe_code, reason = "what a library of C offers is declared by hand")]

use std::ffi::{c_char, c_int, c_uchar, c_void};

macro_rules! opaque {
    ($($name:ident),*) => {
        $(#[repr(C)]
        pub(super) struct $name {
            _bytes: [u8; 0],
        })*
    };
}

opaque!(Engine, RuleSet, Transaction);

/// `ModSecurityIntervention`
#[repr(C)]
pub(super) struct Intervention {
    pub(super) status: c_int,
    pub(super) pause: c_int,
    /// Of `malloc`, and the caller's; so is `log`.
    pub(super) url: *mut c_char,
    pub(super) log: *mut c_char,
    pub(super) disruptive: c_int,
}

/// Is called with what `msc_new_transaction` was given, and a text.
pub(super) type LogCallback = unsafe extern "C" fn(*mut c_void, *const c_void);

#[link(name = "modsecurity")]
unsafe extern "C" {
    pub(super) fn msc_init() -> *mut Engine;
    pub(super) fn msc_set_log_cb(engine: *mut Engine, callback: LogCallback);

    pub(super) fn msc_create_rules_set() -> *mut RuleSet;
    /// Negative when it fails; `error` is then of `malloc`, and the caller's.
    pub(super) fn msc_rules_add_file(
        rules: *mut RuleSet,
        file: *const c_char,
        error: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn msc_rules_add(
        rules: *mut RuleSet,
        text: *const c_char,
        error: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn msc_rules_cleanup(rules: *mut RuleSet) -> c_int;

    pub(super) fn msc_new_transaction(
        engine: *mut Engine,
        rules: *mut RuleSet,
        log_data: *mut c_void,
    ) -> *mut Transaction;
    pub(super) fn msc_process_connection(
        transaction: *mut Transaction,
        client: *const c_char,
        client_port: c_int,
        server: *const c_char,
        server_port: c_int,
    ) -> c_int;
    pub(super) fn msc_process_uri(
        transaction: *mut Transaction,
        uri: *const c_char,
        method: *const c_char,
        version: *const c_char,
    ) -> c_int;
    pub(super) fn msc_add_n_request_header(
        transaction: *mut Transaction,
        name: *const c_uchar,
        name_bytes: usize,
        value: *const c_uchar,
        value_bytes: usize,
    ) -> c_int;
    pub(super) fn msc_process_request_headers(transaction: *mut Transaction) -> c_int;
    pub(super) fn msc_append_request_body(
        transaction: *mut Transaction,
        body: *const c_uchar,
        bytes: usize,
    ) -> c_int;
    pub(super) fn msc_process_request_body(transaction: *mut Transaction) -> c_int;
    pub(super) fn msc_intervention(
        transaction: *mut Transaction,
        intervention: *mut Intervention,
    ) -> c_int;
    pub(super) fn msc_transaction_cleanup(transaction: *mut Transaction);
}
