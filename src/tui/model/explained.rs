//! What the engine explained last: how an upstream balances, and what another strategy would do.
//! Asked for while a screen shows it, and no longer.

use crate::control::explain::{Explanation, Fit, Modelled, Promise};
use crate::control::wire::UpstreamRow;

#[derive(Clone, Debug, Default)]
pub(crate) struct Explained {
    /// The upstream that is asked about.
    pub(crate) asked: Option<String>,
    latest: Option<Box<Explanation>>,
    /// Why there is no answer; empty while there is one, or none yet.
    pub(crate) why: String,
}

/// What the lower part of the Balance view shows where there is no room for both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lower {
    /// Both, where they fit; else the model.
    #[default]
    Both,
    /// The model alone, backend by backend.
    WhatIf,
    Shares,
}

impl Lower {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Both => Self::WhatIf,
            Self::WhatIf => Self::Shares,
            Self::Shares => Self::Both,
        }
    }
}

impl Explained {
    pub(crate) fn came(&mut self, outcome: Result<Box<Explanation>, String>) {
        match outcome {
            Ok(explanation) => {
                self.latest = Some(explanation);
                self.why.clear();
            }
            Err(why) => self.why = why,
        }
    }

    /// Nothing is known, for that reason.
    pub(crate) fn forget(&mut self, why: &str) {
        self.latest = None;
        why.clone_into(&mut self.why);
    }

    /// Of that upstream, while its strategy is still the one it was explained under.
    pub(crate) fn of(&self, row: &UpstreamRow) -> Option<&Explanation> {
        let latest = self.latest.as_deref()?;
        (latest.upstream == row.name && latest.strategy == row.strategy).then_some(latest)
    }

    /// What the model says of a strategy, if it was asked about anything.
    pub(crate) fn modelled(&self, row: &UpstreamRow, strategy: &str) -> Option<&Modelled> {
        let what_if = &self.of(row)?.what_if;
        let modelled = what_if.strategies.iter().find(|modelled| modelled.strategy == strategy)?;
        (what_if.held.arrivals > 0).then_some(modelled)
    }

    /// Whether the promise is kept; of a hash, an explanation has looked at the clients one by one.
    pub(crate) fn fit<'a>(&'a self, row: &'a UpstreamRow) -> &'a Fit {
        match (row.fit.promise, self.of(row)) {
            (Promise::Client, Some(explanation)) => &explanation.fit,
            (
                Promise::Exact | Promise::Even | Promise::Client | Promise::Chance | Promise::Swift,
                _,
            ) => &row.fit,
        }
    }
}
