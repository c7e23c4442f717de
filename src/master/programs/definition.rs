//! What one program's instances are made from: its part of the configuration and that of the
//! upstream it serves, in one value that two generations of the configuration are compared by.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::rc::Rc;

use serde::{Deserialize, Serialize, Serializer};

use super::{restarts, schedule};
use crate::config::limits::{PROGRAM_EXTEND_MS_MAX, PROGRAM_LAUNCH_MS};
use crate::config::model::Config;
use crate::config::model::group::{Group, GroupStrategy};
use crate::config::model::health::Check;
use crate::config::model::program::{Program, Serves};
use crate::config::model::tree::Main;
use crate::config::model::vitals::Need;
use crate::supervise::order::Rank;
use crate::supervise::policy::{
    Hook, Hooks, Hopeless, Needs, Policy, Readiness, Serving, Stop, Together,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Definition {
    pub(super) program: Program,
    pub(super) serving: Option<ServedUpstream>,
    pub(super) group: InGroup,
    /// The embedded default takes the next free port.
    pub(super) ports: Ports,
    /// Expressions for lines of this program that others wait for.
    pub(super) lines_wanted: Vec<String>,
}

/// One definition for all that is made from it: a thousand instances, and what a successor is told
/// of each, cost no copies, and are compared at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Shared(Rc<Definition>);

impl From<Definition> for Shared {
    fn from(definition: Definition) -> Self {
        Self(Rc::new(definition))
    }
}

impl Deref for Shared {
    type Target = Definition;

    fn deref(&self) -> &Definition {
        &self.0
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

/// What its group says about a program's place among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InGroup {
    pub(super) priority: i32,
    pub(super) strategy: GroupStrategy,
}

/// What the served upstream says about joining and leaving it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ServedUpstream {
    pub(super) serves: Serves,
    #[serde(serialize_with = "without_roots")]
    pub(super) check: Option<Check>,
    pub(super) drain_timeout_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ports {
    AsConfigured,
    NextFree,
}

/// What a new definition means for an instance of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// Applies to the running process as it is.
    Live,
    /// The process was started with something else.
    Restart,
}

impl Definition {
    /// In the order of their starts.
    pub(super) fn all(config: &Config) -> Vec<Shared> {
        let ports = if config.is_embedded { Ports::NextFree } else { Ports::AsConfigured };
        let of_program = |program: &Program| {
            let serving = program.serves.as_ref().map(|serves| {
                let upstream =
                    config.upstreams.iter().find(|upstream| upstream.name == serves.upstream);
                ServedUpstream {
                    serves: serves.clone(),
                    check: upstream.and_then(|upstream| upstream.check.clone()),
                    drain_timeout_ms: upstream.map_or(0, |upstream| upstream.drain_timeout_ms),
                }
            });
            let needs = config.programs.iter().flat_map(|other| &other.needs);
            let lines_wanted = needs
                .filter_map(|need| match need {
                    Need::Line { program: name, expression } if *name == program.name => {
                        Some(expression.clone())
                    }
                    Need::Line { .. } | Need::Program { .. } | Need::Listening(_) => None,
                })
                .collect();
            Shared::from(Self {
                program: program.clone(),
                serving,
                group: InGroup::of(program, &config.groups),
                ports,
                lines_wanted,
            })
        };
        let mut all: Vec<Shared> = config.programs.iter().map(of_program).collect();
        all.sort_by_cached_key(|definition| definition.rank());
        all
    }

    pub(super) fn rank(&self) -> Rank {
        Rank {
            group_priority: self.group.priority,
            group: self.program.group_name().to_owned(),
            priority: self.program.priority,
            program: self.program.name.clone(),
        }
    }

    pub(super) fn change(&self, new: &Self) -> Change {
        let serves = |definition: &Self| definition.program.serves.clone();
        // Where and how often it is to say how it is.
        let told = |definition: &Self| {
            let vitals = &definition.program.vitals;
            (vitals.is_heard(), vitals.watchdog_ms, vitals.descriptor())
        };
        let (old_program, new_program) = (&self.program, &new.program);
        let is_same_process = old_program.command == new_program.command
            && old_program.process == new_program.process
            && old_program.tree.main == new_program.tree.main
            && old_program.output.redirect_stderr == new_program.output.redirect_stderr
            && old_program.listener.is_some() == new_program.listener.is_some()
            && serves(self) == serves(new)
            && told(self) == told(new)
            && self.ports == new.ports;
        if !is_same_process {
            return Change::Restart;
        }
        // How many there are is not a property of one instance.
        let counted = Program { instances: old_program.instances, ..new_program.clone() };
        let around = |definition: &Self| {
            (definition.serving.clone(), definition.group, definition.lines_wanted.clone())
        };
        let is_same = counted == *old_program && around(self) == around(new);
        if is_same { Change::Nothing } else { Change::Live }
    }

    /// Whether the main process is another one than the one that is started.
    pub(super) fn is_forked(&self) -> bool {
        matches!(self.program.tree.main, Main::Forked { .. })
    }

    /// Whether nobody else than its main process's age says that it is ready.
    pub(super) fn is_ready_by_age(&self) -> bool {
        self.serving.is_none() && self.program.vitals.ready.is_none()
    }

    /// One that nobody asks whether it is ready is waited for until its main process is found.
    fn start_timeout_ms(&self) -> Option<u64> {
        let is_looked_for = self.is_forked() && self.is_ready_by_age();
        let set_ms = self.program.vitals.start_timeout_ms;
        set_ms
            .or_else(|| is_looked_for.then_some(PROGRAM_LAUNCH_MS + self.program.restart.start_ms))
    }

    pub(super) fn policy(&self) -> Policy {
        let program = &self.program;
        let serving = match &self.serving {
            None => Serving::No,
            Some(upstream) => Serving::Yes { drain_us: upstream.drain_timeout_ms * 1000 },
        };
        let readiness = match (&program.vitals.ready, serving) {
            // Its main process has to be found first.
            (None, Serving::No) if self.is_forked() => Readiness::Probed,
            (None, Serving::No) => Readiness::Alive,
            (Some(_), _) | (None, Serving::Yes { .. }) => Readiness::Probed,
        };
        let life = &program.life;
        Policy {
            kind: schedule::kind(life),
            overlap: schedule::overlap(life),
            max_age: schedule::max_age(life),
            restart: restarts::restart(&program.restart),
            exit_codes: program.restart.exit_codes.clone(),
            exit_signals: program.restart.exit_signals.clone(),
            needs: if program.needs.is_empty() { Needs::Nothing } else { Needs::Others },
            readiness,
            start_timeout_us: self.start_timeout_ms().map(|limit_ms| limit_ms * 1000),
            extend_us_max: PROGRAM_EXTEND_MS_MAX * 1000,
            watchdog_us: program.vitals.watchdog_ms.map(|silent_ms| silent_ms * 1000),
            serving,
            start_us: program.restart.start_ms * 1000,
            hopeless: if program.restart.gives_up_hopeless {
                Hopeless::GivenUp
            } else {
                Hopeless::Retried
            },
            start_retries: program.restart.retries,
            backoff: restarts::backoff(&program.restart),
            crash_limit: restarts::crash_limit(&program.restart),
            restart_delay_us: program.restart.delay_ms * 1000,
            stop: Stop {
                rungs_us: program.stop.rungs.iter().map(|rung| rung.wait_ms * 1000).collect(),
                command_us: program.stop.wait_ms * 1000,
            },
            hooks: self.hooks(),
            together: match self.group.strategy {
                GroupStrategy::OneForOne => Together::Alone,
                GroupStrategy::OneForAll | GroupStrategy::RestForOne => Together::WithGroup,
            },
            on_fatal: restarts::on_fatal(&program.on_fatal),
        }
    }

    fn hooks(&self) -> Hooks {
        let all: Vec<Hook> =
            Hook::ALL.into_iter().filter(|hook| self.hook(*hook).is_some()).collect();
        let of_stop = all.iter().filter(|hook| **hook != Hook::PreStart);
        let stop_ms = of_stop.fold(0_u64, |sum, hook| sum.saturating_add(self.hook_ms(*hook)));
        let timeout_us = self.program.hooks.timeout_ms * 1000;
        Hooks { all, timeout_us, stop_us: stop_ms.saturating_mul(1000) }
    }

    /// How long a side command may take once it runs.
    pub(super) fn hook_ms(&self, hook: Hook) -> u64 {
        let hooks = &self.program.hooks;
        let own_ms = match hook {
            Hook::PreStart => hooks.own.pre_start_ms,
            Hook::PreStop => hooks.own.pre_stop_ms,
            Hook::StopCommand => None,
            Hook::PostStop => hooks.own.post_stop_ms,
        };
        own_ms.unwrap_or(hooks.timeout_ms)
    }

    /// The words of a side command.
    pub(super) fn hook(&self, hook: Hook) -> Option<&[String]> {
        let Program { hooks, stop, .. } = &self.program;
        match hook {
            Hook::PreStart => hooks.pre_start.as_deref(),
            Hook::PreStop => hooks.pre_stop.as_deref(),
            Hook::StopCommand => stop.command.as_deref(),
            Hook::PostStop => hooks.post_stop.as_deref(),
        }
    }

    /// The port the configuration gives to this instance; the configuration was checked for room.
    pub(super) fn port(&self, instance: u32) -> Option<u16> {
        let serves = &self.serving.as_ref()?.serves;
        serves.port.checked_add(u16::try_from(instance).ok()?)
    }
}

impl InGroup {
    /// A program of no group is one by itself.
    fn of(program: &Program, groups: &[Group]) -> Self {
        match groups.iter().find(|group| group.name == program.group_name()) {
            Some(group) => Self { priority: group.priority, strategy: group.strategy },
            None => Self { priority: program.priority, strategy: GroupStrategy::default() },
        }
    }
}

/// What a successor is told of a check. It has the configuration, too, and the certificates in it:
/// once an instance would fill the room that there is for all of them.
#[expect(clippy::ref_option, reason = "serde gives a field as it is")]
fn without_roots<S: Serializer>(check: &Option<Check>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut check = check.clone();
    if let Some(tls) = check.as_mut().and_then(|check| check.kind.tls_mut()) {
        tls.roots = None;
    }
    check.serialize(serializer)
}

/// Where an instance serves.
pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_told_everything_but_certificates() {
        let config = crate::config::parse(
            "[upstream.a]\ncheck = { tls = { server_name = \"a.b\" } }\n\
             [program.p]\ncommand = \"true\"\nserves = { upstream = \"a\", port = 9000 }",
            "test.toml",
        );
        let without = Definition::all(&config.unwrap()).remove(0);
        let mut definition = Definition::clone(&without);
        let check = definition.serving.as_mut().and_then(|serving| serving.check.as_mut());
        let tls = check.and_then(|check| check.kind.tls_mut()).unwrap();
        tls.roots = Some("a long text".into());
        assert_eq!(definition.change(&without), Change::Live, "it is asked anew");
        let text = serde_json::to_string(&definition).unwrap();
        assert_eq!(serde_json::from_str::<Shared>(&text).unwrap(), without);
    }
}
