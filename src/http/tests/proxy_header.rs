//! PROXY headers as tables, and what holds for any bytes.

use std::net::SocketAddr;

use proptest::prelude::*;

use crate::http::properties::introductions;
use crate::http::proxy_header::{
    Endpoints, Header, Malformed, V1_BYTES_MAX, V2_BYTES_MAX, parse, v1, v2,
};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn endpoints(source: &str, destination: &str) -> Endpoints {
    Endpoints { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

/// A header of version 2 with this command, family and rest.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = (rest.len() as u16).to_be_bytes();
    [SIGNATURE, &[command, family], &length[..], rest].concat()
}

#[test]
fn lines_are_read_to_the_letter() {
    let v4 = Some(endpoints("192.168.0.1:56324", "192.168.0.11:443"));
    let v6 = Some(endpoints("[2001:db8::1]:4124", "[2001:db8::2]:443"));
    for (line, expected) in [
        ("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", Ok(v4)),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 4124 443\r\n", Ok(v6)),
        ("PROXY UNKNOWN\r\n", Ok(None)),
        ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", Ok(None)),
        ("PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n", Err(Malformed)),
        ("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 1\r\n", Err(Malformed)),
        ("PROXY TCP4 192.168.0.1 192.168.0.11  56324 443\r\n", Err(Malformed)),
        ("PROXY TCP4 192.168.0.1 192.168.0.11 +6324 443\r\n", Err(Malformed)),
        ("PROXY TCP4 192.168.0.1 192.168.0.11 065 443\r\n", Err(Malformed)),
        ("PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n", Err(Malformed)),
        ("PROXY TCP4 192.168.0.1 2001:db8::2 56324 443\r\n", Err(Malformed)),
        ("PROXY TCP4 localhost 192.168.0.11 56324 443\r\n", Err(Malformed)),
        ("PROXY UDP4 192.168.0.1 192.168.0.11 56324 443\r\n", Err(Malformed)),
        ("PROXY \r\n", Err(Malformed)),
        ("PROXY TCP4\u{e9}\r\n", Err(Malformed)),
        ("GET / HTTP/1.1\r\n", Err(Malformed)),
        ("proxy TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", Err(Malformed)),
    ] {
        let behind = format!("{line}GET / HTTP/1.1\r\n");
        let expected = expected.map(|endpoints| Some(Header { bytes: line.len(), endpoints }));
        assert_eq!(parse(behind.as_bytes()), expected, "{line}");
    }
    let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; V1_BYTES_MAX]].concat();
    assert_eq!(parse(&endless), Err(Malformed));
    assert_eq!(parse(&endless[..V1_BYTES_MAX - 1]), Ok(None));
}

#[test]
fn the_binary_form_is_read_within_its_length() {
    let v4_bytes = [10, 0, 0, 1, 10, 0, 0, 2, 0x1f, 0x90, 0, 80];
    let v4 = Some(endpoints("10.0.0.1:8080", "10.0.0.2:80"));
    let with_extension = [&v4_bytes[..], &[0x04, 0, 2, 9, 9]].concat();
    for (bytes, expected) in [
        (binary(0x21, 0x11, &v4_bytes), Ok(v4)),
        (binary(0x21, 0x11, &with_extension), Ok(v4)),
        (binary(0x20, 0x00, &[]), Ok(None)),
        (binary(0x20, 0x11, &v4_bytes), Ok(None)),
        (binary(0x21, 0x00, &[1, 2, 3]), Ok(None)),
        (binary(0x21, 0x12, &v4_bytes), Ok(None)),
        (binary(0x21, 0x31, &[0; 216]), Ok(None)),
        (binary(0x21, 0x11, &v4_bytes[..11]), Err(Malformed)),
        (binary(0x21, 0x21, &v4_bytes), Err(Malformed)),
        (binary(0x11, 0x11, &v4_bytes), Err(Malformed)),
        (binary(0x22, 0x11, &v4_bytes), Err(Malformed)),
    ] {
        let expected = expected.map(|endpoints| Some(Header { bytes: bytes.len(), endpoints }));
        let behind = [&bytes[..], b"GET /"].concat();
        assert_eq!(parse(&behind), expected, "{bytes:?}");
        for cut in 0..bytes.len() {
            assert!(!matches!(parse(&bytes[..cut]), Ok(Some(_))), "{cut} of {bytes:?}");
        }
    }
    // A length beyond the bound is refused before so much is read.
    let long = binary(0x21, 0x11, &vec![0; V2_BYTES_MAX]);
    assert_eq!(parse(&long[..16]), Err(Malformed));
}

#[test]
fn who_speaks_for_nobody_says_so() {
    assert_eq!(v1(None), b"PROXY UNKNOWN\r\n");
    assert_eq!(v2(None), binary(0x20, 0, &[]));
}

fn address() -> impl Strategy<Value = SocketAddr> {
    any::<(std::net::IpAddr, u16)>().prop_map(SocketAddr::from)
}

proptest! {
    /// What is written is read, whole or not at all, whatever comes behind.
    #[test]
    fn what_is_written_is_read(
        source in address(),
        destination in address(),
        behind in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let canonical = |endpoints: Endpoints| {
            let ip = |address: SocketAddr| (address.ip().to_canonical(), address.port());
            (ip(endpoints.source), ip(endpoints.destination))
        };
        let written = Endpoints { source, destination };
        for bytes in [v1(Some(written)), v2(Some(written))] {
            let header = parse(&[&bytes[..], &behind].concat()).unwrap().unwrap();
            prop_assert_eq!(header.bytes, bytes.len());
            prop_assert_eq!(header.endpoints.map(canonical), Some(canonical(written)));
            for cut in 0..bytes.len() {
                prop_assert_eq!(parse(&bytes[..cut]), Ok(None));
            }
        }
    }

    /// Beginnings that random bytes do not find.
    #[test]
    fn what_is_promised_of_any_bytes(
        start in prop::sample::select(vec![&b"PROXY "[..], b"PROXY TCP4 ", SIGNATURE]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        introductions::proxy_header(&[start, &rest].concat());
    }
}
