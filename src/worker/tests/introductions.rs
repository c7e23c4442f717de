//! The PROXY protocol, towards us and towards backends.

use super::*;
use crate::config::model::ProxyProtocol;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const V1: &str = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n";

/// Says whom the request is from.
fn witness() -> SocketAddr {
    answering(|head| ok(&header(head, "x-forwarded-for").unwrap_or_default()))
}

fn introduced(change: impl FnOnce(&mut Config)) -> Proxy {
    Proxy::with(&[witness()], |config| {
        config.servers[0].listen[0].proxy_protocol = true;
        change(config);
    })
}

fn v2(rest: &[u8]) -> Vec<u8> {
    let header = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
    [&header[..], rest].concat()
}

#[test]
fn the_header_says_who_the_client_is() {
    let proxy = introduced(|_| {});
    let v4 = v2(&[0x21, 0x11, 0, 12, 203, 0, 113, 8, 192, 0, 2, 1, 0x12, 0x67, 0, 80]);
    for (header, client) in [
        (V1.as_bytes().to_vec(), "203.0.113.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n".to_vec(), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (v4, "203.0.113.8"),
        (v2(&[0x20, 0, 0, 0]), "127.0.0.1"),
    ] {
        let mut stream = proxy.send([&header[..], GET.as_bytes(), GET.as_bytes()].concat());
        assert_eq!(read_response(&mut stream).1, client);
        assert_eq!(read_response(&mut stream).1, client, "of the second request, too");
        let mut stream = proxy.connect();
        for byte in header.iter().chain(GET.as_bytes()) {
            stream.write_all(&[*byte]).unwrap();
        }
        assert_eq!(read_response(&mut stream).1, client);
    }
}

#[test]
fn without_a_good_header_there_is_no_word() {
    let proxy = introduced(|config| config.servers[0].client.head.timeout_ms = 50);
    for (bad, is_told) in [
        (GET.to_owned(), true),
        (format!("PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n{GET}"), true),
        (format!("PROXY UNKNOWN {}\r\n{GET}", "x".repeat(200)), true),
        // In the middle of it, the time is up.
        ("PROXY TCP4 203.0.1".to_owned(), true),
        (String::new(), false),
    ] {
        let before = refused(&proxy);
        let mut answer = Vec::new();
        // A close with bytes unread resets the connection.
        let _reset_or_end = proxy.send(&bad).read_to_end(&mut answer);
        assert_eq!(answer, b"", "{bad:?}");
        until("it is counted", || refused(&proxy) == before + u64::from(is_told));
    }
    let mut client = proxy.send(V1.to_owned() + GET);
    assert_eq!(read_response(&mut client).1, "203.0.113.7");
}

/// Answers of the 400 kind.
fn refused(proxy: &Proxy) -> u64 {
    proxy.board.worker(WorkerSlot::new(0).unwrap()).figures().responses[3]
}

#[test]
fn nobody_is_believed_unasked() {
    let proxy = Proxy::before(&[witness()]);
    assert_eq!(status(&proxy.ask(V1.to_owned() + GET)), 400);
}

#[test]
fn backends_are_told_on_a_connection_of_the_clients_own() {
    for (version, expected) in
        [(ProxyProtocol::V1, "PROXY TCP4"), (ProxyProtocol::V2, "\r\n\r\n\0")]
    {
        let origin = backend(move |number, mut stream| {
            let mut first = vec![0; expected.len()];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(first, expected.as_bytes());
            let rest = match version {
                ProxyProtocol::V1 => {
                    let head = read_head(&mut stream).unwrap();
                    head.lines().next().unwrap().to_owned()
                }
                ProxyProtocol::V2 => {
                    let header = read_bytes(&mut stream, 28 - expected.len());
                    read_head(&mut stream).unwrap();
                    assert!(header.starts_with("\r\nQUIT\n!\u{11}"), "{header:?}");
                    "v2".to_owned()
                }
            };
            stream.write_all(ok(&format!("{number}{rest}")).as_bytes()).unwrap();
            let _until_the_proxy_closes = stream.read_to_end(&mut Vec::new());
        });
        let proxy = Proxy::with(&[origin], |config| {
            config.upstreams[0].links.proxy_protocol = Some(version);
        });
        let mut client = proxy.connect();
        let (own, port) = (client.local_addr().unwrap(), proxy.address.port());
        for number in 0..3 {
            client.write_all(GET.as_bytes()).unwrap();
            let (_, body) = read_response(&mut client);
            let rest = match version {
                ProxyProtocol::V1 => format!(" 127.0.0.1 127.0.0.1 {} {port}", own.port()),
                ProxyProtocol::V2 => "v2".to_owned(),
            };
            assert_eq!(body, format!("{number}{rest}"));
        }
    }
}

#[test]
fn what_we_are_told_is_passed_on() {
    let origin = backend(|_, mut stream| {
        let head = read_head(&mut stream).unwrap();
        stream.write_all(ok(head.lines().next().unwrap()).as_bytes()).unwrap();
    });
    let proxy = Proxy::with(&[origin], |config| {
        config.servers[0].listen[0].proxy_protocol = true;
        config.upstreams[0].links.proxy_protocol = Some(ProxyProtocol::V1);
    });
    let mut client = proxy.send(V1.to_owned() + GET);
    assert_eq!(read_response(&mut client).1, V1.trim_end());
}
