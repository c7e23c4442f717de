//! `stream`: each server is a route for connections, by the host that TLS clients ask for where a `map`
//! of `$ssl_preread_server_name` says so.

use super::known::TRANSLATED;
use super::lines::Lines;
use super::listen;
use super::scope::{Remarks, Scope};
use super::tls;
use super::tree::Directive;
use super::upstreams::Upstreams;
use crate::import::page::{self, Page};

/// The variable of the host.
const HOST: &str = "$ssl_preread_server_name";

/// What of `stream` and its servers is translated.
const OF_STREAMS: [&str; 16] = [
    "server",
    "upstream",
    "listen",
    "proxy_pass",
    "proxy_connect_timeout",
    "proxy_timeout",
    "proxy_bind",
    "ssl_preread",
    "map",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_stapling_file",
    "ssl_protocols",
    "ssl_verify_client",
    "ssl_client_certificate",
    "ssl_crl",
];

/// Says which directives have an equal for requests, and none for connections.
fn without_equal(block: &[Directive], remarks: &mut Remarks) {
    for directive in block {
        let name = directive.name.as_str();
        let is_other_map = name == "map" && directive.argument(0) != Some(HOST);
        if is_other_map || (TRANSLATED.contains(&name) && !OF_STREAMS.contains(&name)) {
            remarks.warn(&directive.place, format!("`{name}` has no equal here for TCP servers"));
        }
    }
}

/// Paths begin in `prefix`.
pub(super) fn write(
    streams: &[Directive],
    prefix: &str,
    upstreams: &mut Upstreams,
    page: &mut Page,
    remarks: &mut Remarks,
) {
    let outer = Scope::new(streams);
    without_equal(streams, remarks);
    for server in streams.iter().filter(|directive| directive.name == "server") {
        let scope = outer.within(server.inner());
        without_equal(server.inner(), remarks);
        if let Some(rule) = scope.all_of(&["allow", "deny"]).first() {
            let text = format!("left out: without its `{}` it would be open to all", rule.name);
            remarks.warn(&server.place, text);
            continue;
        }
        let Some((target, place)) = scope.word("proxy_pass") else {
            remarks.warn(&server.place, "left out: it passes nothing on");
            continue;
        };
        let (addresses, has_tls) = addresses(&scope, remarks);
        if addresses.is_empty() {
            continue;
        }
        let lead = if target.starts_with('$') {
            by_host(streams, &scope, target, (upstreams, remarks))
        } else {
            let bind = upstreams.bind((&scope, "proxy"), target, remarks);
            let upstream = upstreams.lead_from(bind, (target, 0), place);
            let lead = upstream.map(|it| (it, Vec::new()));
            lead.ok_or_else(|| format!("`{target}` is no server here"))
        };
        let (upstream, hosts) = match lead {
            Ok(lead) => lead,
            Err(why) => {
                remarks.warn(place, format!("left out: {why}"));
                continue;
            }
        };
        let mut lines = Lines::default();
        lines.add("listen", format!("[{}]", addresses.join(", ")), &server.place);
        lines.text("upstream", &upstream, place);
        if has_tls {
            tls::of_server(&scope, prefix, &server.place, &mut lines, remarks);
        }
        if !hosts.is_empty() {
            lines.add("sni", format!("[{}]", hosts.join(", ")), place);
        }
        for (name, ours) in
            [("proxy_connect_timeout", "connect_timeout"), ("proxy_timeout", "idle_timeout")]
        {
            if let Some((time, place)) = scope.time(name, remarks) {
                lines.text(ours, &time, place);
            }
        }
        page.table("[[stream]]", &server.place);
        lines.write(page);
    }
}

/// Where a route listens, and whether TLS is spoken on any of it.
fn addresses(scope: &Scope<'_>, remarks: &mut Remarks) -> (Vec<String>, bool) {
    let (mut addresses, mut has_tls) = (Vec::new(), false);
    for rule in scope.own("listen") {
        let has = |name: &str| rule.arguments.iter().skip(1).any(|parameter| parameter == name);
        match rule.argument(0).and_then(listen::address) {
            Some(address) if !has("udp") && has("ssl") => {
                has_tls = true;
                let address = page::string(&address);
                addresses.push(format!("{{ address = {address}, tls = true }}"));
            }
            Some(address) if !has("udp") => addresses.push(page::string(&address)),
            Some(_) | None => remarks.warn(&rule.place, "left out: not a TCP address"),
        }
    }
    (addresses, has_tls)
}

/// The upstream of all other hosts, and those of some, as a `map` has them.
fn by_host(
    streams: &[Directive],
    scope: &Scope<'_>,
    variable: &str,
    (upstreams, remarks): (&mut Upstreams, &mut Remarks),
) -> Result<(String, Vec<String>), String> {
    let is_meant = |map: &&Directive| {
        map.name == "map" && map.argument(0) == Some(HOST) && map.argument(1) == Some(variable)
    };
    let map = streams.iter().find(is_meant).filter(|_| scope.is_on("ssl_preread"));
    let map = map.ok_or_else(|| format!("`{variable}` is no server here"))?;
    let are_hosts = map.inner().iter().any(|line| line.name == "hostnames");
    let (mut usual, mut hosts) = (None, Vec::new());
    for line in map.inner() {
        let (word, Some(target)) = (line.name.as_str(), line.argument(0)) else { continue };
        let bind = upstreams.bind((scope, "proxy"), target, remarks);
        let upstream = upstreams.lead_from(bind, (target, 0), &line.place);
        let upstream = upstream.ok_or_else(|| format!("`{target}` is no server here"))?;
        if word == "default" {
            usual = Some(upstream);
            continue;
        }
        let none = || format!("`{word}` is no host here");
        let names = match word.strip_prefix('.').filter(|_| are_hosts) {
            Some(bare) => vec![bare.to_owned(), format!("*.{bare}")],
            None => vec![word.to_owned()],
        };
        let is_plain = |name: &String| {
            let bare = name.strip_prefix("*.").filter(|_| are_hosts).unwrap_or(name);
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            !bare.is_empty() && bare.chars().all(is_of_name)
        };
        if !names.iter().all(is_plain) {
            return Err(none());
        }
        let pairs = [("hosts", page::strings(names)), ("upstream", page::string(&upstream))];
        hosts.push(page::inline(&pairs.map(|(key, value)| (key.to_owned(), value))));
    }
    // Who asks for another host then is led nowhere.
    let usual = usual.unwrap_or_else(|| upstreams.nowhere(&map.place));
    Ok((usual, hosts))
}
