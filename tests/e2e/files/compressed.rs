//! Answers in a coding: of files that lie beside the one asked for, and compressed on their way, of
//! files and of backends alike.

use std::io::{BufReader, Read as _, Write as _};

use super::{ask, put, serve};
use crate::client::Response;
use crate::origin::{Origin, read_request};

fn plain(answer: &Response) -> Vec<u8> {
    let mut plain = Vec::new();
    let body = answer.body.as_slice();
    match answer.header("content-encoding") {
        None => plain.extend_from_slice(body),
        Some("gzip") => {
            flate2::read::GzDecoder::new(body).read_to_end(&mut plain).expect("gzip");
        }
        Some("zstd") => {
            zstd::stream::read::Decoder::new(body)
                .and_then(|mut coded| coded.read_to_end(&mut plain))
                .expect("zstd");
        }
        Some("br") => {
            brotli::Decompressor::new(body, 4096).read_to_end(&mut plain).expect("brotli");
        }
        Some(other) => panic!("{other}"),
    }
    plain
}

/// Text that shrinks, and is not all the same.
fn text(lines: usize) -> String {
    let lines: Vec<String> = (0..lines).map(|line| format!("line {line} of some text\n")).collect();
    lines.concat()
}

#[test]
fn a_file_is_compressed_for_whoever_takes_it() {
    let routes = "compress = true\n[route]\npath = \"/\"\nroot = \"www\"\n\
        [route]\npath = \"/off/\"\nalias = \"www\"\ncompress = false\n\
        [route]\npath = \"/some/\"\nalias = \"www\"\n\
        compress = { codings = [\"gzip\"], types = [\"image/png\"], min = \"5B\" }\n";
    let long = text(100_000);
    let engine = serve(routes, |root| {
        put(root, "long.txt", &long);
        put(root, "short.txt", "short");
        put(root, "kept.txt", text(500));
        put(root, "picture.png", text(500));
    });
    let get = |path: &str, lines: &str| ask(engine.address(), "GET", path, lines);
    for (path, expected) in [("/long.txt", long.as_bytes()), ("/kept.txt", text(500).as_bytes())] {
        for coding in ["gzip", "zstd", "br"] {
            let answer = get(path, &format!("Accept-Encoding: {coding}\r\n"));
            assert_eq!(answer.header("content-encoding"), Some(coding), "{}", answer.head);
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
            assert_eq!(answer.header("content-length"), None);
            assert_eq!(answer.header("accept-ranges"), None);
            assert!(answer.header("etag").is_some_and(|tag| tag.starts_with("W/\"")));
            assert!(answer.body.len() < expected.len() / 4, "{}", answer.body.len());
            assert!(plain(&answer) == expected, "{path} {coding}");
        }
        let whole = get(path, "");
        assert_eq!(whole.header("content-encoding"), None);
        assert_eq!(whole.header("vary"), Some("Accept-Encoding"));
        assert!(whole.body == expected);
    }
    let accepts = "Accept-Encoding: gzip, deflate, br, zstd\r\n";
    assert_eq!(get("/long.txt", accepts).header("content-encoding"), Some("zstd"));
    for path in ["/short.txt", "/picture.png", "/off/long.txt", "/some/long.txt"] {
        let answer = get(path, accepts);
        assert_eq!(answer.header("content-encoding"), None, "{path}");
        assert_eq!(answer.header("vary"), None, "{path}");
    }
    assert_eq!(get("/some/picture.png", accepts).header("content-encoding"), Some("gzip"));
    let head = ask(engine.address(), "HEAD", "/long.txt", accepts);
    assert_eq!(head.header("content-encoding"), Some("zstd"), "as a GET would have it");
    let tag = get("/long.txt", accepts).header("etag").expect("it has a tag").to_owned();
    let cached = get("/long.txt", &format!("{accepts}If-None-Match: {tag}\r\n"));
    assert_eq!((cached.status, cached.header("etag")), (304, Some(tag.as_str())));
    let old = b"GET /long.txt HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n";
    let old = crate::client::exchange(engine.address(), old).expect("it answers");
    assert_eq!(old.header("content-encoding"), None, "no chunks for HTTP/1.0");
}

#[test]
fn a_file_that_was_compressed_ahead_is_sent() {
    let routes = "[route]\npath = \"/\"\nroot = \"www\"\nprecompressed = [\"br\", \"gz\"]\n";
    let engine = serve(routes, |root| {
        put(root, "a.css", "plain");
        put(root, "a.css.gz", "as gzip");
        put(root, "a.css.br", "as brotli");
        put(root, "b.css", "plain");
        put(root, "b.css.gz", "as gzip");
        put(root, "c.css", "plain");
        put(root, "index.html", "plain");
        put(root, "index.html.gz", "as gzip");
    });
    for (path, accept, expected, coding) in [
        ("/a.css", "gzip, br", "as brotli", Some("br")),
        ("/a.css", "gzip", "as gzip", Some("gzip")),
        ("/a.css", "gzip, br;q=0.5", "as gzip", Some("gzip")),
        ("/a.css", "zstd", "plain", None),
        ("/a.css", "br;q=0, *;q=0", "plain", None),
        ("/b.css", "gzip, br", "as gzip", Some("gzip")),
        ("/c.css", "gzip, br", "plain", None),
        ("/", "gzip", "as gzip", Some("gzip")),
    ] {
        let lines = format!("Accept-Encoding: {accept}\r\n");
        let answer = ask(engine.address(), "GET", path, &lines);
        assert_eq!(answer.text(), expected, "{path} {accept}");
        assert_eq!(answer.header("content-encoding"), coding);
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        let is_css = path.ends_with("css");
        let content_type = if is_css { "text/css" } else { "text/html" };
        assert_eq!(answer.header("content-type"), Some(content_type));
    }
    let part = ask(engine.address(), "GET", "/a.css", "Accept-Encoding: br\r\nRange: bytes=3-\r\n");
    assert_eq!((part.status, part.text().as_str()), (206, "brotli"));
}

#[test]
fn a_backend_s_answer_is_compressed_likewise() {
    let long = text(20_000);
    let body = long.clone();
    let origin = Origin::scripted(move |request| {
        let path = request.head.split(' ').nth(1).unwrap_or("");
        let length = body.len();
        let (lines, body) = match path {
            "/length" => (format!("Content-Length: {length}\r\nETag: \"x\"\r\n"), body.clone()),
            "/chunks" => {
                let chunks = format!("{length:x}\r\n{body}\r\n0\r\nTrailer: x\r\n\r\n");
                ("Transfer-Encoding: chunked\r\n".to_owned(), chunks)
            }
            "/coded" => {
                (format!("Content-Length: {length}\r\nContent-Encoding: x\r\n"), body.clone())
            }
            "/kept" => {
                let lines = "Cache-Control: no-transform\r\n";
                (format!("Content-Length: {length}\r\n{lines}"), body.clone())
            }
            _ => ("Content-Length: 5\r\n".to_owned(), "short".to_owned()),
        };
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{lines}\r\n{body}").into_bytes()
    });
    let body = long.clone();
    let closing = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        if read_request(&mut reader).is_some() {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
            let _the_end_is_the_body_s =
                reader.get_mut().write_all((head.to_owned() + &body).as_bytes());
        }
    });
    let routes = format!(
        "compress = [\"gzip\", \"br\", \"zstd\"]\n[route]\npath = \"/\"\nupstream = \"app\"\n\
         [route]\npath = \"/close\"\nupstream = \"closing\"\n\
         [upstream.app]\n[[upstream.app.backend]]\naddress = \"{}\"\n\
         [upstream.closing]\n[[upstream.closing.backend]]\naddress = \"{}\"\n",
        origin.address, closing.address
    );
    let engine = serve(&routes, |_root| {});
    for path in ["/length", "/chunks", "/close"] {
        for coding in ["gzip", "br", "zstd"] {
            let lines = format!("Accept-Encoding: {coding}\r\n");
            let answer = ask(engine.address(), "GET", path, &lines);
            assert_eq!(answer.header("content-encoding"), Some(coding), "{path} {}", answer.head);
            assert_eq!(answer.header("content-length"), None);
            assert!(plain(&answer) == long.as_bytes(), "{path} {coding}");
            let tag = answer.header("etag");
            assert_eq!(tag, (path == "/length").then_some("W/\"x\""));
        }
        let answer = ask(engine.address(), "GET", path, "");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}");
        assert!(answer.body == long.as_bytes(), "{path}");
    }
    for path in ["/coded", "/kept", "/short"] {
        let answer = ask(engine.address(), "GET", path, "Accept-Encoding: gzip\r\n");
        assert_ne!(answer.header("content-encoding"), Some("gzip"), "{path}");
        assert!(answer.header("content-length").is_some(), "{path}");
    }
}
