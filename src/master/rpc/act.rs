//! Start, stop, signal: of one process with a fault when it fails, of many with what became of each.

use tokio::sync::oneshot;

use super::super::Master;
use super::super::programs::remote::{NotExecutable, Told};
use super::super::programs::stdin::StdinError;
use super::Reply;
use super::info::state;
use super::names::{Member, Named};
use crate::control::call::{ProgramTarget, ProgramVerb};
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::method::{Target, Wait};
use crate::control::rpc::shape::{Outcome, State};
use crate::control::rpc::value::Value;
use crate::sys;

/// What a start or a stop comes to: at once, or when its instance has told.
enum Begun {
    Done(Result<(), Fault>),
    Underway(oneshot::Receiver<Told>),
}

/// Where a process is to be.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Up,
    Down,
}

impl Master {
    pub(super) fn start_or_stop(
        &mut self,
        way: Way,
        (target, wait): (&Target, Wait),
        by: &str,
        reply: Reply,
    ) {
        match self.targeted(target) {
            Err(fault) => {
                let _nobody_waits = reply.send(Err(fault));
            }
            Ok(Named::Process(member)) => {
                let begun = self.begin(way, vec![member], by);
                tokio::task::spawn_local(async move {
                    let mut outcomes = conclude(way, wait, begun).await;
                    let result = outcomes.pop().map_or(Ok(()), |outcome| outcome.result);
                    let _nobody_waits = reply.send(result.map(|()| Value::Boolean(true)));
                });
            }
            Ok(Named::Group(mut members)) => {
                // Only those that are not there yet.
                members.retain(|member| {
                    self.state_of(member).is_some_and(|state| match way {
                        Way::Up => !state.is_up(),
                        Way::Down => state.is_up(),
                    })
                });
                let begun = self.begin(way, members, by);
                tokio::task::spawn_local(async move {
                    let outcomes = conclude(way, wait, begun).await;
                    let values = outcomes.iter().map(Outcome::value).collect();
                    let _nobody_waits = reply.send(Ok(Value::Array(values)));
                });
            }
        }
    }

    /// All are told before any is waited for.
    fn begin(&mut self, way: Way, members: Vec<Member>, by: &str) -> Vec<(Member, Begun)> {
        let verb = match way {
            Way::Up => ProgramVerb::Start,
            Way::Down => ProgramVerb::Stop,
        };
        let checked: Vec<_> = members
            .into_iter()
            .map(|member| {
                let check = self.check(way, &member);
                (member, check)
            })
            .collect();
        let may = checked.iter().filter(|(_, check)| check.is_ok());
        let ids: Vec<_> = may.map(|(member, _)| member.id.clone()).collect();
        let mut told = self.programs.ask_each(&ids, &verb, by).into_iter();
        let begin = |(member, check): (Member, Result<(), Fault>)| {
            let begun = match (check, &mut told) {
                (Err(fault), _) => Begun::Done(Err(fault)),
                (Ok(()), told) => told.next().map_or(Begun::Done(Ok(())), Begun::Underway),
            };
            (member, begun)
        };
        checked.into_iter().map(begin).collect()
    }

    /// What is refused before anything is tried.
    fn check(&self, way: Way, member: &Member) -> Result<(), Fault> {
        let name = member.name();
        let state = self.state_of(member).ok_or_else(|| Code::BadName.of(&name))?;
        match way {
            Way::Down if !state.is_up() => Err(Code::NotRunning.of(name)),
            Way::Down => Ok(()),
            Way::Up => {
                self.programs
                    .check_executable(&member.id)
                    .map_err(|error| not_executable(&error))?;
                if state.is_up() { Err(Code::AlreadyStarted.of(name)) } else { Ok(()) }
            }
        }
    }

    pub(super) fn signal_processes(
        &mut self,
        target: &Target,
        signal: &str,
        by: &str,
        reply: Reply,
    ) {
        let named = match self.targeted(target) {
            Ok(named) => named,
            Err(fault) => {
                let _nobody_waits = reply.send(Err(fault));
                return;
            }
        };
        let answer = match named {
            Named::Process(member) => self.signal_one(&member, signal, by).map(|()| true.into()),
            Named::Group(mut members) => {
                members.retain(|member| self.state_of(member).is_some_and(State::is_signallable));
                let outcome = |member: Member| {
                    let result = self.signal_one(&member, signal, by);
                    Outcome { group: member.group, process: member.process, result }.value()
                };
                Ok(Value::Array(members.into_iter().map(outcome).collect()))
            }
        };
        let _nobody_waits = reply.send(answer);
    }

    pub(super) fn send_stdin(&mut self, name: &str, text: &str, by: &str) -> Result<Value, Fault> {
        let id = self.process_named(name)?.id;
        let target =
            ProgramTarget { name: id.program, instance: Some(id.instance), incarnation: None };
        match self.programs.input(&target, text.as_bytes(), by) {
            Ok(()) => Ok(true.into()),
            Err(StdinError::NotRunning(_)) => Err(Code::NotRunning.of(name)),
            Err(StdinError::NotOpen(_) | StdinError::Closed(_)) => Err(Code::NoFile.of(name)),
            Err(StdinError::Unknown(_)) => Err(Code::BadName.of(name)),
            Err(
                error @ (StdinError::Full { .. } | StdinError::TooLong(_) | StdinError::Io(..)),
            ) => Err(Code::Failed.of(error.to_string())),
        }
    }

    fn signal_one(&mut self, member: &Member, signal: &str, by: &str) -> Result<(), Fault> {
        if sys::signal::parse(signal).is_none() {
            return Err(Code::BadSignal.of(signal));
        }
        if !self.state_of(member).is_some_and(State::is_signallable) {
            return Err(Code::NotRunning.of(member.name()));
        }
        let verb = ProgramVerb::Signal { signal: signal.to_owned() };
        let told = self.programs.ask_each(std::slice::from_ref(&member.id), &verb, by).pop();
        match told.and_then(|mut told| told.try_recv().ok()) {
            Some(told) if told.answer.is_done() => Ok(()),
            Some(told) => Err(Code::Failed.of(told.answer.message)),
            None => Err(Code::Failed.of(member.name())),
        }
    }
}

fn not_executable(error: &NotExecutable) -> Fault {
    match error {
        NotExecutable::Missing(_) => Code::NoFile.of(error.to_string()),
        NotExecutable::Directory(_)
        | NotExecutable::NoPermission(_)
        | NotExecutable::Unreadable(_) => Code::NotExecutable.of(error.to_string()),
    }
}

async fn conclude(way: Way, wait: Wait, begun: Vec<(Member, Begun)>) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(begun.len());
    for (member, begun) in begun {
        let result = match begun {
            Begun::Done(result) => result,
            Begun::Underway(mut told) => match wait {
                Wait::Yes => verdict(way, &member, told.await.ok()),
                // What is over by now is told all the same.
                Wait::No => match told.try_recv() {
                    Ok(told) => verdict(way, &member, Some(told)),
                    Err(_) => Ok(()),
                },
            },
        };
        outcomes.push(Outcome { group: member.group, process: member.process, result });
    }
    outcomes
}

fn verdict(way: Way, member: &Member, told: Option<Told>) -> Result<(), Fault> {
    let name = member.name();
    let Some(Told { answer, shown }) = told else { return Err(Code::ShutdownState.alone()) };
    if answer.is_done() {
        return Ok(());
    }
    let failed = || Err(Code::Failed.of(answer.message.clone()));
    match (way, shown.map(state)) {
        (Way::Up, Some(State::Backoff | State::Fatal)) => Err(Code::SpawnError.of(name)),
        (Way::Up, Some(State::Exited | State::Stopped) | None) => {
            Err(Code::AbnormalTermination.of(name))
        }
        (Way::Up, Some(State::Starting | State::Running | State::Stopping))
        | (Way::Down, Some(_) | None) => failed(),
    }
}
