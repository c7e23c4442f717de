//! What was decided at run time, as it outlives the master (handed to its successor) and the engine
//! (kept in the state file).
//!
//! Only decisions: what is ready, healthy or in flight is found out anew.

use serde::{Deserialize, Serialize};

use crate::config::limits;
use crate::config::model::Strategy;

use super::altered::{Added, Removed};
use super::member::{Admin, Cause, Draining, Member, Then};
use super::{Membership, Now};

/// Decisions that differ from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    upstreams: Vec<SavedUpstream>,
    backends: Vec<SavedBackend>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedUpstream {
    name: String,
    strategy: Option<Strategy>,
    #[serde(default)]
    added: Vec<Added>,
    #[serde(default)]
    removed: Vec<Removed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedBackend {
    upstream: String,
    backend: String,
    weight: Option<u32>,
    #[serde(default)]
    max_conns: Option<u32>,
    decision: Decision,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    AsFile,
    Enabled,
    Draining {
        by: String,
        since_ms: u64,
        deadline_ms: u64,
        active_at_start: u32,
    },
    /// A drain that ends with its leaving.
    Leaving {
        by: String,
        since_ms: u64,
        deadline_ms: u64,
        active_at_start: u32,
    },
    Drained {
        by: String,
    },
    Down {
        by: String,
    },
}

impl Membership {
    pub(crate) fn save(&self) -> Saved {
        let mut saved = self.remembered.clone();
        for upstream in self.upstreams.iter().filter(|upstream| upstream.retire_at_us.is_none()) {
            let of_upstream = SavedUpstream {
                name: upstream.name.clone(),
                strategy: upstream.strategy_override,
                added: upstream.added.clone(),
                removed: upstream.removed.clone(),
            };
            if of_upstream.is_decided() {
                saved.upstreams.push(of_upstream);
            }
            let decided = upstream.members.iter().filter_map(|member| {
                let decision = decision(&member.admin);
                let is_decided = decision != Decision::AsFile
                    || member.weight_override.is_some()
                    || member.max_conns_override.is_some();
                is_decided.then(|| SavedBackend {
                    upstream: upstream.name.clone(),
                    backend: member.name.clone(),
                    weight: member.weight_override,
                    max_conns: member.max_conns_override,
                    decision,
                })
            });
            saved.backends.extend(decided);
        }
        saved
    }

    /// Decides again what was decided before. Called before `apply_config`, so that a backend the
    /// operator took out gets no request in between; what is not there yet is remembered until it
    /// joins.
    pub(crate) fn restore(&mut self, saved: Saved, now: Now) {
        self.remembered = saved;
        for index in 0..self.upstreams.len() {
            let name = self.upstreams[index].name.clone();
            self.recall_upstream(index);
            let mut members = std::mem::take(&mut self.upstreams[index].members);
            for member in &mut members {
                self.recall(&name, member, now);
            }
            self.upstreams[index].members = members;
            self.settle_all(index, now);
        }
    }

    /// Applies, once, what is remembered about an upstream.
    pub(super) fn recall_upstream(&mut self, index: usize) {
        let upstream = &mut self.upstreams[index];
        let is_it = |saved: &SavedUpstream| saved.name == upstream.name;
        if let Some(place) = self.remembered.upstreams.iter().position(is_it) {
            let saved = self.remembered.upstreams.remove(place);
            upstream.strategy_override = saved.strategy;
            upstream.recall_alterations(saved.added, saved.removed);
        }
    }

    /// Applies, once, what is remembered about a backend.
    pub(super) fn recall(&mut self, upstream: &str, member: &mut Member, now: Now) {
        let is_it =
            |saved: &SavedBackend| saved.upstream == upstream && saved.backend == member.name;
        let Some(place) = self.remembered.backends.iter().position(is_it) else { return };
        let saved = self.remembered.backends.remove(place);
        // The file is the operator's to edit: a weight out of range counts as none.
        member.weight_override = saved.weight.filter(|w| (1..=limits::WEIGHT_MAX).contains(w));
        let is_possible = |bound: &u32| *bound <= limits::BACKEND_MAX_CONNS_MAX;
        member.max_conns_override = saved.max_conns.filter(is_possible);
        match saved.decision {
            Decision::AsFile => {}
            Decision::Enabled => member.admin = Admin::Enabled,
            Decision::Drained { by } => member.admin = Admin::Drained(Cause::Operator(by)),
            Decision::Down { by } => member.admin = Admin::Down { by },
            Decision::Draining { by, since_ms, deadline_ms, active_at_start } => {
                let saved = (by, since_ms, deadline_ms, active_at_start);
                member.admin = draining_again(saved, Then::Stay, now);
            }
            Decision::Leaving { by, since_ms, deadline_ms, active_at_start } => {
                let saved = (by, since_ms, deadline_ms, active_at_start);
                member.admin = draining_again(saved, Then::Leave, now);
            }
        }
    }
}

impl SavedUpstream {
    fn is_decided(&self) -> bool {
        self.strategy.is_some() || !self.added.is_empty() || !self.removed.is_empty()
    }
}

fn draining_again(
    (by, since_ms, deadline_ms, active_at_start): (String, u64, u64, u32),
    then: Then,
    now: Now,
) -> Admin {
    let draining = Draining::again(Cause::Operator(by), then, (since_ms, deadline_ms), now);
    Admin::Draining(Draining { active_at_start, ..draining })
}

/// A restart's drain is the program's to repeat, so it is nobody's decision.
fn decision(admin: &Admin) -> Decision {
    match admin {
        Admin::AsFile | Admin::Drained(Cause::Restart) => Decision::AsFile,
        Admin::Enabled => Decision::Enabled,
        Admin::Down { by } => Decision::Down { by: by.clone() },
        Admin::Left { by } => {
            Decision::Leaving { by: by.clone(), since_ms: 0, deadline_ms: 0, active_at_start: 0 }
        }
        Admin::Drained(Cause::Operator(by)) => Decision::Drained { by: by.clone() },
        Admin::Draining(draining) | Admin::Cutting(draining) => {
            let Draining { cause, then, since_ms, deadline_ms, active_at_start, .. } = draining;
            let (since_ms, deadline_ms) = (*since_ms, *deadline_ms);
            let active_at_start = *active_at_start;
            match (cause, then) {
                (Cause::Restart, _) => Decision::AsFile,
                (Cause::Operator(by), Then::Stay) => {
                    Decision::Draining { by: by.clone(), since_ms, deadline_ms, active_at_start }
                }
                (Cause::Operator(by), Then::Leave) => {
                    Decision::Leaving { by: by.clone(), since_ms, deadline_ms, active_at_start }
                }
            }
        }
    }
}
