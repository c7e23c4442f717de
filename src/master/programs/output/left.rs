//! What of the output is only in this process's memory, as a master that makes way leaves it to the
//! next: what waits for a file or a reader, and lines that were begun.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Source;
use super::outlet::Way;
use crate::config::limits::PROGRAM_LEFT_BYTES_MAX;
use crate::master::programs::event::InstanceId;

/// Entries and their bytes, one after another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    what: What,
    length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::master::programs) enum What {
    /// For this file, which has lost so much before.
    File {
        path: PathBuf,
        lost_bytes: u64,
    },
    /// A piece for who reads the engine's own output, or for the system log.
    Piece(Way),
    Begun {
        id: InstanceId,
        source: Source,
    },
}

impl Left {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes found no room.
    pub(in crate::master::programs) fn add(&mut self, what: What, bytes: &[u8]) -> usize {
        if self.bytes.len() + bytes.len() > PROGRAM_LEFT_BYTES_MAX {
            return bytes.len();
        }
        self.entries.push(Entry { what, length: bytes.len() });
        self.bytes.extend_from_slice(bytes);
        0
    }

    pub(in crate::master::programs) fn each(&self) -> impl Iterator<Item = (&What, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().map_while(move |entry| {
            let (bytes, others) = rest.split_at_checked(entry.length)?;
            rest = others;
            Some((&entry.what, bytes))
        })
    }

    /// The entries as one line of JSON, then the bytes as they are.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoded = serde_json::to_vec(&self.entries).expect("plain data always serialises");
        encoded.push(b'\n');
        encoded.extend_from_slice(&self.bytes);
        encoded
    }

    /// Nothing of what can not be read.
    pub(crate) fn decode(encoded: &[u8]) -> Option<Self> {
        let end = memchr::memchr(b'\n', encoded)?;
        let entries = serde_json::from_slice(&encoded[..end]).ok()?;
        Some(Self { entries, bytes: encoded[end + 1..].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_read_as_it_was_within_its_bound() {
        let mut left = Left::default();
        let id = InstanceId { program: "web".into(), instance: 1 };
        let begun = What::Begun { id, source: Source::Stderr };
        let file = What::File { path: "/var/log/a\nb.log".into(), lost_bytes: 7 };
        assert_eq!(left.add(file.clone(), b"one\n\xff\n"), 0);
        assert_eq!(left.add(begun.clone(), b"no end"), 0);
        let read = Left::decode(&left.encode()).unwrap();
        assert_eq!(read, left);
        let each: Vec<_> = read.each().collect();
        assert_eq!(each, [(&file, &b"one\n\xff\n"[..]), (&begun, &b"no end"[..])]);
        let much = vec![b'x'; PROGRAM_LEFT_BYTES_MAX];
        assert_eq!(left.add(file, &much), much.len());
        for broken in [&b""[..], b"[]", b"{}\n", b"[1]\nx"] {
            assert_eq!(Left::decode(broken), None);
        }
    }
}
