//! Tables of variables: `$name` is the value that a text comes to by words, networks or shares.

use serde::{Deserialize, Serialize};

use super::Cidr;
use super::route::Case;
use crate::config::template::Template;

/// `[map.NAME]`, `[geo.NAME]` or `[split.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// What is looked up.
    pub(crate) source: Template,
    pub(crate) lookup: Lookup,
    /// For what is not found.
    pub(crate) default: Template,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lookup {
    Words(Words),
    /// The longest prefix that holds the address.
    Networks(Vec<(Cidr, Template)>),
    /// Hundredths of a percent of all hashes, in this order from the lowest on.
    Shares(Vec<(u32, Template)>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Words {
    /// Whether a word may stand for all names below it, or for all that it begins.
    pub(crate) are_hosts: bool,
    /// In lower case, each once.
    pub(crate) exact: Vec<(String, Template)>,
    /// `*.example.com`, from the dot on.
    pub(crate) below: Vec<(String, Template)>,
    /// `www.example.*`, up to the dot.
    pub(crate) begun: Vec<(String, Template)>,
    /// In the order of the file.
    pub(crate) patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    pub(crate) pattern: String,
    pub(crate) case: Case,
    pub(crate) value: Template,
}

impl Table {
    /// Every text of it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let (words, networks, shares) = match &self.lookup {
            Lookup::Words(words) => (Some(words), &[][..], &[][..]),
            Lookup::Networks(networks) => (None, networks.as_slice(), &[][..]),
            Lookup::Shares(shares) => (None, &[][..], shares.as_slice()),
        };
        let of_words = words.into_iter().flat_map(Words::values);
        let of_networks = networks.iter().map(|(_, value)| value);
        let of_shares = shares.iter().map(|(_, value)| value);
        [&self.source, &self.default]
            .into_iter()
            .chain(of_words)
            .chain(of_networks)
            .chain(of_shares)
    }
}

impl Words {
    fn values(&self) -> impl Iterator<Item = &Template> {
        let lists = [&self.exact, &self.below, &self.begun].into_iter().flatten();
        let of_patterns = self.patterns.iter().map(|pattern| &pattern.value);
        lists.map(|(_, value)| value).chain(of_patterns)
    }
}
