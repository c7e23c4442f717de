//! What the facts about a machine mean for an engine, and what mends them. Pure.

use super::facts::{Facts, Folder, Wants};
use crate::config::limits;
use crate::sys::abilities::Ability;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Good,
    /// The engine runs and does without.
    Degraded,
    /// An engine of this configuration does not run here.
    Broken,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Degraded => "degraded",
            Self::Broken => "broken",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) subject: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    fn good(subject: &'static str, found: impl Into<String>) -> Self {
        Self { subject, state: State::Good, found: found.into(), remedy: None }
    }

    fn degraded(subject: &'static str, found: impl Into<String>, remedy: &str) -> Self {
        let remedy = Some(remedy.to_owned());
        Self { subject, state: State::Degraded, found: found.into(), remedy }
    }

    fn broken(subject: &'static str, found: impl Into<String>, remedy: &str) -> Self {
        Self { state: State::Broken, ..Self::degraded(subject, found, remedy) }
    }
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![configuration(facts), engine(facts)];
    let wants = facts.config.as_ref().ok();
    if let Some(wants) = wants {
        findings.extend(listeners(wants, facts.is_engine_there == Ok(true)));
    }
    findings.push(folder("runtime folder", &facts.runtime_folder, "PILOTHOUSE_RUNTIME_DIR"));
    findings.push(folder("state folder", &facts.state_folder, "PILOTHOUSE_STATE_DIR"));
    findings.push(Finding::good("kernel", format!("{}, as user {}", facts.kernel, facts.user)));
    findings.push(filter(facts));
    findings.extend(facts.abilities.iter().map(|(ability, tried)| judge_ability(*ability, tried)));
    findings.push(groups(facts, wants));
    findings.push(open_files(facts, wants));
    findings.push(queue(facts));
    findings
}

fn configuration(facts: &Facts) -> Finding {
    match &facts.config {
        Ok(_) => Finding::good("configuration", "no errors"),
        Err(errors) => {
            let first = errors.lines().next().unwrap_or_default();
            Finding::broken("configuration", first, "see every error: pilothouse check")
        }
    }
}

fn engine(facts: &Facts) -> Finding {
    match &facts.is_engine_there {
        Ok(true) => Finding::good("engine", "runs and answers"),
        Ok(false) => Finding::good("engine", "none is running"),
        Err(why) => Finding::degraded("engine", why, "ask as the user that runs it"),
    }
}

/// An address that the running engine has is not asked for twice.
fn listeners(wants: &Wants, is_engine_there: bool) -> Vec<Finding> {
    let judged = wants.listeners.iter().map(|(address, claimed)| match claimed {
        Ok(()) => Finding::good("listener", format!("{address} is free")),
        Err(_) if is_engine_there => {
            Finding::good("listener", format!("{address} is served by the running engine"))
        }
        Err(why) if wants.takes_next_port => {
            Finding::good("listener", format!("{why}; the next free port is taken"))
        }
        Err(why) if why.to_lowercase().contains("permission") => Finding::broken(
            "listener",
            why,
            "run as root with [engine] user, or: setcap cap_net_bind_service=+ep on the binary",
        ),
        Err(why) => {
            Finding::broken("listener", why, "end what holds it, or configure another address")
        }
    });
    judged.collect()
}

fn folder(subject: &'static str, folder: &Folder, variable: &str) -> Finding {
    match &folder.usable {
        Ok(()) => Finding::good(subject, folder.path.display().to_string()),
        Err(why) => {
            let remedy = format!("make it yours alone, or name another one in {variable}");
            Finding::broken(subject, why, &remedy)
        }
    }
}

fn filter(facts: &Facts) -> Finding {
    match facts.is_filtered {
        Some(false) => Finding::good("seccomp", "no filter"),
        Some(true) => Finding::good("seccomp", "a filter is active; what it forbids shows below"),
        None => Finding::degraded("seccomp", "/proc does not say", "mount /proc in this container"),
    }
}

fn judge_ability(ability: Ability, tried: &Result<(), String>) -> Finding {
    let (subject, purpose, without, remedy, lacking) = match ability {
        Ability::Pidfd => (
            "pidfd",
            "exits and signals go by descriptor",
            "programs cannot be supervised safely",
            "Linux 5.3 or later, and a seccomp filter that allows pidfd_open",
            State::Broken,
        ),
        Ability::ExitByPidfd => (
            "exit by pidfd",
            "exit statuses survive a killed keeper",
            "a program that ends while no keeper lives has an unknown exit status",
            "Linux 6.15 or later",
            State::Degraded,
        ),
        Ability::CloseRange => (
            "close_range",
            "children get the descriptors meant for them",
            "no program can be started",
            "Linux 5.11 or later, and a seccomp filter that allows close_range",
            State::Broken,
        ),
        Ability::CloneIntoGroup => (
            "clone3",
            "programs are born in their control group",
            "programs are moved to their control group, which is slower",
            "Linux 5.7 or later, and a seccomp filter that allows clone3",
            State::Degraded,
        ),
        Ability::SharedMemory => (
            "memfd",
            "figures and state outlive a killed master",
            "workers have no scoreboard",
            "a seccomp filter that allows memfd_create",
            State::Broken,
        ),
        Ability::Subreaper => (
            "subreaper",
            "what programs leave behind is found",
            "daemons that fork away are lost",
            "a seccomp filter that allows prctl",
            State::Degraded,
        ),
    };
    match tried {
        Ok(()) => Finding::good(subject, purpose),
        Err(why) => {
            let found = format!("{why}: {without}");
            Finding { state: lacking, ..Finding::degraded(subject, found, remedy) }
        }
    }
}

fn groups(facts: &Facts, wants: Option<&Wants>) -> Finding {
    const SUBJECT: &str = "control groups";
    let has_programs = wants.is_none_or(|wants| wants.has_programs);
    let bounds_programs = wants.is_some_and(|wants| wants.bounds_programs);
    let missing = |controllers: &[String]| {
        let wanted = ["memory", "cpu", "pids"];
        let absent = wanted.into_iter().filter(|name| !controllers.iter().any(|has| has == name));
        absent.collect::<Vec<_>>().join(", ")
    };
    match &facts.groups {
        Ok(controllers) if missing(controllers).is_empty() => {
            Finding::good(SUBJECT, "programs are kept and bounded in groups of their own")
        }
        Ok(controllers) => {
            let found = format!("no controller for {}", missing(controllers));
            if bounds_programs {
                let found = format!("{found}: limits are held by looking once a second");
                Finding::degraded(SUBJECT, found, "delegate them: systemd's Delegate=yes")
            } else {
                Finding::good(SUBJECT, format!("{found}; no program has such a limit"))
            }
        }
        Err(why) if has_programs => Finding::degraded(
            SUBJECT,
            format!("{why}: programs are followed by session and mark instead"),
            "mount cgroup2 writable, or under systemd: Delegate=yes in the unit",
        ),
        Err(why) => Finding::good(SUBJECT, format!("{why}; no program needs them")),
    }
}

/// A client may need a connection to a backend, too.
fn open_files(facts: &Facts, wants: Option<&Wants>) -> Finding {
    const SUBJECT: &str = "open files";
    let Some(open_files) = facts.open_files else { return Finding::good(SUBJECT, "no limit") };
    let connections = wants.map_or(u64::from(limits::CONNECTIONS_PER_WORKER), |it| it.connections);
    let needed = connections * 2 + limits::DESCRIPTORS_RESERVED;
    if open_files >= needed {
        return Finding::good(SUBJECT, format!("{open_files}, {needed} a worker are needed"));
    }
    let served = open_files.saturating_sub(limits::DESCRIPTORS_RESERVED) / 2;
    Finding::degraded(
        SUBJECT,
        format!("{open_files} at most: a worker serves {served} connections, not {connections}"),
        &format!("raise the hard limit to {needed}: LimitNOFILE= in the unit, or ulimit -Hn"),
    )
}

fn queue(facts: &Facts) -> Finding {
    const SUBJECT: &str = "listen queue";
    let wanted = limits::LISTEN_QUEUE_MAX as u64;
    match facts.queue_max {
        Some(most) if most < wanted => Finding::degraded(
            SUBJECT,
            format!("{most} connections may wait, {wanted} are asked for"),
            &format!("sysctl net.core.somaxconn={wanted}"),
        ),
        Some(most) => Finding::good(SUBJECT, format!("{most} connections may wait")),
        None => Finding::good(SUBJECT, "the kernel does not say"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::model::Address;

    fn folder_of(usable: Result<(), String>) -> Folder {
        Folder { path: PathBuf::from("/run/pilothouse"), usable }
    }

    fn facts() -> Facts {
        Facts {
            user: "root".to_owned(),
            kernel: "Linux 6.18".to_owned(),
            abilities: crate::sys::abilities::ALL.map(|ability| (ability, Ok(()))).into(),
            is_filtered: Some(false),
            open_files: Some(1 << 20),
            queue_max: Some(4096),
            groups: Ok(["cpu", "memory", "pids"].map(str::to_owned).into()),
            config: Ok(Wants {
                connections: 1024,
                listeners: vec![(Address::parse("127.0.0.1:80").unwrap(), Ok(()))],
                takes_next_port: false,
                has_programs: true,
                bounds_programs: true,
            }),
            is_engine_there: Ok(false),
            runtime_folder: folder_of(Ok(())),
            state_folder: folder_of(Ok(())),
        }
    }

    fn found(facts: &Facts, subject: &str) -> (State, String) {
        let findings = judge(facts);
        let finding = findings.iter().find(|finding| finding.subject == subject).unwrap();
        assert_eq!(finding.remedy.is_some(), finding.state != State::Good, "{finding:?}");
        (finding.state, finding.found.clone())
    }

    #[test]
    fn a_machine_that_has_everything_has_nothing_to_mend() {
        let findings = judge(&facts());
        assert!(findings.iter().all(|finding| finding.state == State::Good), "{findings:?}");
    }

    #[test]
    fn what_is_missing_is_told_with_what_it_costs() {
        let mut facts = facts();
        facts.abilities[1].1 = Err("Function not implemented".to_owned());
        facts.open_files = Some(1024);
        facts.queue_max = Some(128);
        facts.groups = Ok(vec!["cpu".to_owned()]);
        assert_eq!(found(&facts, "exit by pidfd").0, State::Degraded);
        let (state, text) = found(&facts, "open files");
        assert_eq!((state, text.contains("448 connections")), (State::Degraded, true), "{text}");
        assert_eq!(found(&facts, "listen queue").0, State::Degraded);
        let (state, text) = found(&facts, "control groups");
        assert_eq!((state, text.contains("memory, pids")), (State::Degraded, true), "{text}");
    }

    #[test]
    fn what_keeps_an_engine_from_running_is_broken() {
        let mut facts = facts();
        facts.abilities[0].1 = Err("Operation not permitted".to_owned());
        facts.state_folder = folder_of(Err("belongs to daemon".to_owned()));
        let taken = Err("bind 127.0.0.1:80: address in use, held by nginx (pid 9)".to_owned());
        let Ok(wants) = &mut facts.config else { unreachable!() };
        wants.listeners[0].1 = taken;
        for subject in ["pidfd", "state folder", "listener"] {
            assert_eq!(found(&facts, subject).0, State::Broken, "{subject}");
        }
        facts.is_engine_there = Ok(true);
        assert_eq!(found(&facts, "listener").0, State::Good);
        facts.config = Err("error: no such key\n --> x".to_owned());
        let broken = (State::Broken, "error: no such key".to_owned());
        assert_eq!(found(&facts, "configuration"), broken);
    }
}
