//! Rolling restarts: one program after another, each as `supervise::roll` decides. Extra instances are
//! asked of the rest of the master, since they need places in the balancer.

use std::collections::VecDeque;

use super::Programs;
use super::callers::{Asked, Goal, Progress, standing};
use super::commands::Reply;
use super::event::InstanceId;
use super::want::Want;
use crate::config::limits::{PROGRAM_INSTANCES_MAX, PROGRAM_MIN_READY_MS_MAX};
use crate::config::model;
use crate::control::call::Pace;
use crate::control::standing;
use crate::control::wire::Answer;
use crate::supervise::roll::{Act, Look, OnFailure, Place, Plan, Roll as Pass, View};
use crate::supervise::state::{Phase, Shown};
use crate::supervise::step::Event;
use crate::sys;

/// All that one call asked for.
pub(super) struct Roll {
    asked: Asked,
    passes: VecDeque<ProgramPass>,
    over: Vec<ProgramPass>,
    reply: Reply,
}

struct ProgramPass {
    program: String,
    pass: Pass,
    /// Instances beyond the usual number that it has asked for.
    surge: u32,
}

impl Roll {
    pub(super) fn target(&self) -> &str {
        &self.asked.line.target
    }

    pub(super) fn deadline_us(&self) -> Option<u64> {
        self.passes.front().and_then(|pass| pass.pass.deadline_us())
    }

    /// Whether it is about any program of these instances.
    pub(super) fn concerns(&self, ids: &[InstanceId]) -> bool {
        ids.iter().any(|id| self.is_about(&id.program))
    }

    fn is_about(&self, program: &str) -> bool {
        self.passes.iter().chain(&self.over).any(|pass| pass.program == program)
    }

    fn answer(&self) -> Answer {
        let names = |numbers: fn(&Pass) -> Vec<u32>| {
            let ids = self.all().flat_map(|pass| {
                let id = |instance| InstanceId { program: pass.program.clone(), instance };
                numbers(&pass.pass).into_iter().map(move |number| id(number).to_string())
            });
            ids.collect::<Vec<_>>().join(", ")
        };
        let done: usize = self.all().map(|pass| pass.pass.done.len()).sum();
        let all: usize = self.all().map(|pass| pass.pass.count()).sum();
        let mut text = format!("{done} of {all} restarted");
        for (label, names) in [
            (": ", names(|pass| pass.done.clone())),
            ("; left alone, not running: ", names(|pass| pass.skipped.clone())),
        ] {
            if !names.is_empty() {
                text = format!("{text}{label}{names}");
            }
        }
        let failed = self.all().flat_map(|pass| {
            pass.pass.failed.iter().map(|(instance, why)| pass.failure(*instance, why))
        });
        let failed: Vec<String> = failed.collect();
        if !failed.is_empty() {
            return Answer::refused(format!("{text}; {}", failed.join(", ")));
        }
        if done == 0 { Answer::unchanged(text) } else { Answer::changed(text) }
    }

    fn all(&self) -> impl Iterator<Item = &ProgramPass> {
        self.over.iter().chain(&self.passes)
    }
}

impl ProgramPass {
    fn failure(&self, instance: u32, why: &str) -> String {
        let id = InstanceId { program: self.program.clone(), instance };
        let is_whole_sentence = why.starts_with(&id.to_string());
        if is_whole_sentence { why.to_owned() } else { format!("{id} {why}") }
    }
}

impl Programs {
    /// What a call asks for, checked; the roll itself begins with the next settling.
    pub(super) fn plan_roll(&self, ids: &[InstanceId], pace: &Pace) -> Result<Planned, Answer> {
        if let Some(other) = self.rolls.iter().find(|roll| roll.concerns(ids)) {
            let text = format!("a roll of {} is under way", other.target());
            return Err(Answer::refused(text));
        }
        let mut passes: VecDeque<ProgramPass> = VecDeque::new();
        for id in ids {
            if passes.iter().any(|pass| pass.program == id.program) {
                continue;
            }
            let Some(instance) = self.instances.get(id) else { continue };
            let program = &instance.definition.program;
            let plan = plan(program.roll, pace).map_err(Answer::refused)?;
            let numbers = ids.iter().filter(|other| other.program == id.program);
            let numbers = numbers.map(|id| id.instance);
            let pass = Pass::new(plan, numbers, program.instances);
            passes.push_back(ProgramPass { program: id.program.clone(), pass, surge: 0 });
        }
        Ok(Planned(passes))
    }

    pub(super) fn begin_roll(&mut self, asked: Asked, planned: Planned, reply: Reply) {
        self.rolls.push(Roll { asked, passes: planned.0, over: Vec::new(), reply });
    }

    /// Instances of each program that rolls have asked for beyond the usual number.
    pub(crate) fn surges(&self) -> impl Iterator<Item = (&str, u32)> {
        let passes = self.rolls.iter().flat_map(|roll| &roll.passes);
        passes.filter(|pass| pass.surge > 0).map(|pass| (pass.program.as_str(), pass.surge))
    }

    pub(crate) fn is_rolling(&self, program: &str) -> bool {
        self.rolls.iter().any(|roll| roll.is_about(program))
    }

    /// How far the roll of its program has come, if one is under way.
    pub(super) fn rolling(&self, id: &InstanceId) -> Option<standing::Rolling> {
        let rolls = self.rolls.iter();
        let mut passes = rolls.flat_map(Roll::all).filter(|pass| pass.program == id.program);
        let pass = &passes.next()?.pass;
        let (done, of) = pass.progress();
        let place = match pass.place(id.instance) {
            Place::Waits => standing::Place::Waits,
            Place::Turn => standing::Place::Turn,
            Place::Done => standing::Place::Done,
            Place::Failed => standing::Place::Failed,
            Place::Left => standing::Place::Left,
            Place::Extra => standing::Place::Extra,
        };
        Some(standing::Rolling { done, of, place })
    }

    /// The extra instances of the program's roll can not be had.
    pub(crate) fn refuse_surge(&mut self, program: &str, reason: &str) {
        let passes = self.rolls.iter_mut().flat_map(|roll| &mut roll.passes);
        for pass in passes.filter(|pass| pass.program == program && pass.surge > 0) {
            pass.surge = 0;
            pass.pass.refuse_surge(format!("can not be added: {reason}"));
        }
    }

    /// The engine ends: whoever waits for a roll is told how far it came.
    pub(super) fn break_off_rolls(&mut self) {
        for roll in std::mem::take(&mut self.rolls) {
            let text = format!("the engine is stopping: {}", roll.answer().message);
            self.answer(&roll.asked, roll.reply, Answer::refused(text));
        }
    }

    pub(super) fn advance_rolls(&mut self) {
        for mut roll in std::mem::take(&mut self.rolls) {
            if self.advance(&mut roll) {
                let answer = roll.answer();
                self.answer(&roll.asked, roll.reply, answer);
            } else {
                self.rolls.push(roll);
            }
        }
    }

    /// As far as it goes without waiting. True: it is over.
    fn advance(&mut self, roll: &mut Roll) -> bool {
        while let Some(current) = roll.passes.front_mut() {
            let acts = current.pass.step(
                &Sight { programs: self, program: &current.program },
                sys::clock::monotonic_us(),
            );
            if acts.is_empty() {
                return false;
            }
            for act in acts {
                if act == Act::End {
                    let stops = current.pass.is_broken_off();
                    roll.over.extend(roll.passes.pop_front());
                    if stops {
                        return true;
                    }
                    break;
                }
                self.act(current, &act);
            }
        }
        true
    }

    fn act(&mut self, current: &mut ProgramPass, act: &Act) {
        match *act {
            Act::Restart(instance) => self.say_in_roll(current, instance, Event::Restart),
            Act::Start(instance) => self.say_in_roll(current, instance, Event::Start),
            Act::Surge(count) => {
                current.surge = count;
                self.desk.want(Want::Resize { program: current.program.clone() });
            }
            Act::EndSurge => {
                current.surge = 0;
                self.desk.want(Want::Resize { program: current.program.clone() });
            }
            Act::End => {}
        }
    }

    fn say_in_roll(&mut self, current: &ProgramPass, instance: u32, event: Event) {
        let id = InstanceId { program: current.program.clone(), instance };
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.say(event, &mut self.desk);
        }
    }
}

/// A roll that may begin.
pub(super) struct Planned(VecDeque<ProgramPass>);

fn plan(file: model::program::Roll, pace: &Pace) -> Result<Plan, &'static str> {
    let within = |count: u32| count.min(PROGRAM_INSTANCES_MAX);
    let max_surge = within(pace.max_surge.unwrap_or(file.max_surge));
    let max_unavailable = match (pace.max_unavailable, pace.max_surge) {
        (Some(count), _) => within(count),
        // Who asks for extra instances wants none to be missing.
        (None, Some(1..)) => 0,
        (None, Some(0) | None) => file.max_unavailable,
    };
    if max_unavailable + max_surge == 0 {
        return Err("max_unavailable and max_surge are both 0, so nothing could be restarted");
    }
    let min_ready_ms = pace.min_ready_ms.unwrap_or(file.min_ready_ms).min(PROGRAM_MIN_READY_MS_MAX);
    let stops = pace.stop_on_failure.unwrap_or(file.stops_on_failure);
    let on_failure = if stops { OnFailure::Stop } else { OnFailure::GoOn };
    Ok(Plan { max_unavailable, max_surge, min_ready_us: min_ready_ms * 1000, on_failure })
}

/// The instances of one program.
struct Sight<'a> {
    programs: &'a Programs,
    program: &'a str,
}

impl Sight<'_> {
    fn instance(&self, instance: u32) -> Option<&super::instance::Instance> {
        let id = InstanceId { program: self.program.to_owned(), instance };
        self.programs.instances.get(&id)
    }
}

impl View for Sight<'_> {
    fn look(&self, instance: u32) -> Look {
        let Some(instance) = self.instance(instance) else { return Look::Missing };
        if instance.state.is_leaving() || !self.programs.stays(&instance.id) {
            return Look::Leaving;
        }
        if matches!(instance.state.phase, Phase::Unready { .. }) {
            // It runs, and serves nobody.
            return Look::Underway;
        }
        match (instance.shown(), Goal::Running.progress(instance)) {
            (Shown::Stopped | Shown::Exited, _) => Look::Resting,
            (_, Progress::Reached) => Look::Running { life: instance.state.life },
            (_, Progress::Underway) => Look::Underway,
            (_, Progress::Failed(_)) => Look::Failed(standing(instance)),
        }
    }

    fn wait_us(&self, instance: u32) -> u64 {
        self.instance(instance).map_or(0, super::instance::Instance::wait_us)
    }
}
