//! Which keys an action has: the registry's, or the operator's own in their place.
//!
//! Pure: `settings` reads the file. The operator's keys are taken or refused as a whole, by the same
//! rules as the registry's own: no key means two things in one place, and no key that a broken arrow
//! could send orders anything unasked.

use std::fmt::Write as _;

use crate::tui::model::key::Kind;
use crate::tui::model::panel::Panel;

use super::chord::{Chord, Code};
use super::{Action, Danger, Id, all, of};

/// What an arrow or function key is made of: split across two packets it arrives as these letters.
const OF_ARROWS: &str = "[OABCDFHPQRS";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keymap {
    own: Vec<Own>,
}

/// An action's keys, as a line of the operator's file gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) id: Id,
    pub(crate) keys: Vec<Chord>,
    pub(crate) line: usize,
}

/// Why keys can't be used. `line` is that of the operator's file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeymapError {
    #[error(
        "`{key}` would mean both `{one}` and `{other}` in one place; give `{other}` another key, or none: []"
    )]
    Shared { line: usize, key: Chord, one: &'static str, other: &'static str },
    #[error(
        "`{key}` can be a piece of an arrow key on a slow line, and `{name}` may act without a question"
    )]
    OfArrows { line: usize, key: Chord, name: &'static str },
    #[error(
        "`{key}` for `{name}` would leave the console while text is typed; a Ctrl or F key does not"
    )]
    Typed { line: usize, key: Chord, name: &'static str },
    #[error("neither `quit` nor `detach` has a key: nothing would leave the console")]
    NoWayOut { line: usize },
}

impl KeymapError {
    pub(crate) fn line(&self) -> usize {
        match *self {
            Self::Shared { line, .. }
            | Self::OfArrows { line, .. }
            | Self::Typed { line, .. }
            | Self::NoWayOut { line } => line,
        }
    }
}

impl Keymap {
    pub(crate) fn new(own: Vec<Own>) -> Result<Self, KeymapError> {
        let keymap = Self { own };
        for own in &keymap.own {
            keymap.judge(own)?;
        }
        let is_left = [Id::Quit, Id::Detach].iter().any(|id| !keymap.of(of(*id)).is_empty());
        match keymap.own.last() {
            Some(last) if !is_left => Err(KeymapError::NoWayOut { line: last.line }),
            Some(_) | None => Ok(keymap),
        }
    }

    fn judge(&self, own: &Own) -> Result<(), KeymapError> {
        let (line, action) = (own.line, of(own.id));
        for &key in &own.keys {
            if action.danger == Danger::Weighs && is_of_arrows(key) {
                return Err(KeymapError::OfArrows { line, key, name: action.name });
            }
            if own.id == Id::Detach && !key.is_ctrl && !matches!(key.code, Code::F(_)) {
                return Err(KeymapError::Typed { line, key, name: action.name });
            }
            if let Some(other) = self.rival(action, key) {
                let (one, other) = (action.name, other.name);
                return Err(KeymapError::Shared { line, key, one, other });
            }
        }
        Ok(())
    }

    /// Another action that the key means in a place where it means this one.
    pub(super) fn rival(&self, action: &Action, key: Chord) -> Option<&'static Action> {
        let others = all().filter(|other| other.id != action.id);
        let mut sharing = others.filter(|other| self.of(other).contains(&key));
        sharing.find(|other| {
            let mut both = places();
            both.any(|(panel, kind)| action.applies(panel, kind) && other.applies(panel, kind))
        })
    }

    pub(crate) fn of<'a>(&'a self, action: &'a Action) -> &'a [Chord] {
        let own = self.own.iter().find(|own| own.id == action.id);
        own.map_or(action.keys, |own| &own.keys)
    }

    pub(crate) fn is_key(&self, id: Id, chord: Chord) -> bool {
        self.of(of(id)).contains(&chord)
    }

    /// What an action's keys are called where there is room for one: `j/k`, `Tab`, `Ctrl-D`; empty
    /// when it has none.
    pub(crate) fn name(&self, id: Id) -> String {
        let first = |id| self.of(of(id)).first().map(ToString::to_string);
        let (with, between) = counterpart(id).unzip();
        let pair = [first(id), with.and_then(first)];
        pair.into_iter().flatten().collect::<Vec<_>>().join(between.unwrap_or_default())
    }

    /// Every key of an action.
    pub(crate) fn all(&self, action: &Action) -> String {
        let mut text = String::new();
        for (at, chord) in self.of(action).iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            write!(text, "{gap}{chord}").expect("writing to a string can't fail");
        }
        text
    }
}

/// The action that goes the other way, named beside this one, and what stands between the two.
fn counterpart(id: Id) -> Option<(Id, &'static str)> {
    use crate::tui::model::past::Step;
    match id {
        Id::Down => Some((Id::Up, "/")),
        Id::Travel(Step::Seconds(seconds @ ..0)) => {
            Some((Id::Travel(Step::Seconds(-seconds)), " "))
        }
        Id::Travel(Step::EventBefore) => Some((Id::Travel(Step::EventAfter), " ")),
        _ => None,
    }
}

fn is_of_arrows(key: Chord) -> bool {
    let is_letter = matches!(key.code, Code::Char(char) if OF_ARROWS.contains(char));
    key.code == Code::Esc || (is_letter && !key.is_ctrl)
}

/// Every panel with every kind of row that it may have under the cursor.
fn places() -> impl Iterator<Item = (Panel, Option<Kind>)> {
    let kinds = || std::iter::once(None).chain(Kind::ALL.map(Some));
    let is_there = |panel: Panel, kind: Option<Kind>| {
        panel.facts().kind.is_none_or(|only| kind.is_none() || kind == Some(only))
    };
    let pairs =
        Panel::ALL.into_iter().flat_map(move |panel| kinds().map(move |kind| (panel, kind)));
    pairs.filter(move |(panel, kind)| is_there(*panel, *kind))
}
