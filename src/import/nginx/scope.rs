//! What counts at a place: nginx takes a directive from the innermost block that has any of its name,
//! and then all of that block, none of those around it.

use super::tree::Directive;
use super::values;
use crate::import::{Place, Remark};

/// The blocks around a place, the outermost first.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    blocks: Vec<&'a [Directive]>,
}

/// What was found on the way.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub(super) warnings: Vec<Remark>,
    pub(super) mistakes: Vec<Remark>,
}

impl Remarks {
    pub(super) fn warn(&mut self, place: &Place, text: impl Into<String>) {
        let remark = place.remark(text);
        // What stands further out is met once a server and a route.
        if !self.warnings.contains(&remark) {
            self.warnings.push(remark);
        }
    }

    pub(super) fn mistake(&mut self, place: &Place, text: impl Into<String>) {
        let remark = place.remark(text);
        if !self.mistakes.contains(&remark) {
            self.mistakes.push(remark);
        }
    }
}

impl<'a> Scope<'a> {
    pub(super) fn new(block: &'a [Directive]) -> Self {
        Self { blocks: vec![block] }
    }

    pub(super) fn within(&self, block: &'a [Directive]) -> Self {
        Self { blocks: self.blocks.iter().copied().chain([block]).collect() }
    }

    /// Whether it is the same place.
    pub(super) fn is(&self, other: &Scope<'_>) -> bool {
        let same = |(one, other): (&&[Directive], &&[Directive])| std::ptr::eq(*one, *other);
        self.blocks.len() == other.blocks.len() && self.blocks.iter().zip(&other.blocks).all(same)
    }

    /// All of the innermost block.
    pub(super) fn innermost(&self) -> &'a [Directive] {
        self.blocks.last().expect("a scope has a block")
    }

    /// The innermost block alone.
    pub(super) fn own(&self, name: &str) -> impl Iterator<Item = &'a Directive> {
        self.innermost().iter().filter(move |directive| directive.name == name)
    }

    /// All that count.
    pub(super) fn all(&self, name: &str) -> Vec<&'a Directive> {
        self.all_of(&[name])
    }

    /// The same of several that are inherited together.
    pub(super) fn all_of(&self, names: &[&str]) -> Vec<&'a Directive> {
        let of = |block: &&'a [Directive]| -> Vec<&'a Directive> {
            block.iter().filter(|it| names.contains(&it.name.as_str())).collect()
        };
        let found = self.blocks.iter().rev().map(of).find(|found| !found.is_empty());
        found.unwrap_or_default()
    }

    /// The one that counts.
    pub(super) fn one(&self, name: &str) -> Option<&'a Directive> {
        self.all(name).into_iter().next_back()
    }

    /// Its first argument.
    pub(super) fn word(&self, name: &str) -> Option<(&'a str, &'a Place)> {
        let directive = self.one(name)?;
        Some((directive.argument(0)?, &directive.place))
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.word(name).is_some_and(|(word, _)| word == "on")
    }

    /// A time, in our words.
    pub(super) fn time(&self, name: &str, remarks: &mut Remarks) -> Option<(String, &'a Place)> {
        let (word, place) = self.word(name)?;
        let ms = values::time_ms(word);
        if ms.is_none() {
            remarks.mistake(place, format!("`{name}` is `{word}`, expected a time such as 60s"));
        }
        Some((values::duration(ms?), place))
    }

    /// Bytes.
    pub(super) fn size(&self, name: &str, remarks: &mut Remarks) -> Option<(u64, &'a Place)> {
        let (word, place) = self.word(name)?;
        let bytes = values::bytes(word);
        if bytes.is_none() {
            remarks.mistake(place, format!("`{name}` is `{word}`, expected a size such as 1m"));
        }
        Some((bytes?, place))
    }

    pub(super) fn number(&self, name: &str, remarks: &mut Remarks) -> Option<(u64, &'a Place)> {
        let (word, place) = self.word(name)?;
        let number = word.parse().ok();
        if number.is_none() {
            remarks.mistake(place, format!("`{name}` is `{word}`, expected a number"));
        }
        Some((number?, place))
    }
}
