//! Scripted backends inside the test process: each accepts connections on a port of its own and
//! answers every request by a function of the request's bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What was received and what to do about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// The bytes to send back; an empty answer closes the connection.
type Script = dyn Fn(&Request) -> Vec<u8> + Send + Sync;

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicU64>,
    served: Arc<AtomicU64>,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Origin {
    /// Answers 200 with `name` as body and as `X-Backend`.
    pub(crate) fn named(name: &'static str) -> Self {
        Self::scripted(move |_| ok(name))
    }

    /// The same on this address and named by it.
    pub(crate) fn named_at(address: &str) -> Self {
        let name = address.to_owned();
        let listener = TcpListener::bind(address).expect("the address is free");
        let script: Arc<Script> = Arc::new(move |_| ok(&name));
        Self::on(listener, move |stream, served, seen| serve(stream, served, seen, &*script))
    }

    pub(crate) fn scripted(script: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let script: Arc<Script> = Arc::new(script);
        Self::listening(move |stream, served, seen| serve(stream, served, seen, &*script))
    }

    /// Leaves each connection to `hold`, which reads and writes what it likes.
    pub(crate) fn by_hand(hold: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::listening(move |stream, served, _seen| {
            served.fetch_add(1, Ordering::Relaxed);
            hold(stream);
        })
    }

    fn listening(
        serve: impl Fn(TcpStream, &AtomicU64, &Mutex<Vec<Request>>) + Send + Sync + 'static,
    ) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"), serve)
    }

    fn on(
        listener: TcpListener,
        serve: impl Fn(TcpStream, &AtomicU64, &Mutex<Vec<Request>>) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("bound");
        let origin = Self {
            address,
            accepted: Arc::default(),
            served: Arc::default(),
            seen: Arc::default(),
        };
        let accepted = Arc::clone(&origin.accepted);
        let (served, seen) = (Arc::clone(&origin.served), Arc::clone(&origin.seen));
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepted.fetch_add(1, Ordering::Relaxed);
                let (served, seen, serve) =
                    (Arc::clone(&served), Arc::clone(&seen), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream, &served, &seen));
            }
        });
        origin
    }

    /// Connections so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Requests so far, oldest first.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("no test panics while holding it").clone()
    }
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Backend: {body}\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn serve(stream: TcpStream, served: &AtomicU64, seen: &Mutex<Vec<Request>>, script: &Script) {
    let _latency_only = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        served.fetch_add(1, Ordering::Relaxed);
        let answer = script(&request);
        seen.lock().expect("no test panics while holding it").push(request);
        if answer.is_empty() || reader.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

/// The next request, `None` when the proxy closed.
pub(crate) fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = Request::default();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        request.head.push_str(&line);
    }
    if let Some(length) = request.header("content-length").and_then(|value| value.parse().ok()) {
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
    } else if request.header("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            request.body.extend_from_slice(&chunk[..size]);
        }
    }
    Some(request)
}
