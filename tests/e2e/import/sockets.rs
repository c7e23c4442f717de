//! nginx's files whose servers listen in the file system, run by nginx and by us in its stead: who is
//! answered what, and when the sockets' files are there.

use std::fs;
use std::io::{BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::stead::{Side, both};
use crate::client::{self, read_response};
use crate::engine::is_alive;
use crate::{client::Response, wait};

fn site(side: &Side) -> PathBuf {
    PathBuf::from(side.path("site.sock"))
}

/// `listens` is where beside TCP; the second server is what the first one passes on to.
fn write(side: &Side, listens: &str) {
    let rules = format!(
        "    server {{\n        listen {listens};\n        listen {};\n        \
         set_real_ip_from unix:;\n        real_ip_header X-Real-IP;\n        \
         location / {{ return 200 \"$remote_addr $server_protocol $host\\n\"; }}\n        \
         location /passed {{ proxy_pass http://behind; }}\n        \
         location /straight {{ proxy_pass http://unix:{}:/told/; }}\n        \
         location /kept {{ allow unix:; deny all; proxy_pass http://behind; }}\n    }}\n    \
         upstream behind {{ server unix:{}; }}\n    server {{\n        listen unix:{};\n        \
         location / {{ return 200 \"$request_uri $http_x_real_ip|$http_host\"; }}\n    }}\n",
        side.listen,
        side.path("behind.sock"),
        side.path("behind.sock"),
        side.path("behind.sock"),
    );
    side.write_around(&rules);
}

fn ask(path: &Path, target: &str, lines: &str) -> Option<Response> {
    let mut stream = UnixStream::connect(path).ok()?;
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n{lines}\r\n"
    )
    .ok()?;
    read_response(&mut BufReader::new(stream)).ok()
}

fn said(side: &Side, target: &str, lines: &str) -> (u16, String) {
    let answer = ask(&site(side), target, lines).expect("an answer");
    let text = answer.text().replace(&side.path(""), "FOLDER/");
    (answer.status, if answer.status == 200 { text } else { String::new() })
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn start(side: &Side) -> i32 {
    let started = side.call(&[]);
    assert_eq!(side.said(&started), (String::new(), String::new(), Some(0)));
    wait::until("it answers", || ask(&site(side), "/", ""));
    side.pid().expect("it is there once it listens")
}

#[test]
fn both_answer_alike_and_leave_no_file() {
    let Some([theirs, ours]) = both() else { return };
    for side in [&theirs, &ours] {
        write(side, &format!("unix:{}", side.path("site.sock")));
    }
    let pids = [&theirs, &ours].map(start);
    for (target, lines) in [
        ("/", ""),
        ("/", "X-Real-IP: 192.0.2.7\r\n"),
        ("/passed/a?b", ""),
        ("/straight/c", ""),
        ("/kept", ""),
        ("/kept", "X-Real-IP: 192.0.2.7\r\n"),
    ] {
        let [expected, found] = [&theirs, &ours].map(|side| said(side, target, lines));
        assert_eq!(found, expected, "{target} {lines:?}");
    }
    let [expected, found] = [&theirs, &ours].map(|side| client::get(side.listen, "/kept").status);
    assert_eq!((expected, found), (403, 403), "who comes by TCP comes by no file");
    for (side, pid) in [(&theirs, pids[0]), (&ours, pids[1])] {
        let (site, behind) = (site(side), PathBuf::from(side.path("behind.sock")));
        assert_eq!([mode(&site), mode(&behind)], [0o666, 0o666]);
        // Another address in its place.
        let moved = PathBuf::from(side.path("moved.sock"));
        write(side, &format!("unix:{}", moved.display()));
        assert_eq!(side.said(&side.call(&["-s", "reload"])).2, Some(0));
        wait::until("the other address", || ask(&moved, "/", ""));
        wait::until("the first one's file goes", || (!site.exists()).then_some(()));
        assert_eq!(side.pid(), Some(pid));
        assert_eq!(side.said(&side.call(&["-t"])).2, Some(0));
        assert!(moved.exists() && ask(&moved, "/", "").is_some(), "a test takes nothing away");
        assert_eq!(side.said(&side.call(&["-s", "quit"])).2, Some(0));
        wait::until("it is over", || (!is_alive(pid)).then_some(()));
        assert_eq!([moved.exists(), behind.exists()], [false, false]);
    }
    for side in [&theirs, &ours] {
        write(side, &format!("unix:{}", side.path("site.sock")));
        let pid = start(side);
        assert_eq!(side.said(&side.call(&["-s", "stop"])).2, Some(0));
        wait::until("it is over", || (!is_alive(pid)).then_some(()));
        assert!(!site(side).exists());
    }
}

/// nginx does not start then; we know that nobody is behind the file.
#[test]
fn a_file_that_is_left_of_a_dead_server_is_replaced() {
    let ours = Side::ours();
    write(&ours, &format!("unix:{}", ours.path("site.sock")));
    drop(UnixListener::bind(site(&ours)).expect("the folder is ours"));
    assert!(UnixStream::connect(site(&ours)).is_err());
    let pid = start(&ours);
    assert_eq!(ours.call(&["-s", "quit"]).status.code(), Some(0));
    wait::until("it is over", || (!is_alive(pid)).then_some(()));
    assert!(!site(&ours).exists());
}
