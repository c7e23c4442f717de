//! What HTTP/2 brings, without sockets: its lists of fields as heads of HTTP/1.1 and back, and the
//! count of frames that a peer may send for nothing.
//!
//! The frames themselves and the compression of heads are the crate's that speaks the protocol. A
//! field that would mean something else in a line of HTTP/1.1 is refused here, before it becomes one.

pub(crate) mod fields;
pub(crate) mod meter;

/// What a client that speaks HTTP/2 begins with (RFC 9113, 3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether what a client has said so far is the protocol's preface; `None`: it may become one.
pub(crate) fn is_preface(bytes: &[u8]) -> Option<bool> {
    let common = bytes.len().min(PREFACE.len());
    if bytes[..common] != PREFACE[..common] {
        return Some(false);
    }
    (common == PREFACE.len()).then_some(true)
}
