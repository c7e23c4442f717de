//! How many instances of each program run: the operator's word over the file's.
//!
//! One configuration comes of the two, and membership and programs are given that one, by the path
//! that a reload takes; so an instance that is to stay is left alone, as it is there.

use std::rc::Rc;

use tokio::sync::oneshot;

use super::membership::Now;
use super::{Master, Phase, WHO, audit};
use crate::config;
use crate::config::model::Config;
use crate::config::model::program::Program;
use crate::control::call::{Caller, Command};
use crate::control::wire::{Answer, ProgramRow};
use crate::sys::log;

impl Master {
    /// The file's configuration with the operator's numbers of instances. One that the file has
    /// come to say itself, or that does not fit into it any more, is forgotten.
    pub(super) fn scaled_config(&mut self) -> Rc<Config> {
        let mut config = Rc::clone(&self.generation.config);
        let scales = self.programs.intent().scales().clone();
        for (name, instances) in scales {
            if instances_of(&config, &name) == Some(instances) {
                self.programs.scale(&name, None);
                continue;
            }
            match config::scale::scaled(&config, &name, instances) {
                Ok(scaled) => config = Rc::new(scaled),
                Err(reason) => {
                    log::warning!(WHO, "{name} runs as many instances as the file says: {reason}");
                    self.programs.scale(&name, None);
                }
            }
        }
        self.surged(config)
    }

    /// What a configuration that does not run would come to with the operator's numbers.
    pub(super) fn scaled_as_if(&self, config: &Config) -> Config {
        let scales = self.programs.intent().scales().iter();
        scales.fold(config.clone(), |config, (name, instances)| {
            config::scale::scaled(&config, name, *instances).unwrap_or(config)
        })
    }

    /// With the extra instances of rolls under way.
    fn surged(&mut self, mut config: Rc<Config>) -> Rc<Config> {
        let surges: Vec<(String, u32)> =
            self.programs.surges().map(|(name, extra)| (name.to_owned(), extra)).collect();
        for (name, extra) in surges {
            let usual = instances_of(&config, &name).unwrap_or(0);
            match config::scale::scaled(&config, &name, usual + extra) {
                Ok(scaled) => config = Rc::new(scaled),
                Err(reason) => self.programs.refuse_surge(&name, &reason),
            }
        }
        config
    }

    /// A roll has come to want more or fewer instances.
    pub(super) fn resize(&mut self, program: &str, now: Now) {
        let config = self.scaled_config();
        self.run_instances(&config, program, now);
    }

    /// The places of new instances come before their processes, as in a reload.
    fn run_instances(&mut self, config: &Config, program: &str, now: Now) {
        if let Err(error) = self.membership.apply_instances(config, program, now) {
            log::error!(WHO, "{error}");
        }
        self.programs.apply_config(config);
    }

    /// Answered at once when instances stop, and when they run where they start.
    pub(super) fn scale(
        &mut self,
        command: &Command,
        caller: &Caller,
        reply: oneshot::Sender<Answer>,
    ) {
        let Command::Scale { program, instances } = command else { return };
        let outcome = self.rescale(program, *instances);
        let by = audit::who(caller);
        match outcome {
            Ok((before, after)) if after > before => {
                self.programs.answer_when_running(command, before..after, &by, reply);
            }
            Ok((before, after)) => {
                let answer = shrunk(program, before, after);
                self.note(audit::of_command(command, caller, &answer));
                let _nobody_waits = reply.send(answer);
            }
            Err(answer) => {
                self.note(audit::of_command(command, caller, &answer));
                let _nobody_waits = reply.send(answer);
            }
        }
    }

    /// How many there were, and how many there are.
    fn rescale(&mut self, program: &str, instances: Option<u32>) -> Result<(u32, u32), Answer> {
        if self.phase != Phase::Running {
            return Err(Answer::refused("the engine is stopping"));
        }
        let file = instances_of(&self.generation.config, program);
        let Some(file) = file else {
            let reason = config::scale::scaled(&self.generation.config, program, 1);
            return Err(Answer::unknown(reason.err().unwrap_or_default()));
        };
        if self.programs.is_rolling(program) {
            return Err(Answer::refused(format!("a roll of {program} is under way")));
        }
        let config = self.scaled_config();
        let before = instances_of(&config, program).unwrap_or(file);
        let after = instances.unwrap_or(file);
        let scaled = config::scale::scaled(&config, program, after).map_err(Answer::refused)?;
        self.programs.scale(program, (after != file).then_some(after));
        let now = Now::read();
        self.run_instances(&scaled, program, now);
        self.carry_out_wants(now);
        Ok((before, after))
    }

    pub(super) fn tell_scale(&self, row: &mut ProgramRow) {
        let name = &row.program.name;
        let file = instances_of(&self.generation.config, name).unwrap_or(0);
        row.instances = file;
        let Some(now) = self.programs.intent().scales().get(name) else { return };
        row.instances = *now;
        let noun = if *now == 1 { "instance" } else { "instances" };
        row.program.differs = format!("{now} {noun}, {file} in the file");
    }
}

fn instances_of(config: &Config, name: &str) -> Option<u32> {
    let is_it = |program: &&Program| program.name == name;
    config.programs.iter().find(is_it).map(|program| program.instances)
}

fn shrunk(program: &str, before: u32, after: u32) -> Answer {
    match before - after {
        0 => Answer::unchanged(format!("{program} has {after} already")),
        1 => {
            Answer::changed(format!("{program} has {after}, was {before}: {program}:{after} stops"))
        }
        _ => {
            let last = before - 1;
            let leave = format!("{program}:{after} to {program}:{last} stop");
            Answer::changed(format!("{program} has {after}, was {before}: {leave}"))
        }
    }
}
