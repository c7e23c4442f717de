//! The real client against the real server over a socket in a folder of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::wire::snapshot;
use crate::control::call::{BackendTarget, BackendVerb, Command, Peer, Query};
use crate::control::client::{Client, ClientError};
use crate::control::delta;
use crate::control::rate::Rate;
use crate::control::server::{Asked, Bounds, Reply, role_of, serve};
use crate::control::wire::{Answer, EventRecord, Frame, Role};

const PATIENCE: Duration = Duration::from_secs(10);

/// This process's own user: the owner of what it creates.
fn own_uid(folder: &TempDir) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder.path()).unwrap().uid()
}

struct Site {
    folder: TempDir,
    socket: PathBuf,
    clients_max: usize,
}

impl Site {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("control.sock");
        Self { folder, socket, clients_max: 4 }
    }

    /// Runs `ask` against a server whose questions `master` answers.
    fn run<Ask, Asking>(self, master: impl Fn(Asked) + 'static, ask: Ask)
    where
        Ask: FnOnce(PathBuf) -> Asking,
        Asking: Future<Output = ()>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async move {
            let listener = UnixListener::bind(&self.socket).unwrap();
            let bounds = Bounds {
                owner_uid: own_uid(&self.folder),
                clients_max: self.clients_max,
                body_bytes_max: 1024,
                header_timeout_ms: 200,
            };
            let (sender, mut asked) = mpsc::channel(4);
            tokio::task::spawn_local(serve(listener, bounds, sender));
            tokio::task::spawn_local(async move {
                while let Some(asked) = asked.recv().await {
                    master(asked);
                }
            });
            tokio::time::timeout(PATIENCE, ask(self.socket.clone())).await.expect("in time");
        });
    }
}

fn drain(backend: &str) -> Command {
    let target =
        BackendTarget { upstream: "api".to_owned(), backend: backend.to_owned(), key: None };
    Command::Backend { target, verb: BackendVerb::Drain { timeout_ms: None } }
}

/// A master that knows one backend and two events.
fn small_master(asked: Asked) {
    match asked {
        Asked::Command { command, caller, reply } => {
            assert_eq!(caller.role, Role::Operate);
            let Peer::Process { pid, .. } = caller.peer else { panic!("{caller:?}") };
            assert_eq!(pid, std::process::id());
            let answer = match &command {
                Command::Backend { target, .. } if target.backend == "[::1]:80/x" => {
                    Answer::changed("drained")
                }
                Command::Backend { .. } => Answer::unknown("no such backend"),
                Command::Reload => Answer::refused("bad configuration"),
                Command::Add(_)
                | Command::Upstream { .. }
                | Command::Program { .. }
                | Command::Scale { .. }
                | Command::Reopen
                | Command::Revert
                | Command::Upgrade
                | Command::Shutdown => return,
            };
            reply.send(answer).unwrap();
        }
        Asked::Query { query, reply, .. } => {
            let answer = match query {
                Query::Status => {
                    Reply::Json(serde_json::to_vec(&delta::status(&snapshot())).unwrap())
                }
                Query::Events { .. } => Reply::Lines(two_events()),
                Query::Metrics => Reply::Metrics(b"up 1\n".to_vec()),
                Query::Watch { .. }
                | Query::History
                | Query::Plan
                | Query::Explain { .. }
                | Query::Requests { .. }
                | Query::EngineLog { .. }
                | Query::Log { .. } => Reply::Missing("no such program".to_owned()),
            };
            reply.send(answer).unwrap();
        }
        Asked::Rpc(_) => {}
    }
}

/// Two records whose bytes arrive cut at an awkward place.
fn two_events() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(4);
    let mut text = Vec::new();
    for seq in 1..=2 {
        let event = EventRecord { seq, ..EventRecord::default() };
        text.extend_from_slice(&crate::control::watch::line(&event));
    }
    let bytes = Bytes::from(text);
    for part in [bytes.slice(..7), bytes.slice(7..)] {
        sender.try_send(part).unwrap();
    }
    receiver
}

#[test]
fn questions_and_commands_reach_the_master_and_come_back() {
    Site::new().run(small_master, async |socket| {
        let client = Client::new(socket);
        assert_eq!(client.status().await.unwrap(), delta::status(&snapshot()));
        let answer = client.command(&drain("[::1]:80/x")).await.unwrap();
        assert_eq!(answer, Answer::changed("drained"));
        let answer = client.command(&drain("nobody")).await.unwrap();
        assert_eq!(answer, Answer::unknown("no such backend"));
        let answer = client.command(&Command::Reload).await.unwrap();
        assert_eq!(answer, Answer::refused("bad configuration"));
    });
}

#[test]
fn lines_arrive_whole_however_they_were_cut() {
    Site::new().run(small_master, async |socket| {
        let client = Client::new(socket);
        let mut lines = client.lines(&Query::Events { follow: true }).await.unwrap();
        for seq in 1..=2 {
            let event: EventRecord = lines.next().await.unwrap().expect("a line");
            assert_eq!(event.seq, seq);
        }
        assert!(lines.next::<EventRecord>().await.unwrap().is_none());
    });
}

#[test]
fn what_is_missing_or_unanswered_is_an_error_that_says_so() {
    Site::new().run(small_master, async |socket| {
        let client = Client::new(socket);
        let missing = client.lines(&Query::History).await.expect_err("nothing there");
        assert_eq!(missing.to_string(), "no such program");
        let dropped = client.command(&Command::Shutdown).await.expect_err("no reply");
        assert_eq!(dropped.to_string(), "the engine is going down and did not answer");
    });
}

#[test]
fn no_engine_is_told_from_a_broken_one() {
    Site::new().run(small_master, async |socket| {
        let absent = Client::new(socket.with_file_name("absent")).status().await;
        assert!(matches!(absent, Err(ClientError::NoEngine { .. })), "{absent:?}");
        let stale = socket.with_file_name("stale");
        drop(UnixListener::bind(&stale).unwrap());
        let refused = Client::new(stale).status().await;
        assert!(matches!(refused, Err(ClientError::NoEngine { .. })), "{refused:?}");
    });
}

/// Whoever is not understood says which version it is; one that says nothing is older than that.
#[test]
fn an_engine_of_another_version_is_said_to_be_that() {
    Site::new().run(small_master, async |socket| {
        for (header, expected) in [
            ("pilothouse-version: 9.9.9\r\n", "it is pilothouse 9.9.9 and does not speak as this"),
            ("", "it is an older pilothouse"),
        ] {
            let other = socket.with_file_name("other");
            let listener = UnixListener::bind(&other).unwrap();
            let answering = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 1024];
                assert_ne!(stream.read(&mut asked).await.unwrap(), 0);
                let answer =
                    format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 23\r\n\r\n{{\"frame\":\"hologram\"}}  \n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            };
            let asking = async {
                let query = Query::Watch { rate: Rate::Full };
                let mut lines = Client::new(&other).lines(&query).await.unwrap();
                lines.next::<Frame>().await.unwrap_err().to_string()
            };
            let ((), said) = tokio::join!(answering, asking);
            assert!(said.contains(expected) && said.contains("upgrade it"), "{said}");
            std::fs::remove_file(&other).unwrap();
        }
    });
}

#[test]
fn the_owner_and_root_operate_and_others_read() {
    assert_eq!(role_of(0, 1000), Role::Operate);
    assert_eq!(role_of(1000, 1000), Role::Operate);
    assert_eq!(role_of(1001, 1000), Role::Read);
}

/// Bytes out, everything until the server closes in.
async fn raw(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn bad_requests_get_their_status_and_a_reason() {
    Site::new().run(small_master, async |socket| {
        for (request, status, reason) in [
            ("GET /v1/nothing", "404", r#"{"error":"/v1/nothing: no such path"}"#),
            ("DELETE /v1/status", "405", r#"{"error":"/v1/status: only GET is allowed"}"#),
            ("POST /v1/programs/a/x/stop", "400", "is not a number"),
        ] {
            let request = format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answer = raw(&socket, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains(reason), "{answer}");
        }
        let answer = raw(&socket, "nonsense\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    });
}

#[test]
fn a_body_too_large_and_a_client_too_slow_are_let_go() {
    Site::new().run(small_master, async |socket| {
        let head = "POST /v1/reload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        let body = " ".repeat(2000);
        let large = raw(&socket, &format!("{head}Content-Length: 2000\r\n\r\n{body}")).await;
        assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
        let late = raw(&socket, &format!("{head}Content-Length: 9\r\n\r\n{{")).await;
        assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
        // Neither head nor goodbye: the server hangs up by itself.
        let silent = raw(&socket, "GET /v1/status HTT").await;
        assert!(silent.is_empty() || silent.starts_with("HTTP/1.1 408 "), "{silent}");
    });
}

#[test]
fn a_client_too_many_is_told_so_and_the_next_is_served() {
    let site = Site { clients_max: 1, ..Site::new() };
    site.run(small_master, async |socket| {
        let mut first = UnixStream::connect(&socket).await.unwrap();
        first.write_all(b"GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        first.read_u8().await.unwrap();
        let mut second = UnixStream::connect(&socket).await.unwrap();
        let mut answer = String::new();
        second.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("too many"), "{answer}");
        drop(first);
        let client = Client::new(socket);
        while client.status().await.is_err() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn those_who_follow_leave_places_for_those_who_ask() {
    let site = Site { clients_max: 8, ..Site::new() };
    let senders = std::cell::RefCell::new(Vec::new());
    let master = move |asked| match asked {
        Asked::Query { query: Query::Watch { .. }, reply, .. } => {
            let (sender, lines) = mpsc::channel(1);
            senders.borrow_mut().push(sender);
            reply.send(Reply::Lines(lines)).unwrap();
        }
        other @ (Asked::Command { .. } | Asked::Query { .. } | Asked::Rpc(_)) => {
            small_master(other);
        }
    };
    site.run(master, async |socket| {
        let watch = b"GET /v1/watch HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let mut watching = Vec::new();
        for _ in 0..7 {
            let mut stream = UnixStream::connect(&socket).await.unwrap();
            stream.write_all(watch).await.unwrap();
            let mut head = [0; 15];
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(&head, b"HTTP/1.1 200 OK");
            watching.push(stream);
        }
        let refused = raw(&socket, std::str::from_utf8(watch).unwrap()).await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("follow"), "{refused}");
        Client::new(socket).status().await.expect("there is a place to ask from");
    });
}
