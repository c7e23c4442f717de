//! How processes are configured, in the structs that Supervisor's clients read.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Master;
use super::super::programs::event::InstanceId;
use super::groups::groups;
use super::names::Member;
use crate::config;
use crate::config::model::output::LogTarget;
use crate::config::model::program::Program;
use crate::config::model::stop::Reach;
use crate::config::veil;
use crate::control::rpc::config_info::{ConfigInfo, LogInfo};
use crate::control::rpc::value::Value;
use crate::sys::{signal, user};

impl Master {
    /// Of the file that was read last, whether or not it runs; by the process's name.
    pub(super) fn all_config_info(&self) -> Value {
        let running = groups(&self.generation.config);
        let last = self.read_last();
        let mut uids = BTreeMap::new();
        for user in last.programs.iter().filter_map(|program| program.process.user.as_deref()) {
            uids.entry(user).or_insert_with(|| user::identity(user).map(|user| user.uid));
        }
        let mut all = Vec::new();
        for group in groups(&last) {
            let is_used = running.iter().any(|running| running.name == group.name);
            for program in group.programs {
                all.extend((0..program.instances).map(|instance| {
                    let id = InstanceId { program: program.name.clone(), instance };
                    let uid = program.process.user.as_deref().and_then(|user| uids[user]);
                    ConfigInfo {
                        is_used,
                        uid: uid.map(Into::into),
                        ..info(program, &Member::of(program, &last, id))
                    }
                }));
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Value::Array(all.iter().map(ConfigInfo::value).collect())
    }
}

/// What the file alone tells.
fn info(program: &Program, member: &Member) -> ConfigInfo {
    let told = |path: &Path| program.named(&path.to_string_lossy(), member.id.instance);
    let id = member.id.instance;
    let seconds = |ms: u64| i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    ConfigInfo {
        name: member.process.clone(),
        group: member.group.clone(),
        is_used: false,
        autostart: program.autostart,
        directory: program.process.directory.as_ref().map(|path| told(path)),
        uid: None,
        command: veil::text(&program.named(&config::command_line(&program.command), id)),
        exit_codes: program.restart.exit_codes.iter().map(|code| i64::from(*code)).collect(),
        group_priority: member.group_priority.into(),
        process_priority: member.priority.into(),
        start_retries: program.restart.retries.map_or(-1, i64::from),
        start_seconds: seconds(program.restart.start_ms),
        stop_signal: program.stop.rungs.first().map_or(signal::KILL, |rung| rung.signal).into(),
        stop_seconds: seconds(program.stop.wait_ms),
        is_whole_group_killed: program.stop.killed == Reach::Group,
        stdout: log(&program.output.stdout, told),
        stderr: LogInfo {
            is_redirected: program.output.redirect_stderr,
            ..log(&program.output.stderr, told)
        },
    }
}

fn log(target: &LogTarget, told: impl Fn(&Path) -> String) -> LogInfo {
    LogInfo {
        file: target.file.as_deref().map(told),
        backups: target.backups.into(),
        max_bytes: i64::try_from(target.max_bytes).unwrap_or(i64::MAX),
        capture_bytes: i64::try_from(target.told.capture_bytes).unwrap_or(i64::MAX),
        has_events: target.told.events,
        has_syslog: target.syslog,
        is_redirected: false,
    }
}
