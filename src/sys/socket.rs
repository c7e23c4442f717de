//! Listening sockets.
//!
//! A listener may be made beside another one of the same port, as a reload from `0.0.0.0:80` to
//! `127.0.0.1:80` needs it. Since what allows that (SO_REUSEPORT) also lets a stranger of the same
//! user in silently, `claim` asks first, the strict way.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, sockopt,
};

use super::port_holder;

/// Connections that may wait for `accept`; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Between two questions to a silent peer, and how many go unanswered before it is given up.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error("bind {address}: address in use{}", holder.as_ref().map_or_else(String::new, |holder| format!(", held by {holder}")))]
    InUse { address: SocketAddr, holder: Option<port_holder::Holder> },
    #[error("bind {address}: {cause}")]
    Io { address: SocketAddr, cause: io::Error },
    #[error("bind unix:{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
}

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    File(PathBuf),
}

/// Refuses when anybody listens on the address already, and says who: that search reads all of
/// `/proc`, so whoever only looks for a free port asks `is_free`. Port 0 is always free.
pub(crate) fn claim(address: SocketAddr) -> Result<(), BindError> {
    bind_strictly(address).map_err(|cause| refused(address, cause))
}

/// Whether a listener may be made here.
pub(crate) fn is_free(address: SocketAddr) -> bool {
    bind_strictly(address).is_ok()
}

fn bind_strictly(address: SocketAddr) -> io::Result<()> {
    let socket = open(address)?;
    // SO_REUSEADDR ignores connections that only linger, but no listener.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(())
}

/// A socket on the address: non-blocking, close on exec. The kernel gives it no connection
/// before `listen`, so until then it may be dropped without anybody noticing.
pub(crate) fn bind(address: SocketAddr) -> Result<OwnedFd, BindError> {
    let bound = open(address).and_then(|socket| {
        sockopt::set_socket_reuseaddr(&socket, true)?;
        sockopt::set_socket_reuseport(&socket, true)?;
        rustix::net::bind(&socket, &address)?;
        Ok(socket)
    });
    bound.map_err(|cause| refused(address, cause))
}

/// From here on the socket gets connections.
pub(crate) fn listen(bound: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::listen(bound, BACKLOG)?)
}

/// The next queued connection, non-blocking and close on exec, and whose it is; `None`: it came by the
/// file system, or its client has gone again.
pub(crate) fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (client, peer) = rustix::net::acceptfrom_with(listener, flags)?;
    Ok((client, peer.and_then(|peer| SocketAddr::try_from(peer).ok())))
}

/// Where the socket listens: tells the port that port 0 became.
pub(crate) fn local_address(socket: impl AsFd) -> io::Result<SocketAddr> {
    let address = rustix::net::getsockname(socket)?;
    SocketAddr::try_from(address).map_err(io::Error::from)
}

/// Makes a socket that somebody else has made one of ours: where it is, if it is one of streams that
/// listens.
pub(crate) fn adopt(socket: impl AsFd) -> io::Result<Place> {
    let socket = socket.as_fd();
    let other = || io::Error::new(io::ErrorKind::InvalidInput, "no stream socket that listens");
    if sockopt::socket_type(socket)? != SocketType::STREAM || !sockopt::socket_acceptconn(socket)? {
        return Err(other());
    }
    let address = rustix::net::getsockname(socket)?;
    let place = match SocketAddrUnix::try_from(address.clone()) {
        Ok(file) => {
            let path = file.path_bytes().ok_or_else(other)?;
            Place::File(std::ffi::OsStr::from_bytes(path).into())
        }
        Err(_) => Place::Tcp(SocketAddr::try_from(address)?),
    };
    let flags = rustix::fs::fcntl_getfl(socket)?;
    rustix::fs::fcntl_setfl(socket, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(place)
}

/// Whether the other side of a connected socket has ended; `WouldBlock` while nothing has come.
pub(crate) fn has_ended(socket: impl AsFd) -> io::Result<bool> {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    let (_, count) = rustix::net::recv(socket, &mut [0_u8; 1], flags)?;
    Ok(count == 0)
}

/// Reads what is there, from a socket that does not block; 0 is its end, and `None`: not now.
pub(crate) fn receive(socket: impl AsFd, space: &mut [u8]) -> io::Result<Option<usize>> {
    let receive = || rustix::net::recv(&socket, &mut *space, RecvFlags::empty());
    at_once(retry_on_intr(receive).map(|(count, _)| count))
}

/// Writes as much as a socket that does not block has room for; `None`: not now.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<Option<usize>> {
    at_once(retry_on_intr(|| rustix::net::send(&socket, bytes, SendFlags::NOSIGNAL)))
}

/// The same of several pieces, one after another.
pub(crate) fn send_pieces(socket: impl AsFd, pieces: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
    let mut beside = SendAncillaryBuffer::default();
    let flags = SendFlags::NOSIGNAL;
    at_once(retry_on_intr(|| rustix::net::sendmsg(&socket, pieces, &mut beside, flags)))
}

fn at_once(done: Result<usize, Errno>) -> io::Result<Option<usize>> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether nothing waits to be read from a connected socket, not even its end.
pub(crate) fn is_quiet(socket: impl AsFd) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    let peeked = rustix::net::recv(socket, &mut [0_u8; 1], flags);
    peeked.is_err_and(|errno| errno == rustix::io::Errno::AGAIN)
}

/// Sends small writes at once, on this socket and on what it accepts.
pub(crate) fn set_nodelay(listener: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_tcp_nodelay(listener, true)?)
}

/// For a connection that does not leave this machine, and for what such a listener accepts: it meets no
/// congestion, and the machine's own control of it may cost (BBR measures rates and paces). Reno is what
/// every kernel has and every user may choose.
pub(crate) fn spare_congestion_control(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_tcp_congestion(socket, "reno")?)
}

/// Asks a silent peer for a sign of life after `idle_ms`, and gives it up when none comes.
pub(crate) fn set_keepalive(socket: impl AsFd, idle_ms: u64) -> io::Result<()> {
    let idle = Duration::from_millis(idle_ms).max(Duration::from_secs(1));
    sockopt::set_tcp_keepidle(&socket, idle)?;
    sockopt::set_tcp_keepintvl(&socket, idle.min(KEEPALIVE_INTERVAL))?;
    sockopt::set_tcp_keepcnt(&socket, KEEPALIVE_PROBES)?;
    Ok(sockopt::set_socket_keepalive(&socket, true)?)
}

/// Whether no connection could be made for want of something of this machine's own: descriptors,
/// memory, ports. Says nothing about who was to be connected to.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let lacking = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|code| lacking.contains(&Errno::from_raw_os_error(code)))
}

pub(super) fn open(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    if address.is_ipv6() {
        // `[::]:80` beside `0.0.0.0:80` must mean two listeners, whatever the machine's default.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    Ok(socket)
}

pub(super) fn refused(address: SocketAddr, cause: io::Error) -> BindError {
    if cause.kind() == io::ErrorKind::AddrInUse {
        BindError::InUse { address, holder: port_holder::of(address.port()) }
    } else {
        BindError::Io { address, cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_sockets_share_an_address_but_a_claim_sees_them() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = local_address(&first).unwrap();
        let second = bind(address).unwrap();
        listen(&first).unwrap();
        listen(&second).unwrap();
        assert!(!is_free(address));
        let error = claim(address).unwrap_err();
        let own = format!("(pid {})", std::process::id());
        assert!(matches!(error, BindError::InUse { .. }), "{error}");
        assert!(error.to_string().ends_with(&own), "{error}");
    }

    #[test]
    fn what_this_machine_lacks_is_told_from_what_others_do() {
        use rustix::io::Errno;
        let is_ours = |errno: Errno| is_exhaustion(&errno.into());
        assert!(is_ours(Errno::MFILE) && is_ours(Errno::NFILE) && is_ours(Errno::ADDRNOTAVAIL));
        assert!(!is_ours(Errno::CONNREFUSED) && !is_ours(Errno::TIMEDOUT));
        assert!(!is_exhaustion(&io::ErrorKind::TimedOut.into()));
    }

    #[test]
    fn a_socket_that_does_not_listen_yet_takes_no_connection() {
        let serving = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = local_address(&serving).unwrap();
        listen(&serving).unwrap();
        let waiting = bind(address).unwrap();
        let clients: Vec<_> =
            (0..32).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        drop(waiting);
        let serving = std::net::TcpListener::from(serving);
        let accepted: Vec<_> = clients.iter().map(|_| serving.accept()).collect();
        assert!(accepted.iter().all(Result::is_ok));
    }

    #[test]
    fn what_a_listener_is_spared_is_spared_to_what_it_accepts() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        spare_congestion_control(&listener).unwrap();
        listen(&listener).unwrap();
        let address = local_address(&listener).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let (accepted, _) = std::net::TcpListener::from(listener).accept().unwrap();
        assert_eq!(sockopt::tcp_congestion(&accepted).unwrap(), "reno");
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let error = bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::Io { .. }), "{error}");
    }
}
