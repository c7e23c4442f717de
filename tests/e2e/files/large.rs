//! Long files: in parts and whole, slowly read, cut while they are sent, and in flat memory.

use std::fs::{self, File};
use std::io::{BufReader, Read as _, Write as _};

use super::{ask, put, serve};
use crate::engine::resident_bytes;
use crate::{client, wait};

const ROUTE: &str = "[route]\npath = \"/\"\nroot = \"www\"\n";

/// Longer than what is kept in memory, and than one piece.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| b'!' + (at * 31 % 89) as u8).collect()
}

#[test]
fn a_long_file_comes_whole_and_in_parts() {
    let text = pattern(3_000_000);
    let engine = serve(ROUTE, |root| put(root, "long.bin", &text));
    assert!(client::get(engine.address(), "/long.bin").body == text);
    for (range, start, end) in [
        ("0-0", 0, 1),
        ("1048575-1048576", 1_048_575, 1_048_577),
        ("-70000", 2_930_000, 3_000_000),
        ("100-2999998", 100, 2_999_999),
    ] {
        let lines = format!("Range: bytes={range}\r\n");
        let part = ask(engine.address(), "GET", "/long.bin", &lines);
        assert_eq!((part.status, part.body.len()), (206, end - start), "{range}");
        assert!(part.body == text[start..end], "{range}");
    }
    let lines = "Range: bytes=0-9,1500000-1599999,-5\r\n";
    let parts = ask(engine.address(), "GET", "/long.bin", lines);
    let content_type = parts.header("content-type").expect("it has a type").to_owned();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("parts");
    let mut expected = Vec::new();
    for (start, end) in [(0, 10), (1_500_000, 1_600_000), (2_999_995, 3_000_000)] {
        let last = end - 1;
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\
             Content-Range: bytes {start}-{last}/3000000\r\n\r\n"
        );
        expected.extend_from_slice(head.as_bytes());
        expected.extend_from_slice(&text[start..end]);
    }
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert!(parts.body == expected);
}

#[test]
fn a_file_that_is_cut_while_it_is_sent_ends_the_connection() {
    let engine = serve(ROUTE, |root| put(root, "long.bin", pattern(64 << 20)));
    let mut stream = client::connect(engine.address()).expect("the listener accepts");
    stream.write_all(b"GET /long.bin HTTP/1.1\r\nHost: a\r\n\r\n").expect("the engine reads");
    let mut reader = BufReader::new(stream);
    let head = client::read_head(&mut reader);
    assert!(head.contains(&format!("Content-Length: {}\r\n", 64 << 20)), "{head}");
    let path = engine.folder.path().join("www/long.bin");
    let file = File::options().write(true).open(path).expect("the file is ours");
    file.set_len(1 << 20).expect("the file is ours");
    let mut got = Vec::new();
    let _a_reset_ends_it_too = reader.read_to_end(&mut got);
    assert!(got.len() < 64 << 20, "{} bytes", got.len());
    assert_eq!(client::get(engine.address(), "/long.bin").body.len(), 1 << 20);
}

/// A client that takes its time holds nobody up, and costs no memory.
#[test]
fn a_gibibyte_passes_in_flat_memory() {
    let engine = serve(ROUTE, |root| {
        let file = File::create(root.join("sparse")).expect("the folder is ours");
        file.set_len(1 << 30).expect("files may have holes");
        put(root, "small", "small");
    });
    let worker = engine.worker_pids()[0];
    let before = resident_bytes(worker);
    let mut stream = client::connect(engine.address()).expect("the listener accepts");
    stream
        .write_all(b"GET /sparse HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .expect("read");
    let mut reader = BufReader::with_capacity(1 << 20, stream);
    client::read_head(&mut reader);
    let (mut read, mut most) = (0_u64, 0);
    let mut room = vec![0; 1 << 20];
    loop {
        let count = reader.read(&mut room).expect("it goes on");
        if count == 0 {
            break;
        }
        if read / (256 << 20) != (read + count as u64) / (256 << 20) {
            most = most.max(resident_bytes(worker));
            assert_eq!(client::get(engine.address(), "/small").text(), "small");
        }
        read += count as u64;
    }
    assert_eq!(read, 1 << 30);
    let grown = most.saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
}

#[test]
fn clients_that_leave_in_the_middle_leave_nothing_behind() {
    let engine = serve(ROUTE, |root| put(root, "long.bin", pattern(8 << 20)));
    let worker = engine.worker_pids()[0];
    let descriptors = format!("/proc/{worker}/fd");
    let open = || {
        let entries = fs::read_dir(&descriptors).expect("the worker is there").flatten();
        let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.filter(|path| path.ends_with("long.bin")).count()
    };
    for _ in 0..20 {
        let mut stream = client::connect(engine.address()).expect("the listener accepts");
        stream.write_all(b"GET /long.bin HTTP/1.1\r\nHost: a\r\n\r\n").expect("the engine reads");
        let mut some = [0; 1000];
        stream.read_exact(&mut some).expect("it begins");
        client::reset_on_close(&stream);
    }
    wait::until("their files are closed", || (open() == 0).then_some(()));
    assert_eq!(client::get(engine.address(), "/long.bin").body.len(), 8 << 20);
}
