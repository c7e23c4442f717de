//! `[map.NAME]`, `[geo.NAME]` and `[split.NAME]`: variables of the file's own, each the value that a
//! text comes to in a table (nginx's `map`, `geo` and `split_clients`).
//!
//! All are read before anything that may name them, and may name each other, but not in a circle.

mod circle;
mod words;

use super::address;
use super::limits::tables::{TABLE_VALUES_MAX, TABLES_MAX};
use super::model::table::{Lookup, Table};
use super::report::{Located, Report, Span};
use super::section::Section;
use super::template::{self, Part, Scope, Stage, Template, Variable};

/// All hashes, in hundredths of a percent.
const WHOLE: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Map,
    Geo,
    Split,
}

/// A table, and where its name stands.
struct Draft {
    table: Table,
    name: Span,
}

/// Reads all tables; their places in the list are what texts name them by.
pub(super) fn read_all(file: &mut Section<'_>) -> Vec<Table> {
    let report = file.report;
    let mut sections = Vec::new();
    for (kind, key) in [(Kind::Map, "map"), (Kind::Geo, "geo"), (Kind::Split, "split")] {
        let named = match kind {
            Kind::Map => file.named_sections("map"),
            Kind::Geo => file.named_sections("geo"),
            Kind::Split => file.named_sections("split"),
        };
        sections.extend(named.into_iter().map(|(name, section)| (kind, key, name, section)));
    }
    for (_, key, name, _) in &sections {
        check_name(report, key, name);
    }
    let drafts: Vec<Draft> =
        sections.into_iter().map(|(kind, _, name, section)| read(kind, name, section)).collect();
    bound(report, &drafts);
    circle::settle(report, &drafts);
    drafts.into_iter().map(|draft| draft.table).collect()
}

fn check_name(report: &Report<'_>, key: &str, name: &Located<String>) {
    let text = name.value.as_str();
    if !is_variable(text) {
        let message = format!("`{}` is no name of a variable", text.escape_debug());
        report.error(&name.span, message, "letters, digits and `_`, and no digit first");
    } else if Variable::parse(text).is_some() {
        let message = format!("there is a variable `${text}` already");
        report.error(&name.span, message, format!("[{key}.NAME] makes `$NAME`"));
    }
    if !report.named.add_table(text) {
        let message = format!("two tables make `${text}`");
        report.error(&name.span, message, "a name must mean one of them");
    }
}

/// Whether a text can name a variable.
pub(super) fn is_variable(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().all(is_of_name) && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn read(kind: Kind, name: Located<String>, mut section: Section<'_>) -> Draft {
    let report = section.report;
    let source = section.raw_text("source").map(|text| {
        if text.value.is_empty() {
            report.error(&text.span, "`source` is empty", "such as `source = \"$host\"`");
        }
        template::parse(report, &text, SCOPE)
    });
    if kind == Kind::Map && section.key_span("source").is_none() {
        section.missing("source", "what is looked up, such as `source = \"$host\"`");
    }
    let client = || Template { parts: vec![Part::Variable(Variable::RemoteAddr)] };
    let default = section.raw_text("default");
    let default = default.map(|text| template::parse(report, &text, SCOPE)).unwrap_or_default();
    let lookup = match kind {
        Kind::Map => Lookup::Words(words::read(&mut section)),
        Kind::Geo => networks(&mut section),
        Kind::Split => shares(&mut section),
    };
    section.finish(&[
        ("of", "source"),
        ("key", "source"),
        ("from", "source"),
        ("entries", "values"),
        ("hostnames", "hosts"),
    ]);
    let source = source.unwrap_or_else(client);
    Draft { table: Table { name: name.value, source, lookup, default }, name: name.span }
}

/// When a table is asked depends on who names it.
const SCOPE: Scope<'static> = Scope { stage: Stage::End, groups: None };

fn networks(section: &mut Section<'_>) -> Lookup {
    let report = section.report;
    let mut networks: Vec<(_, Template)> = Vec::new();
    for (network, value) in section.pairs("networks") {
        let cidr = match address::network(&network.value) {
            Ok(cidr) => address::canonical(cidr),
            Err(hint) => {
                let message = format!("`{}` is not a network", network.value.escape_debug());
                report.error(&network.span, message, hint);
                continue;
            }
        };
        if networks.iter().any(|(known, _)| *known == cidr) {
            report.error(&network.span, "this network is in the table already", "");
        }
        networks.push((cidr, template::parse(report, &value, SCOPE)));
    }
    Lookup::Networks(networks)
}

/// `shares = { blue = "90%", green = "10%" }`; what is left is the default's.
fn shares(section: &mut Section<'_>) -> Lookup {
    let report = section.report;
    let mut shares = Vec::new();
    let mut sum = 0;
    for (value, share) in section.pairs("shares") {
        let Some(hundredths) = hundredths(&share.value).filter(|it| (1..=WHOLE).contains(it))
        else {
            let message = format!("`{}` is no share", share.value.escape_debug());
            report.error(&share.span, message, "expected \"0.01%\" to \"100%\"");
            continue;
        };
        sum += hundredths;
        if sum > WHOLE {
            report.error(&share.span, "the shares are more than 100% together", "");
            break;
        }
        shares.push((hundredths, template::parse(report, &value, SCOPE)));
    }
    Lookup::Shares(shares)
}

/// `12%`, `0.5%`: two places behind the point at most.
fn hundredths(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let tenth = if part.len() == 1 { 10 } else { 1 };
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part.parse::<u32>().ok()? * tenth)
}

fn bound(report: &Report<'_>, drafts: &[Draft]) {
    let mut values = 0;
    for (index, draft) in drafts.iter().enumerate() {
        // Its source is no value.
        values += draft.table.templates().count() - 1;
        if values > TABLE_VALUES_MAX {
            let message = format!("more than {TABLE_VALUES_MAX} values in all tables");
            return report.error(&draft.name, message, "");
        }
        if index == TABLES_MAX {
            return report.error(&draft.name, format!("more than {TABLES_MAX} tables"), "");
        }
    }
}
