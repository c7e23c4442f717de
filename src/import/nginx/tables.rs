//! `map`, `geo` and `split_clients` as tables of ours, and the names of all variables that a file makes.
//!
//! A table without an equal is left out whole, and so is what rests on it: its variable is unknown then.

use std::net::IpAddr;

use super::guards;
use super::names as server_names;
use super::scope::Remarks;
use super::tree::Directive;
use super::values::{self, Groups, NO_GROUPS, Names};
use crate::config;
use crate::import::Place;
use crate::import::page::{self, Page};

/// Networks that one range may come apart to, and all of a table.
const NETWORKS_MAX: usize = 4096;

/// A table in our words.
struct Table {
    header: String,
    source: String,
    default: Option<(String, Place)>,
    has_hosts: bool,
    /// The key of what follows, and the pairs.
    values: &'static str,
    pairs: Vec<(String, String, Place)>,
    place: Place,
}

/// Writes all tables that have an equal; the names that texts may have from there on.
pub(super) fn write(http: &[Directive], page: &mut Page, remarks: &mut Remarks) -> Vec<String> {
    let tables = latest(http.iter().filter_map(named).collect(), remarks);
    let mut set = set_within(http);
    let of_names = server_names::variables(http);
    set.extend(of_names.into_iter().filter(|name| !set.contains(name)).collect::<Vec<_>>());
    let mut own: Vec<String> = tables.iter().map(|(_, name)| (*name).to_owned()).collect();
    own.retain(|name| !set.contains(name));
    own.extend(set.iter().cloned());
    // What rests on one that is left out is left out, too, until nothing changes any more.
    loop {
        let mut failed = Vec::new();
        let mut written = Vec::new();
        for (directive, name) in tables.iter().filter(|(_, name)| own.iter().any(|it| it == name)) {
            if set.iter().any(|known| known == name) {
                failed.push((*directive, *name, "it is set elsewhere, too".to_owned()));
                continue;
            }
            match table(directive, name, &own) {
                Ok(table) => written.push(table),
                Err(why) => failed.push((*directive, *name, why)),
            }
        }
        if failed.is_empty() {
            for table in &written {
                table.write(page);
            }
            return own;
        }
        for (directive, name, why) in failed {
            let text = format!("`${name}` is left out: {why}");
            remarks.warn(&directive.place, text);
            own.retain(|known| known != name);
        }
    }
}

/// Of two tables of one variable the later one counts.
fn latest<'d>(
    tables: Vec<(&'d Directive, &'d str)>,
    remarks: &mut Remarks,
) -> Vec<(&'d Directive, &'d str)> {
    let mut found: Vec<(&Directive, &str)> = Vec::new();
    for (directive, name) in tables {
        if let Some(at) = found.iter().position(|(_, known)| *known == name) {
            let (earlier, _) = found.remove(at);
            let text = format!("left out: a later table is `${name}`, too");
            remarks.warn(&earlier.place, text);
        }
        found.push((directive, name));
    }
    found
}

/// A table and the name of its variable.
fn named(directive: &Directive) -> Option<(&Directive, &str)> {
    let at = match (directive.name.as_str(), directive.arguments.len()) {
        ("map" | "split_clients", _) | ("geo", 2..) => 1,
        ("geo", _) => 0,
        _ => return None,
    };
    Some((directive, directive.argument(at)?.strip_prefix('$')?))
}

/// The variables that `set` makes, wherever it stands.
fn set_within(block: &[Directive]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for directive in block {
        let own = directive.argument(0).and_then(|name| name.strip_prefix('$'));
        let own = own.filter(|name| directive.name == "set" && can_be_set(name));
        let inner = set_within(directive.inner());
        for name in own.map(str::to_owned).into_iter().chain(inner) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// What a variable of the file can come to, where all of that is known beforehand.
pub(super) fn values_of(http: &[Directive], name: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let table = http.iter().filter_map(named).rfind(|(_, known)| *known == name);
    if let Some((directive, _)) = table {
        let lines = directive.inner().iter();
        let of_default = |line: &&Directive| matches!(line.name.as_str(), "default" | "*");
        if lines.clone().find(of_default).is_none() {
            values.push(String::new());
        }
        let is_value = |line: &&Directive| line.name != "delete";
        values
            .extend(lines.filter(is_value).filter_map(|line| line.argument(0)).map(str::to_owned));
    } else if server_names::variables(http).iter().any(|known| known == name) {
        return None;
    } else {
        // Empty, until it is set.
        values.push(String::new());
        set_to(http, name, &mut values);
    }
    values.sort();
    values.dedup();
    (!values.iter().any(|value| value.contains('$'))).then_some(values)
}

fn set_to(block: &[Directive], name: &str, values: &mut Vec<String>) {
    for directive in block {
        let own = directive.argument(0).and_then(|own| own.strip_prefix('$'));
        if directive.name == "set" && own == Some(name) {
            values.extend(directive.argument(1).map(str::to_owned));
        }
        set_to(directive.inner(), name, values);
    }
}

/// What is no variable already.
pub(super) fn can_be_set(name: &str) -> bool {
    config::is_variable_name(name) && !config::has_variable(name)
}

fn table(directive: &Directive, name: &str, own: &[String]) -> Result<Table, String> {
    if config::has_variable(name) {
        return Err("there is such a variable already".to_owned());
    }
    if !config::is_variable_name(name) {
        return Err("such a name is none here".to_owned());
    }
    let names = Names { own, groups: &NO_GROUPS };
    let unknown = |variable: String| format!("there is no `${variable}` here");
    let source = directive.argument(0).unwrap_or_default();
    let source = match directive.name.as_str() {
        "geo" if directive.arguments.len() < 2 => "$remote_addr",
        _ => source,
    };
    let source = values::template(source, names).map_err(unknown)?;
    let kind = match directive.name.as_str() {
        "map" => "map",
        "geo" => "geo",
        _ => "split",
    };
    let mut table = Table {
        header: format!("{kind}.{name}"),
        source,
        default: None,
        has_hosts: false,
        values: match kind {
            "map" => "values",
            "geo" => "networks",
            _ => "shares",
        },
        pairs: Vec::new(),
        place: directive.place.clone(),
    };
    let lines = directive.inner();
    match kind {
        "map" => words(lines, names, &mut table)?,
        "geo" => networks(lines, &mut table)?,
        _ => shares(lines, &mut table)?,
    }
    let mut seen: Vec<&str> = table.pairs.iter().map(|(key, ..)| key.as_str()).collect();
    seen.sort_unstable();
    match seen.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("`{}` is in it twice", pair[0])),
        None => Ok(table),
    }
}

fn words(lines: &[Directive], names: Names<'_>, table: &mut Table) -> Result<(), String> {
    let unknown = |variable: String| format!("there is no `${variable}` here");
    for line in lines {
        let (word, value) = (line.name.as_str(), line.argument(0));
        let Some(value) = value else {
            match word {
                "hostnames" => table.has_hosts = true,
                // A table is asked whenever it is named.
                "volatile" => {}
                other => return Err(format!("`{other}` has no value")),
            }
            continue;
        };
        if word == "default" {
            let value = values::template(value, names).map_err(unknown)?;
            table.default = Some((value, line.place.clone()));
            continue;
        }
        let pattern = word.strip_prefix("~*").or_else(|| word.strip_prefix('~'));
        let groups = pattern.map(Groups::of).unwrap_or_default();
        if pattern.is_some_and(|pattern| values::expression(pattern).is_err()) {
            return Err(format!("the expression `{word}` is none of ours"));
        }
        let value = values::template(value, names.with(&groups)).map_err(unknown)?;
        let word = if pattern.is_some() { word.to_owned() } else { word.to_ascii_lowercase() };
        table.pairs.push((word, value, line.place.clone()));
    }
    Ok(())
}

fn networks(lines: &[Directive], table: &mut Table) -> Result<(), String> {
    let is_of_ranges = lines.iter().any(|line| line.name == "ranges");
    let mut ranges: Vec<(u128, u128)> = Vec::new();
    for line in lines {
        let word = line.name.as_str();
        match (word, line.argument(0)) {
            ("ranges", _) => {}
            ("proxy" | "proxy_recursive", _) => {
                return Err(format!("`{word}` of a table has no equal here: `real_ip` has"));
            }
            ("default", Some(value)) => {
                table.default = Some((values::literal(value), line.place.clone()));
            }
            ("delete", Some(network)) => {
                let network = guards::network(network).ok_or("such a network is none here")?;
                table.pairs.retain(|(known, ..)| *known != network);
            }
            (range, Some(value)) if is_of_ranges => {
                let (first, last) = ends(range).ok_or(format!("`{range}` is no range"))?;
                if ranges.iter().any(|(begin, end)| first <= *end && last >= *begin) {
                    return Err(format!("the range `{range}` is partly in another one"));
                }
                ranges.push((first, last));
                for network in apart(first, last) {
                    table.pairs.push((network, values::literal(value), line.place.clone()));
                }
            }
            (network, Some(value)) => {
                let network =
                    guards::network(network).ok_or(format!("`{network}` is no network"))?;
                // The last one counts.
                table.pairs.retain(|(known, ..)| *known != network);
                table.pairs.push((network, values::literal(value), line.place.clone()));
            }
            (other, None) => return Err(format!("`{other}` has no value")),
        }
        if table.pairs.len() > NETWORKS_MAX {
            return Err(format!("more than {NETWORKS_MAX} networks"));
        }
    }
    Ok(())
}

/// The ends of a range of IPv4 addresses.
fn ends(range: &str) -> Option<(u128, u128)> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => Some(u128::from(address.to_bits())),
        IpAddr::V6(_) => None,
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

/// The networks that a range is made of, the fewest.
fn apart(first: u128, last: u128) -> Vec<String> {
    let mut networks = Vec::new();
    let mut next = first;
    while next <= last {
        let aligned = if next == 0 { 32 } else { next.trailing_zeros().min(32) };
        let fitting = (0..=aligned).rev().find(|bits| next + (1 << bits) - 1 <= last);
        let bits = fitting.unwrap_or(0);
        let address = std::net::Ipv4Addr::from(next as u32);
        networks.push(format!("{address}/{}", 32 - bits));
        next += 1 << bits;
    }
    networks
}

fn shares(lines: &[Directive], table: &mut Table) -> Result<(), String> {
    for line in lines {
        let value = line.argument(0).ok_or(format!("`{}` has no value", line.name))?;
        let value = values::literal(value);
        match line.name.as_str() {
            "*" => table.default = Some((value, line.place.clone())),
            share => table.pairs.push((value, share.to_owned(), line.place.clone())),
        }
    }
    Ok(())
}

impl Table {
    fn write(&self, page: &mut Page) {
        page.table(&format!("[{}]", self.header), &self.place);
        page.key("source", &page::string(&self.source), &self.place);
        if let Some((default, place)) = &self.default {
            page.key("default", &page::string(default), place);
        }
        if self.has_hosts {
            page.key("hosts", "true", &self.place);
        }
        page.table(&format!("[{}.{}]", self.header, self.values), &self.place);
        for (key, value, place) in &self.pairs {
            page.key(&page::string(key), &page::string(value), place);
        }
    }
}
