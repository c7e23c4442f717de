//! `listen`: addresses, and which server is the default one of each.

use super::scope::{Remarks, Scope};
use super::tree::Directive;
use crate::import::Place;

pub(super) struct Listening {
    /// As ours writes it.
    pub(super) address: String,
    pub(super) has_proxy_protocol: bool,
    pub(super) has_tls: bool,
    is_default: bool,
    pub(super) place: Place,
}

/// Parameters that the kernel or this engine sees to by itself.
const MOOT: [&str; 10] = [
    "reuseport",
    "backlog",
    "deferred",
    "bind",
    "fastopen",
    "rcvbuf",
    "sndbuf",
    "so_keepalive",
    "ipv6only",
    "http2",
];

/// Where a server listens, as far as that is possible here.
pub(super) fn read(server: &Directive, remarks: &mut Remarks) -> Vec<Listening> {
    let scope = Scope::new(server.inner());
    let rules: Vec<&Directive> = scope.own("listen").collect();
    if rules.is_empty() {
        let (address, place) = ("0.0.0.0:80".to_owned(), server.place.clone());
        return vec![Listening {
            address,
            has_proxy_protocol: false,
            has_tls: false,
            is_default: false,
            place,
        }];
    }
    rules.into_iter().filter_map(|rule| one(rule, remarks)).collect()
}

fn one(rule: &Directive, remarks: &mut Remarks) -> Option<Listening> {
    let place = &rule.place;
    let written = rule.argument(0).unwrap_or_default();
    if written.starts_with("unix:") {
        remarks.warn(place, "a server that listens on a socket file has no equal here");
        return None;
    }
    let Some(address) = address(written) else {
        remarks.mistake(place, format!("`{written}` is no address to listen on"));
        return None;
    };
    let has = |word: &str| rule.arguments.iter().skip(1).any(|parameter| parameter == word);
    for parameter in rule.arguments.iter().skip(1) {
        let name = parameter.split('=').next().unwrap_or_default();
        let is_known = matches!(name, "default_server" | "default" | "proxy_protocol" | "ssl");
        if !is_known && !MOOT.contains(&name) {
            remarks.warn(place, format!("`{parameter}` of an address has no equal here"));
        }
    }
    if has("quic") {
        remarks.warn(place, format!("{address} is left out: HTTP/3 has no equal here"));
        return None;
    }
    Some(Listening {
        address,
        has_proxy_protocol: has("proxy_protocol"),
        has_tls: has("ssl"),
        is_default: has("default_server") || has("default"),
        place: place.clone(),
    })
}

/// `80`, `*:80`, `127.0.0.1`, `localhost:8080`, `[::]:80`.
pub(super) fn address(written: &str) -> Option<String> {
    if written.parse::<u16>().is_ok() {
        return Some(format!("0.0.0.0:{written}"));
    }
    let is_bracketed = written.starts_with('[');
    let has_port = if is_bracketed { written.contains("]:") } else { written.contains(':') };
    let full = if has_port { written.to_owned() } else { format!("{written}:80") };
    let full = match full.split_once(':') {
        Some(("*", port)) => format!("0.0.0.0:{port}"),
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        _ => full,
    };
    full.parse::<std::net::SocketAddr>().ok().map(|address| address.to_string())
}

/// Of each address the server that is its default: the one that says so, else the first.
pub(super) fn defaults<'a>(servers: &[&'a Directive]) -> Vec<(String, &'a Directive)> {
    let mut found: Vec<(String, &'a Directive, bool)> = Vec::new();
    for server in servers {
        for listening in read(server, &mut Remarks::default()) {
            match found.iter_mut().find(|(address, _, _)| *address == listening.address) {
                None => found.push((listening.address, server, listening.is_default)),
                Some(known) if listening.is_default && !known.2 => {
                    (known.1, known.2) = (server, true);
                }
                Some(_) => {}
            }
        }
    }
    found.into_iter().map(|(address, server, _)| (address, server)).collect()
}
