//! First messages of TLS clients: one reading, wherever the bytes are cut.

use crate::http::client_hello::{self, HELLO_BYTES_MAX, Hello};

pub(crate) fn client_hello(bytes: &[u8]) {
    let whole = client_hello::look(bytes);
    for cut in 0..bytes.len() {
        match client_hello::look(&bytes[..cut]) {
            // It is never waited for less than there is, nor for more than is read.
            Hello::Begun(needed) => assert!(cut < needed && needed <= HELLO_BYTES_MAX),
            // More bytes change nothing.
            early => assert_eq!(early, whole, "{cut} of {}", bytes.escape_ascii()),
        }
    }
    match whole {
        Hello::Begun(needed) => assert!(bytes.len() < needed),
        Hello::Named(name) => assert!(!name.is_empty()),
        Hello::Nameless => {}
    }
}
