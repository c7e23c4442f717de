//! What only the sections together can tell: names that must exist, names and addresses that must
//! not meet, and the engine's bounds.

mod secure;
mod sockets;

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::model::guard::Counted;
use super::model::route::PathMatch;
use super::model::server_name::HostName;
use super::model::{Address, Kind, Listen, Location, Strategy};
use super::report::{Located, Report, Span};
use super::template::Variable;
use super::{
    action, check, control, guard, kept, limits, nearest, needs, program, reach, server, stream,
    upstream,
};

/// What was read of the file.
#[derive(Clone, Copy)]
pub(super) struct Sections<'a> {
    pub(super) servers: &'a [server::Draft],
    pub(super) streams: &'a [stream::Draft],
    pub(super) limits: &'a [guard::zone::Draft],
    pub(super) upstreams: &'a [upstream::Draft],
    pub(super) programs: &'a [program::Draft],
    pub(super) control: &'a control::Draft,
}

pub(super) fn check(report: &Report<'_>, sections: Sections<'_>) {
    let Sections { servers, streams, limits: zones, upstreams, programs, control } = sections;
    let names: Vec<&str> = upstreams.iter().map(|draft| draft.upstream.name.as_str()).collect();
    let routed = servers.iter().flat_map(|draft| &draft.leads_to);
    let streamed = streams.iter().flat_map(|draft| &draft.leads_to);
    let joined = programs.iter().filter_map(|draft| draft.joins.as_ref());
    for name in routed.chain(streamed).chain(joined) {
        known_upstream(report, &names, name);
    }
    limited(report, servers, zones);
    routes(report, servers);
    pages(report, servers);
    handed(report, servers);
    hosts(report, servers);
    addresses(report, servers, streams);
    control_address(report, control, servers, streams);
    proxied(report, servers);
    multiplexed(report, servers);
    streamed_as_they_are(report, streams, upstreams);
    for draft in upstreams {
        backends(report, draft, programs);
        cookies(report, draft);
        hashed(report, draft);
    }
    ports(report, sections);
    let of_servers = servers.iter().flat_map(|draft| &draft.server.listen);
    let of_streams = streams.iter().flat_map(|draft| &draft.stream.listen);
    let listened: Vec<_> = of_servers.chain(of_streams).map(|listen| &listen.address).collect();
    program::sockets::check(report, programs, &listened);
    secure::check(report, servers, streams);
    sockets::check(report, servers);
    certificates(report, sections);
    needs::check(report, programs);
    program::fatal::check(report, programs);
    bounds(report, upstreams, programs);
    if let Some((at, why)) = kept::excess(programs.iter().map(|draft| &draft.program)) {
        let hint = "the next master could not be told of them; another engine may run the rest";
        report.error(&programs[at].at, why, hint);
    }
}

fn known_upstream(report: &Report<'_>, names: &[&str], name: &Located<String>) {
    let text = name.value.as_str();
    if names.contains(&text) {
        return;
    }
    let hint = match nearest::nearest(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add [upstream.{text}]"),
    };
    report.error(&name.span, format!("no upstream `{text}`"), hint);
}

/// Every limit that is named is there, and counts what is bounded.
fn limited(report: &Report<'_>, servers: &[server::Draft], zones: &[guard::zone::Draft]) {
    let names: Vec<&str> = zones.iter().map(|draft| draft.zone.name.as_str()).collect();
    for zone in servers.iter().flat_map(|draft| &draft.limited_by) {
        let text = zone.value.name.as_str();
        let Some(at) = names.iter().position(|name| *name == text) else {
            let hint = match nearest::nearest(text, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add [limit.{text}]"),
            };
            report.error(&zone.span, format!("no limit `{text}`"), hint);
            continue;
        };
        match (zones[at].zone.counted, zone.value.counts_rates) {
            (Counted::Rate(_), true) | (Counted::Connections, false) => {}
            (Counted::Rate(_), false) => {
                let message = format!("`{text}` counts how fast requests come");
                report.error(&zone.span, message, "one without `rate` counts connections");
            }
            (Counted::Connections, true) => {
                let message = format!("`{text}` has no rate");
                let hint = format!("add `connections` here, or `rate` to [limit.{text}]");
                report.error(&zone.span, message, hint);
            }
        }
    }
    for (index, draft) in zones.iter().enumerate() {
        over(report, &draft.name, "limits", index + 1, limits::guards::LIMITS_MAX);
    }
}

/// No two routes of one server have the same path.
fn routes(report: &Report<'_>, servers: &[server::Draft]) {
    for draft in servers {
        let mut seen = HashMap::new();
        for (route, span) in draft.server.routes.iter().zip(&draft.routes) {
            let path = match &route.path {
                PathMatch::FirmPrefix(prefix) => PathMatch::Prefix(prefix.clone()),
                other => other.clone(),
            };
            if let Some(first) = seen.insert(path, span) {
                let hint = format!("first on line {}", line(report, first));
                report.error(span, "two routes of one server have this path", hint);
            }
        }
    }
}

/// All error pages together fit what travels to a worker.
fn pages(report: &Report<'_>, servers: &[server::Draft]) {
    let mut bytes = 0;
    for draft in servers {
        let routes = draft.server.routes.iter().map(|route| &route.shape);
        for shape in routes.chain([&draft.server.shape]) {
            bytes += action::pages_bytes(&shape.error_pages);
        }
        if bytes > limits::PAGES_BYTES_MAX {
            let message =
                format!("error pages of {bytes} bytes, more than {}", limits::PAGES_BYTES_MAX);
            return report.error(
                &draft.pages,
                message,
                "a page may be a redirect to another server",
            );
        }
    }
}

/// On one address a host belongs to one server, and at most one server takes the rest.
fn hosts(report: &Report<'_>, servers: &[server::Draft]) {
    let mut seen: HashMap<(&Address, &str), &Span> = HashMap::new();
    for draft in servers {
        for (listen, at) in draft.server.listen.iter().zip(&draft.listen) {
            let address = &listen.address;
            if draft.server.takes_the_rest()
                && let Some(first) = seen.insert((address, ""), at)
            {
                let hint =
                    format!("first on line {}; `hosts` tells them apart", line(report, first));
                let which = if draft.server.hosts.is_empty() { "without hosts" } else { "for `*`" };
                report.error(at, format!("two servers {which} listen on {address}"), hint);
            }
            let is_named = |(host, _): &(&String, &Span)| HostName::of(host) != HostName::Any;
            for (host, at) in draft.server.hosts.iter().zip(&draft.hosts).filter(is_named) {
                if let Some(first) = seen.insert((address, host), at) {
                    let hint = format!("first on line {}", line(report, first));
                    let message = format!("host `{host}` is served twice on {address}");
                    report.error(at, message, hint);
                }
            }
        }
    }
}

/// An address belongs to servers, which tell requests apart by host, or to one TCP route.
fn addresses(report: &Report<'_>, servers: &[server::Draft], streams: &[stream::Draft]) {
    let mut taken: HashMap<&Address, (&str, &Span)> = HashMap::new();
    for draft in servers {
        for (listen, at) in draft.server.listen.iter().zip(&draft.listen) {
            taken.entry(&listen.address).or_insert(("a server", at));
        }
    }
    for draft in streams {
        for (listen, at) in draft.stream.listen.iter().zip(&draft.listen) {
            let address = &listen.address;
            if let Some((owner, first)) = taken.get(address) {
                let hint = format!("on line {}; a TCP route needs its own", line(report, first));
                report.error(at, format!("{owner} listens on {address} already"), hint);
            }
            taken.entry(address).or_insert(("a TCP route", at));
        }
    }
}

/// The control API answers nobody's clients.
fn control_address(
    report: &Report<'_>,
    control: &control::Draft,
    servers: &[server::Draft],
    streams: &[stream::Draft],
) {
    let mut taken: Vec<(SocketAddr, &str, &Span)> = Vec::new();
    for (address, what, at) in control.addresses() {
        if let Some((other, owner, _)) = taken.iter().find(|(other, ..)| is_met(*other, address)) {
            report.error(at, format!("{owner} is on {other} already"), "each needs its own port");
        }
        taken.push((address, what, at));
        let of_servers =
            servers.iter().flat_map(|draft| draft.server.listen.iter().zip(&draft.listen));
        let of_streams =
            streams.iter().flat_map(|draft| draft.stream.listen.iter().zip(&draft.listen));
        let mut all = of_servers.chain(of_streams);
        let meets = |listen: &Listen| match listen.address {
            Address::Tcp(own) => is_met(own, address),
            Address::Unix(_) => false,
        };
        if let Some((listen, other)) = all.find(|(listen, _)| meets(listen)) {
            let hint = format!("on line {}", line(report, other));
            report.error(at, format!("clients are served on {} already", listen.address), hint);
        }
    }
}

/// Whether a connection to one of the addresses may be meant for the other.
fn is_met(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.port() != 0
        && one.is_ipv4() == other.is_ipv4()
        && (is_any || one.ip() == other.ip())
}

/// Servers of one address share its socket, so they agree on how its connections begin.
fn proxied(report: &Report<'_>, servers: &[server::Draft]) {
    let mut seen: HashMap<&Address, (bool, &Span)> = HashMap::new();
    for draft in servers {
        for (listen, at) in draft.server.listen.iter().zip(&draft.listen) {
            let (is_proxied, first) =
                *seen.entry(&listen.address).or_insert((listen.proxy_protocol, at));
            if is_proxied != listen.proxy_protocol {
                let hint = format!("first on line {}", line(report, first));
                let message = format!(
                    "{} has the PROXY protocol in one server and not in another",
                    listen.address
                );
                report.error(at, message, hint);
            }
        }
    }
}

/// The same: what a client may speak is known before the server is that it wants.
fn multiplexed(report: &Report<'_>, servers: &[server::Draft]) {
    let mut seen: HashMap<&Address, (bool, &Span)> = HashMap::new();
    for draft in servers {
        for (listen, at) in draft.server.listen.iter().zip(&draft.listen) {
            let (is_multiplexed, first) =
                *seen.entry(&listen.address).or_insert((listen.http2, at));
            if is_multiplexed != listen.http2 {
                let hint = format!("first on line {}", line(report, first));
                let message =
                    format!("{} has HTTP/2 in one server and not in another", listen.address);
                report.error(at, message, hint);
            }
        }
    }
}

/// What a client says there is nothing that could be put into streams.
fn streamed_as_they_are(
    report: &Report<'_>,
    streams: &[stream::Draft],
    upstreams: &[upstream::Draft],
) {
    for name in streams.iter().flat_map(|draft| &draft.leads_to) {
        let speaks_http2 = |draft: &&upstream::Draft| {
            draft.upstream.name == name.value && draft.upstream.links.http2
        };
        if upstreams.iter().find(speaks_http2).is_some() {
            let hint =
                "a TCP route passes on bytes as they are: give it an upstream without `http2`";
            report.error(&name.span, format!("upstream `{}` speaks HTTP/2", name.value), hint);
        }
    }
}

fn line(report: &Report<'_>, span: &Span) -> usize {
    report.line_of(span.start) + 1
}

/// An upstream can serve, and its strategy can use what it has.
fn backends(report: &Report<'_>, draft: &upstream::Draft, programs: &[program::Draft]) {
    let upstream = &draft.upstream;
    let mut joined = programs.iter().filter_map(|draft| draft.joins.as_ref());
    let is_served = joined.any(|name| name.value == upstream.name);
    if !is_served && !draft.is_partial && upstream.backends.iter().all(|backend| backend.backup) {
        let name = &upstream.name;
        let which = if upstream.backends.is_empty() { "no backend" } else { "only backups" };
        report.error(
            &draft.name,
            format!("upstream `{name}` has {which} and no program serves it"),
            format!("add [[upstream.{name}.backend]], or `serves` to a program"),
        );
    }
    for (backend, (_, later)) in upstream.backends.iter().zip(&draft.backends) {
        if let (Some(span), Some(why)) = (later, without_backups(upstream.strategy)) {
            let what = if backend.backup { "a backup" } else { "a priority" };
            let message = format!("`{}` has no use for {what}", upstream.strategy.name());
            report.error(span, message, why);
        }
    }
    for joining in programs.iter().filter(|it| it.program.serves.is_some()) {
        let serves = joining.program.serves.as_ref().filter(|it| it.upstream == upstream.name);
        if let (true, Some(why)) =
            (serves.is_some_and(|it| it.priority > 0), without_backups(upstream.strategy))
        {
            let message = format!("`{}` has no use for a priority", upstream.strategy.name());
            report.error(&joining.port, message, why);
        }
    }
    let mut seen = HashMap::new();
    for (backend, (span, _)) in upstream.backends.iter().zip(&draft.backends) {
        if let Some(first) = seen.insert(&backend.address, span) {
            let hint = format!("first on line {}; `weight` gives it more", line(report, first));
            report.error(span, format!("{} is in this upstream already", backend.address), hint);
        }
    }
    let mut seen = HashMap::new();
    for (backend, (span, _)) in upstream.backends.iter().zip(&draft.backends) {
        let Some(route) = &backend.route else { continue };
        if let Some(first) = seen.insert(route, span) {
            let hint = format!("of the one on line {}", line(report, first));
            report.error(span, format!("`route` is `{route}`, as another backend's is"), hint);
        }
    }
}

/// What brings clients back is in requests.
fn cookies(report: &Report<'_>, draft: &upstream::Draft) {
    if let (Some(span), Kind::Tcp) = (&draft.sticky, draft.upstream.kind) {
        let message = "only TCP routes lead here, and their clients bring no cookies";
        report.error(span, message, "`ip_hash` brings a client's network back");
    }
}

/// Why backups mean nothing to a strategy, where they don't.
fn without_backups(strategy: Strategy) -> Option<&'static str> {
    match strategy {
        Strategy::RoundRobin | Strategy::LeastConn | Strategy::LeastTime => None,
        Strategy::IpHash => Some("a client's backend is given by its address alone"),
        Strategy::Hash | Strategy::HashConsistent => Some("a key's backend is given by it alone"),
        Strategy::Random | Strategy::RandomTwo => Some("it draws among all backends alike"),
    }
}

/// A worker has each of the files open.
fn handed(report: &Report<'_>, servers: &[server::Draft]) {
    let mut files = BTreeSet::new();
    for draft in servers {
        files.extend(reach::handed(std::iter::once(&draft.server)));
        if files.len() > limits::HANDED_FILES_MAX {
            let most = limits::HANDED_FILES_MAX;
            let message = format!("more than {most} access logs and files of users");
            let hint = "several servers may write to one: `$server_name` tells their lines apart";
            return report.error(&draft.at, message, hint);
        }
    }
}

/// A TCP route has no request to take a key from.
fn hashed(report: &Report<'_>, draft: &upstream::Draft) {
    let (Some(key), Some(span)) = (&draft.upstream.hash_key, &draft.key_span) else { return };
    let is_streamed = draft.upstream.kind != Kind::Http;
    if is_streamed && !key.variables().all(Variable::is_of_connection) {
        let message = "`hash_key` names what only a request has, and a TCP route leads here";
        let hint = "a connection has `$remote_addr`, `$remote_port`, `$realip_remote_addr`, \
                    `$server_addr`, `$server_port`, `$proxy_protocol_addr`, `$proxy_protocol_port`";
        report.error(span, message, hint);
    }
}

/// The ports of programs' instances exist and meet nobody else's.
fn ports(report: &Report<'_>, sections: Sections<'_>) {
    let Sections { servers, streams, limits: _, upstreams, programs, control } = sections;
    let mut taken: HashMap<u16, String> = HashMap::new();
    let of_servers = servers.iter().flat_map(|draft| &draft.server.listen);
    let of_streams = streams.iter().flat_map(|draft| &draft.stream.listen);
    let tcp = |listen: &Listen| match listen.address {
        Address::Tcp(address) => Some(address),
        Address::Unix(_) => None,
    };
    let listened = of_servers.filter_map(|listen| Some((tcp(listen)?, "a server")));
    let streamed = of_streams.filter_map(|listen| Some((tcp(listen)?, "a TCP route")));
    let controlled = control.addresses().map(|(address, what, _)| (address, what));
    for (address, owner) in listened.chain(streamed).chain(controlled) {
        let is_met = match address.ip() {
            IpAddr::V4(ip) => ip.is_unspecified() || ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_unspecified(),
        };
        if is_met && address.port() != 0 {
            taken.insert(address.port(), format!("{owner} on {address}"));
        }
    }
    for draft in programs {
        let program = &draft.program;
        let (Some(serves), port) = (&program.serves, &draft.port) else { continue };
        let last = u32::from(serves.port) + program.instances - 1;
        let Ok(last) = u16::try_from(last) else {
            let message = format!("the last instance would get port {last}, beyond 65535");
            report.error(port, message, "");
            continue;
        };
        for number in serves.port..=last {
            let own = format!("program `{}`", program.name);
            if let Some(other) = taken.insert(number, own) {
                report.error(port, format!("port {number} belongs to {other}"), "");
                break;
            }
            let address = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, number)));
            let is_static = upstreams
                .iter()
                .filter(|draft| draft.upstream.name == serves.upstream)
                .flat_map(|draft| &draft.upstream.backends)
                .any(|backend| backend.address == Location::Fixed(address.clone()));
            if is_static {
                let message = format!("{address} is a backend of `{}` already", serves.upstream);
                report.error(port, message, "an instance joins by itself; remove the backend");
            }
        }
    }
}

/// All certificates together fit what travels to a worker.
fn certificates(report: &Report<'_>, sections: Sections<'_>) {
    let Sections { servers, streams, upstreams, .. } = sections;
    secure::bound(report, servers, streams, upstreams);
    let mut bytes = 0;
    for draft in upstreams {
        bytes += draft.upstream.check.as_ref().map_or(0, check::certificate_bytes);
        if bytes > limits::CHECK_CA_BYTES_MAX {
            let message = format!("certificates of checks with {bytes} bytes");
            let hint = format!("expected up to {} in all", limits::CHECK_CA_BYTES_MAX);
            return report.error(&draft.name, message, hint);
        }
    }
}

/// The scoreboard's tables have a size.
fn bounds(report: &Report<'_>, upstreams: &[upstream::Draft], programs: &[program::Draft]) {
    let mut total = 0;
    for (index, draft) in upstreams.iter().enumerate() {
        let instances: usize = programs
            .iter()
            .filter(|program| {
                let joins = program.joins.as_ref();
                joins.is_some_and(|name| name.value == draft.upstream.name)
            })
            .map(|program| program.program.instances as usize)
            .sum();
        let members = draft.upstream.backends.len() + instances;
        total += members;
        over(
            report,
            &draft.name,
            "backends in one upstream",
            members,
            limits::UPSTREAM_MEMBERS_MAX,
        );
        over(report, &draft.name, "upstreams", index + 1, limits::UPSTREAMS_MAX);
        over(report, &draft.name, "backends in all", total, limits::BACKENDS_MAX);
    }
}

fn over(report: &Report<'_>, span: &Span, what: &str, count: usize, most: usize) {
    if count > most {
        report.error(span, format!("{count} {what}, more than {most}"), "");
    }
}
