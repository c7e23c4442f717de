//! Whose word on the client's address is believed: nginx's `set_real_ip_from` with
//! `real_ip_recursive on`.
//!
//! Read from the right, the first address that is not a trusted proxy's is the client's. What
//! stands left of it was written by the client and proves nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::head;

/// What stands for the address of a client that has none, as it came by the file system: nobody comes
/// from there otherwise.
pub(crate) const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// A trusted network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) prefix_bits: u8,
}

impl Network {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        if address == NO_ADDRESS {
            return self.address == NO_ADDRESS && self.prefix_bits == 32;
        }
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let host_bits = 32 - u32::from(self.prefix_bits.min(32));
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(host_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let host_bits = 128 - u32::from(self.prefix_bits.min(128));
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(host_bits).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

pub(crate) fn is_trusted(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The client's address: `peer`, or what the header lines in `values` (in order of the head) prove
/// about it. An element that is no address ends the search with the last one that was.
pub(crate) fn resolve<'a>(
    peer: IpAddr,
    values: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[Network],
) -> IpAddr {
    let mut client = peer;
    for element in values.rev().flat_map(|value| head::elements(value).rev()) {
        if !is_trusted(trusted, client) {
            break;
        }
        match parse(element) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// An address, or an address with a port as some proxies write it.
fn parse(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address: IpAddr| address.to_canonical())
        .filter(|address| *address != NO_ADDRESS)
}
