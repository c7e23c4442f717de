//! Membership by configuration and by programs: what the file names, who joins, who leaves. What
//! the file's names lead to comes through `discovered`, which ends in the same `reseat`.
//!
//! A backend that stays keeps its slot, its counts and what was decided about it; only what changed
//! is published. A program's instance has its place from the beginning, so that hashes and ties do
//! not depend on who happened to be ready first.

use std::net::{Ipv4Addr, SocketAddr};

use crate::balance::cause;
use crate::config::limits;
use crate::config::model::{self, Address, Config, Location};

use crate::scoreboard::gate::RAMP_FULL;

use super::discovered::{Change, Wanted};
use super::member::{Admin, Arrival, Cause, Health, Member, Origin, Readiness, Settings};
use super::{Membership, Now, Place, Upstream, outliers, slots};

/// A backend that comes by itself: a program's instance that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joining {
    pub(crate) address: Address,
    pub(crate) weight: u32,
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout_s: u32,
    pub(crate) max_conns: u32,
    pub(crate) priority: u8,
    /// `name:instance`.
    pub(crate) program: Option<String>,
}

/// The board has no room for what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("add upstream {0}: {max} upstreams are in use", max = limits::UPSTREAMS_MAX)]
    Upstreams(String),
    #[error("add backend {0}: {max} backends are in use", max = limits::BACKENDS_MAX)]
    Backends(String),
    #[error("add backend {0}: its upstream has {max}", max = limits::UPSTREAM_MEMBERS_MAX)]
    Members(String),
    #[error("add backend {0}: no such upstream")]
    NoUpstream(String),
}

impl Membership {
    /// Makes the board hold what the configuration names. On an error what fitted is in place and
    /// serves; the configuration's own bounds make one all but impossible.
    pub(crate) fn apply_config(&mut self, config: &Config, now: Now) -> Result<(), Full> {
        let mut result = Ok(());
        for file in &config.upstreams {
            let outcome = self.apply_upstream(file, &config.programs, now);
            result = result.and(outcome);
        }
        for upstream in &mut self.upstreams {
            let is_named = config.upstreams.iter().any(|file| file.name == upstream.name);
            if !is_named && upstream.retire_at_us.is_none() {
                upstream.retire_at_us = Some(now.mono_us.saturating_add(slots::RETIRE_AFTER_US));
            }
        }
        result
    }

    /// Another number of a program's instances; only its upstream is touched.
    pub(crate) fn apply_instances(
        &mut self,
        config: &Config,
        program: &str,
        now: Now,
    ) -> Result<(), Full> {
        let serves =
            config.programs.iter().find(|it| it.name == program).and_then(|it| it.serves.as_ref());
        let upstream = serves.and_then(|serves| {
            config.upstreams.iter().find(|upstream| upstream.name == serves.upstream)
        });
        upstream.map_or(Ok(()), |file| self.apply_upstream(file, &config.programs, now))
    }

    fn apply_upstream(
        &mut self,
        file: &model::Upstream,
        programs: &[model::program::Program],
        now: Now,
    ) -> Result<(), Full> {
        let index = match self.upstreams.iter().position(|upstream| upstream.name == file.name) {
            Some(index) => {
                self.upstreams[index].evidence.happened(cause::Cause::Reload, "", now);
                index
            }
            None => self.add_upstream(file, now)?,
        };
        self.upstreams[index].retire_at_us = None;
        self.upstreams[index].settings = super::Settings::of(file);
        if file.check.is_none() {
            self.forget_checks(index, now);
        }
        if file.outlier.is_none() {
            self.forget_outliers(index, now);
        }
        let wanted = self.wanted(index, file, programs);
        self.upstreams[index].wanted = wanted;
        self.upstreams[index].forget_what_the_file_settled();
        self.reseat(index, now).full.map_or(Ok(()), Err)
    }

    /// Brings the members in line with whom the file wants and with what its names lead to.
    pub(super) fn reseat(&mut self, index: usize, now: Now) -> Change {
        let name = self.upstreams[index].name.clone();
        let mut before = std::mem::take(&mut self.upstreams[index].members);
        let is_first = before.is_empty();
        let (arrivals, beyond) = self.upstreams[index].arrivals();
        let mut change = Change { beyond, ..Change::default() };
        let mut members = Vec::with_capacity(arrivals.len());
        let mut fresh = Vec::new();
        for wanted in arrivals {
            if members.len() >= limits::UPSTREAM_MEMBERS_MAX {
                change.full = Some(Full::Members(wanted.address.to_string()));
                continue;
            }
            if let Some(member) = take_match(&mut before, &wanted) {
                members.push(update(member, wanted));
                continue;
            }
            let is_found = matches!(wanted.origin, Origin::Discovered(_) | Origin::Added);
            match self.seat(&name, wanted, members.len(), now) {
                Ok(member) => {
                    if is_found && !is_first {
                        fresh.push(members.len());
                    }
                    change.joined.push(member.name.clone());
                    members.push(member);
                }
                Err(full) => change.full = Some(full),
            }
        }
        let goes_on = self.upstreams[index].goes_on_with_whom_it_had(&members);
        // An instance that is or was ready and that the file no longer names is drained by its
        // program, which then tells it to leave; the rest leaves at once.
        let mut gone = Vec::new();
        for mut member in before {
            match member.program().map(str::to_owned) {
                Some(label) if member.readiness != Readiness::NotReady => {
                    member.origin = Origin::Joined(Some(label));
                    members.push(member);
                }
                None if goes_on
                    && !member.is_leaving()
                    && !self.upstreams[index].is_removed(&member.name) =>
                {
                    members.push(member);
                }
                Some(_) | None => gone.push(member),
            }
        }
        self.upstreams[index].members = members;
        slots::publish(self.board, &self.upstreams[index]);
        // Last, so that a worker that finds them closed finds those that take their place.
        for member in gone {
            let upstream = self.upstreams[index].id;
            self.leaving.push(slots::unseat(self.board, upstream, &member, now));
            change.left.push(member.name);
        }
        for member in fresh {
            self.welcome(Place { upstream: index, member }, now);
        }
        self.settle_all(index, now);
        self.restart_round(index, now);
        self.has_come_and_gone |= !change.joined.is_empty() || !change.left.is_empty();
        change
    }

    fn add_upstream(&mut self, file: &model::Upstream, now: Now) -> Result<usize, Full> {
        let id =
            slots::free_upstream(self.board).ok_or_else(|| Full::Upstreams(file.name.clone()))?;
        self.board.upstream(id).publish().name(&file.name);
        self.upstreams.push(Upstream {
            id,
            name: file.name.clone(),
            settings: super::Settings::of(file),
            strategy_override: None,
            wanted: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            members: Vec::new(),
            ring: None,
            window_since_ms: now.wall_ms,
            judged_at_us: 0,
            evidence: super::evidence::Evidence::default(),
            retire_at_us: None,
        });
        let index = self.upstreams.len() - 1;
        self.recall_upstream(index);
        Ok(index)
    }

    /// Takes down upstreams whose last generation is gone.
    pub(super) fn retire_due(&mut self, now: Now) {
        let is_due = |upstream: &mut Upstream| {
            upstream.retire_at_us.is_some_and(|retire_at_us| now.mono_us >= retire_at_us)
        };
        for mut upstream in self.upstreams.extract_if(.., is_due) {
            let members = std::mem::take(&mut upstream.members);
            slots::publish(self.board, &upstream);
            self.board.upstream(upstream.id).publish().name("");
            let unseat = |member| slots::unseat(self.board, upstream.id, member, now);
            let left = members.iter().map(unseat);
            self.leaving.extend(left);
        }
    }

    /// A program's instance is ready: its backend takes requests.
    pub(crate) fn join(&mut self, upstream: &str, joining: Joining, now: Now) -> Result<(), Full> {
        let name = joining.address.to_string();
        let index = self.upstream_index(upstream).ok_or_else(|| Full::NoUpstream(name.clone()))?;
        let wanted = Arrival {
            address: joining.address,
            origin: Origin::Joined(joining.program),
            settings: Settings {
                weight: joining.weight,
                max_fails: joining.max_fails,
                fail_timeout_s: joining.fail_timeout_s,
                max_conns: joining.max_conns,
                priority: joining.priority,
                is_backup: false,
                is_down: false,
                route: None,
            },
            readiness: Readiness::NotReady,
        };
        let members = &self.upstreams[index].members;
        let (count, found) =
            (members.len(), members.iter().position(|member| is_same(member, &wanted)));
        let at = Place { upstream: index, member: found.unwrap_or(count) };
        if found.is_none() {
            let member = self.seat(upstream, wanted, count, now)?;
            self.upstreams[index].members.push(member);
        } else if self.member(at).name != name {
            self.rehome(at, wanted, now)?;
        }
        slots::publish(self.board, &self.upstreams[index]);
        self.receive(at, now);
        Ok(())
    }

    /// What a restart began ends here; what the operator decided does not.
    fn receive(&mut self, at: Place, now: Now) {
        let member = self.member_mut(at);
        let is_restarts = match &member.admin {
            Admin::Draining(draining) => draining.cause == Cause::Restart,
            Admin::Drained(cause) => *cause == Cause::Restart,
            Admin::AsFile
            | Admin::Enabled
            | Admin::Cutting(_)
            | Admin::Left { .. }
            | Admin::Down { .. } => false,
        };
        if is_restarts {
            member.admin = Admin::AsFile;
        }
        if member.readiness != Readiness::Ready {
            member.readiness = Readiness::Ready;
            // Another process, or another time: what was found before does not count.
            member.health = Health::Passing;
            member.check = None;
            member.outlier = outliers::Record::default();
            self.welcome(at, now);
            self.happened(at, cause::Cause::Membership, now);
        }
        self.settle(at, now);
    }

    /// A program's instance is not ready for the time being: nobody is sent there, and what was finishes.
    pub(crate) fn shut(&mut self, upstream: &str, address: &Address, now: Now) {
        // It may have left with its upstream already.
        let Some(at) = self.find(upstream, &address.to_string()) else { return };
        if self.member(at).program().is_none() {
            return;
        }
        self.happened(at, cause::Cause::Membership, now);
        self.member_mut(at).readiness = Readiness::Lost;
        self.settle(at, now);
    }

    /// A program's instance is gone: it keeps its place if the file names it. `false`: no such backend.
    pub(crate) fn leave(&mut self, upstream: &str, address: &Address, now: Now) -> bool {
        let Some(at) = self.find(upstream, &address.to_string()) else { return false };
        self.happened(at, cause::Cause::Membership, now);
        let member = self.member_mut(at);
        match member.origin {
            Origin::File | Origin::Program(_) => {
                member.readiness = Readiness::NotReady;
                if matches!(&member.admin, Admin::Drained(Cause::Restart)) {
                    member.admin = Admin::AsFile;
                }
            }
            // Nobody's to take away but its name's, or the operator's.
            Origin::Discovered(_) | Origin::Added => return false,
            Origin::Joined(_) => {
                let upstream = &mut self.upstreams[at.upstream];
                let member = upstream.members.remove(at.member);
                self.leaving.push(slots::unseat(self.board, upstream.id, &member, now));
                slots::publish(self.board, &self.upstreams[at.upstream]);
                self.restart_window(at.upstream, now);
                return true;
            }
        }
        self.settle(at, now);
        true
    }

    /// The same instance came back on another port: the same place, a new slot.
    fn rehome(&mut self, at: Place, wanted: Arrival, now: Now) -> Result<(), Full> {
        let upstream = self.upstreams[at.upstream].name.clone();
        let mut member = self.seat(&upstream, wanted, at.member, now)?;
        let before = self.member_mut(at);
        member.origin = before.origin.clone();
        member.settings = before.settings.clone();
        member.weight_override = before.weight_override;
        member.max_conns_override = before.max_conns_override;
        member.admin = before.admin.clone();
        let before = std::mem::replace(before, member);
        let upstream = self.upstreams[at.upstream].id;
        self.leaving.push(slots::unseat(self.board, upstream, &before, now));
        Ok(())
    }

    fn seat(
        &mut self,
        upstream: &str,
        wanted: Arrival,
        position: usize,
        now: Now,
    ) -> Result<Member, Full> {
        let name = wanted.address.to_string();
        if position >= limits::UPSTREAM_MEMBERS_MAX {
            return Err(Full::Members(name));
        }
        let mut member = slots::seat(self.board, wanted, now).ok_or(Full::Backends(name))?;
        self.recall(upstream, &mut member, now);
        stay_if_programs(&mut member);
        self.board.backend(member.id).set_gate(member.gate(RAMP_FULL));
        Ok(member)
    }

    pub(super) fn settle_all(&mut self, index: usize, now: Now) {
        for member in 0..self.upstreams[index].members.len() {
            self.settle(Place { upstream: index, member }, now);
        }
    }
}

/// What the file names for an upstream: its backends, then its programs' instances.
pub(super) fn named(file: &model::Upstream, programs: &[model::program::Program]) -> Vec<Wanted> {
    let backends = file.backends.iter().map(|backend| {
        let settings = Settings {
            weight: backend.weight,
            max_fails: backend.max_fails,
            fail_timeout_s: backend.fail_timeout_s,
            max_conns: backend.max_conns,
            priority: backend.priority,
            is_backup: backend.backup,
            is_down: backend.down,
            route: backend.route.clone(),
        };
        match &backend.address {
            Location::Fixed(address) => Wanted::Fixed(Arrival {
                address: address.clone(),
                origin: Origin::File,
                settings,
                readiness: Readiness::Ready,
            }),
            Location::Discovered(discovery) => Wanted::found_by(discovery.clone(), settings),
        }
    });
    let serving = programs.iter().filter_map(|program| Some((program, program.serves.as_ref()?)));
    let instances =
        serving.filter(|(_, serves)| serves.upstream == file.name).flat_map(|(program, serves)| {
            (0..program.instances).map(move |instance| {
                Wanted::Fixed(Arrival {
                    address: instance_address(serves, instance),
                    origin: Origin::Program(format!("{}:{instance}", program.name)),
                    settings: Settings {
                        weight: serves.weight,
                        max_fails: serves.max_fails,
                        fail_timeout_s: serves.fail_timeout_s,
                        max_conns: serves.max_conns,
                        priority: serves.priority,
                        is_backup: false,
                        is_down: false,
                        route: None,
                    },
                    readiness: Readiness::NotReady,
                })
            })
        });
    backends.chain(instances).collect()
}

fn instance_address(serves: &model::program::Serves, instance: u32) -> Address {
    let port = u32::from(serves.port) + instance;
    // The configuration refuses ports beyond the last one.
    let port = u16::try_from(port).unwrap_or(u16::MAX);
    Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn take_match(before: &mut Vec<Member>, wanted: &Arrival) -> Option<Member> {
    let place = before.iter().position(|member| is_same(member, wanted))?;
    Some(before.remove(place))
}

/// The same instance of a program wherever it listens, or the same address.
fn is_same(member: &Member, wanted: &Arrival) -> bool {
    let label = match &wanted.origin {
        Origin::File | Origin::Discovered(_) | Origin::Added => None,
        Origin::Program(label) => Some(label.as_str()),
        Origin::Joined(label) => label.as_deref(),
    };
    match (member.program(), label) {
        (Some(one), Some(other)) => one == other,
        (Some(_) | None, None) | (None, Some(_)) => member.name == wanted.address.to_string(),
    }
}

/// The member under its new settings; what was decided about it and whether it is ready stay.
fn update(mut member: Member, wanted: Arrival) -> Member {
    member.readiness = match wanted.origin {
        Origin::File | Origin::Discovered(_) | Origin::Added => Readiness::Ready,
        Origin::Program(_) | Origin::Joined(_) => member.readiness,
    };
    if matches!(&member.admin, Admin::Down { by } if by == slots::BY_PREDECESSOR) {
        member.admin = Admin::AsFile;
    }
    member.origin = wanted.origin;
    member.settings = wanted.settings;
    stay_if_programs(&mut member);
    member
}

/// It is its program that a program's instance would have to be taken from.
fn stay_if_programs(member: &mut Member) {
    if member.is_leaving() && member.program().is_some() {
        member.admin = Admin::AsFile;
    }
}
