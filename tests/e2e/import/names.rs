//! `server_name` in all its kinds: the same file in nginx and, translated, here.

use std::net::SocketAddr;

use super::twins::Twins;
use crate::client;

/// The default server is neither the first nor without a name.
const HTTP: &str = r#"
map $sub $known { default "some $sub"; "" none; }
server { listen LISTEN; server_name *.example.com; return 200 "below $host"; }
server { listen LISTEN; server_name www.example.*; return 200 "begun $host"; }
server { listen LISTEN; server_name *.a.example.com a.example.com *.a.example.com; return 200 "further below"; }
server { listen LISTEN; server_name ~^www\d+\.example\.org$; return 200 "numbered"; }
server { listen LISTEN; server_name www.*; return 200 "begins"; }
server {
    listen LISTEN;
    server_name plain.example.net "~^(?<sub>[a-z]{2,})\.(?<rest>.+)\.NET$" ~^(?<sub>\d+)\.example\.net$;
    set $both "$sub of $rest";
    location / { return 200 "named $sub, $rest, $both, $known"; }
    location /more { return 302 /$sub; }
}
server {
    listen LISTEN default_server;
    server_name first.example.com .other.org;
    return 200 "default $server_name $sub";
}
server { listen LISTEN; server_name ~^.*example.* ~.; return 200 "any"; }
server { listen LISTEN; server_name first.example.com www.example.* ~.; return 200 "never"; }
"#;

const HOSTS: [&str; 30] = [
    "example.com",
    "x.example.com",
    "X.Example.COM",
    "x.example.com:81",
    "x.example.com.",
    "a.example.com",
    "b.a.example.com",
    "www.example.com",
    "www.example.org",
    "www.example.co.uk",
    "www.example",
    "www.example.",
    "www.exampled.org",
    "www.a.example.com",
    "www",
    "www7.example.org",
    "WWW7.example.ORG",
    "www7.example.org.",
    "www7.example.orgs",
    "plain.example.net",
    "ab.example.net",
    "AB.example.net",
    "ab.example.net.",
    "12.example.net",
    "1a.example.net",
    "first.example.com",
    "other.org",
    "x.other.org",
    "-",
    "[::1]",
];

fn asked(address: SocketAddr, host: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = client::exchange(address, request.as_bytes()).expect("an answer");
    let location = answer.header("location").unwrap_or("-").to_owned();
    let text = if answer.status == 200 { answer.text() } else { String::new() };
    format!("{} {location} {text}", answer.status)
}

#[test]
fn a_host_leads_to_nginxs_server() {
    let Some(mut twins) = Twins::start(HTTP) else { return };
    let told: Vec<&str> = twins.remarks.lines().collect();
    let is_known = |line: &&str| line.contains("leads to an earlier server of its address");
    assert!(told.len() == 3 && told.iter().all(is_known), "{}", twins.remarks);
    for host in HOSTS {
        twins.compare(host, |address| asked(address, host, "/"));
    }
    twins.compare("a redirect", |address| asked(address, "ab.example.net", "/more"));
    twins.compare("no host", |address| {
        let answer = client::exchange(address, b"GET / HTTP/1.0\r\n\r\n").expect("an answer");
        answer.text()
    });
    twins.are_alike();
}
