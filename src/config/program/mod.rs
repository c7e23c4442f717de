//! `[program.NAME]`: what to run, when to restart it, how to stop it, and what it serves.

mod command;
pub(super) mod cron;
mod directory;
mod env_files;
pub(super) mod fatal;
mod hooks;
mod life;
pub(super) mod needs;
mod output;
mod pause;
pub(super) mod process;
mod restart;
mod rlimits;
mod roll;
mod serves;
pub(super) mod sockets;
mod stop;
mod tree;
mod vitals;

use super::model::process::Socket;
use super::model::program::Program;
use super::report::{Located, Span};
use super::section::Section;
use super::{limits, names, variables};
use serves::Joining;

/// Supervisor's and systemd's words for the same.
const OTHERS: &[(&str, &str)] = &[
    ("numprocs", "instances"),
    ("numprocs_start", "first_instance"),
    ("replicas", "instances"),
    ("startsecs", "start_seconds"),
    ("startretries", "start_retries"),
    ("exitcodes", "exit_codes"),
    ("stopsignal", "stop_signal"),
    ("stopwaitsecs", "stop_seconds"),
    ("stopasgroup", "stop_group"),
    ("killasgroup", "kill_group"),
    ("pre_start", "hooks"),
    ("post_start", "hooks"),
    ("pre_stop", "hooks"),
    ("post_stop", "hooks"),
    ("ExecReload", "reload"),
    ("ExecStop", "stop_command"),
    ("stdout_logfile", "stdout"),
    ("stderr_logfile", "stderr"),
    ("env", "environment"),
    ("cwd", "directory"),
    ("env_file", "env_files"),
    ("environment_file", "env_files"),
    ("rlimits", "limits"),
    ("oom_score", "oom_score_adj"),
    ("no_new_privs", "no_new_privileges"),
    ("restart", "autorestart"),
    ("type", "kind"),
    ("pid_file", "pidfile"),
    ("max_memory_restart", "memory_max"),
    ("memory_limit", "memory_max"),
    ("cpu_quota", "cpu_max"),
    ("cron", "schedule"),
    ("cron_restart", "schedule"),
    ("runtime_max_sec", "max_age"),
    ("restart_sec", "restart_delay"),
    ("backoff_seconds", "backoff"),
    ("start_limit", "crash_limit"),
    ("FailureAction", "on_fatal"),
    ("OnFailure", "on_fatal"),
    ("exit_on_failure", "on_fatal"),
    ("readiness", "ready"),
    ("readiness_probe", "ready"),
    ("liveness", "live"),
    ("liveness_probe", "live"),
    ("startup_probe", "startup"),
    ("WatchdogSec", "watchdog"),
    ("TimeoutStartSec", "start_timeout"),
    ("depends_on", "needs"),
    ("requires", "needs"),
    ("after", "needs"),
];

/// Whom the verbs mean that are for all of them.
const EVERY: &str = "all";

/// A program, and where in the file its parts stand.
pub(super) struct Draft {
    pub(super) program: Program,
    /// Its name.
    pub(super) at: Span,
    /// The upstream it serves, also if `serves` has another error.
    pub(super) joins: Option<Located<String>>,
    /// The port of `serves`.
    pub(super) port: Span,
    /// The value of `on_fatal`.
    pub(super) on_fatal: Span,
    pub(super) group: Option<Located<String>>,
    pub(super) needs: Vec<needs::Draft>,
    pub(super) sockets: Vec<Located<Socket>>,
}

pub(super) fn read(name: Located<String>, mut section: Section<'_>) -> Draft {
    names::check(section.report, "a program", &name);
    if name.value == EVERY {
        let hint = "`pilothouse program stop all` means every program";
        section.report.error(&name.span, "`all` is no name for a program", hint);
    }
    let at = name.span.clone();
    let Joining { joins, port, serves } =
        section.section("serves").map(serves::read).unwrap_or_default();
    let group = section.text("group");
    let environment = command::environment(&mut section);
    let is_serving = serves.is_some() || section.key_span("serves").is_some();
    let instance = own_variables(is_serving, &environment);
    let env_files = env_files::read(&mut section, &instance);
    let own: Vec<&str> = instance.iter().copied().chain(env_files.names()).collect();
    for value in environment.iter().map(|(_, value)| value) {
        section.report.check_variables(&value.value, &value.span, &own);
    }
    let command = command::read(&mut section, &own);
    let directory = directory::read(&mut section, &own);
    if let Some(words) = &command {
        let found = command::Found { directory: directory.as_deref(), environment: &environment };
        found.check(&mut section, words);
        found.check_side(&mut section);
    }
    let is_serving = serves.is_some() || section.key_span("serves").is_some();
    let own_texts = vitals::Own { variables: &own, serves: is_serving };
    let vitals = vitals::read(&mut section, own_texts);
    let needs = needs::read(&mut section, own_texts);
    let output = output::read(&mut section, &own);
    let stop = stop::read(&mut section, &own);
    let tree = tree::read(&mut section, &own, stop.killed);
    let pair = |(name, value): &(String, Located<String>)| (name.clone(), value.value.clone());
    let sockets = sockets::read(&mut section);
    let surroundings = process::Surroundings {
        environment: environment.iter().map(pair).collect(),
        env_files: env_files.files.clone(),
        directory,
        sockets: sockets.iter().map(|socket| socket.value.clone()).collect(),
    };
    let instances = section.integer("instances", 1..=limits::PROGRAM_INSTANCES_MAX).unwrap_or(1);
    let restart = restart::read(&mut section);
    let fatal::Reading { on_fatal, span: on_fatal_span } = fatal::read(&mut section, &own);
    sockets::beside(&section, &sockets, vitals.descriptor());
    let program = Program {
        name: name.value,
        command: command.unwrap_or_default(),
        instances,
        priority: super::group::priority(&mut section),
        group: None,
        serves,
        autostart: section.flag("autostart").unwrap_or(true),
        life: life::read(&mut section, &restart),
        restart,
        on_fatal,
        stop,
        hooks: hooks::read(&mut section, &own),
        reload: hooks::reload(&mut section, &own),
        vitals,
        needs: needs.iter().map(|draft| draft.need.clone()).collect(),
        process: process::read(&mut section, surroundings, instances),
        roll: roll::read(&mut section),
        output,
        tree,
        listener: None,
    };
    section.finish(OTHERS);
    Draft { program, at, joins, port, on_fatal: on_fatal_span, group, needs, sockets }
}

/// The variables a spawn adds to the environment's.
fn own_variables(is_serving: bool, environment: &[(String, Located<String>)]) -> Vec<&str> {
    let port = is_serving.then_some("PORT");
    let own = environment.iter().map(|(name, _)| name.as_str());
    variables::INSTANCE_NAMES.into_iter().chain(port).chain(own).collect()
}
