//! Addresses, names and networks as people write them, and why a text is none.
//!
//! A name is only judged by its letters: what it leads to is found out while the engine runs, so a
//! configuration can be checked on a machine that cannot resolve it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::model::{Address, Cidr, Discovery, Location};

/// What fits into `sockaddr_un` beside its closing zero.
const UNIX_PATH_BYTES_MAX: usize = 107;
/// Of a whole name and of a part between dots (RFC 1035).
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
const SERVICE: &str = "srv:";
const FILE: &str = "file:";
/// Where DNS servers listen.
const DNS_PORT: u16 = 53;

/// Where a server listens; port 0 lets the kernel choose.
pub(super) fn listener(text: &str) -> Result<Address, String> {
    match text.strip_prefix("unix:") {
        Some(path) => unix(path),
        None => listen(text).map(Address::Tcp),
    }
}

/// The same where only TCP will do.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    if text.starts_with("unix:") {
        return Err("an address and a port are expected here".to_owned());
    }
    match endpoint(text)? {
        Endpoint::Address(address) => Ok(address),
        Endpoint::Name(..) => Err("a server listens on an address, not on a name".to_owned()),
    }
}

/// Where a DNS server is reached; port 53 unless it is said.
pub(super) fn name_server(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::from((address, DNS_PORT)));
    }
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(address),
        Ok(_) | Err(_) => {
            Err("expected an address, such as \"10.0.0.2\" or \"127.0.0.1:5353\"".to_owned())
        }
    }
}

/// Where a backend is, or how it is found.
pub(super) fn backend(text: &str) -> Result<Location, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return unix(path).map(Location::Fixed);
    }
    if let Some(name) = text.strip_prefix(SERVICE) {
        let name = service(name)?;
        return Ok(Location::Discovered(Discovery::Service { name }));
    }
    if let Some(path) = text.strip_prefix(FILE) {
        return if path.is_empty() {
            Err("expected a path: \"file:/etc/pilothouse/api.list\"".to_owned())
        } else {
            Ok(Location::Discovered(Discovery::File { path: PathBuf::from(path) }))
        };
    }
    let (location, port) = match endpoint(text)? {
        Endpoint::Address(address) => (Location::Fixed(Address::Tcp(address)), address.port()),
        Endpoint::Name(name, port) => {
            (Location::Discovered(Discovery::Host { name: host(name)?, port }), port)
        }
    };
    if port == 0 {
        return Err("a backend needs a port from 1 to 65535".to_owned());
    }
    Ok(location)
}

/// An address that needs no looking up.
pub(crate) fn fixed(text: &str) -> Result<Address, String> {
    const EXPECTED: &str = "expected \"127.0.0.1:9000\" or \"unix:/run/app.sock\"";
    match backend(text)? {
        Location::Fixed(address) => Ok(address),
        Location::Discovered(_) => Err(EXPECTED.to_owned()),
    }
}

pub(super) fn unix(path: &str) -> Result<Address, String> {
    if !path.starts_with('/') {
        Err("a socket's path starts with a slash: \"unix:/run/app.sock\"".to_owned())
    } else if path.len() > UNIX_PATH_BYTES_MAX {
        Err(format!("a socket's path has at most {UNIX_PATH_BYTES_MAX} bytes"))
    } else {
        Ok(Address::Unix(PathBuf::from(path)))
    }
}

/// `10.0.0.0/8`, or one address.
pub(super) fn network(text: &str) -> Result<Cidr, String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err("expected an address or a network: \"10.0.0.0/8\", \"fd00::/8\"".to_owned());
    };
    let width: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = match bits.map(str::parse) {
        None => width,
        Some(Ok(bits)) if bits <= width => bits,
        Some(_) => return Err(format!("expected a prefix of 0 to {width} bits")),
    };
    let network = first_of(address, prefix_bits);
    if network == address {
        Ok(Cidr { network, prefix_bits })
    } else {
        Err(format!("an address inside its network; did you mean `{network}/{prefix_bits}`?"))
    }
}

/// Clients that come by an IPv6 socket over IPv4 are known by their IPv4 address; so are networks.
pub(super) fn canonical(cidr: Cidr) -> Cidr {
    match (cidr.network, cidr.network.to_canonical()) {
        (IpAddr::V6(_), short @ IpAddr::V4(_)) if cidr.prefix_bits >= 96 => {
            Cidr { network: short, prefix_bits: cidr.prefix_bits - 96 }
        }
        _ => cidr,
    }
}

/// The network's own address: the bits beyond the prefix cleared.
fn first_of(address: IpAddr, prefix_bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix_bits)).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

/// A host's name in lower case, without the dot that ends it.
fn host(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() > HOST_BYTES_MAX {
        return Err(format!("a host's name has at most {HOST_BYTES_MAX} bytes"));
    }
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for label in name.split('.') {
        if let Some(bad) = label.chars().find(|c| !is_good(*c)) {
            let bad = bad.escape_debug();
            return Err(format!("`{bad}` is in no host's name: letters, digits, `-`, `_` and `.`"));
        }
        if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
            return Err(format!(
                "`{name}` is no host's name: a part of it is empty or begins or ends with `-`"
            ));
        }
        if label.len() > LABEL_BYTES_MAX {
            return Err(format!("a part of a host's name has at most {LABEL_BYTES_MAX} bytes"));
        }
    }
    Ok(text.to_ascii_lowercase())
}

fn service(text: &str) -> Result<String, String> {
    let hint = "expected \"srv:_http._tcp.app.internal\"; the ports come from DNS";
    let mut labels = text.split('.');
    let (service, protocol) = (labels.next().unwrap_or(""), labels.next().unwrap_or(""));
    let is_part = |label: &str| label.len() > 1 && label.starts_with('_');
    if text.contains(':') || !is_part(service) || !is_part(protocol) || labels.next().is_none() {
        return Err(hint.to_owned());
    }
    host(text)
}

enum Endpoint<'a> {
    Address(SocketAddr),
    Name(&'a str, u16),
}

fn endpoint(text: &str) -> Result<Endpoint<'_>, String> {
    if let Ok(address) = text.parse() {
        return Ok(Endpoint::Address(address));
    }
    if text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
        return Err(format!("an IPv6 address needs brackets and a port: \"[{text}]:8080\""));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            format!("a port needs an address: \"127.0.0.1:{text}\" or \"0.0.0.0:{text}\"")
        } else {
            format!("expected host:port, such as \"{text}:8080\"")
        });
    };
    let Ok(port) = port.parse::<u16>() else {
        return Err("expected a port from 0 to 65535 behind the colon".to_owned());
    };
    match host {
        "localhost" => Ok(Endpoint::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))),
        "" | "*" => Err(format!("for every address, write \"0.0.0.0:{port}\" or \"[::]:{port}\"")),
        _ if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Err(format!("`{host}` is not an IPv4 address"))
        }
        _ if host.contains(':') => Err(format!("`{host}` is not an IPv6 address in brackets")),
        _ => Ok(Endpoint::Name(host, port)),
    }
}
