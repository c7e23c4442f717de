//! Members behind names: what a name of the file led to last, and what follows when it leads
//! elsewhere.
//!
//! Looks nothing up: `master::resolve` does, and tells `found` or `not_found`. A failed lookup takes
//! nobody out, for a backend that serves is worth more than a name server that does not.

use std::collections::HashSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::balance::cause;
use crate::config::limits;
use crate::config::model::{self, Address, Discovery};
use crate::control::name::Name;

use super::altered;
use super::apply::{self, Full};
use super::member::{Arrival, Member, Origin, Readiness, Settings};
use super::{Membership, Now, Upstream};

/// One backend that a name leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) address: SocketAddr,
    /// Instead of the file's.
    pub(crate) weight: Option<u32>,
    pub(crate) rank: Rank,
}

/// Which of a name's backends are asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rank {
    /// As the file says.
    First,
    /// Backups of the first.
    Later,
}

/// What a name leads to, for a successor that may find the name server dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    upstream: String,
    discovery: Discovery,
    found: Vec<Found>,
}

/// Who came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) joined: Vec<String>,
    pub(crate) left: Vec<String>,
    /// Addresses left out because the upstream has as many members as it may have.
    pub(crate) beyond: usize,
    pub(crate) full: Option<Full>,
}

/// One entry of the file's list of backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Fixed(Arrival),
    Named(Named),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    discovery: Discovery,
    settings: Settings,
    answer: Answer,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// Its first lookup is under way.
    Awaited,
    /// No lookup has succeeded yet.
    Missing,
    Found(Vec<Found>),
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Wanted {
    pub(super) fn found_by(discovery: Discovery, settings: Settings) -> Self {
        Self::Named(Named { discovery, settings, answer: Answer::Awaited })
    }

    pub(super) fn is_backup(&self) -> bool {
        match self {
            Self::Fixed(arrival) => arrival.settings.is_backup,
            Self::Named(name) => name.settings.is_backup,
        }
    }

    pub(super) fn has_priority(&self) -> bool {
        match self {
            Self::Fixed(arrival) => arrival.settings.priority > 0,
            Self::Named(name) => name.settings.priority > 0,
        }
    }

    pub(super) fn name(&self) -> Option<&Named> {
        match self {
            Self::Fixed(_) => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl Named {
    fn found(&self) -> &[Found] {
        match &self.answer {
            Answer::Awaited | Answer::Missing => &[],
            Answer::Found(found) => found,
        }
    }

    fn arrival(&self, found: &Found) -> Arrival {
        Arrival {
            address: Address::Tcp(found.address),
            origin: Origin::Discovered(self.discovery.to_string()),
            settings: Settings {
                weight: found.weight.unwrap_or(self.settings.weight),
                is_backup: self.settings.is_backup || found.rank == Rank::Later,
                ..self.settings.clone()
            },
            readiness: Readiness::Ready,
        }
    }
}

impl Membership {
    /// A lookup succeeded: `None` when it says what the last one said.
    pub(crate) fn found(
        &mut self,
        upstream: &str,
        discovery: &Discovery,
        found: Vec<Found>,
        now: Now,
    ) -> Option<Change> {
        self.learn(upstream, discovery, Answer::Found(found), now)
    }

    /// A lookup failed. Whoever was found stays; `Some` when nobody ever was, and those who served
    /// until the first answer have to go.
    pub(crate) fn not_found(
        &mut self,
        upstream: &str,
        discovery: &Discovery,
        now: Now,
    ) -> Option<Change> {
        self.learn(upstream, discovery, Answer::Missing, now)
    }

    fn learn(
        &mut self,
        upstream: &str,
        discovery: &Discovery,
        news: Answer,
        now: Now,
    ) -> Option<Change> {
        let index = self.upstream_index(upstream)?;
        let name = self.upstreams[index].wanted.iter_mut().find_map(|wanted| match wanted {
            Wanted::Named(name) if name.discovery == *discovery => Some(name),
            Wanted::Named(_) | Wanted::Fixed(_) => None,
        })?;
        let is_lost = matches!((&name.answer, &news), (Answer::Found(_), Answer::Missing));
        if is_lost || name.answer == news {
            return None;
        }
        name.answer = news;
        self.upstreams[index].evidence.happened(cause::Cause::Membership, "", now);
        Some(self.reseat(index, now))
    }

    /// Whom the file wants, its names with what is known of them already.
    pub(super) fn wanted(
        &mut self,
        index: usize,
        file: &model::Upstream,
        programs: &[model::program::Program],
    ) -> Vec<Wanted> {
        let mut wanted = apply::named(file, programs);
        for entry in &mut wanted {
            let Wanted::Named(name) = entry else { continue };
            let mut earlier = self.upstreams[index].wanted.iter().filter_map(Wanted::name);
            if let Some(earlier) = earlier.find(|earlier| earlier.discovery == name.discovery) {
                name.answer = earlier.answer.clone();
                continue;
            }
            let is_it =
                |known: &Known| known.upstream == file.name && known.discovery == name.discovery;
            if let Some(place) = self.known.iter().position(is_it) {
                name.answer = Answer::Found(self.known.swap_remove(place).found);
            }
        }
        wanted
    }

    /// For a successor.
    pub(crate) fn known(&self) -> Vec<Known> {
        let of_upstream = |upstream: &Upstream| {
            let name = upstream.name.clone();
            let found = upstream.wanted.iter().filter_map(Wanted::name).filter_map(|name| {
                match &name.answer {
                    Answer::Awaited | Answer::Missing => None,
                    Answer::Found(found) => Some((name.discovery.clone(), found.clone())),
                }
            });
            found
                .map(move |(discovery, found)| Known { upstream: name.clone(), discovery, found })
                .collect::<Vec<_>>()
        };
        self.upstreams.iter().flat_map(of_upstream).collect()
    }

    /// A predecessor's; called before `apply_config`.
    pub(crate) fn recall_known(&mut self, known: Vec<Known>) {
        self.known = known;
    }
}

impl Upstream {
    /// Everyone who should be a member, and how many are too many. What the file writes out has its
    /// place in any case, and so has whom the operator added; an address that is written out or
    /// found before is not taken twice, and one that he removed not at all.
    pub(super) fn arrivals(&self) -> (Vec<Arrival>, usize) {
        let fixed = self.wanted.iter().filter_map(|wanted| match wanted {
            Wanted::Fixed(arrival) if !self.leaves_out(arrival) => {
                Some(arrival.address.to_string())
            }
            Wanted::Fixed(_) | Wanted::Named(_) => None,
        });
        let mut taken: HashSet<String> = fixed.collect();
        taken.extend(self.added.iter().map(|added| added.address.to_string()));
        let mut room = limits::UPSTREAM_MEMBERS_MAX.saturating_sub(taken.len());
        let mut beyond = 0;
        let mut arrivals = Vec::with_capacity(self.members.len());
        for wanted in &self.wanted {
            let name = match wanted {
                Wanted::Fixed(arrival) if self.leaves_out(arrival) => continue,
                Wanted::Fixed(arrival) => {
                    arrivals.push(arrival.clone());
                    continue;
                }
                Wanted::Named(name) => name,
            };
            for found in name.found().iter().filter(|found| self.can_use(name, found.rank)) {
                let address = found.address.to_string();
                if self.is_removed(&address) || !taken.insert(address) {
                    continue;
                }
                if room == 0 {
                    beyond += 1;
                    continue;
                }
                room -= 1;
                arrivals.push(name.arrival(found));
            }
        }
        arrivals.extend(self.added.iter().map(altered::Added::arrival));
        (arrivals, beyond)
    }

    /// Backups have no backups, and hashes have no use for any.
    fn can_use(&self, name: &Named, rank: Rank) -> bool {
        match rank {
            Rank::First => true,
            Rank::Later => self.strategy().takes_backups() && !name.settings.is_backup,
        }
    }

    /// While a name's first lookup is under way and nobody else is there, the members before it
    /// serve on: a reload that writes a name for an address must not cost a request.
    pub(super) fn goes_on_with_whom_it_had(&self, members: &[Member]) -> bool {
        let mut names = self.wanted.iter().filter_map(Wanted::name);
        let is_served = members.iter().any(|member| !member.settings.is_backup);
        !is_served && names.any(|name| name.answer == Answer::Awaited)
    }

    /// `resolve` adds what it knows of the lookups.
    pub(super) fn names(&self) -> Vec<Name> {
        let names = self.wanted.iter().filter_map(Wanted::name);
        names
            .map(|name| Name {
                name: name.discovery.to_string(),
                addresses: name.found().iter().map(|found| found.address.to_string()).collect(),
                ..Name::default()
            })
            .collect()
    }
}
