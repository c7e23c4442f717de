//! PROXY headers: one end, wherever the bytes are cut, and nothing read that was not said.

use crate::http::proxy_header::{self, Header, V1_BYTES_MAX, V2_BYTES_MAX};

pub(crate) fn proxy_header(bytes: &[u8]) {
    let parsed = proxy_header::parse(bytes);
    let judged_bytes = bytes.len().min(V1_BYTES_MAX + 1);
    for cut in 0..judged_bytes {
        match proxy_header::parse(&bytes[..cut]) {
            Ok(None) => assert!(cut < V2_BYTES_MAX),
            // More bytes change nothing, be it good or bad.
            early => assert_eq!(early, parsed, "{cut} of {}", bytes.escape_ascii()),
        }
    }
    let Ok(Some(Header { bytes: taken, endpoints })) = parsed else { return };
    assert!(taken <= bytes.len() && taken <= V2_BYTES_MAX, "{}", bytes.escape_ascii());
    assert_eq!(proxy_header::parse(&bytes[..taken]), parsed);
    assert_eq!(proxy_header::parse(&bytes[..taken - 1]), Ok(None));
    for written in [proxy_header::v1(endpoints), proxy_header::v2(endpoints)] {
        let again = proxy_header::parse(&written);
        assert_eq!(again, Ok(Some(Header { bytes: written.len(), endpoints })));
    }
}
