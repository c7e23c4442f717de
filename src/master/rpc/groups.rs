//! Groups come and go one by one: the file is read again without taking it, then each group is added
//! or removed by itself.
//!
//! What runs is at every moment a whole configuration that was checked: the running one with other
//! programs. An update of many groups is no reload for any of them: the workers' generation goes on.
//! A file with errors changes nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::membership::Now;
use super::super::programs::event::InstanceId;
use super::super::{Master, Phase, audit};
use super::names;
use crate::config::Loaded;
use crate::config::model::Config;
use crate::config::model::group::Group;
use crate::config::model::program::Program;
use crate::control::call::ProgramVerb;
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::shape;
use crate::control::rpc::value::Value;
use crate::control::wire::Severity;

/// A group as a configuration has it.
#[derive(PartialEq)]
pub(super) struct Grouped<'a> {
    pub(super) name: &'a str,
    priority: i32,
    /// Nothing where a program is one by itself.
    group: Option<&'a Group>,
    pub(super) programs: Vec<&'a Program>,
}

/// By priority and name.
pub(super) fn groups(config: &Config) -> Vec<Grouped<'_>> {
    let mut groups: BTreeMap<&str, Grouped<'_>> = BTreeMap::new();
    for program in &config.programs {
        let name = program.group_name();
        let group = groups.entry(name).or_insert_with(|| Grouped {
            name,
            priority: names::group_priority(program, config),
            group: config.groups.iter().find(|group| group.name == name),
            programs: Vec::new(),
        });
        group.programs.push(program);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| group.priority);
    groups
}

impl Master {
    /// What `add` finds its groups in.
    pub(super) fn read_last(&self) -> Rc<Config> {
        self.generation.file.clone().unwrap_or_else(|| Rc::clone(&self.generation.config))
    }

    /// `read`: see `reading`.
    pub(in crate::master) fn reread(
        &mut self,
        read: Result<Loaded, String>,
    ) -> Result<Value, Fault> {
        if self.phase != Phase::Running {
            return Err(Code::ShutdownState.alone());
        }
        let config = read.map_err(|error| Code::CantReread.of(error))?.config;
        let running = Rc::clone(&self.generation.config);
        let (old, new) = (groups(&running), groups(&config));
        let of = |groups: &[Grouped<'_>], is_wanted: &dyn Fn(&Grouped<'_>) -> bool| {
            let wanted = groups.iter().filter(|group| is_wanted(group));
            wanted.map(|group| group.name.to_owned()).collect::<Vec<_>>()
        };
        let is_in = |groups: &[Grouped<'_>], wanted: &Grouped<'_>| {
            groups.iter().any(|group| group.name == wanted.name)
        };
        let added = of(&new, &|group| !is_in(&old, group));
        let removed = of(&old, &|group| !is_in(&new, group));
        let changed = of(&new, &|group| is_in(&old, group) && !old.contains(group));
        self.generation.file = Some(Rc::new(config));
        Ok(shape::changes(added, changed, removed))
    }

    pub(super) fn add_group(&mut self, name: &str, by: &str) -> Result<Value, Fault> {
        let last = self.read_last();
        let running = Rc::clone(&self.generation.config);
        let of_group = |program: &&Program| program.group_name() == name;
        let programs: Vec<Program> = last.programs.iter().filter(of_group).cloned().collect();
        if programs.is_empty() {
            return Err(Code::BadName.of(name));
        }
        if running.programs.iter().any(|program| of_group(&program)) {
            return Err(Code::AlreadyAdded.of(name));
        }
        for program in &programs {
            check_fits(program, &running).map_err(|why| Code::Failed.of(why))?;
            self.programs.forget_intent(&program.name);
        }
        let mut config = (*running).clone();
        config.programs.extend(programs);
        config.groups.extend(last.groups.iter().filter(|group| group.name == name).cloned());
        self.put_in_place(config, ("add", name, by))
    }

    pub(super) fn remove_group(&mut self, name: &str, by: &str) -> Result<Value, Fault> {
        let members = self.members();
        let mut members = members.iter().filter(|member| member.group == name).peekable();
        if members.peek().is_none() {
            return Err(Code::BadName.of(name));
        }
        let is_stopped = |member: &names::Member| {
            self.programs.view(&member.id).is_none_or(|view| view.pid == 0)
                && self.state_of(member).is_none_or(|state| !state.is_up())
        };
        if !members.all(is_stopped) {
            return Err(Code::StillRunning.of(name));
        }
        // What is removed can be added again as it was read.
        self.generation.file = Some(self.read_last());
        let mut config = (*self.generation.config).clone();
        for program in config.programs.extract_if(.., |program| program.group_name() == name) {
            self.programs.forget_intent(&program.name);
        }
        config.groups.retain(|group| group.name != name);
        self.put_in_place(config, ("remove", name, by))
    }

    /// Supervisor's restart is a stop of everything and a start from the file. Here nothing has to
    /// stop that goes on; programs are what its users expect to be new.
    pub(in crate::master) fn restart_everything(
        &mut self,
        by: &str,
        read: Result<Loaded, String>,
    ) -> Result<Value, Fault> {
        let pid = |master: &Self, id: &InstanceId| master.programs.view(id).map(|view| view.pid);
        let before: BTreeMap<InstanceId, Option<u32>> = self
            .members()
            .into_iter()
            .map(|member| (member.id.clone(), pid(self, &member.id)))
            .collect();
        let answer = self.reload(read);
        let is_done = answer.is_done();
        self.note_group("reload", "", by, (is_done, answer.message.clone()));
        if !is_done {
            return Err(Code::CantReread.of(answer.message));
        }
        let members = self.members();
        let (up, down): (Vec<_>, Vec<_>) = members
            .into_iter()
            .map(|member| member.id)
            .partition(|id| self.programs.program(id).is_some_and(|program| program.autostart));
        // What the reload has begun is new already.
        let up: Vec<_> =
            up.into_iter().filter(|id| before.get(id) == Some(&pid(self, id))).collect();
        // Nobody waits for them: the answer is that it has begun, as Supervisor's is.
        let _told = self.programs.ask_each(&up, &ProgramVerb::Restart, by);
        let _told = self.programs.ask_each(&down, &ProgramVerb::Stop, by);
        Ok(true.into())
    }

    fn put_in_place(
        &mut self,
        config: Config,
        (verb, group, by): (&'static str, &str, &str),
    ) -> Result<Value, Fault> {
        // What was read last is as it was, and so is what has not changed of the running one.
        self.generation.file = Some(self.read_last());
        let result = self.amend(config);
        self.carry_out_wants(Now::read());
        match result {
            Ok(text) => {
                self.note_group(verb, group, by, (true, text));
                Ok(true.into())
            }
            Err(text) => {
                self.note_group(verb, group, by, (false, text.clone()));
                Err(Code::Failed.of(text))
            }
        }
    }

    fn note_group(&mut self, verb: &str, group: &str, by: &str, (is_done, result): (bool, String)) {
        self.note(audit::Entry {
            who: by.to_owned(),
            verb: verb.to_owned(),
            target: group.to_owned(),
            result,
            severity: if is_done { Severity::Good } else { Severity::Bad },
            cli: String::new(),
        });
    }
}

/// A program alone can not bring the upstream that it serves.
fn check_fits(program: &Program, running: &Config) -> Result<(), String> {
    let Some(serves) = &program.serves else { return Ok(()) };
    let is_there = running.upstreams.iter().any(|upstream| upstream.name == serves.upstream);
    if is_there {
        return Ok(());
    }
    let (name, upstream) = (&program.name, &serves.upstream);
    Err(format!(
        "{name} serves upstream {upstream}, which does not run yet: `pilothouse reload` takes the whole file"
    ))
}
