//! The INI files of Supervisor, as Python's `RawConfigParser` reads them with Supervisor's settings
//! (`UnhosedConfigParser`): later duplicates win, `;` and `#` begin a comment at the start of a line
//! or after white space, keys are the same in either case, and a line that is indented further than
//! its key goes on with the value.

use std::path::Path;
use std::rc::Rc;

use crate::import::{Place, Remark};

/// Where values stand that hold for every section.
const DEFAULT: &str = "DEFAULT";

/// Sections in the order of their first appearance, of all files that were read.
#[derive(Debug, Default)]
pub(super) struct Document {
    sections: Vec<Section>,
}

#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// In lower case.
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// What the last lines of a file have led to.
struct Reading {
    section: Option<usize>,
    /// The entry that an indented line goes on with, and how far its own line is indented.
    entry: Option<usize>,
    indent: usize,
}

impl Document {
    /// Reads one more file; every line that is none of the format is in the error.
    pub(super) fn read(&mut self, file: &Rc<Path>, text: &str) -> Result<(), Vec<Remark>> {
        let mut reading = Reading { section: None, entry: None, indent: 0 };
        let mut mistakes = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let place = Place { file: Rc::clone(file), line: number };
            if let Err(text) = self.read_line(&mut reading, line, &place) {
                mistakes.push(place.remark(text));
            }
        }
        for entry in self.sections.iter_mut().flat_map(|section| &mut section.entries) {
            entry.value.truncate(entry.value.trim_end().len());
        }
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    fn read_line(
        &mut self,
        reading: &mut Reading,
        line: &str,
        place: &Place,
    ) -> Result<(), &'static str> {
        let (text, is_commented) = without_comment(line);
        let value = text.trim();
        let entry = reading.section.zip(reading.entry);
        if value.is_empty() {
            // An empty line within a value belongs to it; whatever is left at its end does not.
            if let (Some((section, entry)), false) = (entry, is_commented) {
                self.sections[section].entries[entry].value.push('\n');
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if let (Some((section, entry)), true) = (entry, indent > reading.indent) {
            let goes_on = &mut self.sections[section].entries[entry].value;
            goes_on.push('\n');
            goes_on.push_str(value);
            return Ok(());
        }
        reading.indent = indent;
        if let Some(name) = header(value) {
            (reading.section, reading.entry) = (Some(self.section(name, place)), None);
            return Ok(());
        }
        let Some(section) = reading.section else {
            return Err("expected a section such as [supervisord] first");
        };
        let Some(at) = value.find(['=', ':']).filter(|at| *at > 0) else {
            return Err("expected `key=value` or a section");
        };
        let key = value[..at].trim_end().to_lowercase();
        let entries = &mut self.sections[section].entries;
        entries.retain(|entry| entry.key != key);
        let value = value[at + 1..].trim().to_owned();
        entries.push(Entry { key, value, place: place.clone() });
        reading.entry = Some(entries.len() - 1);
        Ok(())
    }

    fn section(&mut self, name: &str, place: &Place) -> usize {
        if let Some(at) = self.sections.iter().position(|section| section.name == name) {
            return at;
        }
        let section = Section { name: name.to_owned(), place: place.clone(), entries: Vec::new() };
        self.sections.push(section);
        self.sections.len() - 1
    }

    /// All but what stands for defaults.
    pub(super) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.name != DEFAULT)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Section> {
        self.sections().find(|section| section.name == name)
    }

    /// A section's own value, or the one for all.
    pub(super) fn entry<'a>(&'a self, section: &'a Section, key: &str) -> Option<&'a Entry> {
        let defaults = self.sections.iter().find(|section| section.name == DEFAULT);
        [Some(section), defaults]
            .into_iter()
            .flatten()
            .find_map(|section| section.entries.iter().find(|entry| entry.key == key))
    }
}

/// The line before its comment, and whether there was one.
fn without_comment(line: &str) -> (&str, bool) {
    let is_mark = |c: char| matches!(c, ';' | '#');
    if line.trim_start().starts_with(is_mark) {
        return ("", true);
    }
    // Python looks for both marks in rounds, and the first round that finds one is the last.
    let mut next = [(';', Some(0)), ('#', Some(0))];
    while next.iter().any(|(_, from)| from.is_some()) {
        let mut begins = None::<usize>;
        for (mark, from) in &mut next {
            let Some(at) = from.and_then(|from| Some(from + line[from..].find(*mark)?)) else {
                *from = None;
                continue;
            };
            *from = Some(at + 1);
            if line[..at].ends_with(char::is_whitespace) {
                begins = Some(begins.map_or(at, |earlier| earlier.min(at)));
            }
        }
        if let Some(at) = begins {
            return (&line[..at], true);
        }
    }
    (line, false)
}

/// What is between the brackets, up to the last one.
fn header(value: &str) -> Option<&str> {
    let inner = value.strip_prefix('[')?;
    inner.rfind(']').filter(|at| *at > 0).map(|at| &inner[..at])
}
