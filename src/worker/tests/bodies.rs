//! Bodies both ways, in every framing, and the tunnel.

use super::*;

/// Reads a request's body as its head frames it and answers with its length or its text.
fn swallow(stream: &mut TcpStream, head: &str) -> u64 {
    let Some(length) = header(head, "content-length") else {
        let mut body = Vec::new();
        let mut byte = [0];
        while !body.ends_with(b"0\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            body.push(byte[0]);
        }
        return body.len() as u64;
    };
    let mut left: u64 = length.parse().unwrap();
    let mut buffer = vec![0; 256 * 1024];
    let total = left;
    while left > 0 {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the body ends early");
        left -= count as u64;
    }
    total
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn huge_bodies_pass_both_ways_in_flat_memory() {
    const BODY_BYTES: u64 = 256 << 20;
    const PIECE: &[u8] = &[b'x'; 128 * 1024];
    let origin = backend(|_, mut stream| {
        let head = read_head(&mut stream).unwrap();
        let length = swallow(&mut stream, &head);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").unwrap();
        for _ in 0..length / PIECE.len() as u64 {
            stream.write_all(PIECE).unwrap();
        }
    });
    let proxy = Proxy::before(&[origin]);
    let mut client =
        proxy.send(format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES}\r\n\r\n"));
    let before = resident_bytes();
    for _ in 0..BODY_BYTES / PIECE.len() as u64 {
        client.write_all(PIECE).unwrap();
    }
    let head = read_head(&mut client).unwrap();
    assert_eq!(header(&head, "content-length"), Some(BODY_BYTES.to_string()));
    let mut left = BODY_BYTES;
    let mut buffer = vec![0; 256 * 1024];
    while left > 0 {
        let count = client.read(&mut buffer).unwrap();
        assert!(count > 0, "the body ends early");
        left -= count as u64;
    }
    // Other tests run in this process, so the bound is generous; the body is not.
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < BODY_BYTES / 2, "{grown} bytes more");
}

#[test]
fn chunked_requests_arrive_as_they_are() {
    let origin = backend(|_, mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let mut body = String::new();
            if header(&head, "transfer-encoding").is_some() {
                let mut byte = [0];
                while !body.ends_with("0\r\n\r\n") {
                    stream.read_exact(&mut byte).unwrap();
                    body.push(char::from(byte[0]));
                }
            }
            stream.write_all(ok(&body).as_bytes()).unwrap();
        }
    });
    let proxy = Proxy::before(&[origin]);
    let body = "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Whole, followed by another request; and in pieces.
    let mut client = proxy.send(format!("{head}{body}GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(read_response(&mut client).1, body);
    assert_eq!(read_response(&mut client).1, "");
    client.set_nodelay(true).unwrap();
    client.write_all(head.as_bytes()).unwrap();
    for byte in body.bytes() {
        client.write_all(&[byte]).unwrap();
    }
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(read_response(&mut client).1, body);
    assert_eq!(read_response(&mut client).1, "");
}

#[test]
fn responses_keep_their_meaning_in_each_framing() {
    let origin = backend(|_, mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let (answer, closes) = match head.split(' ').nth(1).unwrap() {
                "/chunked" => (
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nT: 1\r\n\r\n",
                    false,
                ),
                "/close" => ("HTTP/1.0 200 OK\r\n\r\nabcdefg", true),
                "/none" => ("HTTP/1.1 204 No Content\r\n\r\n", false),
                "/same" => ("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", false),
                _ => ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", false),
            };
            stream.write_all(answer.as_bytes()).unwrap();
            if closes {
                return;
            }
        }
    });
    let proxy = Proxy::before(&[origin]);
    let close = "Connection: close\r\n";
    for (line, end) in [
        ("GET /chunked HTTP/1.1", "\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nT: 1\r\n\r\n"),
        ("GET /chunked HTTP/1.0", "\r\n\r\nabcdefg"),
        ("GET /close HTTP/1.1", "\r\n\r\n7\r\nabcdefg\r\n0\r\n\r\n"),
        ("GET /close HTTP/1.0", "\r\n\r\nabcdefg"),
        ("GET /none HTTP/1.1", "close\r\n\r\n"),
        ("GET /same HTTP/1.1", "close\r\n\r\n"),
        ("HEAD /head HTTP/1.1", "close\r\n\r\n"),
    ] {
        let answer = proxy.ask(format!("{line}\r\nHost: a\r\n{close}\r\n"));
        assert!(answer.ends_with(end), "{line}: {answer}");
        let length = header(&answer, "content-length");
        let expected =
            if line.contains("/same") || line.contains("/head") { Some("7") } else { None };
        assert_eq!(length.as_deref(), expected, "{line}");
    }
}

#[test]
fn a_close_delimited_response_leaves_the_client_its_connection() {
    let origin = backend(|_, mut stream| {
        let head = read_head(&mut stream).unwrap();
        let line = head.lines().next().unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n{line}").unwrap();
    });
    let proxy = Proxy::before(&[origin]);
    let mut client = proxy.connect();
    for _ in 0..3 {
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let head = read_head(&mut client).unwrap();
        assert_eq!(header(&head, "transfer-encoding").as_deref(), Some("chunked"));
        let body = "e\r\nGET / HTTP/1.1\r\n0\r\n\r\n";
        assert_eq!(read_bytes(&mut client, body.len()), body);
    }
}

#[test]
fn a_client_that_expects_is_told_to_continue() {
    let origin = backend(|_, mut stream| {
        let head = read_head(&mut stream).unwrap();
        assert_eq!(header(&head, "expect").as_deref(), Some("100-continue"));
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let body = read_bytes(&mut stream, 5);
        stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n").unwrap();
        stream.write_all(ok(&body).as_bytes()).unwrap();
    });
    let proxy = Proxy::before(&[origin]);
    let mut client = proxy
        .send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(read_head(&mut client).unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").unwrap();
    assert_eq!(read_head(&mut client).unwrap(), "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    assert_eq!(read_response(&mut client).1, "hello");
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let origin = backend(|_, mut stream| {
        read_head(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").unwrap();
        // Held open without reading, so that the proxy cannot send on.
        let _end = stream.read_to_end(&mut Vec::new());
    });
    let proxy = Proxy::before(&[origin]);
    let mut client =
        proxy.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nsome");
    let (head, body) = read_response(&mut client);
    assert_eq!((status(&head), body.as_str()), (403, "no"));
    assert_eq!(header(&head, "connection").as_deref(), Some("close"));
}

#[test]
fn a_switch_makes_a_tunnel_and_nothing_else_does() {
    let origin = backend(|_, mut stream| {
        let head = read_head(&mut stream).unwrap();
        if head.contains("/refuse") {
            stream.write_all(ok("no").as_bytes()).unwrap();
            return;
        }
        assert_eq!(header(&head, "upgrade").as_deref(), Some("echo"));
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi";
        stream.write_all(switch).unwrap();
        let mut byte = [0];
        while stream.read(&mut byte).unwrap() > 0 {
            stream.write_all(&byte).unwrap();
        }
        stream.write_all(b"bye").unwrap();
    });
    let proxy = Proxy::before(&[origin]);
    let head = "Host: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    let mut client = proxy.send(format!("GET / HTTP/1.1\r\n{head}ahead "));
    let switched = read_head(&mut client).unwrap();
    assert_eq!((status(&switched), header(&switched, "upgrade").as_deref()), (101, Some("echo")));
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "hiahead GET / HTTP/1.1\r\n\r\nbye");

    let mut client = proxy.send(format!("GET /refuse HTTP/1.1\r\n{head}"));
    assert_eq!(read_response(&mut client).1, "no");
    client.write_all(b"GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(read_response(&mut client).1, "no");
}
