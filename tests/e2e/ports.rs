//! Addresses nobody else uses: every test process has its own loopback network for listeners, and
//! takes ports below the ephemeral range for what must listen on 127.0.0.1.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);
static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// Whether no other test has the port, in this process or in another one. The name lasts as long as
/// this process does (as `programs::tests::serving` has it, too).
fn reserve(port: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("pilothouse-test-port-{port}"));
    let name = name.expect("a short name");
    UnixListener::bind_addr(&name).is_ok_and(|held| {
        RESERVED.lock().expect("nobody panics with it").push(held);
        true
    })
}

/// A free address of this process's own loopback network.
pub(crate) fn address() -> String {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let pid = std::process::id();
    let host = format!("127.{}.{}.{}", 64 + pid / 250 % 60, 1 + pid % 250, 1 + n % 250);
    let probe = TcpListener::bind((host.as_str(), 0)).expect("all of 127/8 is loopback");
    let port = probe.local_addr().expect("bound").port();
    format!("{host}:{port}")
}

/// A port that is free on every address of 127.0.0.0/8, outside the range clients get.
pub(crate) fn everywhere() -> u16 {
    for _ in 0..1000 {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let port =
            12_000 + u16::try_from((std::process::id() * 61 + n) % 18_000).expect("below 18000");
        if reserve(port) && TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free on every address");
}

/// The first of `count` free consecutive ports of 127.0.0.1, outside the range clients get.
pub(crate) fn consecutive(count: u16) -> u16 {
    for _ in 0..1000 {
        let n = NEXT.fetch_add(u32::from(count), Ordering::Relaxed);
        let first =
            12_000 + u16::try_from((std::process::id() * 61 + n) % 18_000).expect("below 18000");
        let is_free = |port| reserve(port) && TcpListener::bind(("127.0.0.1", port)).is_ok();
        if (first..first + count).all(is_free) {
            return first;
        }
    }
    panic!("no {count} consecutive free ports on 127.0.0.1");
}
