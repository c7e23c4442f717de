//! A peer address as text, written once a connection. The short ones, which nearly all are, are kept in
//! place: a connection is held for long and does little.

use std::io::Write as _;
use std::net::IpAddr;

use crate::http::client_ip;

/// As nginx calls whoever came by the file system.
const OF_SOCKETS: &str = "unix:";

/// The longest IPv4 text.
const SHORT_BYTES_MAX: usize = 15;

pub(crate) enum PeerText {
    Short { bytes: [u8; SHORT_BYTES_MAX], len: u8 },
    Long(Box<str>),
}

const _: () = assert!(size_of::<PeerText>() <= 24);

impl PeerText {
    pub(crate) fn new(address: IpAddr) -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        let mut free = &mut bytes[..];
        let written = match address {
            client_ip::NO_ADDRESS => write!(free, "{OF_SOCKETS}"),
            address => write!(free, "{address}"),
        };
        match written {
            Ok(()) => Self::Short { len: (SHORT_BYTES_MAX - free.len()) as u8, bytes },
            Err(_) => Self::Long(address.to_string().into()),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { bytes, len } => &bytes[..usize::from(*len)],
            Self::Long(text) => text.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_written_whole() {
        for text in ["127.0.0.1", "255.255.255.255", "::1", "2001:db8::ff00:42:8329"] {
            assert_eq!(PeerText::new(text.parse().unwrap()).as_bytes(), text.as_bytes());
        }
        assert_eq!(PeerText::new(client_ip::NO_ADDRESS).as_bytes(), b"unix:");
    }
}
