//! The PROXY protocol's header, both versions: read from whoever stands before us, written to
//! whoever stands behind.
//!
//! Reads by the specification's letter and within bounds: what is not exactly a header is malformed
//! as soon as that can be known. A header that speaks for nobody (`UNKNOWN`, LOCAL, families other
//! than TCP) leaves the connection its own addresses; the extensions of version 2 are passed over.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest line of version 1, its end included, as the specification counts it.
pub(crate) const V1_BYTES_MAX: usize = 107;
/// Version 2 could say 64 KiB; nginx's bound is enough for every extension in use.
pub(crate) const V2_BYTES_MAX: usize = 4096;

const V1_BEGINNING: &[u8] = b"PROXY ";
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const V2_FIXED_BYTES: usize = V2_SIGNATURE.len() + 4;

/// Version and command of version 2.
const V2_LOCAL: u8 = 0x20;
const V2_PROXY: u8 = 0x21;
/// Family and transport.
const V2_UNSPEC: u8 = 0x00;
const V2_TCP4: u8 = 0x11;
const V2_TCP6: u8 = 0x21;
const V4_ADDRESSES_BYTES: usize = 12;
const V6_ADDRESSES_BYTES: usize = 36;

/// The connection that a header speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What of the input it takes.
    pub(crate) bytes: usize,
    /// `None`: it speaks for nobody.
    pub(crate) endpoints: Option<Endpoints>,
}

/// No PROXY header begins like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed PROXY header")]
pub(crate) struct Malformed;

/// Reads the header at the front of `bytes`; `None` while there is only its beginning.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    if begins(bytes, V2_SIGNATURE) {
        parse_v2(bytes)
    } else if begins(bytes, V1_BEGINNING) {
        parse_v1(bytes)
    } else {
        Err(Malformed)
    }
}

/// Whether `bytes` begin like `pattern`, as far as there are any.
fn begins(bytes: &[u8], pattern: &[u8]) -> bool {
    let both = bytes.len().min(pattern.len());
    bytes[..both] == pattern[..both]
}

fn parse_v1(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let within = &bytes[..bytes.len().min(V1_BYTES_MAX)];
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        return if within.len() < V1_BYTES_MAX { Ok(None) } else { Err(Malformed) };
    };
    let line = within.get(V1_BEGINNING.len()..end).ok_or(Malformed)?;
    let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let mut words = line.split(' ');
    let endpoints = match words.next() {
        // Whatever else stands there is to be passed over.
        Some("UNKNOWN") => None,
        Some("TCP4") => {
            Some(v1_endpoints(words, |word| word.parse::<Ipv4Addr>().ok().map(IpAddr::V4))?)
        }
        Some("TCP6") => {
            Some(v1_endpoints(words, |word| word.parse::<Ipv6Addr>().ok().map(IpAddr::V6))?)
        }
        Some(_) | None => return Err(Malformed),
    };
    Ok(Some(Header { bytes: end + 2, endpoints }))
}

fn v1_endpoints<'a>(
    mut words: impl Iterator<Item = &'a str>,
    address: impl Fn(&str) -> Option<IpAddr>,
) -> Result<Endpoints, Malformed> {
    let mut addresses = || words.next().and_then(&address).ok_or(Malformed);
    let (source, destination) = (addresses()?, addresses()?);
    let mut ports = || words.next().and_then(port).ok_or(Malformed);
    let (source_port, destination_port) = (ports()?, ports()?);
    if words.next().is_some() {
        return Err(Malformed);
    }
    Ok(Endpoints {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// Digits without a sign or leading zeros.
fn port(word: &str) -> Option<u16> {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain && (word == "0" || !word.starts_with('0'))).then(|| word.parse().ok())?
}

fn parse_v2(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(&[command, family, high, low]) = bytes.get(V2_SIGNATURE.len()..V2_FIXED_BYTES) else {
        return Ok(None);
    };
    let end = V2_FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if end > V2_BYTES_MAX {
        return Err(Malformed);
    }
    let is_local = match command {
        V2_LOCAL => true,
        V2_PROXY => false,
        _ => return Err(Malformed),
    };
    let Some(rest) = bytes.get(V2_FIXED_BYTES..end) else { return Ok(None) };
    let endpoints = match family {
        _ if is_local => None,
        V2_TCP4 => Some(v4_endpoints(rest.first_chunk().ok_or(Malformed)?)),
        V2_TCP6 => Some(v6_endpoints(rest.first_chunk().ok_or(Malformed)?)),
        _ => None,
    };
    Ok(Some(Header { bytes: end, endpoints }))
}

fn v4_endpoints(bytes: &[u8; V4_ADDRESSES_BYTES]) -> Endpoints {
    let address = |from: usize| {
        let mut octets = [0; 4];
        octets.copy_from_slice(&bytes[from..from + 4]);
        Ipv4Addr::from(octets).into()
    };
    endpoints(address(0), address(4), [bytes[8], bytes[9], bytes[10], bytes[11]])
}

fn v6_endpoints(bytes: &[u8; V6_ADDRESSES_BYTES]) -> Endpoints {
    let address = |from: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&bytes[from..from + 16]);
        Ipv6Addr::from(octets).into()
    };
    endpoints(address(0), address(16), [bytes[32], bytes[33], bytes[34], bytes[35]])
}

fn endpoints(source: IpAddr, destination: IpAddr, ports: [u8; 4]) -> Endpoints {
    let [a, b, c, d] = ports;
    Endpoints {
        source: SocketAddr::new(source, u16::from_be_bytes([a, b])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([c, d])),
    }
}

/// The line of version 1.
pub(crate) fn v1(endpoints: Option<Endpoints>) -> Vec<u8> {
    let Some(Endpoints { source, destination }) = endpoints else {
        return b"PROXY UNKNOWN\r\n".to_vec();
    };
    let mut line = Vec::with_capacity(V1_BYTES_MAX);
    let (family, from, to) = match (source.ip(), destination.ip()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => ("TCP4", source.ip(), destination.ip()),
        (from, to) => ("TCP6", IpAddr::V6(as_v6(from)), IpAddr::V6(as_v6(to))),
    };
    let (source_port, destination_port) = (source.port(), destination.port());
    let written = write!(line, "PROXY {family} {from} {to} {source_port} {destination_port}\r\n");
    debug_assert!(written.is_ok(), "memory takes everything");
    line
}

/// The bytes of version 2.
pub(crate) fn v2(endpoints: Option<Endpoints>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(V2_FIXED_BYTES + V6_ADDRESSES_BYTES);
    bytes.extend_from_slice(V2_SIGNATURE);
    let Some(Endpoints { source, destination }) = endpoints else {
        bytes.extend_from_slice(&[V2_LOCAL, V2_UNSPEC, 0, 0]);
        return bytes;
    };
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            bytes.extend_from_slice(&[V2_PROXY, V2_TCP4, 0, V4_ADDRESSES_BYTES as u8]);
            bytes.extend_from_slice(&from.octets());
            bytes.extend_from_slice(&to.octets());
        }
        (from, to) => {
            bytes.extend_from_slice(&[V2_PROXY, V2_TCP6, 0, V6_ADDRESSES_BYTES as u8]);
            bytes.extend_from_slice(&as_v6(from).octets());
            bytes.extend_from_slice(&as_v6(to).octets());
        }
    }
    bytes.extend_from_slice(&source.port().to_be_bytes());
    bytes.extend_from_slice(&destination.port().to_be_bytes());
    bytes
}

/// Both addresses of a header are of one family.
fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}
