//! Connections that come from one address of this machine (ip(7)).
#![allow(unsafe_code, reason = "the option has no safe wrapper")]

use std::io;
use std::mem::size_of_val;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};

use super::socket;

/// A socket that is yet to be connected, from `address`: non-blocking, close on exec. Its port is
/// chosen when it connects, so that one port serves connections to many others; nginx does the same.
pub(crate) fn socket(address: IpAddr) -> io::Result<TcpStream> {
    let from = SocketAddr::new(address, 0);
    let socket: OwnedFd = socket::open(from)?;
    let on: libc::c_int = 1;
    let bytes = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is ours, and the call reads `bytes` of a live integer.
    let said = unsafe {
        let value = (&raw const on).cast();
        let option = libc::IP_BIND_ADDRESS_NO_PORT;
        libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_IP, option, value, bytes)
    };
    if said != 0 {
        return Err(io::Error::last_os_error());
    }
    rustix::net::bind(&socket, &from)?;
    Ok(TcpStream::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_comes_from_its_address_and_only_from_one_of_this_machine() {
        let socket = socket("127.0.0.9".parse().unwrap()).unwrap();
        assert_eq!(socket.local_addr().unwrap().to_string(), "127.0.0.9:0");
        // For documents alone (RFC 5737).
        let error = super::socket("192.0.2.1".parse().unwrap()).unwrap_err();
        assert!(socket::is_exhaustion(&error), "{error}");
    }
}
