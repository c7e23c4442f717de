//! HTTP/2 with clients and backends: the same file in nginx and, translated, here; gRPC calls and plain
//! requests come to the same.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use http::Request;

use super::twins::Twins;
use crate::http2::backend::{Backend, Manner};
use crate::http2::grpc::with_client_of;
use crate::origin::{self, Origin};
use crate::tls::papers::Authority;
use crate::{oracle, ports};

/// `LISTEN`, `BACKEND`, `DEAD` and `PLAIN` are addresses.
const HTTP: &str = r#"
server {
    listen LISTEN http2;
    location / { grpc_pass grpc://BACKEND; }
    location /dead/ { grpc_pass DEAD; grpc_next_upstream off; }
    location /answer { return 200 "$server_protocol $request_method $uri $args\n"; }
    location /moved { return 301 /answer; }
    location /proxied/ { proxy_pass http://PLAIN/; proxy_set_header X-Asked $request; }
}
"#;

/// `LISTEN` is an address, `SITE` a folder with a certificate.
const SECURE: &str = r#"
server {
    listen LISTEN ssl http2;
    ssl_certificate SITE/site.pem;
    ssl_certificate_key SITE/site.key;
    location / { return 200 "$server_protocol $scheme $ssl_server_name\n"; }
}
"#;

/// What a call that echoes comes to.
fn echoed(address: SocketAddr, bytes: usize) -> String {
    with_client_of(address, async |sender| {
        let mut sender = sender.ready().await.expect("room");
        let request = Request::post("http://test/echo").body(()).expect("a request");
        let (answer, mut out) = sender.send_request(request, false).expect("sent");
        // nginx takes no trailers of clients.
        out.send_data(Bytes::from(vec![b'x'; bytes]), true).expect("open");
        let answer = answer.await.expect("an answer");
        let status = answer.status();
        let mut body = answer.into_body();
        let mut echo = 0;
        while let Some(data) = body.data().await {
            let data = data.expect("open");
            body.flow_control().release_capacity(data.len()).expect("it was taken");
            echo += data.len();
        }
        let trailers = body.trailers().await.expect("open").unwrap_or_default();
        let trailers = ["grpc-status", "x-bytes"].map(|name| trailers.get(name).cloned());
        format!("{status} {echo} {trailers:?}")
    })
}

/// Status and lines of an answer to a request without a body.
fn answered(address: SocketAddr, path: &str) -> String {
    with_client_of(address, async |sender| {
        let mut sender = sender.ready().await.expect("room");
        let request = Request::get(format!("http://test{path}")).header("te", "trailers");
        let request = request.body(()).expect("a request");
        let (answer, _) = sender.send_request(request, true).expect("sent");
        let answer = answer.await.expect("an answer");
        let asked = answer.headers().get("x-asked").and_then(|value| value.to_str().ok());
        // nginx says nothing of its client.
        let asked = asked.map(|asked| asked.split(" for=").next().unwrap_or_default().to_owned());
        let status = answer.headers().get("grpc-status").cloned();
        format!("{} {status:?} {asked:?}", answer.status())
    })
}

fn curl(program: &Path, url: &str, more: &[&str]) -> String {
    let output = Command::new(program)
        .args(["-q", "-sS", "-k", "--max-time", "60", "-w", "%{http_version} %{http_code}"])
        .args(more)
        .arg(url)
        .env_remove("SSLKEYLOGFILE")
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn nginxs_calls_and_streams_are_the_same_here() {
    let Some(program) = oracle::find("curl") else { return };
    let backend = Backend::start(Manner::default());
    let plain = Origin::scripted(|request| {
        let asked = request.header("x-asked").unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body);
        origin::ok(&format!("{asked} {:?} {body}", request.header("content-length")))
    });
    let http = HTTP
        .replace("BACKEND", &backend.address.to_string())
        .replace("PLAIN", &plain.address.to_string())
        .replace("DEAD", &ports::address());
    let Some(mut twins) = Twins::start(&http) else { return };
    assert_eq!(twins.remarks, "");
    for bytes in [1, 1000, 100_000] {
        twins.compare(&format!("a call with {bytes} bytes"), |address| echoed(address, bytes));
    }
    for path in ["/trailers-only", "/dead/x", "/moved"] {
        twins.compare(path, |address| answered(address, path));
    }
    for (path, more) in [
        ("/answer?a=b", &[][..]),
        ("/answer/a%20b", &["-X", "DELETE"]),
        ("/answer", &["-I"]),
        ("/moved", &["-L"]),
        ("/proxied/x?y", &["-d", "hello"]),
        ("/proxied/x", &["-X", "PUT", "-H", "Content-Type: text/plain", "-d", "short"]),
    ] {
        let more = [&["--http2-prior-knowledge"], more].concat();
        twins.compare(&format!("{path} {more:?}"), |address| {
            let said = curl(&program, &format!("http://{address}{path}"), &more);
            // Of heads, what is not each one's own.
            let own = ["date:", "server:", "content-type:"];
            let lines = said.lines().filter(|line| !own.iter().any(|it| line.starts_with(it)));
            lines.collect::<Vec<_>>().join("\n")
        });
    }
    twins.are_alike();
}

#[test]
fn both_agree_on_the_protocol_over_tls() {
    let Some(program) = oracle::find("curl") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    Authority::new("Tests").server(&["site.test"]).write(folder.path(), "site");
    let http = SECURE.replace("SITE", &folder.path().display().to_string());
    let Some(mut twins) = Twins::start(&http) else { return };
    assert_eq!(twins.remarks, "");
    for protocol in ["--http2", "--http1.1", "--no-alpn"] {
        twins.compare(protocol, |address| {
            let resolve = format!("site.test:{}:{}", address.port(), address.ip());
            let url = format!("https://site.test:{}/", address.port());
            curl(&program, &url, &[protocol, "--resolve", &resolve])
        });
    }
    twins.are_alike();
}
