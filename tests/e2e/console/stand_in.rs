//! A stand-in for the engine, at the socket of one: its rows are the test's to change, and every order
//! that comes is written down and answered with yes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

/// What was asked to be done: the path's last words, and the body.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) backend: String,
    pub(super) verb: String,
    pub(super) body: Value,
}

#[derive(Default)]
struct State {
    first_frame: Value,
    status: Value,
    watch: Option<UnixStream>,
    orders: Vec<Order>,
}

pub(super) struct StandIn {
    pub(super) socket: PathBuf,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    /// Listens in the folder; whoever asks is told `status`, and whoever watches `first_frame` at first.
    pub(super) fn start(folder: &Path, status: Value, first_frame: Value) -> Self {
        let socket = folder.join("stand-in.sock");
        let listener = UnixListener::bind(&socket).expect("the folder is ours");
        let state = Arc::new(Mutex::new(State { first_frame, status, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One that leaves in the middle of a question is no concern of the others.
                let _left_early = answer(stream, &shared);
            }
        });
        Self { socket, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// To whoever watches.
    pub(super) fn tell(&self, delta: &Value) {
        let mut state = self.state();
        let watch = state.watch.as_mut().expect("somebody watches");
        let line = format!("{}\n", json!({ "frame": "delta", "delta": delta }));
        watch.write_all(line.as_bytes()).expect("it is read");
    }

    pub(super) fn orders(&self) -> Vec<Order> {
        self.state().orders.clone()
    }

    /// Whether one from the `from`-th on is like this.
    pub(super) fn has(&self, from: usize, is_it: impl FnMut(&Order) -> bool) -> bool {
        self.state().orders[from..].iter().any(is_it)
    }

    pub(super) fn count(&self) -> usize {
        self.state().orders.len()
    }
}

fn answer(stream: UnixStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_lowercase();
        if let Some(count) = lower.strip_prefix("content-length:") {
            length = count.trim().parse().expect("a client of ours");
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut stream = reader.into_inner();
    let mut state = state.lock().expect("nobody panics with it");
    let target = head.split(' ').nth(1).unwrap_or_default();
    if target.starts_with("/v1/watch") {
        let frame = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}\n", state.first_frame);
        stream.write_all(frame.as_bytes())?;
        state.watch = Some(stream);
        return Ok(());
    }
    let words: Vec<&str> = target.split('/').collect();
    let (status, answer) = match words[..] {
        ["", "v1", "upstreams", _, "backends", backend, verb] => {
            let (backend, verb) = (backend.to_owned(), verb.to_owned());
            let body = serde_json::from_slice(&body).expect("a client of ours");
            state.orders.push(Order { backend, verb, body });
            ("200 OK", json!({ "outcome": "changed", "message": "done" }))
        }
        ["", "v1", "status"] => ("200 OK", state.status.clone()),
        _ => ("404 Not Found", json!({ "error": "a stand-in knows nothing of this" })),
    };
    let answer = answer.to_string();
    let length = answer.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{answer}").as_bytes())
}
