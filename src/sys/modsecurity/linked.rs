//! Rules in the engine, and requests that are held against them.
//!
//! One engine serves the process to its end, since a second one's end would take from the first what
//! libraries below share. Rules only ever change while they are loaded, which is over before anybody
//! else has them; a transaction stays with the thread that made it.
#![allow(unsafe_code, reason = "the engine is a library of C++")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::LazyLock;

use super::library::{
    self, Engine, Intervention, RuleSet, Transaction, msc_add_n_request_header,
    msc_append_request_body, msc_create_rules_set, msc_init, msc_intervention, msc_new_transaction,
    msc_process_connection, msc_process_request_body, msc_process_request_headers, msc_process_uri,
    msc_rules_add, msc_rules_add_file, msc_rules_cleanup, msc_set_log_cb, msc_transaction_cleanup,
};
use super::{Asked, LINES_MAX, Line};
use crate::sys;

/// Behind the file's own: what is done with a request is not the engine's to say, and nothing is
/// written by it.
const OURS: &CStr = c"SecRuleEngine On\nSecAuditEngine Off\nSecRequestBodyAccess On\n";

#[derive(Debug)]
pub(crate) struct Rules {
    set: *mut RuleSet,
}

// SAFETY: the library is made for servers with threads: a loaded set is read by any number of
// transactions at a time, and locks what they share.
unsafe impl Send for Rules {}
// SAFETY: the same.
unsafe impl Sync for Rules {}

struct Shared {
    engine: *mut Engine,
    /// What the engine takes for the server's address: its lines name it behind the rule's own words
    /// and before the client's path, so nobody else may know it.
    mark: CString,
}

// SAFETY: the engine is made ready before it is shared, and only read from then on.
unsafe impl Send for Shared {}
// SAFETY: the same.
unsafe impl Sync for Shared {}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let secret: [u8; 16] =
        sys::random::secret().unwrap_or_else(|_| u128::from(sys::random::seed()).to_le_bytes());
    let mut mark = String::new();
    for byte in secret {
        write!(mark, "{byte:02x}").expect("a text grows");
    }
    // SAFETY: the library has no state before this call.
    let engine = unsafe { msc_init() };
    // SAFETY: the engine is new, and `note` takes what the library promises.
    unsafe { msc_set_log_cb(engine, note) };
    Shared { engine, mark: CString::new(mark).expect("digits hold no zero byte") }
});

impl Rules {
    /// The error has the file and the line.
    pub(crate) fn load(file: &Path) -> Result<Self, String> {
        LazyLock::force(&SHARED);
        let path = CString::new(file.as_os_str().as_bytes())
            .map_err(|_| format!("{} is no path", file.display()))?;
        // SAFETY: makes a set, and touches nothing else.
        let rules = Self { set: unsafe { msc_create_rules_set() } };
        let mut error = ptr::null_mut();
        // SAFETY: the set is ours alone, the path ends with a zero byte, and `error` is ours.
        let added = unsafe { msc_rules_add_file(rules.set, path.as_ptr(), &raw mut error) };
        let error_of_file = taken(error);
        if added < 0 {
            let error = error_of_file.unwrap_or_default();
            return Err(plain(&String::from_utf8_lossy(&error), file));
        }
        let mut error = ptr::null_mut();
        // SAFETY: as above.
        let added = unsafe { msc_rules_add(rules.set, OURS.as_ptr(), &raw mut error) };
        let error = taken(error);
        if added < 0 {
            let error = error.unwrap_or_default();
            return Err(format!("{}: {}", file.display(), String::from_utf8_lossy(&error)));
        }
        Ok(rules)
    }

    /// Holds a request against the rules of its head and body, which takes as long as they take.
    pub(crate) fn judge(&self, asked: &Asked) -> Vec<Line> {
        let mut lines = Vec::new();
        let sink: *mut Vec<Line> = &raw mut lines;
        // SAFETY: engine and rules outlive the transaction, and so does what it logs into.
        let transaction = unsafe { msc_new_transaction(SHARED.engine, self.set, sink.cast()) };
        // SAFETY: the transaction was made here and is used by nobody else; `hold` ends before it.
        let refusal = unsafe { hold(transaction, asked) };
        // SAFETY: nothing of the transaction is left with us.
        unsafe { msc_transaction_cleanup(transaction) };
        lines.extend(refusal.map(|text| Line { text, is_refusal: true }));
        for line in &mut lines {
            cut(&mut line.text);
        }
        lines
    }

    /// Frees them, which takes a while.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        // SAFETY: whoever had a transaction of these rules has let go of them.
        unsafe { msc_rules_cleanup(self.set) };
    }
}

/// Returns what the engine would log of a refusal.
///
/// # Safety
/// The transaction is alive, and no other thread has it.
unsafe fn hold(transaction: *mut Transaction, asked: &Asked) -> Option<Vec<u8>> {
    let client = asked.client.map_or_else(String::new, |client| client.to_string());
    let [client, target, method, version] =
        [client.as_bytes(), &asked.target, &asked.method, asked.version.as_bytes()].map(text);
    // SAFETY: the texts end with a zero byte and outlive each call, which copies what it keeps; the
    // same holds for bytes with their lengths below.
    unsafe {
        msc_process_connection(transaction, client.as_ptr(), 0, SHARED.mark.as_ptr(), 0);
        msc_process_uri(transaction, target.as_ptr(), method.as_ptr(), version.as_ptr());
    }
    for (name, value) in &asked.headers {
        // SAFETY: as above.
        unsafe {
            msc_add_n_request_header(
                transaction,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            );
        }
    }
    // SAFETY: as above.
    unsafe { msc_process_request_headers(transaction) };
    // SAFETY: as this function's own.
    if let Some(refusal) = unsafe { intervention(transaction) } {
        return Some(refusal);
    }
    // SAFETY: as above.
    unsafe {
        if !asked.body.is_empty() {
            msc_append_request_body(transaction, asked.body.as_ptr(), asked.body.len());
        }
        msc_process_request_body(transaction);
        intervention(transaction)
    }
}

/// # Safety
/// As of `hold`.
unsafe fn intervention(transaction: *mut Transaction) -> Option<Vec<u8>> {
    let mut found = Intervention {
        status: 0,
        pause: 0,
        url: ptr::null_mut(),
        log: ptr::null_mut(),
        disruptive: 0,
    };
    // SAFETY: the record is ours and of the library's shape.
    unsafe { msc_intervention(transaction, &raw mut found) };
    drop(taken(found.url));
    let log = taken(found.log);
    (found.disruptive != 0).then(|| log.unwrap_or_default())
}

/// A text that the library has made for us.
fn taken(text: *mut c_char) -> Option<Vec<u8>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it ends with a zero byte, is of `malloc`, and nobody else frees it.
    unsafe {
        let bytes = CStr::from_ptr(text).to_bytes().to_vec();
        libc::free(text.cast());
        Some(bytes)
    }
}

/// Bytes up to the first zero byte, which no request line has.
fn text(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

/// What the engine logs of a rule that matched and refuses nothing.
unsafe extern "C" fn note(sink: *mut c_void, text: *const c_void) {
    if sink.is_null() || text.is_null() {
        return;
    }
    // SAFETY: it is the list that `judge` waits behind, on the same thread.
    let lines = unsafe { &mut *sink.cast::<Vec<Line>>() };
    // SAFETY: the library's log is a text that ends with a zero byte.
    let text = unsafe { CStr::from_ptr(text.cast()) };
    if lines.len() < LINES_MAX {
        lines.push(Line { text: text.to_bytes().to_vec(), is_refusal: false });
    }
}

/// Takes off what stands from the mark on.
fn cut(line: &mut Vec<u8>) {
    let mark = SHARED.mark.as_bytes();
    let at = line.windows(mark.len()).position(|window| window == mark).unwrap_or(0);
    line.truncate(at);
}

/// `Rules error. File: a.conf. Line: 2. Column: 16. Invalid input: …` in this program's words.
fn plain(error: &str, file: &Path) -> String {
    let error = error.trim().strip_prefix("Rules error. ").unwrap_or(error.trim());
    let placed = error.strip_prefix("File: ").and_then(|rest| {
        let (path, rest) = rest.split_once(". Line: ")?;
        let (line, rest) = rest.split_once(". Column: ")?;
        let (column, reason) = rest.split_once(". ")?;
        Some(format!("{path}:{line}:{column}: {}", reason.trim()))
    });
    placed.unwrap_or_else(|| match error {
        "" => format!("{}: no rules could be read", file.display()),
        error => format!("{}: {error}", file.display()),
    })
}

const _: () = assert!(size_of::<library::Intervention>() == 32);
