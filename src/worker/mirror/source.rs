//! The client's side of a copy: the body that was kept of its request, and nobody who reads.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use super::super::stream::Stream;
use super::super::tls::facts::{self, Known};

pub(crate) struct Source {
    pub(crate) scheme: &'static [u8],
    pub(crate) local_address: Option<SocketAddr>,
    /// Of a request that came over TLS.
    pub(crate) known: Option<Known>,
    payload: Option<Rc<Payload>>,
    read_bytes: usize,
}

/// A body that all copies of a request read.
pub(super) struct Payload {
    bytes: Box<[u8]>,
    /// Of all requests.
    held_bytes: Rc<Cell<usize>>,
}

impl Source {
    /// For a copy of what came by `client`.
    pub(super) fn of(client: &Stream) -> Self {
        Self {
            scheme: client.scheme(),
            local_address: client.local_address(),
            known: facts::known(client),
            payload: None,
            read_bytes: 0,
        }
    }

    pub(super) fn load(&mut self, payload: Rc<Payload>) {
        self.payload = Some(payload);
    }

    /// How much of the body goes into `space`; none at its end.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> usize {
        let body = self.payload.as_ref().map_or(&b""[..], |payload| &payload.bytes);
        let rest = body.get(self.read_bytes..).unwrap_or_default();
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        self.read_bytes += count;
        count
    }
}

impl Payload {
    pub(super) fn new(bytes: &[u8], held_bytes: &Rc<Cell<usize>>) -> Self {
        held_bytes.set(held_bytes.get() + bytes.len());
        Self { bytes: bytes.into(), held_bytes: Rc::clone(held_bytes) }
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.held_bytes.set(self.held_bytes.get() - self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_let_go_with_the_last_copy() {
        let held_bytes = Rc::default();
        let payload = Rc::new(Payload::new(b"abcde", &held_bytes));
        let mut source = Source {
            scheme: b"http",
            local_address: None,
            known: None,
            payload: Some(Rc::clone(&payload)),
            read_bytes: 0,
        };
        drop(payload);
        let mut space = [0; 3];
        assert_eq!((source.read(&mut space), &space), (3, b"abc"));
        assert_eq!((source.read(&mut space), &space[..2]), (2, &b"de"[..]));
        assert_eq!((source.read(&mut space), held_bytes.get()), (0, 5));
        drop(source);
        assert_eq!(held_bytes.get(), 0);
    }
}
