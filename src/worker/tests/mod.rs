//! A whole worker in a thread, ordered about over its line as the master would, between real
//! clients and scripted backends.

mod bodies;
mod faults;
mod heads;
mod introductions;
mod life;
mod links;
mod retries;
mod sessions;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;
use crate::config::model::Config;
use crate::scoreboard::backend::About;
use crate::scoreboard::gate::{Gate, Standing};
use crate::scoreboard::upstream::Strategy;
use crate::scoreboard::{BackendId, UpstreamId, account};
use crate::sys::seqpacket::{self, Wait};

/// Nothing in a test takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

struct Proxy {
    address: SocketAddr,
    board: Board,
    line: OwnedFd,
    worker: Option<JoinHandle<Result<(), Error>>>,
    config: Config,
}

impl Proxy {
    fn before(backends: &[SocketAddr]) -> Self {
        Self::with(backends, |_| {})
    }

    /// A proxy before `backends`, in this order, with a configuration that `change` was applied to.
    fn with(backends: &[SocketAddr], change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = config::parse(&text(address, backends), "test").unwrap();
        change(&mut config);
        let (board, board_fd) = Board::create().unwrap();
        publish(board, backends);
        let (line, workers_end) = seqpacket::pair().unwrap();
        let worker = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tokio::task::LocalSet::new().block_on(&runtime, work(workers_end))
        });
        let proxy = Self { address, board, line, worker: Some(worker), config };
        proxy.order(&ToWorker::Start { slot: 0 }, Some(board_fd));
        proxy.order(&ToWorker::Listen { address: address.to_string() }, Some(listener.into()));
        proxy.configure(1);
        proxy
    }

    fn order(&self, order: &ToWorker, descriptor: Option<OwnedFd>) {
        let descriptors: Vec<_> = descriptor.as_ref().map(OwnedFd::as_fd).into_iter().collect();
        seqpacket::send(&self.line, order.encode().as_ref(), &descriptors, Wait::Block).unwrap();
        drop(descriptor);
    }

    fn hear(&self) -> FromWorker {
        let mut bytes = [0; 64];
        let count = seqpacket::receive(&self.line, &mut bytes, |_| {}, Wait::Block).unwrap();
        FromWorker::decode(&bytes[..count]).unwrap()
    }

    /// Sends the configuration and waits until it serves.
    fn configure(&self, number: u32) {
        let bytes = sys::memfd::sealed("test", &config::encode(&self.config)).unwrap();
        self.order(&ToWorker::Generation { number }, Some(bytes));
        assert_eq!(self.hear(), FromWorker::Running { generation: number });
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.set_write_timeout(Some(PATIENCE)).unwrap();
        client
    }

    fn send(&self, request: impl AsRef<[u8]>) -> TcpStream {
        let mut client = self.connect();
        client.write_all(request.as_ref()).unwrap();
        client
    }

    /// One connection's whole conversation: all that came until the proxy closed.
    fn ask(&self, request: impl AsRef<[u8]>) -> String {
        let mut answer = Vec::new();
        let request = request.as_ref();
        let read = self.send(request).read_to_end(&mut answer);
        assert!(
            read.is_ok(),
            "{read:?} {:?}",
            String::from_utf8_lossy(&request[..request.len().min(99)])
        );
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn counts(&self, backend: usize) -> account::Counts {
        account::backend_counts(self.board, id(backend), 1)
    }

    fn set(&self, backend: usize, standing: Standing) {
        set(self.board, backend, standing);
    }

    /// Ends the worker as a shutdown does and waits for it.
    fn stop(&mut self) {
        let deadline_us = sys::clock::monotonic_us() + 1_000_000;
        self.order(&ToWorker::Drain { deadline_us }, None);
        let Some(worker) = self.worker.take() else { return };
        worker.join().expect("a worker never panics").expect("an ordered end");
        assert_eq!(self.hear(), FromWorker::Drained);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.worker.is_some() && !std::thread::panicking() {
            self.stop();
        }
    }
}

fn text(address: SocketAddr, backends: &[SocketAddr]) -> String {
    let backends: Vec<_> = backends
        .iter()
        .map(|address| format!("[[upstream.app.backend]]\naddress = \"{address}\"\n"))
        .collect();
    let backends = backends.concat();
    format!(
        "[[server]]\nlisten = [\"{address}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n{backends}"
    )
}

fn id(index: usize) -> BackendId {
    BackendId::new(index).unwrap()
}

fn set(board: Board, index: usize, standing: Standing) {
    let gate = Gate { standing, ..Gate::open(1, 1) };
    board.backend(id(index)).set_gate(gate);
}

fn publish(board: Board, backends: &[SocketAddr]) {
    let publication = board.upstream(UpstreamId::new(0).unwrap()).publish();
    publication.name("app");
    publication.strategy(Strategy::RoundRobin);
    let members: Vec<_> = (0..backends.len()).map(id).collect();
    for (index, address) in backends.iter().enumerate() {
        set(board, index, Standing::Open);
        let about = About {
            address: address.to_string(),
            incarnation: 1,
            max_fails: 1,
            fail_timeout_s: 10,
            max_conns: 0,
            priority: 0,
            is_backup: false,
            label: String::new(),
            sticky: String::new(),
        };
        publication.about(members[index], &about);
    }
    publication.members(&members);
}

/// A backend: each connection, with its number, is given to `serve` in a thread of its own.
fn backend(serve: impl Fn(usize, TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let serve = serve.clone();
            std::thread::spawn(move || serve(number, stream));
        }
    });
    address
}

/// A backend that answers every request on every connection with what `answer` makes of its head.
fn answering(answer: impl Fn(&str) -> String + Clone + Send + 'static) -> SocketAddr {
    backend(move |_, mut stream| {
        while let Some(head) = read_head(&mut stream) {
            if stream.write_all(answer(&head).as_bytes()).is_err() {
                return;
            }
        }
    })
}

/// Answers with the request's first line as the body.
fn echo() -> SocketAddr {
    answering(|head| ok(head.lines().next().unwrap_or_default()))
}

/// An address that refuses.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Reads byte by byte up to the empty line; `None` at the end of the stream.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn read_bytes(stream: &mut TcpStream, count: usize) -> String {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One response with a `Content-Length`: its head and body.
fn read_response(stream: &mut TcpStream) -> (String, String) {
    let head = read_head(stream).expect("a response");
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let body = read_bytes(stream, length);
    (head, body)
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// The code of a response's first line.
fn status(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Waits for what another thread is about to bring about.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline_us = sys::clock::monotonic_us() + PATIENCE.as_micros() as u64;
    while !is_so() {
        assert!(sys::clock::monotonic_us() < deadline_us, "{what}");
        std::thread::yield_now();
    }
}
