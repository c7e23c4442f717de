//! What goes through TLS, whole: files, bodies, upgrades; and clients that do not get that far.

use std::io::{Read as _, Write as _};

use super::papers::Authority;
use super::{Curl, server, site};
use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::wait;

const LARGE: usize = 5 << 20;

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 7 + at / 251) as u8).collect()
}

#[test]
fn files_and_bodies_arrive_whole() {
    let authority = Authority::new("authority");
    let origin = Origin::scripted(|request| {
        let length = request.body.len();
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        answer.extend_from_slice(&request.body);
        answer
    });
    let whole = server("site", "", "", "");
    let (head, _) = whole.split_once("route = ").expect("it has routes");
    let config = format!(
        "{head}route = [{{ path = \"/files/\", alias = \"files\" }}, {{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        origin.address
    );
    let engine = Engine::start_in(&config, |folder| {
        super::furnish(folder, &authority);
        std::fs::create_dir(folder.join("files")).expect("the folder is ours");
        for (name, count) in [("small", 1000), ("large", LARGE)] {
            std::fs::write(folder.join("files").join(name), bytes(count)).expect("ours");
        }
    });
    let Some(curl) = Curl::of(&engine) else { return };
    for (name, count) in [("small", 1000), ("large", LARGE)] {
        let got = curl.run("site.test", &format!("/files/{name}"), &[]);
        assert!(got.stdout == bytes(count), "{name}: {} bytes", got.stdout.len());
    }
    let part = curl.run("site.test", "/files/large", &["-r", "1000000-3000000"]);
    assert!(part.stdout == bytes(LARGE)[1_000_000..=3_000_000], "a part of it");
    let slow = ["--limit-rate", "2M"];
    let got = curl.run("site.test", "/files/large", &slow);
    assert!(got.stdout == bytes(LARGE), "to a client that takes its time");
    let body = ["--data-binary", "@files/large", "-H", "Expect:"];
    for more in [&body[..], &[&body[..], &["-H", "Transfer-Encoding: chunked"]].concat()] {
        let got = curl.run("site.test", "/echo", more);
        assert!(got.stdout == bytes(LARGE), "{more:?}: {} bytes", got.stdout.len());
    }
}

#[test]
fn browsers_are_told_to_come_back_over_tls_and_only_there() {
    let authority = Authority::new("authority");
    let origin = Origin::scripted(|_| {
        b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 0\r\n\r\n"
            .to_vec()
    });
    let plain = crate::ports::address();
    let listen = "{ address = \"{listen}\", tls = true }";
    let hsts = ", hsts = { max_age = \"730d\", include_subdomains = true }";
    let whole = server("site", "", hsts, "").replace(listen, &format!("[{listen}, \"{plain}\"]"));
    let (head, _) = whole.split_once("route = ").expect("it has routes");
    let config = format!(
        "{head}route = [{{ path = \"/\", upstream = \"app\" }}, {{ path = \"/own\", respond = 204 }},\
         {{ path = \"/away\", redirect = {{ to = \"https://$host$request_uri\", status = 301 }} }}]\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        origin.address
    );
    let engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    let Some(curl) = Curl::of(&engine) else { return };
    let name = "strict-transport-security:";
    let lines = |head: &str| {
        let lines = head.lines().filter(|line| line.to_lowercase().starts_with(name));
        lines.map(|line| line[name.len()..].trim().to_owned()).collect::<Vec<_>>()
    };
    for path in ["/", "/own"] {
        let head = super::text(&curl.run("site.test", path, &["-i"]).stdout);
        assert_eq!(lines(&head), ["max-age=63072000; includeSubDomains"], "{path}: {head}");
        let plain = client::get(plain.parse().expect("an address"), path);
        assert_eq!(lines(&plain.head), [""; 0], "{path}");
    }
    let away = client::get(plain.parse().expect("an address"), "/away?x");
    assert_eq!((away.status, away.header("location")), (301, Some("https://test/away?x")));
}

#[test]
fn who_speaks_http_in_plain_is_told_so() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "ok");
    let answer = client::get(engine.address(), "/");
    assert_eq!(answer.status, 400, "{}", answer.head);
    assert!(answer.text().contains("plain HTTP request"), "{}", answer.text());
    let said = client::raw(engine.address(), b"\x16\x03\x01\x00\x05hello");
    assert!(!said.contains("HTTP"), "{said}");
}

/// The limit is the listener's, and it is over long before the test loses patience.
#[test]
fn a_handshake_has_its_time() {
    let authority = Authority::new("authority");
    let engine = site(&authority, ", handshake_timeout = \"1s\"", "ok");
    let mut stream = client::connect(engine.address()).expect("the listener accepts");
    stream.write_all(&[0x16, 3, 1, 2, 0, 1]).expect("the beginning of a hello");
    let mut rest = Vec::new();
    let _reset_is_an_end_too = stream.read_to_end(&mut rest);
    assert_eq!(rest, b"", "not a word came of it");
}

/// More clients than may shake hands at a time, none of which says anything more, keep nobody out.
#[test]
fn silent_clients_keep_nobody_out() {
    let authority = Authority::new("authority");
    let config = format!(
        "[engine]\nworkers = 1\n{}",
        server("site", "", ", handshake_timeout = \"10m\"", "ok")
    );
    let engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    let Some(curl) = Curl::of(&engine) else { return };
    let mut silent = Vec::new();
    for _ in 0..600 {
        let mut stream = client::connect(engine.address()).expect("the listener accepts");
        stream.write_all(&[0x16, 3, 1, 2, 0, 1]).expect("the beginning of a hello");
        silent.push(stream);
    }
    assert_eq!(curl.get("site.test", &[]), "ok");
    wait::until("those that came first have left", || {
        let mut byte = [0];
        let first = silent.first_mut()?;
        first.set_nonblocking(true).ok()?;
        let has_ended = !matches!(first.read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        has_ended.then_some(())
    });
}

/// A client by way of a proxy that introduces it, with the hello right behind the header.
#[test]
fn a_proxy_header_comes_before_the_handshake() {
    let authority = Authority::new("authority");
    let config = server("site", "", "", "$remote_addr $ssl_protocol")
        .replace("tls = true }", "tls = true, proxy_protocol = true }");
    let engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    let Some(curl) = Curl::of(&engine) else { return };
    assert!(curl.get("site.test", &["--haproxy-protocol"]).ends_with(" TLSv1.3"));
}

/// After a switch of protocols, bytes go both ways as they are.
#[test]
fn a_tunnel_goes_through() {
    let authority = Authority::new("authority");
    let origin = Origin::by_hand(|mut stream| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
            head.push(byte[0]);
        }
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        let mut bytes = [0; 4096];
        if stream.write_all(switch).is_ok() {
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                if stream.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
        }
    });
    let whole = server("site", "", "", "");
    let (head, _) = whole.split_once("route = ").expect("it has routes");
    let config = format!(
        "{head}route = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        origin.address
    );
    let engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    let mut stream = secured(&engine, &authority);
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
        )
        .expect("it is read");
    let mut reader = std::io::BufReader::new(stream);
    assert!(client::read_head(&mut reader).starts_with("HTTP/1.1 101"));
    for count in [1, 10_000, 70_000] {
        let sent = bytes(count);
        let mut received = vec![0; count];
        for (sent, received) in sent.chunks(4000).zip(received.chunks_mut(4000)) {
            reader.get_mut().write_all(sent).expect("it is read");
            reader.read_exact(received).expect("it comes back");
        }
        assert!(received == sent, "{count} bytes");
    }
}

/// A session of our own, on a connection of its own.
fn secured(
    engine: &Engine,
    authority: &Authority,
) -> rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream> {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    let pem = authority.pem();
    let root = rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    roots.add(root).expect("an authority");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "site.test".try_into().expect("a name");
    let session = rustls::ClientConnection::new(config.into(), name).expect("a session");
    rustls::StreamOwned::new(session, client::connect(engine.address()).expect("it accepts"))
}

/// A client that has gone is noticed while its request is worked on, though it said goodbye in TLS.
#[test]
fn a_client_that_leaves_takes_its_request_with_it() {
    let authority = Authority::new("authority");
    let (told, is_told) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let origin = Origin::by_hand(move |mut stream| {
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let _test_is_over = told.lock().expect("nobody panics with it").send(ended.is_ok());
    });
    let whole = server("site", "", "", "");
    let (head, _) = whole.split_once("route = ").expect("it has routes");
    let config = format!(
        "{head}route = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        origin.address
    );
    let engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    let mut stream = secured(&engine, &authority);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n").expect("it is read");
    wait::until("the backend is asked", || {
        (engine.status()["upstreams"][0]["backends"][0]["active"] == 1).then_some(())
    });
    stream.conn.send_close_notify();
    stream.flush().expect("it is read");
    drop(stream);
    is_told.recv_timeout(wait::PATIENCE).expect("the backend's connection ends");
}
