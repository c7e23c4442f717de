//! What the operator made of the file's list of backends: whom he added, whom he removed, and the
//! way back.
//!
//! Kept beside what the file wants, never mixed into it: `arrivals` puts the two together, so a
//! reload, a lookup and a successor all come to the same members by the same path (`reseat`).

use serde::{Deserialize, Serialize};

use crate::balance::cause::Cause as EvidenceCause;
use crate::config;
use crate::config::limits;
use crate::config::model::{Address, Location};
use crate::control::call::{Addition, Rank, Removal};
use crate::control::wire::{Answer, Outcome};

use super::discovered::Wanted;
use super::member::{Admin, Arrival, Cause, Member, Origin, Readiness, Settings, Then};
use super::verbs::{answer, check_weight, requests_left};
use super::{Membership, Notice, Now, Place, Upstream, slots};

/// A backend that the file does not name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Added {
    pub(super) address: Address,
    weight: u32,
    is_backup: bool,
    by: String,
}

/// A backend that the file names, or leads to, and that is not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removed {
    backend: String,
    by: String,
}

impl Added {
    pub(super) fn arrival(&self) -> Arrival {
        Arrival {
            address: self.address.clone(),
            origin: Origin::Added,
            settings: Settings {
                weight: self.weight,
                max_fails: config::upstream::MAX_FAILS,
                fail_timeout_s: config::upstream::FAIL_TIMEOUT_S,
                max_conns: 0,
                priority: 0,
                is_backup: self.is_backup,
                is_down: false,
                route: None,
            },
            readiness: Readiness::Ready,
        }
    }
}

impl Upstream {
    pub(super) fn is_removed(&self, backend: &str) -> bool {
        self.removed.iter().any(|removed| removed.backend == backend)
    }

    /// Whether the operator removed what the file writes out. A program's instance stays: it is the
    /// program that would have to go.
    pub(super) fn leaves_out(&self, arrival: &Arrival) -> bool {
        arrival.origin == Origin::File && self.is_removed(&arrival.address.to_string())
    }

    /// Of another process, or of a file that anybody may have edited: bounded anew.
    pub(super) fn recall_alterations(&mut self, added: Vec<Added>, removed: Vec<Removed>) {
        let is_sound = |added: &Added| check_weight(added.weight).is_ok();
        self.added = added.into_iter().filter(is_sound).collect();
        self.added.truncate(limits::UPSTREAM_MEMBERS_MAX);
        self.removed = removed;
        self.removed.truncate(limits::UPSTREAM_MEMBERS_MAX);
    }

    /// Under a new file: whom it names now was not added, and whom it no longer names was not
    /// removed. Names may lead to anybody, so beside one a removal stays.
    pub(super) fn forget_what_the_file_settled(&mut self) {
        let mut written = Vec::new();
        let mut has_names = false;
        for wanted in &self.wanted {
            match wanted {
                Wanted::Fixed(arrival) => written.push(arrival.address.to_string()),
                Wanted::Named(_) => has_names = true,
            }
        }
        let is_written = |backend: &String| written.contains(backend);
        self.added.retain(|added| !is_written(&added.address.to_string()));
        self.removed.retain(|removed| has_names || is_written(&removed.backend));
        // The file may have come to name so many that there is no room for all.
        let is_there = |backend: &&String| !self.is_removed(backend);
        let taken = written.iter().filter(is_there).count();
        let room = limits::UPSTREAM_MEMBERS_MAX.saturating_sub(taken);
        self.added.truncate(room);
    }

    /// What is not as the file says, one sentence each.
    pub(super) fn differs(&self) -> Vec<String> {
        let mut differs = Vec::new();
        if let Some(strategy) = self.strategy_override {
            let (now, file) = (strategy.name(), self.settings.strategy.name());
            differs.push(format!("strategy {now}, {file} in the file"));
        }
        for Added { address, by, .. } in &self.added {
            differs.push(format!("{address} added by {by}"));
        }
        for Removed { backend, by } in &self.removed {
            differs.push(format!("{backend} removed by {by}"));
        }
        for member in &self.members {
            if let Some(weight) = member.weight_override {
                let (name, file) = (&member.name, member.settings.weight);
                differs.push(format!("{name} weight {weight}, {file} in the file"));
            }
            if let Some(max_conns) = member.max_conns_override {
                let (name, file) = (&member.name, member.settings.max_conns);
                differs.push(format!("{name} max_conns {max_conns}, {file} in the file"));
            }
            differs.extend(decided(member));
        }
        differs
    }
}

/// What the operator decided about a member's standing.
fn decided(member: &Member) -> Option<String> {
    let name = &member.name;
    match &member.admin {
        Admin::AsFile | Admin::Drained(Cause::Restart) => None,
        Admin::Enabled => Some(format!("{name} enabled, down in the file")),
        Admin::Draining(draining) | Admin::Cutting(draining) => {
            match (&draining.cause, draining.then) {
                (Cause::Restart, _) => None,
                (Cause::Operator(by), Then::Stay) => Some(format!("{name} drained by {by}")),
                (Cause::Operator(by), Then::Leave) => {
                    Some(format!("{name} leaves, removed by {by}"))
                }
            }
        }
        Admin::Drained(Cause::Operator(by)) => Some(format!("{name} drained by {by}")),
        Admin::Left { by } => Some(format!("{name} leaves, removed by {by}")),
        Admin::Down { by } => Some(format!("{name} taken down by {by}")),
    }
}

impl Membership {
    /// Whether members came or went since this was asked last.
    pub(crate) fn take_coming_and_going(&mut self) -> bool {
        std::mem::take(&mut self.has_come_and_gone)
    }

    /// Brings a backend in, or back in.
    pub(crate) fn add(&mut self, addition: &Addition, by: &str, now: Now) -> Answer {
        let Some(index) = self.upstream_index(&addition.upstream) else {
            return self.no_upstream(&addition.upstream);
        };
        let refused = |text| answer(Outcome::Refused, text);
        let address = match parse(&addition.address) {
            Ok(address) => address,
            Err(text) => return refused(text),
        };
        if let Err(text) = check_weight(addition.weight.unwrap_or(1)) {
            return refused(text);
        }
        let name = address.to_string();
        if let Some(at) = self.find(&addition.upstream, &name) {
            return self.stay(at, now);
        }
        let upstream = &mut self.upstreams[index];
        if upstream.is_removed(&name) {
            return self.take_back(index, &name, addition.weight, now);
        }
        let is_backup = addition.rank == Rank::Backup;
        if is_backup && !upstream.strategy().takes_backups() {
            let strategy = upstream.strategy().name();
            return refused(format!("{} uses {strategy}, which has no backups", upstream.name));
        }
        if let Err(text) = self.room_for(index, &name) {
            return refused(text);
        }
        let weight = addition.weight.unwrap_or(1);
        let upstream = &mut self.upstreams[index];
        upstream.added.push(Added { address, weight, is_backup, by: by.to_owned() });
        let shown = upstream.name.clone();
        self.reseat(index, now);
        answer(Outcome::Changed, format!("{name} added to {shown}, weight {weight}"))
    }

    /// It is there already; if it was about to leave, it stays.
    fn stay(&mut self, at: Place, now: Now) -> Answer {
        let member = self.member(at);
        let name = member.name.clone();
        if !member.is_leaving() {
            let word = self.reason(at, now);
            let but = if word.is_empty() { String::new() } else { format!(" ({word})") };
            return answer(Outcome::Unchanged, format!("{name} is there already{but}"));
        }
        self.member_mut(at).admin = Admin::AsFile;
        self.welcome(at, now);
        self.settle(at, now);
        answer(Outcome::Changed, format!("{name} stays, its removal is taken back"))
    }

    /// One of the file's, removed before.
    fn take_back(&mut self, index: usize, name: &str, weight: Option<u32>, now: Now) -> Answer {
        if let Err(text) = self.room_for(index, name) {
            return answer(Outcome::Refused, text);
        }
        let upstream = &mut self.upstreams[index];
        upstream.removed.retain(|removed| removed.backend != name);
        let upstream = upstream.name.clone();
        self.reseat(index, now);
        if let (Some(weight), Some(at)) = (weight, self.find(&upstream, name)) {
            let member = self.member_mut(at);
            member.weight_override = (weight != member.settings.weight).then_some(weight);
            self.settle(at, now);
            self.restart_round(at.upstream, now);
        }
        answer(Outcome::Changed, format!("{name} is back in {upstream}, as the file says"))
    }

    fn room_for(&self, index: usize, name: &str) -> Result<(), String> {
        let upstream = &self.upstreams[index];
        let max = limits::UPSTREAM_MEMBERS_MAX;
        if upstream.members.len() >= max {
            return Err(format!("no room for {name}: {} has {max} backends", upstream.name));
        }
        if !slots::has_free(self.board) {
            let max = limits::BACKENDS_MAX;
            return Err(format!("no room for {name}: {max} backends are in use"));
        }
        Ok(())
    }

    pub(super) fn remove_asked(
        &mut self,
        at: Place,
        removal: Removal,
        by: &str,
        now: Now,
    ) -> Answer {
        let upstream = &self.upstreams[at.upstream];
        let member = &upstream.members[at.member];
        let name = member.name.clone();
        if let Some(program) = member.program() {
            let text = format!("{name} is {program}'s: stop it, or run fewer instances");
            return answer(Outcome::Refused, text);
        }
        if member.origin != Origin::Added && upstream.removed.len() >= limits::UPSTREAM_MEMBERS_MAX
        {
            let (upstream, max) = (&upstream.name, limits::UPSTREAM_MEMBERS_MAX);
            let text = format!("{max} backends of {upstream} are removed already: reset it first");
            return answer(Outcome::Refused, text);
        }
        let is_leaving = member.is_leaving();
        let timeout_ms = match removal {
            Removal::AtOnce => {
                let left = self.take_off(at, by, now);
                let text = format!("{name} removed, {}", requests_left(left));
                return answer(Outcome::Changed, text);
            }
            Removal::Drained { timeout_ms: None } if is_leaving => {
                let left = requests_left(self.active(at));
                return answer(Outcome::Unchanged, format!("{name} is leaving already, {left}"));
            }
            Removal::Drained { timeout_ms } => timeout_ms,
        };
        let timeout_ms = timeout_ms.unwrap_or(upstream.settings.drain_timeout_ms);
        self.begin_drain(at, (Cause::Operator(by.to_owned()), Then::Leave), timeout_ms, now);
        let left = requests_left(self.active(at));
        answer(Outcome::Changed, format!("{name} drains and leaves, {left}"))
    }

    /// Whoever has drained to leave.
    pub(super) fn take_off_the_drained(&mut self, index: usize, now: Now) {
        // Each round takes one off.
        for _ in 0..self.upstreams[index].members.len() {
            let members = &self.upstreams[index].members;
            let has_left = |member: &Member| matches!(&member.admin, Admin::Left { .. });
            let Some(member) = members.iter().position(has_left) else { return };
            let Admin::Left { by } = members[member].admin.clone() else { return };
            let notice = Notice::Removed {
                upstream: self.upstreams[index].name.clone(),
                backend: members[member].name.clone(),
            };
            self.take_off(Place { upstream: index, member }, &by, now);
            self.notices.push(notice);
        }
    }

    /// Off the list with this call; how many requests it still works on.
    fn take_off(&mut self, at: Place, by: &str, now: Now) -> u32 {
        let upstream = &mut self.upstreams[at.upstream];
        let member = &mut upstream.members[at.member];
        let (id, name) = (member.id, member.name.clone());
        // Whatever its upstream goes on with until a name is looked up.
        member.admin = Admin::Left { by: by.to_owned() };
        match member.origin {
            Origin::Added => upstream.added.retain(|added| added.address.to_string() != name),
            Origin::File | Origin::Program(_) | Origin::Joined(_) | Origin::Discovered(_) => {
                upstream.removed.push(Removed { backend: name, by: by.to_owned() });
            }
        }
        self.reseat(at.upstream, now);
        self.board.backend(id).active()
    }

    /// Back to what the file says: members, strategy, weights, and what the operator took out.
    pub(super) fn reset_asked(&mut self, index: usize, by: &str, now: Now) -> Answer {
        let upstream = &mut self.upstreams[index];
        let mut changes = usize::from(upstream.strategy_override.take().is_some());
        changes += std::mem::take(&mut upstream.removed).len();
        let (mut returning, mut going) = (Vec::new(), Vec::new());
        for (position, member) in upstream.members.iter_mut().enumerate() {
            changes += usize::from(member.weight_override.take().is_some());
            changes += usize::from(member.max_conns_override.take().is_some());
            if member.origin == Origin::Added {
                if !member.is_leaving() {
                    going.push(position);
                }
            } else if decided(member).is_some() {
                member.admin = Admin::AsFile;
                returning.push(position);
            }
        }
        changes += returning.len() + going.len();
        let timeout_ms = upstream.settings.drain_timeout_ms;
        for member in returning {
            self.welcome(Place { upstream: index, member }, now);
        }
        // Where there is no room for both, those that were added go at once.
        let upstream = &mut self.upstreams[index];
        let is_crowded = upstream.arrivals().0.len() > limits::UPSTREAM_MEMBERS_MAX;
        if is_crowded {
            upstream.added.clear();
        }
        for member in going {
            if is_crowded {
                self.upstreams[index].members[member].admin = Admin::Left { by: by.to_owned() };
                continue;
            }
            let cause = (Cause::Operator(by.to_owned()), Then::Leave);
            self.begin_drain(Place { upstream: index, member }, cause, timeout_ms, now);
        }
        if changes > 0 {
            self.upstreams[index].evidence.happened(EvidenceCause::StrategyChange, "", now);
        }
        // The file's strategy may use other members, and the removed ones come back.
        self.reseat(index, now);
        let name = &self.upstreams[index].name;
        match changes {
            0 => answer(Outcome::Unchanged, format!("{name} is already as the file says")),
            1 => answer(Outcome::Changed, format!("{name} back to the file, 1 change undone")),
            _ => answer(
                Outcome::Changed,
                format!("{name} back to the file, {changes} changes undone"),
            ),
        }
    }
}

fn parse(text: &str) -> Result<Address, String> {
    match config::backend_location(text) {
        Ok(Location::Fixed(address)) => Ok(address),
        Ok(Location::Discovered(_)) => Err(format!(
            "`{text}` has to be looked up: only the file can name it; an address such as \
             10.0.3.9:8080 or unix:/run/app.sock can be added"
        )),
        Err(hint) => Err(format!("`{text}` is not a backend's address: {hint}")),
    }
}
