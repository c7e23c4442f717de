//! What consoles and scripts ask, answered.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::membership::Now;
use super::programs::Follow;
use super::reading::Purpose;
use super::{Master, audit};
use crate::control::call::{Caller, Command, Query};
use crate::control::server::{Asked, Reply};
use crate::control::wire::{Answer, EventRecord};
use crate::control::{delta, watch};

impl Master {
    pub(super) fn answer(&mut self, asked: Asked) {
        match asked {
            Asked::Rpc(asked) => self.rpc(asked),
            Asked::Command { command, caller, reply } => self.command(&command, &caller, reply),
            Asked::Query { query, caller, reply } => {
                self.query(query, &caller, reply);
            }
        }
    }

    fn command(&mut self, command: &Command, caller: &Caller, reply: oneshot::Sender<Answer>) {
        let by = audit::who(caller);
        let now = Now::read();
        let answer = match command {
            Command::Backend { target, verb } => self.membership.backend(target, *verb, &by, now),
            Command::Add(addition) => self.membership.add(addition, &by, now),
            Command::Upstream { name, verb } => self.membership.upstream(name, verb, now),
            // Answered when it is done, and written down by the programs themselves.
            Command::Program { target, verb } => {
                return self.programs.command(target, verb, &by, reply);
            }
            // Answered and written down when it is done.
            Command::Scale { .. } => return self.scale(command, caller, reply),
            // Answered and written down once the configuration is read.
            Command::Reload => {
                return self.read_for(Purpose::Reload { caller: caller.clone(), reply });
            }
            Command::Revert => self.revert(),
            // Answered when it is done.
            Command::Reopen => return self.reopen_for(caller, reply),
            // Answered and written down when it is known whether it can be done.
            Command::Upgrade => return self.upgrade_for(caller, reply),
            Command::Shutdown => {
                self.begin_stop(&format!("by {by}"));
                Answer::changed("the engine is stopping")
            }
        };
        self.follow_members();
        self.note(audit::of_command(command, caller, &answer));
        let _nobody_waits = reply.send(answer);
    }

    fn query(&mut self, query: Query, caller: &Caller, reply: oneshot::Sender<Reply>) {
        if matches!(query, Query::Status | Query::Watch { .. } | Query::Metrics) {
            self.programs.weigh_again();
        }
        let answer = match query {
            Query::Status => Reply::Json(json(&delta::status(&self.snapshot(Now::read())))),
            Query::Watch { rate } => Reply::Lines(self.watchers.join(watch::Start {
                rate,
                role: caller.role,
                snapshot: self.snapshot(Now::read()),
                history: self.history.all(),
                events: self.audit.all(),
                tape: self.history.tape().clone(),
            })),
            Query::Events { follow: true } => {
                Reply::Lines(self.watchers.join_events(&self.audit.all()))
            }
            Query::Events { follow: false } => Reply::Lines(whole(&self.audit.all())),
            Query::Requests { filter, tail, follow: true } => {
                match self.requests.follow(filter, tail) {
                    Some(lines) => Reply::Lines(lines),
                    None => Reply::Missing("too many follow the requests already".to_owned()),
                }
            }
            Query::Requests { filter, tail, follow: false } => {
                Reply::Lines(self.requests.kept(&filter, tail))
            }
            Query::Metrics => Reply::Metrics(self.metrics(Now::read())),
            Query::Explain { upstream } => match self.explain(&upstream, Now::read()) {
                Ok(explanation) => Reply::Json(json(&explanation)),
                Err(answer) => Reply::Missing(answer.message),
            },
            Query::History => Reply::Json(json(&self.history.all())),
            // Answered once the configuration is read.
            Query::Plan => {
                return self.read_for(Purpose::Plan { role: caller.role, reply });
            }
            Query::EngineLog { tail, follow } => {
                let follow = if follow { Follow::Yes } else { Follow::No };
                match self.log.read(tail, follow) {
                    Some(lines) => Reply::Lines(lines),
                    None => Reply::Missing("too many follow this log already".to_owned()),
                }
            }
            Query::Log { target, stream, tail, follow } => {
                let follow = if follow { Follow::Yes } else { Follow::No };
                match self.programs.log(&target, stream, tail, follow) {
                    Ok(lines) => Reply::Lines(lines),
                    Err(answer) => Reply::Missing(answer.message),
                }
            }
        };
        // Whoever asked may be gone by now.
        let _nobody_waits = reply.send(answer);
    }
}

/// Lines that end with the last.
fn whole(events: &[EventRecord]) -> mpsc::Receiver<Bytes> {
    let (lines, receiver) = mpsc::channel(1);
    let text: Vec<u8> = events.iter().flat_map(|event| watch::line(event).to_vec()).collect();
    lines.try_send(Bytes::from(text)).expect("a new queue has room for its only line");
    receiver
}

pub(super) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire types have no map with odd keys")
}
