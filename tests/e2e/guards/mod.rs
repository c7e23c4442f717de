//! What stands before the actions of routes, beside the same of nginx: the same requests of the same
//! clients get the same statuses. Clients are whom `X-Forwarded-For` says, which both believe.

mod access;
mod auth;
mod bandwidth;
mod connections;
mod cors;
mod rates;

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use crate::client::{self, Response};
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::ports;

/// nginx and this proxy.
struct Pair {
    theirs: SocketAddr,
    ours: SocketAddr,
    engine: Engine,
    _nginx: Foreign,
}

impl Pair {
    /// `theirs` is nginx's `http`, `ours` our file, each with `{listen}`; `None` without nginx.
    fn start(theirs: &str, ours: &str) -> Option<Self> {
        let listen = ports::address();
        let address: SocketAddr = listen.parse().expect("an address");
        let http = format!(
            "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;\n{}",
            theirs.replace("{listen}", &listen)
        );
        let nginx = Foreign::nginx(&http, address)?;
        let engine = Engine::start(ours);
        Some(Self { theirs: address, ours: engine.address(), engine, _nginx: nginx })
    }
}

/// A connection that is kept, with whatever it asks.
struct Asker(BufReader<TcpStream>);

impl Asker {
    fn new(proxy: SocketAddr) -> Self {
        Self(BufReader::new(client::connect(proxy).expect("the proxy listens")))
    }

    fn ask(&mut self, request: &str) -> Response {
        self.0.get_mut().write_all(request.as_bytes()).expect("the proxy reads");
        client::read_response(&mut self.0).expect("the proxy answers")
    }

    /// One GET of that client.
    fn get(&mut self, path: &str, client: &str) -> Response {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {client}\r\n\r\n"))
    }
}
