//! The single path by which anything changes membership, standing, weight or strategy on the
//! scoreboard, whatever its source: file, operator, program, discovery, check.
//!
//! Decides and publishes; starts nothing, reads no clock, writes no file. What happens by itself
//! (a drain that ends, a backend that fails) comes out of `tick` as notices.

mod altered;
mod apply;
mod checked;
mod discovered;
mod draining;
mod evidence;
mod member;
mod outliers;
mod persist;
mod rings;
mod rows;
mod slots;
mod verbs;

#[cfg(test)]
mod tests;

pub(crate) use apply::Joining;
pub(crate) use discovered::{Change, Found, Known, Rank};
pub(crate) use evidence::Explained;
pub(crate) use persist::Saved;
pub(crate) use rows::strategy;

use std::time::Duration;

use crate::balance;
use crate::balance::cause;
use crate::config::model::capacity::{OnDrain, Queue, Sticky, Token};
use crate::config::model::health::{AllDown, Outlier};
use crate::config::model::{self, Address, Kind, Strategy};
use crate::config::strategy::Timing;
use crate::control::wire;
use crate::scoreboard::account;
use crate::scoreboard::gate::{Gate, RAMP_FULL};
use crate::scoreboard::turn::Owner;
use crate::scoreboard::{self, BackendId, Board, UpstreamId};
use crate::sys::clock;

use member::{Admin, Cause, Member, Then};

/// One reading of both clocks: decisions use the monotonic one, people the wall's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) mono_us: u64,
    pub(crate) wall_ms: u64,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self { mono_us: clock::monotonic_us(), wall_ms: clock::wall_ms() }
    }

    fn second(self) -> u64 {
        self.mono_us / 1_000_000
    }
}

/// What happened by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// No request is left, or the time for it is over.
    Drained { upstream: String, backend: String, active_left: u32, has_timed_out: bool, cuts: u64 },
    /// Off its upstream, as the operator wanted.
    Removed { upstream: String, backend: String },
    /// What is shown of a backend changed, for the events.
    Turned {
        upstream: String,
        backend: String,
        from: wire::BackendState,
        to: wire::BackendState,
        reason: String,
    },
}

/// All upstreams and their members.
pub(crate) struct Membership {
    board: Board,
    upstreams: Vec<Upstream>,
    /// Off every list, waiting for their last request before the slot is free.
    leaving: Vec<Leaving>,
    /// To be handed out by the next tick.
    notices: Vec<Notice>,
    /// Decisions about backends that are not there yet.
    remembered: persist::Saved,
    /// What a predecessor knew of names that are not in place yet.
    known: Vec<Known>,
    /// Whether members came or went since `take_coming_and_going`.
    has_come_and_gone: bool,
}

/// Where a member stands in the lists; good until the next change of membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    upstream: usize,
    member: usize,
}

struct Upstream {
    id: UpstreamId,
    name: String,
    settings: Settings,
    strategy_override: Option<Strategy>,
    /// Whom the file wants here, in its order.
    wanted: Vec<discovered::Wanted>,
    /// What the operator made of that.
    added: Vec<altered::Added>,
    removed: Vec<altered::Removed>,
    members: Vec<Member>,
    /// Made by `tick`, while it hashes consistently.
    ring: Option<rings::ShownRing>,
    window_since_ms: u64,
    /// When members are next compared with each other.
    judged_at_us: u64,
    evidence: evidence::Evidence,
    /// Gone from the file: kept until every worker serves the new generation.
    retire_at_us: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    kind: Kind,
    strategy: Strategy,
    timing: Timing,
    has_hash_key: bool,
    drain_timeout_ms: u64,
    slow_start_ms: u64,
    queue: Option<Queue>,
    sticky: Option<Sticky>,
    has_check: bool,
    all_down: AllDown,
    outlier: Option<Outlier>,
}

impl Settings {
    fn of(file: &model::Upstream) -> Self {
        Self {
            kind: file.kind,
            strategy: file.strategy,
            timing: file.timing,
            has_hash_key: file.hash_key.is_some(),
            drain_timeout_ms: file.drain_timeout_ms,
            slow_start_ms: file.slow_start_ms,
            queue: file.queue,
            sticky: file.sticky.clone(),
            has_check: file.check.is_some(),
            all_down: file.all_down,
            outlier: file.outlier,
        }
    }

    fn gives_cookie(&self) -> bool {
        self.sticky.as_ref().is_some_and(|sticky| matches!(sticky.by, Token::Cookie(_)))
    }

    fn on_drain(&self) -> OnDrain {
        self.sticky.as_ref().map_or(OnDrain::Move, |sticky| sticky.on_drain)
    }
}

/// A backend that left with requests in flight; its slot may not be used again before they end.
struct Leaving {
    id: BackendId,
    deadline_us: u64,
}

impl Membership {
    /// Takes back whatever the board holds: nothing when it is new, everything when a predecessor
    /// died. `apply_config` and `restore` then say what should be there.
    pub(crate) fn new(board: Board) -> Self {
        board.settle_master();
        let now = Now::read();
        let upstreams = slots::adopt_upstreams(board, now);
        let leaving = slots::adopt_leaving(board, &upstreams, now);
        Self {
            board,
            upstreams,
            leaving,
            notices: Vec::new(),
            remembered: Saved::default(),
            known: Vec::new(),
            has_come_and_gone: false,
        }
    }

    /// Drains a program's backend for its restart or stop; `Notice::Drained` follows in any case
    /// but `false`: no such backend.
    pub(crate) fn drain(
        &mut self,
        upstream: &str,
        address: &Address,
        timeout_ms: Option<u64>,
        now: Now,
    ) -> bool {
        let name = address.to_string();
        let Some(at) = self.find(upstream, &name) else { return false };
        let timeout_ms =
            timeout_ms.unwrap_or(self.upstreams[at.upstream].settings.drain_timeout_ms);
        match &mut self.member_mut(at).admin {
            Admin::AsFile | Admin::Enabled => {
                self.begin_drain(at, (Cause::Restart, Then::Stay), timeout_ms, now);
            }
            Admin::Draining(draining) => match draining.cause {
                Cause::Restart => draining.end_within(timeout_ms, now),
                // The operator's own drain ends with the same notice, and stays his.
                Cause::Operator(_) => {}
            },
            Admin::Cutting(_) => {}
            Admin::Drained(_) | Admin::Left { .. } | Admin::Down { .. } => {
                let active_left = self.active(at);
                self.notices.push(Notice::Drained {
                    upstream: upstream.to_owned(),
                    backend: name,
                    active_left,
                    has_timed_out: false,
                    cuts: 0,
                });
            }
        }
        true
    }

    /// How soon `tick` has something to look at.
    pub(crate) fn tick_within(&self) -> Duration {
        let mut members = self.upstreams.iter().flat_map(|upstream| &upstream.members);
        let is_draining = members.clone().any(|member| member.draining().is_some());
        let is_soon = is_draining || !self.leaving.is_empty() || !self.notices.is_empty();
        if is_soon {
            Duration::from_millis(10)
        } else if members.any(|member| member.warming_since_us.is_some()) {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(1)
        }
    }

    /// Ends what is due and reports what changed by itself since the last tick.
    pub(crate) fn tick(&mut self, now: Now) -> Vec<Notice> {
        self.leaving
            .retain(|leaving| !slots::try_free(self.board, leaving.id, leaving.deadline_us, now));
        self.retire_due(now);
        for upstream in 0..self.upstreams.len() {
            self.look_for_outliers(upstream, now);
            for member in 0..self.upstreams[upstream].members.len() {
                let at = Place { upstream, member };
                self.end_drain_if_due(at, now);
                self.settle(at, now);
            }
            self.take_off_the_drained(upstream, now);
        }
        self.refresh_rings();
        self.announce_drains();
        std::mem::take(&mut self.notices)
    }

    /// A backend that was away takes requests again: it warms up, without its old failures.
    fn welcome(&mut self, at: Place, now: Now) {
        let Upstream { id, settings, members, .. } = &mut self.upstreams[at.upstream];
        let member = &mut members[at.member];
        member.warming_since_us = (settings.slow_start_ms > 0).then_some(now.mono_us);
        let backend = self.board.backend(member.id);
        let _turn = self.board.upstream(*id).take_turn(Owner::Master);
        let words = backend.words();
        backend.set_words(&scoreboard::backend::Words {
            current_weight: words.current_weight,
            ..scoreboard::backend::Words::default()
        });
    }

    /// Brings the board's gate and what is shown in line with what was decided.
    fn settle(&mut self, at: Place, now: Now) {
        let board = self.board;
        let is_ejected = self.is_ejected(at, now);
        let Upstream { id, settings, members, .. } = &mut self.upstreams[at.upstream];
        let member = &mut members[at.member];
        let ramp = member.ramp(settings.slow_start_ms, now.mono_us);
        if ramp == RAMP_FULL {
            member.warming_since_us = None;
        }
        let gate = Gate { bound: member.bound(settings.on_drain()), ..member.gate(ramp) };
        if board.backend(member.id).gate() != gate {
            // Within a turn: to a pick, each backend is open or closed for the whole of it, so none
            // finds all of them closed while one was always open.
            let _turn = board.upstream(*id).take_turn(Owner::Master);
            board.backend(member.id).set_gate(gate);
        }
        let state = member.state(ramp, is_ejected);
        if state != member.shown {
            let is_left_alone = is_ejected || member.outlier.is_ejected();
            let from = std::mem::replace(&mut member.shown, state);
            member.since_ms = now.wall_ms;
            let backend = member.name.clone();
            self.notices.push(Notice::Turned {
                upstream: self.upstreams[at.upstream].name.clone(),
                backend,
                from,
                to: state,
                reason: self.reason(at, now),
            });
            let cause = match (from, state) {
                (_, wire::BackendState::Failed) if is_left_alone => Some(cause::Cause::Ejection),
                (_, wire::BackendState::Failed) => Some(cause::Cause::CheckFailure),
                (wire::BackendState::Failed, _) => Some(cause::Cause::Return),
                (wire::BackendState::Draining, wire::BackendState::Drained) => {
                    Some(cause::Cause::Drain)
                }
                (wire::BackendState::Starting, wire::BackendState::Up) => {
                    Some(cause::Cause::SlowStart)
                }
                // What was decided is written down where it was, just before.
                _ => None,
            };
            if let Some(cause) = cause {
                self.happened(at, cause, now);
            }
            self.restart_window(at.upstream, now);
        }
    }

    /// What may explain an uneven window.
    fn happened(&mut self, at: Place, cause: cause::Cause, now: Now) {
        let Upstream { evidence, members, .. } = &mut self.upstreams[at.upstream];
        evidence.happened(cause, &members[at.member].name, now);
    }

    /// Figures of fit count from here.
    fn restart_window(&mut self, upstream: usize, now: Now) {
        let board = self.board;
        let upstream = &mut self.upstreams[upstream];
        upstream.window_since_ms = now.wall_ms;
        upstream.evidence.counts = account::upstream_counts(board, upstream.id);
        for member in &mut upstream.members {
            member.window.failures =
                account::backend_counts(board, member.id, member.incarnation).failures;
        }
        // Within a turn, so that picks and weights are of one instant.
        let _turn = board.upstream(upstream.id).take_turn(Owner::Master);
        for member in &mut upstream.members {
            let backend = board.backend(member.id);
            (member.window.picks, member.window.weight) =
                (backend.picks(), backend.words().current_weight);
        }
    }

    /// Smooth weights only mean something for the weights they were made with.
    fn restart_round(&mut self, upstream: usize, now: Now) {
        let id = self.upstreams[upstream].id;
        let turn = self.board.upstream(id).take_turn(Owner::Master);
        for member in &self.upstreams[upstream].members {
            let backend = self.board.backend(member.id);
            let words = backend.words();
            backend.set_words(&scoreboard::backend::Words {
                current_weight: 0,
                weight_lost: words.weight_lost.min(i64::from(member.weight())),
                ..words
            });
        }
        drop(turn);
        self.restart_window(upstream, now);
    }

    fn active(&self, at: Place) -> u32 {
        self.board.backend(self.member(at).id).active()
    }

    /// Out after failures of requests, by the same rule as in the workers' picks.
    fn is_ejected(&self, at: Place, now: Now) -> bool {
        let member = self.member(at);
        let is_sole = self.upstreams[at.upstream].members.len() == 1 && !member.settings.is_backup;
        !is_sole && balance::failure::is_ejected(&self.peer(member), now.second())
    }

    fn peer(&self, member: &Member) -> balance::Peer {
        let words = self.board.backend(member.id).words();
        balance::Peer {
            current_weight: words.current_weight,
            max_fails: member.settings.max_fails,
            fail_timeout_s: member.settings.fail_timeout_s,
            priority: member.settings.priority,
            fails: words.fails,
            accessed_s: words.accessed_s,
            checked_s: words.checked_s,
            ..balance::Peer::fresh(member.weight())
        }
    }

    fn find(&self, upstream: &str, backend: &str) -> Option<Place> {
        let upstream = self.upstream_index(upstream)?;
        let mut members = self.upstreams[upstream].members.iter();
        Some(Place { upstream, member: members.position(|member| member.name == backend)? })
    }

    fn member(&self, at: Place) -> &Member {
        &self.upstreams[at.upstream].members[at.member]
    }

    fn member_mut(&mut self, at: Place) -> &mut Member {
        &mut self.upstreams[at.upstream].members[at.member]
    }

    fn upstream_index(&self, name: &str) -> Option<usize> {
        let is_it = |upstream: &Upstream| upstream.name == name && upstream.retire_at_us.is_none();
        self.upstreams.iter().position(is_it)
    }
}

impl Upstream {
    fn strategy(&self) -> Strategy {
        let decided = self.strategy_override.filter(|strategy| self.hindrance(*strategy).is_none());
        decided.unwrap_or(self.settings.strategy)
    }

    /// The same in short: what it has that the strategy can't use, or lacks.
    fn refusal(&self, strategy: Strategy) -> Option<&'static str> {
        self.hindrance(strategy)?;
        let lacks_key = strategy.needs_key() && !self.settings.has_hash_key;
        Some(if lacks_key { "has no hash_key" } else { "has backup backends" })
    }

    /// Why it can not balance by that strategy. One that was decided on before the file forbade it
    /// rests until the file allows it again.
    fn hindrance(&self, strategy: Strategy) -> Option<String> {
        let (upstream, name) = (&self.name, strategy.name());
        if strategy.needs_key() && !self.settings.has_hash_key {
            return Some(format!(
                "{upstream} has no hash_key, which {name} needs; add one to the file, \
                 such as hash_key = \"$request_uri\", and reload"
            ));
        }
        let has_backup = self.wanted.iter().any(discovered::Wanted::is_backup)
            || self.members.iter().any(|member| member.settings.is_backup);
        let has_priority = self.wanted.iter().any(discovered::Wanted::has_priority)
            || self.members.iter().any(|member| member.settings.priority > 0);
        let what = match (has_backup, has_priority) {
            (true, _) => "backup backends",
            (false, true) => "priorities",
            (false, false) => return None,
        };
        (!strategy.takes_backups())
            .then(|| format!("{upstream} has {what}, which {name} cannot use"))
    }
}
