//! What an operator can do to a backend or an upstream. Idempotent, and every answer says what was
//! done or why not.

use crate::balance::cause;
use crate::config;
use crate::config::limits;
use crate::config::model::Strategy;
use crate::control::call::{BackendTarget, BackendVerb, UpstreamVerb};
use crate::control::wire::{Answer, Outcome};
use crate::scoreboard::gate::Standing;

use super::member::{Admin, Cause, Then};
use super::{Membership, Now, Place, slots};

/// Who takes off what an upstream's reset takes off.
const RESET: &str = "the reset";

impl Membership {
    pub(crate) fn backend(
        &mut self,
        target: &BackendTarget,
        verb: BackendVerb,
        by: &str,
        now: Now,
    ) -> Answer {
        let at = match self.locate(target) {
            Ok(at) => at,
            Err(answer) => return answer,
        };
        match verb {
            BackendVerb::Drain { timeout_ms } => self.drain_asked(at, timeout_ms, by, now),
            BackendVerb::Enable => self.enable_asked(at, now),
            BackendVerb::Down => self.down_asked(at, by, now),
            BackendVerb::Weight { weight } => self.weight_asked(at, weight, now),
            BackendVerb::MaxConns { max_conns } => self.max_conns_asked(at, max_conns, now),
            BackendVerb::Remove(removal) => self.remove_asked(at, removal, by, now),
        }
    }

    pub(crate) fn upstream(&mut self, name: &str, verb: &UpstreamVerb, now: Now) -> Answer {
        let Some(upstream) = self.upstream_index(name) else { return self.no_upstream(name) };
        match verb {
            UpstreamVerb::Strategy { strategy } => self.strategy_asked(upstream, strategy, now),
            UpstreamVerb::Reset => self.reset_asked(upstream, RESET, now),
        }
    }

    fn locate(&self, target: &BackendTarget) -> Result<Place, Answer> {
        let upstream = self
            .upstream_index(&target.upstream)
            .ok_or_else(|| self.no_upstream(&target.upstream))?;
        let members = &self.upstreams[upstream].members;
        let Some(member) = members.iter().position(|member| member.name == target.backend) else {
            let has = names(members.iter().map(|member| member.name.as_str()));
            let (backend, upstream) = (&target.backend, &target.upstream);
            let known = members.iter().map(|member| member.name.as_str());
            let hint = config::did_you_mean(backend, known);
            let text = format!("no backend {backend} in upstream {upstream}{hint}; it has {has}");
            return Err(answer(Outcome::Unknown, text));
        };
        if target.key.is_some_and(|key| key != members[member].key()) {
            let text =
                format!("{} was replaced since that row was shown; look again", target.backend);
            return Err(answer(Outcome::Refused, text));
        }
        Ok(Place { upstream, member })
    }

    pub(super) fn no_upstream(&self, name: &str) -> Answer {
        let present = self.upstreams.iter().filter(|upstream| upstream.retire_at_us.is_none());
        let present = present.map(|upstream| upstream.name.as_str());
        let hint = config::did_you_mean(name, present.clone());
        let has = names(present);
        answer(Outcome::Unknown, format!("no upstream {name}{hint}; there is {has}"))
    }

    fn drain_asked(&mut self, at: Place, timeout_ms: Option<u64>, by: &str, now: Now) -> Answer {
        let active = self.active(at);
        let default_ms = self.upstreams[at.upstream].settings.drain_timeout_ms;
        let member = self.member_mut(at);
        let name = member.name.clone();
        let cause = Cause::Operator(by.to_owned());
        match &mut member.admin {
            Admin::AsFile | Admin::Enabled | Admin::Left { .. } | Admin::Down { .. } => {
                let timeout_ms = timeout_ms.unwrap_or(default_ms);
                self.begin_drain(at, (cause, Then::Stay), timeout_ms, now);
                // Counted once it is closed: whoever was picked for it by then is among these.
                let text = format!("{name} draining, {}", requests_left(self.active(at)));
                answer(Outcome::Changed, text)
            }
            Admin::Draining(draining) => {
                // A restart's drain becomes the operator's: the backend then stays out.
                let was_operators = matches!(draining.cause, Cause::Operator(_));
                if was_operators && timeout_ms.is_none() {
                    let text = format!("{name} is already draining, {}", requests_left(active));
                    return answer(Outcome::Unchanged, text);
                }
                draining.cause = cause;
                if let Some(timeout_ms) = timeout_ms {
                    draining.end_within(timeout_ms, now);
                }
                let text = format!("{name} goes on draining, {}", requests_left(active));
                answer(Outcome::Changed, text)
            }
            Admin::Cutting(_) => {
                let text = format!("{name} is out of time, cut with {}", requests_left(active));
                answer(Outcome::Unchanged, text)
            }
            Admin::Drained(Cause::Operator(_)) => {
                answer(Outcome::Unchanged, format!("{name} is already drained"))
            }
            Admin::Drained(held) => {
                *held = cause;
                answer(Outcome::Changed, format!("{name} stays drained"))
            }
        }
    }

    fn enable_asked(&mut self, at: Place, now: Now) -> Answer {
        let member = self.member_mut(at);
        let is_enabled = match &member.admin {
            Admin::AsFile => !member.settings.is_down,
            Admin::Enabled => true,
            Admin::Draining(_)
            | Admin::Cutting(_)
            | Admin::Drained(_)
            | Admin::Left { .. }
            | Admin::Down { .. } => false,
        };
        // What it did before does not count any more.
        let was_ejected = is_enabled && member.outlier.end_ejection();
        if was_ejected {
            self.welcome(at, now);
            self.settle(at, now);
        } else if !is_enabled {
            member.outlier.end_ejection();
            member.admin = if member.settings.is_down { Admin::Enabled } else { Admin::AsFile };
            self.happened(at, cause::Cause::Return, now);
            self.welcome(at, now);
            self.settle(at, now);
        }
        let member = self.member(at);
        let is_unchanged = is_enabled && !was_ejected;
        let outcome = if is_unchanged { Outcome::Unchanged } else { Outcome::Changed };
        let verb = if is_unchanged { "is already enabled" } else { "enabled" };
        let but = match member.standing() {
            Standing::Starting => ", but its program is not ready",
            Standing::Failed => ", but its checks fail",
            Standing::Open
            | Standing::Vacant
            | Standing::Draining
            | Standing::Cut
            | Standing::Drained
            | Standing::Down => "",
        };
        answer(outcome, format!("{} {verb}{but}", member.name))
    }

    fn down_asked(&mut self, at: Place, by: &str, now: Now) -> Answer {
        let member = self.member_mut(at);
        let name = member.name.clone();
        if member.standing() == Standing::Down {
            return answer(Outcome::Unchanged, format!("{name} is already down"));
        }
        member.admin = Admin::Down { by: by.to_owned() };
        self.happened(at, cause::Cause::Down, now);
        self.settle(at, now);
        // Counted once it is closed: whoever was picked for it by then is among these.
        let left = requests_left(self.active(at));
        answer(Outcome::Changed, format!("{name} down, {left}"))
    }

    fn weight_asked(&mut self, at: Place, weight: u32, now: Now) -> Answer {
        let member = self.member_mut(at);
        let name = member.name.clone();
        if let Err(text) = check_weight(weight) {
            return answer(Outcome::Refused, text);
        }
        let before = member.weight();
        if before == weight {
            return answer(Outcome::Unchanged, format!("{name} already has weight {weight}"));
        }
        member.weight_override = (weight != member.settings.weight).then_some(weight);
        self.happened(at, cause::Cause::WeightChange, now);
        self.settle(at, now);
        self.restart_round(at.upstream, now);
        answer(Outcome::Changed, format!("{name} weight {weight}, was {before}"))
    }

    /// What is in flight beyond a new bound finishes.
    fn max_conns_asked(&mut self, at: Place, max_conns: u32, now: Now) -> Answer {
        let max = limits::BACKEND_MAX_CONNS_MAX;
        if max_conns > max {
            return answer(Outcome::Refused, format!("max_conns {max_conns} is more than {max}"));
        }
        let member = self.member_mut(at);
        let name = member.name.clone();
        let words = |bound: u32| match bound {
            0 => "no bound".to_owned(),
            bound => format!("max_conns {bound}"),
        };
        let before = member.max_conns();
        if before == max_conns {
            let text = format!("{name} already has {}", words(max_conns));
            return answer(Outcome::Unchanged, text);
        }
        member.max_conns_override = (max_conns != member.settings.max_conns).then_some(max_conns);
        self.happened(at, cause::Cause::Membership, now);
        slots::publish(self.board, &self.upstreams[at.upstream]);
        self.restart_window(at.upstream, now);
        let text = format!("{name} {}, was {}", words(max_conns), words(before));
        answer(Outcome::Changed, text)
    }

    fn strategy_asked(&mut self, index: usize, name: &str, now: Now) -> Answer {
        let Some(strategy) = Strategy::parse(name) else {
            let known = Strategy::ALL.into_iter().map(Strategy::name);
            let (hint, has) = (config::did_you_mean(name, known.clone()), names(known));
            return answer(Outcome::Refused, format!("no strategy {name}{hint}; there is {has}"));
        };
        let upstream = &mut self.upstreams[index];
        let before = upstream.strategy();
        if before == strategy {
            let text = format!("{} already uses {name}", upstream.name);
            return answer(Outcome::Unchanged, text);
        }
        if let Some(text) = upstream.hindrance(strategy) {
            return answer(Outcome::Refused, text);
        }
        upstream.evidence.happened(cause::Cause::StrategyChange, "", now);
        upstream.strategy_override = (strategy != upstream.settings.strategy).then_some(strategy);
        let text = format!("{} uses {name}, was {}", upstream.name, before.name());
        self.reseat(index, now);
        answer(Outcome::Changed, text)
    }
}

pub(super) fn check_weight(weight: u32) -> Result<(), String> {
    let max = limits::WEIGHT_MAX;
    if (1..=max).contains(&weight) {
        return Ok(());
    }
    Err(format!("weight {weight} is not 1 to {max}; drain or down takes a backend out"))
}

pub(super) fn answer(outcome: Outcome, message: String) -> Answer {
    Answer { outcome, message }
}

pub(super) fn requests_left(active: u32) -> String {
    match active {
        0 => "nothing in flight".to_owned(),
        1 => "1 request in flight".to_owned(),
        _ => format!("{active} requests in flight"),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let list = names.collect::<Vec<_>>().join(", ");
    if list.is_empty() { "none".to_owned() } else { list }
}
