//! The service manager that the engine was started by, told how it is as `sd_notify(3)` tells it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use super::seqpacket::{self, Wait};

/// Where the manager listens: a path, or `@` and an abstract name.
const ADDRESS: &str = "NOTIFY_SOCKET";
/// How many descriptors it keeps for us, where it keeps any.
const STORE: &str = "FDSTORE";
const WATCHDOG: &str = "WATCHDOG_USEC";

/// Says it, and never waits; nothing where nobody wants to know.
pub(crate) fn tell(text: &str) -> io::Result<()> {
    match std::env::var(ADDRESS) {
        Ok(address) if !address.is_empty() => tell_at(&address, text),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Asks it to keep a descriptor over the engine's restarts (`FDSTORE=1`), under a name without colons.
/// One that is full, or keeps nothing, closes its copy.
pub(crate) fn keep(name: &str, descriptor: impl AsFd) -> io::Result<()> {
    if !is_keeping() {
        return Ok(());
    }
    let text = format!("FDSTORE=1\nFDNAME={name}");
    match std::env::var(ADDRESS) {
        Ok(address) if !address.is_empty() => send_at(&address, &text, &[descriptor.as_fd()]),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What it keeps under that name, it need not keep any more.
pub(crate) fn forget(name: &str) -> io::Result<()> {
    if is_keeping() { tell(&format!("FDSTOREREMOVE=1\nFDNAME={name}")) } else { Ok(()) }
}

/// Whether it keeps any.
pub(crate) fn is_keeping() -> bool {
    std::env::var(STORE).is_ok_and(|count| count.parse::<u32>().is_ok_and(|count| count > 0))
}

fn tell_at(address: &str, text: &str) -> io::Result<()> {
    send_at(address, text, &[])
}

fn send_at(address: &str, text: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    seqpacket::send(&socket, text.as_bytes(), descriptors, Wait::Never)
}

/// Within which time it wants to hear that all is well, in microseconds.
pub(crate) fn watchdog_us() -> Option<u64> {
    std::env::var(WATCHDOG).ok()?.parse().ok().filter(|us| *us > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_addresses_are_reached() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").display().to_string();
        let name = format!("@pilothouse-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        for (address, listener) in [
            (&path, UnixDatagram::bind(&path).unwrap()),
            (&name, UnixDatagram::bind_addr(&abstract_name).unwrap()),
        ] {
            tell_at(address, "READY=1").unwrap();
            let mut bytes = [0; 16];
            let count = listener.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..count], b"READY=1");
        }
        assert!(tell_at(&format!("{path}/none"), "READY=1").is_err());
    }
}
