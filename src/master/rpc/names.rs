//! Supervisor's names over ours: which group and process an instance is, and which instances a name
//! means.
//!
//! An instance is `web` (group `web`, process `web`) where its program has one, and `web:web_00`,
//! `web:web_01` where it has several, unless the file names them.

use super::super::Master;
use super::super::programs::event::InstanceId;
use crate::config::model::Config;
use crate::config::model::program::Program;
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::method::Target;

/// An instance under Supervisor's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) group: String,
    pub(super) process: String,
    pub(super) group_priority: i32,
    pub(super) priority: i32,
    pub(super) id: InstanceId,
}

/// What a name means: the process, or the whole group (`group:*`).
pub(super) enum Named {
    Process(Member),
    Group(Vec<Member>),
}

impl Member {
    pub(super) fn of(program: &Program, config: &Config, id: InstanceId) -> Self {
        Self {
            group: program.group_name().to_owned(),
            process: program.supervisor_name(id.instance),
            group_priority: group_priority(program, config),
            priority: program.priority,
            id,
        }
    }

    /// `group:process`, or only the one where both are the same.
    pub(super) fn name(&self) -> String {
        if self.group == self.process {
            self.process.clone()
        } else {
            format!("{}:{}", self.group, self.process)
        }
    }
}

/// A program that no group has is one of its own.
pub(super) fn group_priority(program: &Program, config: &Config) -> i32 {
    let group = config.groups.iter().find(|group| group.name == program.group_name());
    group.map_or(program.priority, |group| group.priority)
}

/// `group:process`; without a process, or with `*`, the group.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        None => (name, Some(name)),
        Some((group, "" | "*")) => (group, None),
        Some((group, process)) => (group, Some(process)),
    }
}

impl Master {
    /// Every instance, by group and process.
    pub(super) fn members(&self) -> Vec<Member> {
        let member = |id: InstanceId| {
            Some(Member::of(self.programs.program(&id)?, &self.generation.config, id))
        };
        let mut members: Vec<Member> =
            self.programs.views().filter_map(|view| member(view.id)).collect();
        members
            .sort_by(|one, other| (&one.group, &one.process).cmp(&(&other.group, &other.process)));
        members
    }

    pub(super) fn named(&self, name: &str) -> Result<Named, Fault> {
        let (group, process) = split(name);
        let bad_name = || Code::BadName.of(name);
        let mut members = self.members();
        members.retain(|member| member.group == group);
        if members.is_empty() {
            return Err(bad_name());
        }
        let Some(process) = process else { return Ok(Named::Group(in_order(members))) };
        let found = members.into_iter().find(|member| member.process == process);
        found.map(Named::Process).ok_or_else(bad_name)
    }

    /// Where only a process will do.
    pub(super) fn process_named(&self, name: &str) -> Result<Member, Fault> {
        match self.named(name)? {
            Named::Process(member) => Ok(member),
            Named::Group(_) => Err(Code::BadName.of(name)),
        }
    }

    pub(super) fn targeted(&self, target: &Target) -> Result<Named, Fault> {
        match target {
            Target::Process(name) => self.named(name),
            Target::All => Ok(Named::Group(in_order(self.members()))),
            Target::Group(name) => {
                let mut members = self.members();
                members.retain(|member| member.group == *name);
                if members.is_empty() {
                    return Err(Code::BadName.of(name));
                }
                Ok(Named::Group(in_order(members)))
            }
        }
    }
}

/// As they are started: ascending priority of the group, then of the process.
fn in_order(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by_key(|member| (member.group_priority, member.priority));
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_supervisor_does() {
        assert_eq!(split("web"), ("web", Some("web")));
        assert_eq!(split("g:p"), ("g", Some("p")));
        assert_eq!(split("g:*"), ("g", None));
        assert_eq!(split("g:"), ("g", None));
        assert_eq!(split("g:p:q"), ("g", Some("p:q")));
    }
}
