//! Members and their active checks: whom to check, and what follows from a result.

use crate::balance;
use crate::config::model::Address;
use crate::control;
use crate::master::checks::{Checked, Subject};

use super::member::{Health, Member, Readiness};
use super::{Membership, Now, Upstream};

impl Membership {
    /// Whom to check, if their upstream has a check: everyone but instances that are not ready,
    /// whom their programs ask.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let present = self.upstreams.iter().filter(|upstream| upstream.retire_at_us.is_none());
        let of_upstream = |upstream: &Upstream| {
            let is_ready = |member: &&Member| member.readiness == Readiness::Ready;
            let subject = |member: &Member| {
                Some(Subject {
                    upstream: upstream.name.clone(),
                    backend: Address::parse(&member.name)?,
                    health: match member.health {
                        Health::Passing => balance::health::Health::Good,
                        Health::Failing(_) => balance::health::Health::Failed,
                    },
                })
            };
            upstream.members.iter().filter(is_ready).filter_map(subject).collect::<Vec<_>>()
        };
        present.flat_map(of_upstream).collect()
    }

    /// A result of an active check, and what it means after the counting of rise and fall. `false`:
    /// no such backend.
    pub(crate) fn checked(&mut self, checked: &Checked, now: Now) -> bool {
        let backend = checked.backend.to_string();
        let Some(at) = self.find(&checked.upstream, &backend) else { return false };
        if !self.upstreams[at.upstream].settings.has_check {
            return false;
        }
        let member = self.member_mut(at);
        member.check = Some(checked.result.clone());
        let is_good = checked.result.fails == 0;
        let health = match (checked.health, &member.health) {
            (balance::health::Health::Good, _) => Health::Passing,
            // On its way back: it is out for what was wrong, not for what is good.
            (balance::health::Health::Failed, Health::Failing(why)) if is_good => {
                Health::Failing(why.clone())
            }
            (balance::health::Health::Failed, _) => Health::Failing(checked.result.text.clone()),
        };
        let is_back = health == Health::Passing && member.health != Health::Passing;
        member.health = health;
        if is_back {
            self.welcome(at, now);
        }
        self.settle(at, now);
        true
    }

    /// Without a check nobody would say that a backend is good again.
    pub(super) fn forget_checks(&mut self, index: usize, now: Now) {
        for member in 0..self.upstreams[index].members.len() {
            let at = super::Place { upstream: index, member };
            let member = self.member_mut(at);
            member.check = None;
            if member.health != Health::Passing {
                member.health = Health::Passing;
                self.welcome(at, now);
            }
        }
    }
}

impl Upstream {
    /// What people are told of a member's check; `None`: the upstream has none.
    pub(super) fn check_of(&self, member: &Member) -> Option<control::check::Check> {
        let told = |result: &crate::master::checks::Result| control::check::Check {
            result: result.text.clone(),
            is_good: result.fails == 0,
            at_ms: result.wall_ms,
            latency_us: result.latency_us,
            passes: result.passes,
            fails: result.fails,
        };
        let result = member.check.as_ref().map(told);
        self.settings.has_check.then(|| result.unwrap_or_default())
    }
}
