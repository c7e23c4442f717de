//! `listen`: addresses, and which server is the default one of each.

use super::scope::{Remarks, Scope};
use super::tree::Directive;
use crate::import::Place;

pub(super) struct Listening {
    /// As ours writes it.
    pub(super) address: String,
    /// As they are written.
    parameters: Vec<String>,
    pub(super) place: Place,
}

impl Listening {
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|known| known == parameter)
    }

    pub(super) fn has_tls(&self) -> bool {
        self.has("ssl")
    }

    fn is_default(&self) -> bool {
        self.has("default_server") || self.has("default")
    }
}

/// Parameters that the kernel or this engine sees to by itself.
const MOOT: [&str; 9] = [
    "reuseport",
    "backlog",
    "deferred",
    "bind",
    "fastopen",
    "rcvbuf",
    "sndbuf",
    "so_keepalive",
    "ipv6only",
];

/// Of a range; more is a mistake.
const PORTS_MAX: u16 = 256;

/// Where a server listens, as far as that is possible here.
pub(super) fn read(server: &Directive, remarks: &mut Remarks) -> Vec<Listening> {
    let scope = Scope::new(server.inner());
    let rules: Vec<&Directive> = scope.own("listen").collect();
    // Older than `ssl` behind an address: of all that the server listens on.
    let is_tls = scope.is_on("ssl");
    if rules.is_empty() {
        let (address, place) = ("0.0.0.0:80".to_owned(), server.place.clone());
        let parameters = is_tls.then(|| "ssl".to_owned()).into_iter().collect();
        return vec![Listening { address, parameters, place }];
    }
    let mut all: Vec<Listening> = Vec::new();
    for listening in rules.into_iter().flat_map(|rule| one(rule, is_tls, remarks)) {
        // One that is meant by two rules is listened on once.
        if !all.iter().any(|known| known.address == listening.address) {
            all.push(listening);
        }
    }
    all
}

/// The address of a rule; of a range of ports, all of them.
fn one(rule: &Directive, is_tls: bool, remarks: &mut Remarks) -> Vec<Listening> {
    let place = &rule.place;
    let written = rule.argument(0).unwrap_or_default();
    let mut addresses = all_of(written);
    if addresses.is_empty() {
        remarks.mistake(place, format!("`{written}` is no address to listen on"));
        return Vec::new();
    }
    let has = |word: &str| rule.arguments.iter().skip(1).any(|parameter| parameter == word);
    for parameter in rule.arguments.iter().skip(1) {
        let name = parameter.split('=').next().unwrap_or_default();
        let is_known =
            ["default_server", "default", "proxy_protocol", "ssl", "http2"].contains(&name);
        if !is_known && !MOOT.contains(&name) {
            remarks.warn(place, format!("`{parameter}` of an address has no equal here"));
        }
    }
    if has("quic") {
        remarks.warn(place, format!("{written} is left out: HTTP/3 has no equal here"));
        return Vec::new();
    }
    if has("ipv6only=off") {
        // Here each family has a socket of its own.
        let of_v4 = |address: &String| Some(format!("0.0.0.0:{}", address.strip_prefix("[::]:")?));
        addresses.extend(addresses.iter().filter_map(of_v4).collect::<Vec<_>>());
    }
    let mut parameters: Vec<String> = rule.arguments.iter().skip(1).cloned().collect();
    if is_tls && !has("ssl") {
        parameters.push("ssl".to_owned());
    }
    let listening =
        |address| Listening { address, parameters: parameters.clone(), place: place.clone() };
    addresses.into_iter().map(listening).collect()
}

/// `127.0.0.1:8080-8083` is four addresses.
pub(super) fn all_of(written: &str) -> Vec<String> {
    if let Some(address) = address(written) {
        return vec![address];
    }
    let (host, ports) =
        written.rsplit_once(':').map_or(("", written), |(host, ports)| (host, ports));
    let Some((first, last)) = ports.split_once('-') else { return Vec::new() };
    let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else {
        return Vec::new();
    };
    if last.saturating_sub(first) >= PORTS_MAX {
        return Vec::new();
    }
    let host = if host.is_empty() { "*" } else { host };
    (first..=last).filter_map(|port| address(&format!("{host}:{port}"))).collect()
}

/// `80`, `*:80`, `127.0.0.1`, `localhost:8080`, `[::]:80`, `unix:/run/nginx.sock`.
pub(super) fn address(written: &str) -> Option<String> {
    if let Some(path) = written.strip_prefix("unix:") {
        return path.starts_with('/').then(|| written.to_owned());
    }
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

/// The addresses where HTTP/2 is spoken, as one of their servers says.
pub(super) fn multiplexed(
    servers: &[&Directive],
    http: &Scope<'_>,
    remarks: &mut Remarks,
) -> Vec<String> {
    let mut offered: Vec<(String, bool)> = Vec::new();
    for server in servers {
        let scope = http.within(server.inner());
        let is_on = scope.is_on("http2");
        for listening in read(server, &mut Remarks::default()) {
            let is_meant = is_on || listening.has("http2");
            let address = listening.address;
            let known = offered.iter_mut().find(|(known, _)| *known == address);
            match known {
                Some((_, is_offered)) if *is_offered != is_on && scope.one("http2").is_some() => {
                    let text = "here HTTP/2 is of an address, so all its servers speak it";
                    remarks.warn(&scope.one("http2").expect("looked at just now").place, text);
                    *is_offered = true;
                }
                Some((_, is_offered)) => *is_offered |= is_meant,
                None => offered.push((address, is_meant)),
            }
        }
    }
    offered.into_iter().filter(|(_, is_offered)| *is_offered).map(|(address, _)| address).collect()
}

/// Of each address the server that is its default: the one that says so, else the first.
pub(super) fn defaults<'a>(servers: &[&'a Directive]) -> Vec<(String, &'a Directive)> {
    let mut found: Vec<(String, &'a Directive, bool)> = Vec::new();
    for server in servers {
        for listening in read(server, &mut Remarks::default()) {
            let is_default = listening.is_default();
            match found.iter_mut().find(|(address, _, _)| *address == listening.address) {
                None => found.push((listening.address, server, is_default)),
                Some(known) if is_default && !known.2 => {
                    (known.1, known.2) = (server, true);
                }
                Some(_) => {}
            }
        }
    }
    found.into_iter().map(|(address, server, _)| (address, server)).collect()
}
