//! Who is let in, how often and how fast: nginx's access, limit and login directives as our guards.
//!
//! What has no equal and would let people in stays shut; what would only slow them down is left out,
//! and it is said.

use std::net::IpAddr;

use super::headers;
use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use super::upstreams::Upstreams;
use super::values::{self, NO_GROUPS, Names};
use crate::config::limits::guards::{
    BURST_MAX, LIMIT_KEYS_MAX, LIMIT_KEYS_MAX_OF_CONNECTIONS, LIMIT_RATE_MAX, LIMITS_MAX,
};
use crate::import::page::{self, Page};

/// Of nginx's states on a machine of 64 bits.
const STATE_BYTES: u64 = 128;

/// The zones that have an equal, by name.
pub(super) struct Zones {
    rates: Vec<String>,
    connections: Vec<String>,
    /// All that the file has, those without an equal, too.
    named: Vec<String>,
}

impl Zones {
    /// Reads `limit_req_zone` and `limit_conn_zone`, and writes them as tables.
    pub(super) fn write(
        (http, own): (&[Directive], &[String]),
        page: &mut Page,
        remarks: &mut Remarks,
    ) -> Self {
        let mut zones = Self { rates: Vec::new(), connections: Vec::new(), named: Vec::new() };
        for directive in http {
            match directive.name.as_str() {
                "limit_req_zone" => zones.add((directive, own), Some("rate="), page, remarks),
                "limit_conn_zone" => zones.add((directive, own), None, page, remarks),
                _ => {}
            }
        }
        zones
    }

    fn add(
        &mut self,
        (directive, own): (&Directive, &[String]),
        rate: Option<&str>,
        page: &mut Page,
        remarks: &mut Remarks,
    ) {
        let place = &directive.place;
        let value = |prefix: &str| {
            directive.arguments.iter().find_map(|argument| argument.strip_prefix(prefix))
        };
        let zone = value("zone=").map(|zone| zone.split_once(':').unwrap_or((zone, "")));
        let (Some(key), Some((name, size))) = (directive.argument(0), zone) else {
            remarks.mistake(place, format!("`{}` wants a key and a zone", directive.name));
            return;
        };
        if self.named.iter().any(|known| known == name) {
            return remarks.mistake(place, format!("there is a zone `{name}` already"));
        }
        self.named.push(name.to_owned());
        let key = key.replace("$binary_remote_addr", "$remote_addr");
        let key = key.replace("${binary_remote_addr}", "$remote_addr");
        let left_out = |why: String| format!("limit `{name}` is left out: {why}");
        let key = match values::template(&key, Names { own, groups: &NO_GROUPS }) {
            Ok(key) => key,
            Err(variable) => {
                return remarks.warn(place, left_out(format!("there is no `${variable}` here")));
            }
        };
        if !is_name(name) {
            return remarks.warn(place, left_out("such a name is none here".to_owned()));
        }
        if self.rates.len() + self.connections.len() == LIMITS_MAX {
            return remarks.warn(place, left_out(format!("there are {LIMITS_MAX} already")));
        }
        let rate = rate.map(|prefix| value(prefix).filter(|rate| is_rate(rate)));
        if rate == Some(None) {
            return remarks.warn(place, left_out("such a rate is none here".to_owned()));
        }
        page.table(&format!("[limit.{}]", page::bare_or_quoted(name)), place);
        let keys_max = if let Some(rate) = rate.flatten() {
            self.rates.push(name.to_owned());
            page.key("rate", &page::string(rate), place);
            LIMIT_KEYS_MAX
        } else {
            self.connections.push(name.to_owned());
            LIMIT_KEYS_MAX_OF_CONNECTIONS
        };
        page.key("key", &page::string(&key), place);
        let keys = values::bytes(size).unwrap_or(1 << 20) / STATE_BYTES;
        page.key("keys", &keys.clamp(1, u64::from(keys_max)).to_string(), place);
    }
}

impl Zones {
    /// A limit that goes without its zone. One that the file has was told of where it stands.
    fn miss(&self, rule: &Directive, zone: &str, remarks: &mut Remarks) {
        if !self.named.iter().any(|known| known == zone) {
            let text = format!("`{}` is left out: there is no zone `{zone}`", rule.name);
            remarks.warn(&rule.place, text);
        }
    }
}

fn is_name(name: &str) -> bool {
    crate::config::is_name(name)
}

fn is_rate(rate: &str) -> bool {
    let count = rate.strip_suffix("r/s").or_else(|| rate.strip_suffix("r/m"));
    let count = count.and_then(|count| count.parse::<u32>().ok());
    count.is_some_and(|count| (1..=LIMIT_RATE_MAX).contains(&count))
}

/// Writes the guards of a place. An error is the directive without an equal that keeps people out.
pub(super) fn write<'a>(
    scope: &Scope<'a>,
    (zones, prefix): (&Zones, &str),
    lines: &mut Lines,
    remarks: &mut Remarks,
) -> Result<(), &'a Directive> {
    access(scope, lines)?;
    login(scope, prefix, lines)?;
    if let Some(("any", place)) = scope.word("satisfy") {
        lines.text("satisfy", "any", place);
    }
    limits(scope, zones, lines, remarks);
    for (name, ours) in [("limit_rate", "limit_rate"), ("limit_rate_after", "limit_rate_after")] {
        let Some((word, place)) = scope.word(name) else { continue };
        match values::bytes(word) {
            Some(0) => {}
            Some(bytes) => lines.text(ours, &values::size(bytes), place),
            None => remarks.warn(place, format!("`{name} {word}` has no equal here")),
        }
    }
    Ok(())
}

fn access<'a>(scope: &Scope<'a>, lines: &mut Lines) -> Result<(), &'a Directive> {
    let rules = scope.all_of(&["allow", "deny"]);
    let Some(first) = rules.first() else { return Ok(()) };
    let mut texts = Vec::new();
    for rule in &rules {
        let whom = match rule.argument(0) {
            Some(word @ ("all" | "unix:")) => word.to_owned(),
            word => word.and_then(network).ok_or(*rule)?,
        };
        texts.push(format!("{} {whom}", rule.name));
    }
    lines.add("access", page::strings(texts), &first.place);
    Ok(())
}

/// The network of an address within it, which nginx takes for it.
pub(super) fn network(text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let width: u32 = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() { width } else { bits.parse().ok()? };
    let host_bits = width.checked_sub(bits)?;
    let first: IpAddr = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    };
    Some(format!("{first}/{bits}"))
}

fn login<'a>(scope: &Scope<'a>, prefix: &str, lines: &mut Lines) -> Result<(), &'a Directive> {
    let Some(rule) = scope.one("auth_basic") else { return Ok(()) };
    let realm = rule.argument(0).unwrap_or_default();
    if realm == "off" {
        return Ok(());
    }
    let Some((file, place)) = scope.word("auth_basic_user_file") else { return Err(rule) };
    if realm.contains('$') || file.contains('$') {
        return Err(rule);
    }
    let file = if file.starts_with('/') { file.to_owned() } else { format!("{prefix}/{file}") };
    let pairs = [("realm", page::string(realm)), ("file", page::string(&file))];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
    lines.add("basic_auth", page::inline(&pairs), place);
    Ok(())
}

/// Variables of `auth_request_set`, with what they are of the answer.
pub(super) fn vouched(scope: &Scope<'_>, own: &[String]) -> Vec<(String, String)> {
    let names = Names { own, groups: &NO_GROUPS };
    let rules = scope.all("auth_request_set").into_iter();
    let pair = |rule: &Directive| {
        let name = rule.argument(0)?.strip_prefix('$')?.to_owned();
        Some((name, values::template(rule.argument(1)?, names).ok()?))
    };
    rules.filter_map(pair).collect()
}

/// What of the answer goes on as lines of that name, and what is to be said of it.
fn taken(
    (scope, directive): (&Scope<'_>, &str),
    own: &[String],
    vouched: &[(String, String)],
) -> Vec<(String, String)> {
    let names = Names { own, groups: &NO_GROUPS };
    let mut lines: Vec<(String, String)> = Vec::new();
    for rule in scope.all(directive) {
        let (Some(name), Some(text)) = (rule.argument(0), rule.argument(1)) else { continue };
        if !values::mentions(text, vouched) || !headers::can_be_vouched(&name.to_lowercase()) {
            continue;
        }
        let name = page::bare_or_quoted(name);
        // What is wrong with it is told where the lines of everybody are.
        if let Ok(value) = values::template_with(text, names, vouched)
            && !lines.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name))
        {
            lines.push((name, page::string(&value)));
        }
    }
    lines
}

/// `auth_request` as a question to where its location leads.
pub(super) fn ask(
    scope: &Scope<'_>,
    located: &[(&str, Scope<'_>)],
    (own, upstreams, remarks): (&[String], &mut Upstreams, &mut Remarks),
    lines: &mut Lines,
) -> Result<(), Directive> {
    let Some(rule) = scope.one("auth_request") else { return Ok(()) };
    let uri = rule.argument(0).unwrap_or_default();
    if uri == "off" {
        return Ok(());
    }
    let (_, inner) = located.iter().find(|(path, _)| *path == uri).ok_or_else(|| rule.clone())?;
    let pass = inner.own("proxy_pass").next().ok_or_else(|| rule.clone())?;
    let target = pass
        .argument(0)
        .and_then(|target| target.strip_prefix("http://"))
        .ok_or_else(|| rule.clone())?;
    if target.contains('$') || target.starts_with("unix:") {
        return Err(rule.clone());
    }
    let (host, path) = target.split_at(target.find('/').unwrap_or(target.len()));
    let path = if path.is_empty() { uri } else { path };
    let bind = upstreams.bind((inner, "proxy"), host, remarks);
    let upstream = upstreams.lead_from(bind, (host, 80), &pass.place);
    let upstream = upstream.ok_or_else(|| rule.clone())?;
    let vouched = vouched(scope, own);
    let is_grpc = scope.own("grpc_pass").next().is_some();
    let set_header = if is_grpc { "grpc_set_header" } else { "proxy_set_header" };
    let set = taken((scope, set_header), own, &vouched);
    let told = taken((scope, "add_header"), own, &vouched);
    let sent = sent(inner, own, host)?;
    let mut pairs = vec![
        ("upstream", page::string(&upstream)),
        ("path", page::string(&path.replace('$', "$$"))),
        ("send", page::inline(&sent)),
    ];
    for (key, lines) in [("set", set), ("response", told)] {
        if !lines.is_empty() {
            pairs.push((key, page::inline(&lines)));
        }
    }
    lines.add("auth_request", inline(&pairs), &rule.place);
    Ok(())
}

/// The lines of a question, by the rules that its location has or inherits; an error is one that has no
/// equal, since it may be what the answer rests on.
fn sent(inner: &Scope<'_>, own: &[String], host: &str) -> Result<Vec<(String, String)>, Directive> {
    /// What a question has by itself, and no rule can say.
    const OF_THE_HOP: [&str; 3] = ["connection", "upgrade", "proxy-connection"];
    let names = Names { own, groups: &NO_GROUPS };
    let mut sent: Vec<(String, String)> = Vec::new();
    for rule in inner.all("proxy_set_header") {
        let other = || rule.clone();
        let (Some(name), Some(value)) = (rule.argument(0), rule.argument(1)) else {
            return Err(other());
        };
        let lower = name.to_lowercase();
        if OF_THE_HOP.contains(&lower.as_str()) || (lower == "content-length" && value.is_empty()) {
            continue;
        }
        if !headers::can_be_set(&lower) {
            return Err(other());
        }
        let value = value.replace("$proxy_host", host);
        let value = values::template(&value, names).map_err(|_| other())?;
        if lower == "host" && value.is_empty() {
            return Err(other());
        }
        sent.retain(|(known, _)| !known.eq_ignore_ascii_case(&page::bare_or_quoted(name)));
        sent.push((page::bare_or_quoted(name), page::string(&value)));
    }
    if !sent.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        sent.insert(0, ("Host".to_owned(), page::string(&values::literal(host))));
    }
    Ok(sent)
}

fn limits(scope: &Scope<'_>, zones: &Zones, lines: &mut Lines, remarks: &mut Remarks) {
    let mut tables = Vec::new();
    let mut first = None;
    let rates = scope.all("limit_req");
    for rule in &rates {
        if let Some(table) = rate(scope, rule, zones, remarks) {
            first = first.or(Some(&rule.place));
            tables.push(table);
        }
    }
    let connections = scope.all("limit_conn");
    for rule in &connections {
        let (Some(zone), Some(most)) = (rule.argument(0), rule.argument(1)) else {
            remarks.mistake(&rule.place, "`limit_conn` wants a zone and a number");
            continue;
        };
        let is_known = zones.connections.iter().any(|known| known == zone);
        match most.parse::<u16>() {
            Ok(most @ 1..) if is_known => {
                let mut pairs =
                    vec![("zone", page::string(zone)), ("connections", most.to_string())];
                common(scope, "limit_conn", &mut pairs, remarks);
                first = first.or(Some(&rule.place));
                tables.push(inline(&pairs));
            }
            _ if is_known => {
                remarks.warn(&rule.place, "such a `limit_conn` has no equal here");
            }
            _ => zones.miss(rule, zone, remarks),
        }
    }
    if let Some(place) = first {
        lines.add("limits", format!("[{}]", tables.join(", ")), place);
    }
}

fn rate(
    scope: &Scope<'_>,
    rule: &Directive,
    zones: &Zones,
    remarks: &mut Remarks,
) -> Option<String> {
    let zone = rule.arguments.iter().find_map(|argument| argument.strip_prefix("zone="));
    let Some(zone) = zone else {
        remarks.mistake(&rule.place, "`limit_req` wants a zone");
        return None;
    };
    if !zones.rates.iter().any(|known| known == zone) {
        zones.miss(rule, zone, remarks);
        return None;
    }
    let mut pairs = vec![("zone", page::string(zone))];
    for argument in &rule.arguments {
        match argument.split_once('=') {
            None if argument == "nodelay" => pairs.push(("nodelay", "true".to_owned())),
            Some((key @ ("burst" | "delay"), number)) => {
                let number = number.parse::<u32>().ok().filter(|number| *number <= BURST_MAX);
                let Some(number) = number else {
                    remarks.warn(&rule.place, format!("`{argument}` has no equal here"));
                    continue;
                };
                pairs.push((if key == "burst" { "burst" } else { "delay" }, number.to_string()));
            }
            _ => {}
        }
    }
    common(scope, "limit_req", &mut pairs, remarks);
    Some(inline(&pairs))
}

/// The status and the trial of all limits of a kind.
fn common(
    scope: &Scope<'_>,
    kind: &str,
    pairs: &mut Vec<(&'static str, String)>,
    remarks: &mut Remarks,
) {
    if let Some((status, place)) = scope.number(&format!("{kind}_status"), remarks) {
        match status {
            400..=599 => pairs.push(("status", status.to_string())),
            _ => remarks.mistake(place, format!("`{kind}_status` is {status}")),
        }
    }
    if scope.is_on(&format!("{kind}_dry_run")) {
        pairs.push(("dry_run", "true".to_owned()));
    }
}

fn inline(pairs: &[(&'static str, String)]) -> String {
    let pairs: Vec<(String, String)> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    page::inline(&pairs)
}
