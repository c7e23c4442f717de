//! `sockets`: addresses that the engine listens on for a program's instances.

use toml::de::DeValue;

use crate::sys::user;

use super::super::model::Address;
use super::super::model::process::{Owner, Socket};
use super::super::report::{Located, Report, Span};
use super::super::section::{Section, Value, text_of};
use super::super::{address, limits};
use super::Draft;

/// As Supervisor's `socket_mode`.
const MODE: u32 = 0o700;
const BACKLOG: u32 = 1024;
const BACKLOG_MAX: u32 = 65_535;
const NAME_BYTES_MAX: usize = 255;

pub(super) fn read(section: &mut Section<'_>) -> Vec<Located<Socket>> {
    let items = section.items("sockets");
    let report = section.report;
    if let Some(beyond) = items.get(limits::PROGRAM_SOCKETS_MAX) {
        let message = format!("more than {} sockets", limits::PROGRAM_SOCKETS_MAX);
        report.error(&beyond.span(), message, "");
    }
    let mut sockets: Vec<Located<Socket>> = Vec::new();
    for item in items {
        let Some(socket) = one(section, item) else { continue };
        if sockets.iter().any(|other| other.value.address == socket.value.address) {
            let message = format!("{} is listed twice", socket.value.address);
            report.error(&socket.span, message, "");
        }
        sockets.push(socket);
    }
    sockets
}

/// A descriptor for readiness has to be behind those of the sockets.
pub(super) fn beside(section: &Section<'_>, sockets: &[Located<Socket>], ready: Option<u32>) {
    let first_free = limits::PROGRAM_DESCRIPTOR_MIN + sockets.len() as u32;
    if let (Some(number), Some(span)) = (ready, section.key_span("ready"))
        && number < first_free
    {
        let message = format!("descriptor {number} is one of the `sockets`");
        section.report.error(&span, message, format!("{first_free} is the first free one"));
    }
}

/// What only the sections together can tell: every address has one owner.
pub(in crate::config) fn check(report: &Report<'_>, programs: &[Draft], listened: &[&Address]) {
    let mut taken: Vec<(&Address, &str)> = Vec::new();
    for draft in programs {
        let name = draft.program.name.as_str();
        for socket in &draft.sockets {
            let address = &socket.value.address;
            let other = taken.iter().find(|(other, owner)| meet(other, address) && *owner != name);
            if let Some((_, owner)) = other {
                let message = format!("{address} belongs to program `{owner}`");
                report.error(&socket.span, message, "");
            } else if listened.iter().any(|other| meet(other, address)) {
                report.error(&socket.span, format!("{address} is listened on by us"), "");
            }
            taken.push((address, name));
        }
    }
}

/// Whether two can not be listened on side by side.
fn meet(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Tcp(one), Address::Tcp(other)) => {
            let is_every = one.ip().is_unspecified() || other.ip().is_unspecified();
            one.port() == other.port()
                && one.is_ipv4() == other.is_ipv4()
                && (is_every || one.ip() == other.ip())
        }
        (Address::Unix(_), _) | (_, Address::Unix(_)) => one == other,
    }
}

fn one(section: &Section<'_>, item: &Value<'_>) -> Option<Located<Socket>> {
    let report = section.report;
    if !matches!(item.get_ref(), DeValue::Table(_)) {
        let expected = "an address such as \"127.0.0.1:9000\" or \"unix:/run/app.sock\"";
        let text = text_of(report, item, expected)?;
        let span = text.span.clone();
        let value = plain(address_of(report, &text)?);
        return Some(Located { value, span });
    }
    let mut table = section.item("sockets", item)?;
    let text = table.text("address");
    if table.key_span("address").is_none() {
        table.missing("address", "such as \"127.0.0.1:9000\" or \"unix:/run/app.sock\"");
    }
    let name = table.text("name");
    let backlog = table.integer("backlog", 1..=BACKLOG_MAX).unwrap_or(BACKLOG);
    let mode = super::process::octal(&mut table, "mode").unwrap_or(MODE);
    let owner = table.text("owner");
    let of_files = ["mode", "owner"].map(|key| (key, table.key_span(key)));
    table.finish(&[("path", "address"), ("socket_mode", "mode"), ("socket_owner", "owner")]);
    let name = name.and_then(|name| name_of(report, name));
    let owner = owner.and_then(|owner| owner_of(report, &owner));
    let text = text?;
    let address = address_of(report, &text)?;
    if matches!(address, Address::Tcp(_)) {
        for (key, span) in of_files {
            deny(report, key, span);
        }
    }
    let value = Socket { address, name, backlog, mode, owner };
    Some(Located { value, span: text.span })
}

fn plain(address: Address) -> Socket {
    Socket { address, name: None, backlog: BACKLOG, mode: MODE, owner: None }
}

fn deny(report: &Report<'_>, key: &str, span: Option<Span>) {
    if let Some(span) = span {
        report.error(&span, format!("`{key}` is for sockets in the file system"), "");
    }
}

fn address_of(report: &Report<'_>, text: &Located<String>) -> Option<Address> {
    let parsed = match text.value.strip_prefix("unix:") {
        Some(path) => address::unix(path),
        None => address::listen(&text.value).and_then(|address| match address.port() {
            0 => Err("a port from 1 to 65535: nobody would know another".to_owned()),
            _ => Ok(Address::Tcp(address)),
        }),
    };
    parsed
        .map_err(|hint| {
            let message = format!("`{}` is not an address to listen on", text.value);
            report.error(&text.span, message, hint);
        })
        .ok()
}

/// `LISTEN_FDNAMES` is taken apart at its colons.
fn name_of(report: &Report<'_>, name: Located<String>) -> Option<String> {
    let is_name = !name.value.is_empty()
        && name.value.len() <= NAME_BYTES_MAX
        && name.value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if is_name {
        return Some(name.value);
    }
    let message = format!("`{}` is no name for a socket", name.value.escape_debug());
    report.error(&name.span, message, "plain characters without a colon");
    None
}

/// `user`, or `user:group`.
fn owner_of(report: &Report<'_>, text: &Located<String>) -> Option<Owner> {
    let (user, group) = match text.value.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text.value.as_str(), None),
    };
    if !(report.surroundings.is_user)(user) {
        report.error(&text.span, format!("no user `{user}` on this machine"), "");
        return None;
    }
    // A check of a text alone knows no machine.
    let is_group =
        |group: &&str| report.surroundings.base.is_none() || user::group(group).is_some();
    if let Some(group) = group.filter(|group| !is_group(group)) {
        report.error(&text.span, format!("no group `{group}` on this machine"), "");
        return None;
    }
    Some(Owner { user: user.to_owned(), group: group.map(str::to_owned) })
}
