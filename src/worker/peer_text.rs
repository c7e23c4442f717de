//! A peer address as text, written once a connection and kept in place.

use std::io::Write as _;
use std::net::IpAddr;

/// The longest IPv6 text.
const TEXT_BYTES_MAX: usize = 45;

pub(crate) struct PeerText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: u8,
}

impl PeerText {
    pub(crate) fn new(address: IpAddr) -> Self {
        let mut bytes = [0; TEXT_BYTES_MAX];
        let mut free = &mut bytes[..];
        write!(free, "{address}").expect("the longest address fits");
        let len = (TEXT_BYTES_MAX - free.len()) as u8;
        Self { bytes, len }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
