//! Addresses and networks as people write them, and why a text is none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::model::{Address, Cidr};

/// What fits into `sockaddr_un` beside its closing zero.
const UNIX_PATH_BYTES_MAX: usize = 107;

/// Where a server listens; port 0 lets the kernel choose.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    if text.starts_with("unix:") {
        return Err("servers listen on TCP only, in this version".to_owned());
    }
    socket(text)
}

/// Where a backend is reached.
pub(super) fn backend(text: &str) -> Result<Address, String> {
    let Some(path) = text.strip_prefix("unix:") else {
        let address = socket(text)?;
        return if address.port() == 0 {
            Err("a backend needs a port from 1 to 65535".to_owned())
        } else {
            Ok(Address::Tcp(address))
        };
    };
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

fn socket(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
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
        "localhost" => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        "" | "*" => Err(format!("for every address, write \"0.0.0.0:{port}\" or \"[::]:{port}\"")),
        _ if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Err(format!("`{host}` is not an IPv4 address"))
        }
        _ if host.contains(':') => Err(format!("`{host}` is not an IPv6 address in brackets")),
        _ => Err("host names are not resolved yet; give an address".to_owned()),
    }
}
