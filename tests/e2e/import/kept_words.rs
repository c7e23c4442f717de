//! Words whose meaning is in small things, such as the type of a file, as both programs take them.

use std::fs;
use std::net::SocketAddr;

use super::twins::Twins;
use crate::engine::open_folder;
use crate::{client, wait};

#[test]
fn files_are_of_the_same_types() {
    let site = open_folder();
    for folder in ["", "only/", "none/", "more/"] {
        fs::create_dir_all(site.path().join(folder)).expect("the folder is ours");
        for name in ["a.html", "a.css", "a.foo", "a.FOO", "a.md", "a.js", "a", "a.b.foo"] {
            fs::write(site.path().join(folder).join(name), "x").expect("the folder is ours");
        }
    }
    let http = "types { text/html html htm; text/css css; image/png png; application/javascript js;
                        text/x-usual foo; }
                server { listen LISTEN; root SITE; default_type text/x-none;
                    location /only/ { types { text/x-own foo; } }
                    location /none/ { types { } default_type application/octet-stream; }
                    location /more/ { types { text/x-more foo; text/x-more2 md; } types { text/x-more3 html; } } }";
    let http = http.replace("SITE", &site.path().display().to_string());
    let Some(mut twins) = Twins::start(&http) else { return };
    assert_eq!(twins.remarks, "");
    for folder in ["", "only/", "none/", "more/"] {
        // What is not in nginx's list at all has the type that we know of it.
        let usual = ["a.html", "a.css", "a.foo", "a.FOO", "a.js", "a", "a.b.foo"];
        let others: &[&str] = if folder.is_empty() { &[] } else { &["a.md"] };
        for name in usual.iter().chain(others) {
            let target = format!("/{folder}{name}");
            twins.compare(&target, |address: SocketAddr| {
                let answer = client::get(address, &target);
                format!("{} {:?}", answer.status, answer.header("content-type"))
            });
        }
    }
    twins.are_alike();
}

#[test]
fn the_page_of_stub_status_is_nginxs() {
    let http = "server { listen LISTEN; location / { return 200 a; }
                location = /status { stub_status; }
                location = /active { return 200 \"$connections_active $connections_writing $connections_waiting\"; } }";
    let Some(mut twins) = Twins::start(http) else { return };
    assert_eq!(twins.remarks, "");
    twins.compare("the page", |address| {
        // Nobody else is there any more.
        wait::until("one connection", || {
            (client::get(address, "/active").text() == "1 1 0").then_some(())
        });
        let held = client::connect(address).expect("it listens");
        wait::until("it is counted", || {
            (client::get(address, "/active").text() == "2 1 1").then_some(())
        });
        let counts = || {
            let answer = client::get(address, "/status");
            let text = answer.text();
            let numbers = text.lines().nth(2).unwrap_or_default().split_whitespace();
            let numbers: Vec<u64> = numbers.filter_map(|word| word.parse().ok()).collect();
            (answer.status, answer.header("content-type").map(str::to_owned), text, numbers)
        };
        let (.., before) = counts();
        let (status, kind, text, after) = counts();
        drop(held);
        let rise: Vec<u64> = after.iter().zip(&before).map(|(it, was)| it - was).collect();
        // All but the totals.
        let mut lines: Vec<&str> = text.split('\n').collect();
        lines[2] = "";
        format!("{status} {kind:?} {lines:?} {rise:?}")
    });
    twins.are_alike();
}

#[test]
fn a_location_writes_into_a_log_of_its_own() {
    let folder = open_folder();
    let logs = |whose: &str| folder.path().join(whose);
    let http = "log_format short '$request_method $uri $status';
                server { listen LISTEN; access_log LOGS.main short;
                    location / { return 200 a; }
                    location /quiet { access_log off; return 200 b; }
                    location /own { access_log LOGS.own short; return 200 c;
                        location /own/in { return 200 d; } } }";
    for side in ["ours", "theirs"] {
        for name in ["main", "own"] {
            let file = logs(&format!("{side}.{name}"));
            fs::write(&file, "").expect("the folder is ours");
            let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
            fs::set_permissions(&file, all).expect("ours");
        }
    }
    // One text for both, so each has its logs by the address that it listens on.
    let http = http.replace("LOGS", &format!("{}/SIDE", folder.path().display()));
    let Some(mut twins) = Twins::start_with(&http, ["theirs", "ours"]) else { return };
    assert_eq!(twins.remarks, "");
    for target in ["/", "/quiet", "/own", "/own/in", "/quiet", "/x"] {
        twins.compare(target, |address| client::get(address, target).text());
    }
    twins.are_alike();
    for name in ["main", "own"] {
        let read = |side: &str| fs::read_to_string(logs(&format!("{side}.{name}"))).expect("ours");
        wait::until("all lines", || {
            (read("ours").lines().count() == 2 && read("ours") == read("theirs")).then_some(())
        });
    }
}

#[test]
fn a_server_has_its_own_name_whoever_asks() {
    let http = "server { listen LISTEN; server_name example.com www.example.com;
                    location / { return 301 https://$server_name$request_uri; }
                    location /name { return 200 \"$server_name $host\"; } }
                server { listen LISTEN; server_name *.wild.com;
                    location / { return 200 \"$server_name\"; } }
                server { listen LISTEN; server_name .dot.com;
                    location / { return 200 \"$server_name\"; } }";
    let Some(mut twins) = Twins::start(http) else { return };
    assert_eq!(twins.remarks, "");
    for target in ["/a?b", "/name"] {
        for host in
            ["example.com", "www.example.com", "other", "a.wild.com", "dot.com", "a.dot.com"]
        {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            twins.compare(&request, |address| {
                let answer = client::exchange(address, request.as_bytes()).expect("an answer");
                let body = if answer.status == 200 { answer.text() } else { String::new() };
                format!("{} {:?} {body}", answer.status, answer.header("location"))
            });
        }
    }
    twins.compare("a request without a host", |address| {
        client::raw(address, b"GET /name HTTP/1.0\r\n\r\n").lines().last().unwrap_or("").to_owned()
    });
    twins.are_alike();
}
