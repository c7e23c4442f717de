//! The command palette: the command line's verbs on every target, found by typing.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::control::line;
use crate::tui::model::Model;
use crate::tui::model::key::{Key, Kind};
use crate::tui::model::nodes::tag;
use crate::tui::model::order::Judged;

use super::typed::{self, Typed};
use super::{Action, Danger, Id, Scope, all, of, order};

/// Entries offered at most; more than any terminal shows.
const ENTRIES_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    /// The row it acts on; none: the console or the engine as a whole.
    pub(crate) key: Option<Key>,
    /// `drain api/10.0.3.5:8080`.
    pub(crate) text: String,
    /// The key that does the same, where one does.
    pub(crate) keys: String,
    pub(crate) help: &'static str,
    /// The whole of it, where it was typed out.
    pub(crate) typed: Option<Typed>,
    /// What was typed is looked for in this: as the command line begins it.
    sought: String,
}

/// Entries that match what was typed, best first.
pub(crate) fn entries(model: &Model, typed: &str) -> Vec<Entry> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed.trim(), CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, Entry)> = offered(model)
        .into_iter()
        .filter_map(|entry| {
            let score = pattern.score(Utf32Str::new(&entry.sought, &mut buffer), &mut matcher)?;
            // What is typed out in full is meant, whatever else begins so.
            let is_whole = entry.text.eq_ignore_ascii_case(typed.trim());
            Some((if is_whole { u32::MAX } else { score }, entry))
        })
        .collect();
    // Stable: among equals the order of the registry and of the screen stays.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.truncate(ENTRIES_MAX);
    let whole = typed::command(model, typed).filter(|_| model.may_operate()).map(whole);
    whole.into_iter().chain(scored.into_iter().map(|(_, entry)| entry)).collect()
}

fn offered(model: &Model) -> Vec<Entry> {
    let mut entries = Vec::new();
    for action in all().filter(|action| is_offered(model, action)) {
        match action.scope {
            Scope::Anywhere | Scope::Lists => entries.push(entry(model, action, None)),
            Scope::Somewhere { kinds, .. } => {
                let targets = targets(model).filter(|key| kinds.contains(&key.kind()));
                entries.extend(targets.map(|key| entry(model, action, Some(key))));
            }
        }
    }
    entries
}

/// What was typed is a command already.
fn whole(typed: Typed) -> Entry {
    Entry {
        id: Id::Palette,
        key: None,
        text: typed.words(),
        keys: String::new(),
        help: "as typed",
        sought: String::new(),
        typed: Some(typed),
    }
}

/// Moving and typing keys are no commands.
fn is_offered(model: &Model, action: &Action) -> bool {
    match action.danger {
        Danger::Weighs | Danger::Asks => model.may_operate(),
        Danger::Looks => matches!(
            action.id,
            Id::Show(_)
                | Id::Strategy
                | Id::Add
                | Id::Nodes
                | Id::Log
                | Id::Signal
                | Id::Attach
                | Id::Theme
                | Id::Mouse
                | Id::Copy
                | Id::Export
                | Id::Zoom
                | Id::Split
                | Id::Pause
                | Id::Help
                | Id::Repaint
                | Id::Quit
        ),
    }
}

fn entry(model: &Model, action: &Action, key: Option<Key>) -> Entry {
    let text = match &key {
        Some(key) => format!("{} {}", action.label, key.label()),
        None => action.label.to_owned(),
    };
    let group = key.as_ref().map_or("", |key| group(key.kind()));
    Entry {
        id: action.id,
        key,
        sought: format!("{group} {text}"),
        text,
        keys: model.keys.name(action.id),
        help: action.help,
        typed: None,
    }
}

/// The command line's group of verbs.
fn group(kind: Kind) -> &'static str {
    match kind {
        Kind::Program => "program",
        Kind::Backend => "backend",
        Kind::Upstream => "upstream",
        Kind::Worker
        | Kind::Event
        | Kind::Request
        | Kind::Plan
        | Kind::Alarm
        | Kind::Record
        | Kind::Config
        | Kind::Node => "",
    }
}

/// The line that does the same in a shell, without the program's name; or why there is nothing to
/// do. None: it concerns this console alone.
pub(crate) fn line(model: &Model, entry: &Entry) -> Option<Result<String, String>> {
    if let Some(typed) = &entry.typed {
        return Some(Ok(typed.words()));
    }
    if of(entry.id).is_order() {
        let judged = order::make(model, entry.id, entry.key.as_ref());
        let line = |judged: Judged| {
            let lines = judged.changes().iter().map(|change| match model.nodes.of(&change.key) {
                Some(at) => {
                    let words = line::of(&tag::command(at, &change.command)).words;
                    on_node(model, at, &words)
                }
                None => line::of(&change.command).words,
            });
            lines.collect::<Vec<_>>().join("; ")
        };
        return Some(judged.map(line));
    }
    let key = entry.key.as_ref()?;
    let (label, at) = (key.label(), model.nodes.of(key));
    let label = match at {
        Some(at) => label.replacen(&tag::suffix(&model.nodes.all[at].name), "", 1),
        None => label,
    };
    let words = words(entry.id, &label)?;
    Some(Ok(at.map_or_else(|| words.clone(), |at| on_node(model, at, &words))))
}

/// The whole line, since the engine that a shell would mean by itself may be another one.
fn on_node(model: &Model, at: usize, words: &str) -> String {
    format!("{} {words}", model.nodes.all[at].shell)
}

/// What is chosen or typed further.
fn words(id: Id, label: &str) -> Option<String> {
    Some(match id {
        Id::Log => format!("program log {label}"),
        Id::Attach => format!("program attach {label}"),
        Id::Signal => format!("program signal {label} SIGNAL"),
        Id::Strategy => format!("upstream strategy {label} STRATEGY"),
        Id::Add => format!("backend add {label}/ADDRESS [WEIGHT] [--backup]"),
        _ => return None,
    })
}

fn targets(model: &Model) -> impl Iterator<Item = Key> {
    let programs = model.moment.programs.iter().map(Key::of_program);
    let backends = model.moment.backends.iter().map(Key::of_backend);
    let upstreams =
        model.moment.upstreams.iter().map(|row| Key::Upstream { name: row.name.clone() });
    programs.chain(backends).chain(upstreams).filter(|key| match key.kind() {
        Kind::Program | Kind::Backend | Kind::Upstream => true,
        Kind::Worker
        | Kind::Event
        | Kind::Request
        | Kind::Plan
        | Kind::Alarm
        | Kind::Record
        | Kind::Config
        | Kind::Node => false,
    })
}
