//! The name in a client's first message, in one record or in many.

use proptest::prelude::*;

use crate::http::client_hello::{self, Hello};
use crate::http::properties::hellos;

fn sized(length_bytes: usize, part: &[u8]) -> Vec<u8> {
    let length = (part.len() as u32).to_be_bytes();
    [&length[4 - length_bytes..], part].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized(2, body)].concat()
}

fn of_name(name: &[u8]) -> Vec<u8> {
    extension(0, &sized(2, &[&[0], &sized(2, name)[..]].concat()))
}

/// The handshake's message.
fn message(extensions: &[u8]) -> Vec<u8> {
    let fixed = [3_u8; 34];
    let parts = [&fixed[..], &sized(1, &[7; 32]), &sized(2, &[0x13, 1]), &sized(1, &[0])].concat();
    let extensions = if extensions.is_empty() { Vec::new() } else { sized(2, extensions) };
    [&[1], &sized(3, &[parts, extensions].concat())[..]].concat()
}

/// The same in records of so many bytes each.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1], &sized(2, part)[..]].concat();
    message.chunks(size).flat_map(record).collect()
}

fn named(bytes: &[u8]) -> Option<String> {
    match client_hello::look(bytes) {
        Hello::Named(name) => Some(String::from_utf8_lossy(&name).into_owned()),
        Hello::Nameless => None,
        Hello::Begun(needed) => panic!("{needed} wanted of {}", bytes.len()),
    }
}

#[test]
fn a_name_is_found_wherever_it_stands() {
    let other = extension(16, b"\0\x0c\x02h2\x08http/1.1");
    for extensions in [
        of_name(b"a.example.com"),
        [other.clone(), of_name(b"a.example.com")].concat(),
        [of_name(b"a.example.com"), other.clone()].concat(),
    ] {
        for size in [1, 7, 16_000] {
            let bytes = records(&message(&extensions), size);
            assert_eq!(named(&bytes).as_deref(), Some("a.example.com"), "{size}");
        }
    }
}

#[test]
fn what_names_nobody_is_not_waited_for() {
    for bytes in [
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"\x80\x2e\x01\x03\x01".to_vec(),
        vec![21, 3, 1, 0, 2, 2, 40],
        vec![22, 3, 1, 0, 0],
        records(&message(b""), 16_000),
        records(&message(&extension(16, b"\0\x03\x02h2")), 16_000),
        records(&message(&of_name(b"")), 16_000),
        records(&message(&of_name(&[b'a'; 256])), 16_000),
        records(&[2, 0, 0, 1, 0], 16_000),
        // A part that reaches beyond the whole.
        records(&message(&[0, 0, 0, 200, 0, 3, 0, 0, 1]), 16_000),
        // Longer than is read.
        records(&[&[1, 0, 0xff, 0xff], &vec![0; 17_000][..]].concat(), 16_000),
    ] {
        assert_eq!(named(&bytes), None, "{}", bytes[..bytes.len().min(64)].escape_ascii());
    }
    assert_eq!(client_hello::look(b""), Hello::Begun(5));
    assert_eq!(client_hello::look(&[22, 3, 1, 0, 9]), Hello::Begun(6));
}

proptest! {
    #[test]
    fn any_name_in_any_records_is_read(
        name in "[a-z0-9.-]{1,60}",
        before in proptest::collection::vec((1_u16..60, proptest::collection::vec(any::<u8>(), 0..40)), 0..4),
        size in 1_usize..300,
        behind in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let others: Vec<u8> = before.iter().flat_map(|(kind, body)| extension(*kind, body)).collect();
        let extensions = [others, of_name(name.as_bytes())].concat();
        let bytes = [records(&message(&extensions), size), behind].concat();
        prop_assert_eq!(named(&bytes), Some(name));
        hellos::client_hello(&bytes);
    }

    #[test]
    fn hello_like_bytes_keep_every_promise(
        size in 1_usize..80,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = records(&message(&of_name(b"a.example.com")), size);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        hellos::client_hello(&bytes);
    }
}
