//! `supervisord.conf` as our configuration: every key of Supervisor 4.3, with what it means there.
//!
//! The rules are those of its `options.py` and `datatypes.py`; what it would refuse is refused. Where
//! both would start a program with other results, the translation keeps Supervisor's: `kill_group`
//! and `reap_leftovers` are off, for it ends no more than the process that it has started.

mod engine;
mod expand;
mod ini;
mod known;
mod logs;
mod options;
mod pairs;
mod program;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use self::ini::{Document, Section};
use self::options::{Options, Remarks, Scope};
use self::program::Kind;
use super::page::{self, Page};
use super::{Mistakes, Place, Remark, Translation, files};
use crate::config;

/// Reads the file and what it includes.
pub(crate) fn translate(path: &Path) -> Result<Translation, Mistakes> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file: Rc<Path> = Rc::from(absolute);
    let whole = Place { file: Rc::clone(&file), line: 0 };
    let text = files::read(&file).map_err(|error| Mistakes(vec![whole.remark(error)]))?;
    let mut remarks = Remarks::default();
    let mut document = Document::default();
    read(&mut document, &file, &text, &mut remarks);
    include(&mut document, &file, &mut remarks);
    finish(&document, &whole, remarks)
}

/// The same for a text alone, which includes nothing.
#[cfg(any(test, fuzzing))]
pub(crate) fn translate_text(text: &str, name: &str) -> Result<Translation, Mistakes> {
    let file: Rc<Path> = Rc::from(Path::new(name));
    let mut remarks = Remarks::default();
    let mut document = Document::default();
    read(&mut document, &file, text, &mut remarks);
    finish(&document, &Place { file, line: 0 }, remarks)
}

/// What holds for any bytes: no panic, and what is translated is a configuration of ours, or one
/// whose errors are ours to name.
#[cfg(any(test, fuzzing))]
pub(crate) fn holds_for(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(translation) = translate_text(&text, "supervisord.conf") {
        let parsed = ::toml::from_str::<::toml::Table>(&translation.toml);
        assert!(parsed.is_ok(), "{:?}: {}", parsed, translation.toml);
        let _ours_to_judge = config::parse(&translation.toml, "translated");
    }
}

fn finish(
    document: &Document,
    whole: &Place,
    mut remarks: Remarks,
) -> Result<Translation, Mistakes> {
    let toml = write(document, whole, &mut remarks);
    super::sort(&mut remarks.warnings);
    super::sort(&mut remarks.mistakes);
    if remarks.mistakes.is_empty() {
        Ok(Translation { toml, warnings: remarks.warnings })
    } else {
        Err(Mistakes(remarks.mistakes))
    }
}

fn read(document: &mut Document, file: &Rc<Path>, text: &str, remarks: &mut Remarks) {
    if let Err(mistakes) = document.read(file, text) {
        remarks.mistakes.extend(mistakes);
    }
}

/// `[include]`: patterns relative to the file, each one's files in the order of their names. What
/// they include in turn is not read, as there.
fn include(document: &mut Document, file: &Rc<Path>, remarks: &mut Remarks) {
    let Some(section) = document.get("include") else { return };
    let section_place = section.place.clone();
    let options = Options::new(document, section, Scope::default());
    let Some(patterns) = options.text_now("files", remarks) else {
        let text = "[include] without `files`";
        remarks.mistakes.push(section_place.remark(text));
        return;
    };
    let folder = file.parent().unwrap_or(Path::new("/"));
    for pattern in patterns.value.split_whitespace() {
        let found = match files::matching(&folder.join(pattern)) {
            Ok(found) => found,
            Err(error) => {
                let remark = patterns.place.remark(format!("include `{pattern}`: {error}"));
                remarks.mistakes.push(remark);
                continue;
            }
        };
        if found.is_empty() {
            let text = format!("no file matches the include `{pattern}`");
            remarks.warnings.push(patterns.place.remark(text));
        }
        for path in found {
            read_included(document, path, remarks);
        }
    }
}

/// What can not be read is passed over there without a word.
fn read_included(document: &mut Document, path: PathBuf, remarks: &mut Remarks) {
    let file: Rc<Path> = Rc::from(path);
    match files::read(&file) {
        Ok(text) => read(document, &file, &text, remarks),
        Err(error) => {
            let place = Place { file, line: 0 };
            remarks.warnings.push(place.remark(format!("left out: {error}")));
        }
    }
}

fn write(document: &Document, whole: &Place, remarks: &mut Remarks) -> String {
    let mut page = Page::default();
    page.comment(&format!("From {whole}, by `pilothouse import supervisor`."));
    page.comment("Supervisor ends no process but the one that it has started; without the lines");
    page.comment("`kill_group` and `reap_leftovers` what that one has started ends with it, too.");
    let Some(main) = document.get("supervisord") else {
        remarks.mistakes.push(whole.remark("there is no section [supervisord]"));
        return page.text();
    };
    let daemon = engine::write(document, main, &mut page, remarks);
    let grouped = groups(document, &mut page, remarks);
    for section in document.sections() {
        let Some((kind, name)) = Kind::of(&section.name) else { continue };
        let group = grouped.iter().find(|(member, _)| member == name);
        let group = group.map_or(name, |(_, group)| group.as_str());
        let whereabouts = program::Whereabouts { document, section, kind, name, group };
        program::write(whereabouts, &daemon, &mut page, remarks);
    }
    engine::write_control(document, &mut page, remarks);
    known::remark(document, remarks);
    page.text()
}

/// Writes the groups; each member with its group.
fn groups(document: &Document, page: &mut Page, remarks: &mut Remarks) -> Vec<(String, String)> {
    let mut grouped: Vec<(String, String)> = Vec::new();
    for section in document.sections() {
        let Some(written) = section.name.strip_prefix("group:") else { continue };
        let Some(name) = name(written, section, remarks) else { continue };
        let options = Options::new(document, section, Scope::default());
        let Some(listed) = options.text_now("programs", remarks) else {
            remarks
                .mistakes
                .push(section.place.remark(format!("[group:{name}] names no programs")));
            continue;
        };
        let mut members = Vec::new();
        for member in listed.value.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let is_known = ["program", "fcgi-program"]
                .iter()
                .any(|kind| document.get(&format!("{kind}:{member}")).is_some());
            if !is_known {
                let text = format!("there is no program `{member}`");
                remarks.mistakes.push(listed.place.remark(text));
            } else if let Some((_, other)) = grouped.iter().find(|(known, _)| known == member) {
                let text = format!(
                    "program `{member}` stays in group `{other}` alone: here a program has one group"
                );
                remarks.warnings.push(listed.place.remark(text));
            } else {
                grouped.push((member.to_owned(), name.clone()));
                members.push(known::valid_name(member));
            }
        }
        page.table(&format!("[group.{}]", page::bare_or_quoted(&name)), &section.place);
        page.key("programs", &page::strings(members), &listed.place);
        if let Some((priority, place)) = options.integer("priority", remarks) {
            page.key("priority", &priority.to_string(), &place);
        }
    }
    grouped
}

/// A program's or group's name as ours can be: what is not of it becomes `_`.
fn name(written: &str, section: &Section, remarks: &mut Remarks) -> Option<String> {
    let written = written.trim();
    if let Some(c) = written.chars().find(|c| matches!(c, ' ' | ':' | '/')) {
        let text = format!("`{written}` is no name because of `{c}`");
        remarks.mistakes.push(section.place.remark(text));
        return None;
    }
    let name = known::valid_name(written);
    if name != written {
        let text = format!(
            "`{written}` is called `{name}` here: letters, digits, `_`, `-` and `.`, not `all`"
        );
        remarks.warnings.push(section.place.remark(text));
    }
    if !config::is_name(&name) {
        remarks.mistakes.push(section.place.remark(format!("`{written}` can not be a name here")));
        return None;
    }
    Some(name)
}

impl Remarks {
    fn warn(&mut self, place: &Place, text: impl Into<String>) {
        self.warnings.push(place.remark(text));
    }

    fn mistake(&mut self, place: &Place, text: impl Into<String>) {
        self.mistakes.push(place.remark(text));
    }
}
