//! `configs/REFERENCE.md` and `configs/full.toml` say what the parser accepts: no key more, no key
//! less, each with its type, its bounds and its default.
//!
//! What is accepted is what readers ask for while they read `samples`, one for each table. With
//! `PILOTHOUSE_WRITE_REFERENCE` set, the column of types is written anew.

mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::config::listener;
use crate::config::section::asked::{self, notes};

const PAGE: &str = include_str!("../../../configs/REFERENCE.md");
const FULL: &str = include_str!("../../../configs/full.toml");
const COLUMNS: &str = "|---|---|---|---|";
/// Tables whose own tables have names that people choose.
const NAMED: [&str; 8] =
    ["upstream", "program", "group", "listener", "limit", "map", "geo", "split"];
/// Keys of `full.toml` that are names in tables of free ones.
const FREE: [&str; 4] = ["md", "kind", "blue", "green"];

/// A table and a key in it.
type Place = (String, String);

struct Row {
    line: usize,
    tables: Vec<String>,
    key: String,
    form: String,
    default: String,
}

/// The rows of the page; each counts for every table that its heading names.
fn rows() -> Vec<Row> {
    let (mut rows, mut tables, mut is_in_body) = (Vec::new(), Vec::new(), false);
    for (line, text) in PAGE.lines().enumerate() {
        if let Some(heading) = text.strip_prefix("##") {
            is_in_body = false;
            tables = heading.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            if tables.is_empty() {
                tables.push("file".to_owned());
            }
        } else if text == COLUMNS {
            is_in_body = true;
        } else if let Some(cells) = text.strip_prefix('|').filter(|_| is_in_body) {
            let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
            let [key, form, default, _meaning, ""] = cells.as_slice() else {
                panic!("line {}: four cells, and no other `|`: {text}", line + 1);
            };
            let key = key.trim_matches('`').to_owned();
            let (tables, form) = (tables.clone(), (*form).to_owned());
            rows.push(Row { line, tables, key, form, default: (*default).to_owned() });
        }
    }
    rows
}

/// A table's title with `NAME` for every name of somebody's own. What a listener has in common with
/// programs is said of programs.
fn table(title: &str) -> String {
    let mut words: Vec<&str> = title.split('.').collect();
    // Steps within steps are the same ones.
    words.dedup_by(|word, before| word == before && *word == "steps");
    if NAMED.contains(&words[0]) && words.len() > 1 {
        words[1] = "NAME";
    }
    if words.len() > 2 && words[0] == "listener" {
        words[0] = "program";
    }
    if words.len() > 3 && words[2] == "limits" {
        words[3] = "NAME";
    }
    if title.is_empty() { "file".to_owned() } else { words.join(".") }
}

/// What readers ask for in all samples, and what they expect.
fn accepted() -> BTreeMap<Place, BTreeSet<String>> {
    let mut accepted: BTreeMap<Place, BTreeSet<String>> = BTreeMap::new();
    for (_, sample) in samples::all() {
        let text = sample.replace('@', "");
        let notes = notes::of(|| {
            super::good(&text);
        });
        for note in notes {
            let place = (table(&note.title), note.key.to_owned());
            accepted.entry(place).or_default().insert(note.form);
        }
    }
    let refused = listener::REFUSED.map(|(key, _)| ("listener.NAME".to_owned(), key.to_owned()));
    accepted.retain(|place, _| !refused.contains(place));
    accepted
}

/// What the parser itself says of a key's type; `None`: it takes several.
fn closed(forms: &BTreeSet<String>) -> Option<String> {
    let is_open = forms.contains(asked::OPEN);
    (!is_open).then(|| forms.iter().cloned().collect::<Vec<_>>().join("; "))
}

fn written() -> BTreeSet<Place> {
    let places = |row: Row| row.tables.into_iter().map(move |table| (table, row.key.clone()));
    rows().into_iter().flat_map(places).collect()
}

#[test]
fn the_page_has_the_keys_of_the_parser_and_no_other() {
    let accepted: BTreeSet<Place> = accepted().into_keys().collect();
    let written = written();
    let missing: Vec<_> = accepted.difference(&written).collect();
    assert!(missing.is_empty(), "no row in configs/REFERENCE.md for {missing:#?}");
    let excess: Vec<_> = written.difference(&accepted).collect();
    assert!(excess.is_empty(), "the parser knows no {excess:#?}");
}

#[test]
fn the_page_has_the_types_of_the_parser() {
    let accepted = accepted();
    let mut lines: Vec<String> = PAGE.lines().map(str::to_owned).collect();
    let mut wrong = Vec::new();
    for row in rows() {
        for place in row.tables.iter().map(|table| (table.clone(), row.key.clone())) {
            let Some(forms) = accepted.get(&place) else { continue };
            let line = row.line + 1;
            match closed(forms) {
                None if row.form.is_empty() => {
                    wrong.push(format!("{line}: {place:?} takes several forms: say which"));
                }
                Some(form) if form != row.form => {
                    let cells: Vec<&str> = PAGE.lines().nth(row.line).unwrap().split('|').collect();
                    lines[row.line] = format!("|{}| {form} |{}|{}|", cells[1], cells[3], cells[4]);
                    wrong.push(format!("{line}: {place:?} is {form:?}, not {:?}", row.form));
                }
                None | Some(_) => {}
            }
        }
    }
    if std::env::var_os("PILOTHOUSE_WRITE_REFERENCE").is_some() {
        std::fs::write(repository("configs/REFERENCE.md"), lines.join("\n") + "\n").unwrap();
    }
    assert!(wrong.is_empty(), "configs/REFERENCE.md: {wrong:#?}");
}

/// A default that is written as a value is tried: with it and without the key the same comes out.
#[test]
fn the_defaults_of_the_page_hold() {
    let samples = samples::all();
    let mut tried = 0;
    for row in rows() {
        let literal = row.default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        let Some(literal) = literal.filter(|literal| !literal.contains('`')) else { continue };
        let with = format!("{} = {literal}\n", row.key);
        if toml::from_str::<toml::Table>(&with).is_err() {
            continue;
        }
        for table in &row.tables {
            let line = row.line + 1;
            let outcomes =
                samples.iter().filter(|(of, _)| of == table).filter_map(|(_, sample)| {
                    let with =
                        crate::config::parse(&sample.replace('@', &with), "test.toml").ok()?;
                    Some(with == super::good(&sample.replace('@', "")))
                });
            let outcomes: Vec<bool> = outcomes.collect();
            assert!(!outcomes.is_empty(), "{line}: {} = {literal} in no {table}", row.key);
            let holds = outcomes.iter().all(|is_same| *is_same);
            assert!(holds, "{line}: {literal} is not the default of {} in {table}", row.key);
            tried += 1;
        }
    }
    assert!(tried > 100, "only {tried} defaults are values");
}

/// A table of its own that no sample enters would hide its keys.
#[test]
fn every_table_is_entered() {
    let accepted = accepted();
    let rows = rows();
    let entered: BTreeSet<&str> = accepted.keys().map(|(table, _)| table.as_str()).collect();
    for row in rows.iter().filter(|row| row.form.contains("table")) {
        if row.form.contains("table of texts") {
            continue;
        }
        for table in &row.tables {
            let own = if table == "file" { String::new() } else { format!("{table}.") };
            let table = self::table(&format!("{own}{}", row.key));
            let named = format!("{table}.NAME");
            let is_entered = entered.contains(table.as_str()) || entered.contains(named.as_str());
            assert!(is_entered, "no sample has a table {table}");
        }
    }
}

/// What a sample misses, the source tells.
#[test]
fn no_reader_has_a_key_that_no_sample_asks_for() {
    let known: BTreeSet<String> = accepted().into_keys().map(|(_, key)| key).collect();
    let readers = "text|raw_text|flag|integer|signed|duration|positive_duration|seconds|size|\
                   size_within|folder|user|texts|raw_texts|items|section|item|sections|\
                   named_sections|pairs|entries|page|page_at|value";
    let call = Regex::new(&format!(r#"\.(?:{readers})\(\s*"([a-z0-9_]+)""#)).unwrap();
    let mut count = 0;
    for file in sources(&repository("src/config")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for found in call.captures_iter(&text) {
            count += 1;
            let key = &found[1];
            assert!(known.contains(key), "{}: `{key}` is in no sample", file.display());
        }
    }
    assert!(count > 200, "only {count} calls of readers were found");
}

#[test]
fn the_full_example_has_the_keys_of_the_parser_and_no_other() {
    let accepted = accepted();
    let of = |section: &str, is_meant: &dyn Fn(&str) -> bool| -> BTreeSet<&str> {
        let in_it = accepted
            .keys()
            .filter(|(table, _)| table.split('.').next() == Some(section) && is_meant(table));
        in_it.map(|(_, key)| key.as_str()).collect()
    };
    // A program's checks are those of an upstream, a stream's addresses and its TLS a server's: listed
    // there.
    let is_own = |table: &str| {
        let is_check = table.starts_with("program") && table.contains(".check");
        !is_check && !["stream.listen", "stream.tls"].contains(&table)
    };
    let assigned = Regex::new(r"(?m)(?:^\s*#?\s*|[{,]\s*)([a-z_0-9]+) = ").unwrap();
    let mut regions = regions();
    // A listener has the keys of a program, which are not listed again.
    let programs = regions["program"].clone();
    regions.get_mut("listener").unwrap().push_str(&programs);
    for (section, region) in &regions {
        let words: BTreeSet<&str> =
            region.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let listed = of(section, &is_own);
        let missing: Vec<_> = listed.difference(&words).collect();
        assert!(missing.is_empty(), "configs/full.toml: [{section}] without {missing:?}");
        let mut keys = of(section, &|_| true);
        if section == "listener" {
            keys.extend(of("program", &|_| true));
        }
        for found in assigned.captures_iter(region) {
            let is_known = keys.contains(&found[1]) || FREE.contains(&&found[1]);
            assert!(is_known, "configs/full.toml: [{section}] with `{}`", &found[1]);
        }
    }
}

/// The example by the first word of its tables.
fn regions() -> BTreeMap<String, String> {
    let header = Regex::new(r"^\s*#?\s*\[+([a-z]+)[\].]").unwrap();
    let mut regions: BTreeMap<String, String> = BTreeMap::new();
    let mut section = None;
    for line in FULL.lines() {
        if let Some(found) = header.captures(line) {
            section = Some(found[1].to_owned());
        }
        if let Some(section) = &section {
            let region = regions.entry(section.clone()).or_default();
            region.push_str(line);
            region.push('\n');
        }
    }
    regions
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// All files below that are no tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries.filter(|path| !path.ends_with("tests")) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}
