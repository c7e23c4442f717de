//! A plain HTTP/1.1 client on blocking sockets: one request, raw bytes, and a keep-alive load that
//! counts what went wrong.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::wait::PATIENCE;

#[derive(Debug, Default, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One GET on a connection of its own, until the server has closed it: by then the request is over
/// for the worker too, and counts for nobody's balance any more.
#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let answer = raw(address, request.as_bytes());
    read_response(&mut answer.as_bytes()).expect("the server answers")
}

/// Bytes out, one response in.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Response> {
    let mut stream = connect(address)?;
    stream.write_all(request)?;
    read_response(&mut BufReader::new(stream))
}

/// Bytes out, everything until the peer closes in.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address).expect("the listener accepts");
    stream.write_all(request).expect("the peer reads");
    let mut answer = Vec::new();
    let _reset_is_a_close_too = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads the next head alone, with its empty line: an interim response, or one whose body the test
/// reads itself.
pub(crate) fn read_head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = reader.read_line(&mut head).expect("the proxy goes on");
        assert!(read > 0, "the head breaks off: {head:?}");
    }
    head
}

/// The same, where the other side may have ended instead.
pub(crate) fn read_head_if_any(reader: &mut impl BufRead) -> Option<String> {
    let has_more = reader.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
    has_more.then(|| read_head(reader))
}

/// Reads lines until the text ends with `end`.
pub(crate) fn read_until(reader: &mut impl BufRead, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let read = reader.read_line(&mut text).expect("the other side goes on");
        assert!(read > 0, "it breaks off: {text:?}");
    }
    text
}

pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Makes the coming close a reset.
pub(crate) fn reset_on_close(stream: &TcpStream) {
    let at_once = Some(std::time::Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(stream, at_once).expect("a socket");
}

pub(crate) fn unix_get(socket: &Path, path: &str) -> Option<Response> {
    unix(socket, "GET", path, "")
}

/// One request on the control socket.
pub(crate) fn unix(socket: &Path, method: &str, path: &str, body: &str) -> Option<Response> {
    let length = body.len();
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    read_response(&mut BufReader::new(stream)).ok()
}

/// Reads a head and a body framed by Content-Length, chunked coding, or the close.
pub(crate) fn read_response(reader: &mut impl BufRead) -> io::Result<Response> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let status =
        head.split(' ').nth(1).and_then(|word| word.get(..3)).and_then(|word| word.parse().ok());
    let mut response = Response { status: status.unwrap_or(0), head, body: Vec::new() };
    let length = response.header("content-length").and_then(|value| value.parse::<usize>().ok());
    if response
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    {
        response.body = read_chunks(reader)?;
    } else if let Some(length) = length {
        response.body = vec![0; length];
        reader.read_exact(&mut response.body)?;
    } else if response.status >= 200 && response.status != 204 && response.status != 304 {
        reader.read_to_end(&mut response.body)?;
    }
    Ok(response)
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or(""), 16).map_err(
            |_| io::Error::new(io::ErrorKind::InvalidData, format!("chunk size {line:?}")),
        )?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// Keep-alive load on a few connections until stopped. Any refused connection, any close without an
/// announcement, any status over 399 counts as failed.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Tally>>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) answered: u64,
    pub(crate) failed: Vec<String>,
    /// Answers by their `X-Backend` header.
    pub(crate) by_backend: BTreeMap<String, u64>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr, path: &str, connections: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let threads = (0..connections)
            .map(|_| {
                let (is_over, path) = (Arc::clone(&is_over), path.to_owned());
                std::thread::spawn(move || drive(address, &path, &is_over))
            })
            .collect();
        Self { is_over, threads }
    }

    pub(crate) fn stop(mut self) -> Tally {
        self.is_over.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        for thread in std::mem::take(&mut self.threads) {
            let tally = thread.join().expect("the load thread ends");
            sum.answered += tally.answered;
            sum.failed.extend(tally.failed);
            for (backend, count) in tally.by_backend {
                *sum.by_backend.entry(backend).or_default() += count;
            }
        }
        sum
    }
}

/// Also where a test fails half way: requests to an engine that is gone fail by the thousand.
impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn drive(address: SocketAddr, path: &str, is_over: &AtomicBool) -> Tally {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut tally = Tally::default();
    let mut connection: Option<BufReader<TcpStream>> = None;
    while !is_over.load(Ordering::Relaxed) {
        match one(address, &mut connection, &request) {
            Ok(response) => {
                tally.answered += 1;
                if response.status > 399 {
                    tally.failed.push(format!("status {}", response.status));
                }
                let backend = response.header("x-backend").unwrap_or("").to_owned();
                *tally.by_backend.entry(backend).or_default() += 1;
                if response
                    .header("connection")
                    .is_some_and(|value| value.eq_ignore_ascii_case("close"))
                {
                    connection = None;
                }
            }
            Err(error) => {
                connection = None;
                tally.failed.push(error.to_string());
            }
        }
    }
    tally
}

fn one(
    address: SocketAddr,
    connection: &mut Option<BufReader<TcpStream>>,
    request: &str,
) -> io::Result<Response> {
    let reader = match connection {
        Some(reader) => reader,
        None => connection.insert(BufReader::new(connect(address)?)),
    };
    reader.get_mut().write_all(request.as_bytes())?;
    read_response(reader)
}
