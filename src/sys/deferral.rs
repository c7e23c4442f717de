//! Accepting a connection only once its client has said something (TCP_DEFER_ACCEPT, tcp(7)).
#![allow(unsafe_code, reason = "the option has no safe wrapper")]

use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsFd, AsRawFd as _};

use super::tcp_table::{self, State};

/// A client that is silent for `seconds` is accepted all the same; 0: every one at once.
pub(crate) fn set(listener: impl AsFd, seconds: u16) -> io::Result<()> {
    let listener = listener.as_fd().as_raw_fd();
    let seconds = libc::c_int::from(seconds);
    let bytes = size_of_val(&seconds) as libc::socklen_t;
    // SAFETY: the descriptor is borrowed for the call, which reads `bytes` of a live integer.
    let said = unsafe {
        let value = (&raw const seconds).cast();
        libc::setsockopt(listener, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, value, bytes)
    };
    if said == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The ports of which the kernel still keeps a client to itself: closing their listener would reset
/// that one. Reads the list of all sockets, so it is for the end of a listener alone.
pub(crate) fn ports() -> Vec<u16> {
    let opening = tcp_table::rows().filter(|row| row.state == State::Opening);
    opening.map(|row| row.local_port).collect()
}
