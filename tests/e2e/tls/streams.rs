//! TCP routes whose clients speak TLS: it ends here, and the backend hears what was said in it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use super::kinds::dial;
use super::papers::Authority;
use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::wait;

fn echo() -> Origin {
    Origin::by_hand(|mut stream| {
        let mut back = stream.try_clone().expect("a descriptor is free");
        let _the_client_may_leave = std::io::copy(&mut stream, &mut back);
    })
}

fn route(origin: &Origin, more: &str) -> String {
    format!(
        "[engine]\nworkers = 1\n[[stream]]\nlisten = {{ address = \"{{listen}}\", tls = true{more} }}\n\
         upstream = \"app\"\ntls = {{ certificate = \"site.pem\", key = \"site.key\" }}\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        origin.address
    )
}

#[test]
fn a_session_begins_with_a_handshake_and_ends_for_both() {
    let origin = echo();
    let authority = Authority::new("authority");
    let engine = Engine::start_in(&route(&origin, ""), |folder| super::furnish(folder, &authority));
    let mut stream = dial(engine.address());
    let sent = "0123456789".repeat(100_000);
    for piece in [&sent[..10], &sent] {
        stream.write_all(piece.as_bytes()).expect("open");
        let mut back = vec![0; piece.len()];
        stream.read_exact(&mut back).expect("open");
        assert!(back == piece.as_bytes(), "it comes back as it was");
    }
    assert_eq!(stream.conn.alpn_protocol(), None);
    stream.conn.send_close_notify();
    stream.flush().expect("open");
    assert_eq!(stream.read(&mut [0]).expect("an orderly end"), 0);
    assert_eq!(engine.status()["certificates"].as_array().map(Vec::len), Some(1));
    // Whoever speaks in plain gets no session, and no answer in HTTP.
    let accepted = origin.served();
    let said = client::raw(engine.address(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!said.contains("HTTP"), "{said}");
    assert_eq!(origin.served(), accepted);
}

#[test]
fn a_proxy_header_comes_before_the_handshake_and_a_renewed_certificate_is_shown() {
    let origin = echo();
    let authority = Authority::new("authority");
    let engine = Engine::start_in(&route(&origin, ", proxy_protocol = true"), |folder| {
        super::furnish(folder, &authority);
    });
    let mut stream = dial(engine.address());
    stream.sock.write_all(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n").expect("open");
    stream.write_all(b"a line\n").expect("open");
    let mut line = String::new();
    BufReader::new(&mut stream).read_line(&mut line).expect("open");
    assert_eq!(line, "a line\n");
    let issuer = || engine.status()["certificates"][0]["issuer"].as_str().map(str::to_owned);
    assert_eq!(issuer().as_deref(), Some("CN=authority"));
    Authority::new("another").server(&["site.test"]).write(engine.folder.path(), "site");
    wait::until("it is taken", || (issuer()? == "CN=another").then_some(()));
    stream.write_all(b"x").expect("what was begun goes on");
    stream.read_exact(&mut [0]).expect("open");
}
