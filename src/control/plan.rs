//! What a reload would do: every difference between the file and what runs, and what follows from
//! it. Nothing is touched for it.

use serde::{Deserialize, Serialize};

/// `GET /v1/plan`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Plan {
    /// The generation that runs.
    pub(crate) generation: u32,
    /// Where the file lies.
    pub(crate) config: String,
    /// Why it would be refused, with its places; empty when it would be taken.
    pub(crate) error: String,
    /// By section, in the order in which one thinks of a configuration.
    pub(crate) changes: Vec<Change>,
    /// Sections that are the same in both.
    pub(crate) unchanged: usize,
    /// Whether the words of what runs are known: without them, a change has no details.
    pub(crate) is_worded: bool,
    /// The lines of both files; only who may operate is told.
    pub(crate) lines: Vec<Line>,
    /// Whether there is a generation before this one to go back to.
    pub(crate) has_previous: bool,
}

/// One section that comes, goes or is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Change {
    pub(crate) sign: Sign,
    /// `engine`, `server`, `upstream`, `program` ...
    pub(crate) kind: String,
    /// Empty for what there is only one of.
    pub(crate) name: String,
    /// What follows, in words: `restarts 3 instances`.
    pub(crate) effect: String,
    pub(crate) weight: Weight,
    pub(crate) details: Vec<Detail>,
}

/// One key, and what it was and would be; secrets as `***`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Detail {
    pub(crate) sign: Sign,
    pub(crate) key: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sign {
    Added,
    Removed,
    #[default]
    Changed,
}

/// What a change does to what is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Weight {
    /// It means the same as before.
    Nothing,
    /// What is going on goes on; the new is for what comes.
    #[default]
    Gentle,
    /// Something leaves once it is through with what it has.
    Drains,
    /// A process ends for it.
    Interrupts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    Same(String),
    Gone(String),
    New(String),
    /// So many same lines are left out.
    Gap(usize),
}

impl Sign {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }
}

impl Change {
    /// `upstream api`.
    pub(crate) fn label(&self) -> String {
        if self.name.is_empty() {
            self.kind.clone()
        } else {
            format!("{} {}", self.kind, self.name)
        }
    }
}

impl Detail {
    /// `least_conn -> round_robin`, or what comes or goes.
    pub(crate) fn words(&self) -> String {
        match self.sign {
            Sign::Added => self.to.clone(),
            Sign::Removed => self.from.clone(),
            Sign::Changed if self.from == self.to => format!("{} (changed)", self.to),
            Sign::Changed => format!("{} -> {}", self.from, self.to),
        }
    }
}

impl Plan {
    /// What ends or drains for it, one sentence each.
    pub(crate) fn interruptions(&self) -> impl Iterator<Item = String> {
        let heavy = self.changes.iter().filter(|change| change.weight >= Weight::Drains);
        heavy.map(|change| format!("{}: {}", change.label(), change.effect))
    }

    /// In one line: `3 changes, 9 sections as before`.
    pub(crate) fn summary(&self) -> String {
        let unchanged = self.unchanged;
        match self.changes.len() {
            0 => "the file is what runs".to_owned(),
            1 => format!("1 change, {unchanged} sections as before"),
            count => format!("{count} changes, {unchanged} sections as before"),
        }
    }
}
