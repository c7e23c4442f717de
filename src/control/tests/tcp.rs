//! The API over TCP: who is let in, who is sent away, who is let go.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::control::call::Peer;
use crate::control::entrance::{Entrance, Login, Password, Token};
use crate::control::rpc;
use crate::control::server::{Asked, Bounds, Reply};
use crate::control::tcp::{Door, Patience, serve};
use crate::control::wire::{Answer, Role};

const PATIENCE: Duration = Duration::from_secs(10);

fn run<Asking: Future<Output = ()>>(
    entrance: Entrance,
    clients_max: usize,
    ask: impl FnOnce(SocketAddr) -> Asking,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounds =
            Bounds { owner_uid: 0, clients_max, body_bytes_max: 1024, header_timeout_ms: 200 };
        let (sender, mut asked) = mpsc::channel(4);
        let second = Duration::from_secs(1);
        let patience = Patience { stall: 5 * second, closing: second };
        let door = Rc::new(Door::new(entrance));
        tokio::task::spawn_local(serve(listener, Rc::clone(&door), (bounds, patience), sender));
        tokio::task::spawn_local(async move {
            while let Some(asked) = asked.recv().await {
                match asked {
                    Asked::Command { caller, reply, .. } => {
                        assert_eq!(caller.role, Role::Operate);
                        assert!(matches!(caller.peer, Peer::Network(_)), "{caller:?}");
                        reply.send(Answer::changed("reloaded")).unwrap();
                    }
                    Asked::Query { reply, .. } => {
                        let _may_be_gone = reply.send(Reply::Metrics(b"up 1\n".to_vec()));
                    }
                    Asked::Rpc(rpc::desk::Asked::Call { caller, reply, .. }) => {
                        assert!(matches!(caller.peer, Peer::Supervisor(_)), "{caller:?}");
                        reply.send(Ok(rpc::value::Value::text("3.0"))).unwrap();
                    }
                    Asked::Rpc(rpc::desk::Asked::Tail { reply, .. }) => drop(reply),
                }
            }
        });
        tokio::time::timeout(PATIENCE, ask(address)).await.expect("in time");
    });
}

async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn expect(address: SocketAddr, request: &str, headers: &str, status: u16, part: &str) {
    let request = format!("{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    let answer = raw(address, &request).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
    assert!(answer.contains(part), "{request}{answer}");
}

#[test]
fn without_a_token_one_may_look_and_no_more() {
    run(Entrance::ReadOnly, 4, async |address| {
        let host = format!("Host: {address}\r\n");
        expect(address, "GET /metrics", &host, 200, "\r\n\r\nup 1\n").await;
        expect(address, "GET /metrics", &host, 200, "text/plain; version=0.0.4").await;
        expect(address, "HEAD /metrics", &host, 200, "content-length: 5\r\n").await;
        expect(address, "POST /metrics", &host, 403, "read-only").await;
        expect(address, "POST /v1/reload", &host, 403, "token_file").await;
        expect(address, "POST /v1/nothing", &host, 403, "read-only").await;
        expect(address, "GET /metrics", "Host: evil.example\r\n", 403, "loopback").await;
        expect(address, "GET /metrics", "", 403, "loopback").await;
        expect(address, "GET http://evil.example/metrics", &host, 403, "loopback").await;
    });
}

#[test]
fn with_a_token_it_is_asked_for_everything_and_allows_everything() {
    run(Entrance::Token(Token::new("s3cret")), 4, async |address| {
        let challenge = "www-authenticate: Bearer";
        for request in ["GET /metrics", "POST /v1/reload", "GET /nothing", "HEAD /metrics"] {
            expect(address, request, "Host: any\r\n", 401, challenge).await;
            let wrong = "Host: any\r\nAuthorization: Bearer wrong\r\n";
            expect(address, request, wrong, 401, challenge).await;
        }
        let right = "Host: any\r\nAuthorization: Bearer s3cret\r\n";
        expect(address, "GET /metrics", right, 200, "up 1").await;
        expect(address, "POST /v1/reload", right, 200, "reloaded").await;
        expect(address, "GET /nothing", right, 404, "no such path").await;
    });
}

async fn call(address: SocketAddr, headers: &str, method: &str, status: u16, part: &str) {
    let body = format!("<methodCall><methodName>supervisor.{method}</methodName></methodCall>");
    let length = body.len();
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
        Content-Length: {length}\r\n\r\n{body}"
    );
    let answer = raw(address, &request).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
    assert!(answer.contains(part), "{request}\n{answer}");
}

#[test]
fn supervisors_clients_log_in_and_get_nothing_else() {
    let login = Login::new("ann", Password::Plain(Token::new("s3cret")));
    run(Entrance::Supervisor(login), 4, async |address| {
        let right = "Authorization: Basic YW5uOnMzY3JldA==\r\n";
        call(address, right, "getVersion", 200, "<string>3.0</string>").await;
        call(address, right, "shutdown", 200, "<string>3.0</string>").await;
        let challenge = "www-authenticate: Basic realm=\"default\"";
        for wrong in
            ["", "Authorization: Basic YW5uOnMzY3Jl\r\n", "Authorization: Bearer s3cret\r\n"]
        {
            call(address, wrong, "getVersion", 401, challenge).await;
        }
        expect(address, "GET /logtail/a", "Host:\r\n", 401, challenge).await;
        expect(address, "GET /nothing", "Host: any\r\n", 401, challenge).await;
        for request in ["GET /metrics", "POST /v1/reload", "GET /"] {
            let headers = format!("Host: any\r\n{right}");
            expect(address, request, &headers, 404, "only Supervisor's protocol").await;
        }
    });
    run(Entrance::SupervisorReadOnly, 4, async |address| {
        call(address, "", "getVersion", 200, "<string>3.0</string>").await;
        call(address, "", "shutdown", 403, "may read but not operate").await;
        expect(address, "GET /metrics", "Host: localhost\r\n", 404, "only Supervisor's").await;
        expect(address, "POST /RPC2", "Host: evil.example\r\n", 403, "loopback").await;
    });
}

#[test]
fn the_silent_and_the_many_do_no_harm() {
    run(Entrance::ReadOnly, 2, async |address| {
        for beginning in ["", "GET /metrics HTT"] {
            let answer = raw(address, beginning).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
        }
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_u8().await.unwrap();
            held.push(stream);
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        let mut answer = String::new();
        third.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("too many"), "{answer}");
        // Kept connections that ask no more are let go, too.
        let mut rest = Vec::new();
        held[0].read_to_end(&mut rest).await.unwrap();
    });
}
