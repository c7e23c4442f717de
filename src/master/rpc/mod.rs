//! What Supervisor's clients ask, done: its methods over our programs, under its names.
//!
//! Nothing here is decided anew: programs start and stop by the verbs that the console uses, groups
//! come and go by the path that a reload takes, and both write the same events.

mod act;
mod config;
mod groups;
mod info;
mod logs;
mod main_log;
mod names;

use tokio::sync::oneshot;

use super::reading::Purpose;
use super::{Master, Phase, audit};
use crate::control::rpc::desk::Asked;
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::method::Method;
use crate::control::rpc::shape;
use crate::control::rpc::tail::Tail;
use crate::control::rpc::value::Value;
use crate::control::wire::Severity;
use act::Way;

/// Of the protocol; clients refuse any other.
const API_VERSION: &str = "3.0";
/// Whose protocol this is, method for method.
const SUPERVISOR_VERSION: &str = "4.3.0";

pub(super) type Reply = oneshot::Sender<Result<Value, Fault>>;

impl Master {
    pub(super) fn rpc(&mut self, asked: Asked) {
        match asked {
            Asked::Tail { tail, reply } => {
                let pieces = match tail {
                    Tail::Main => main_log::follow(),
                    Tail::Process { name, channel } => self.follow_log(&name, channel),
                    Tail::Unknown => None,
                };
                let _nobody_waits = reply.send(pieces);
            }
            Asked::Call { method, caller, reply } => {
                let by = audit::who(&caller);
                self.call(method, &by, reply);
                self.follow_members();
            }
        }
    }

    fn call(&mut self, method: Method, by: &str, reply: Reply) {
        let is_allowed_while_stopping = matches!(method, Method::SendEvent { .. });
        if self.phase != Phase::Running && !is_allowed_while_stopping {
            let _nobody_waits = reply.send(Err(Code::ShutdownState.alone()));
            return;
        }
        let answer = match method {
            // Answered when it is done.
            Method::Start(target, wait) => {
                return self.start_or_stop(Way::Up, (&target, wait), by, reply);
            }
            Method::Stop(target, wait) => {
                return self.start_or_stop(Way::Down, (&target, wait), by, reply);
            }
            Method::Signal(target, signal) => {
                return self.signal_processes(&target, &signal, by, reply);
            }
            Method::ApiVersion => Ok(Value::text(API_VERSION)),
            Method::SupervisorVersion => Ok(Value::text(SUPERVISOR_VERSION)),
            Method::Identification => Ok(Value::text(&self.options.name)),
            Method::State => Ok(shape::running()),
            Method::Pid => Ok(Value::Int(self.keeper_pid.into())),
            Method::ReadMainLog(stretch) => {
                let read = move || main_log::read(stretch);
                return logs::answer_beside(self.programs.log_pool(), "the log", reply, read);
            }
            Method::ClearMainLog => {
                let cleared = main_log::clear();
                let result =
                    if cleared.is_ok() { "the engine's log begins anew" } else { "failed" };
                self.note_call("clear", result.to_owned(), by);
                cleared
            }
            Method::Shutdown => {
                self.begin_stop(&format!("by {by}"));
                Ok(true.into())
            }
            Method::Restart => {
                return self.read_for(Purpose::Restart { by: by.to_owned(), reply });
            }
            Method::Reread => return self.read_for(Purpose::Reread { reply }),
            Method::AddGroup(name) => self.add_group(&name, by),
            Method::RemoveGroup(name) => self.remove_group(&name, by),
            Method::ProcessInfo(name) => self.process_info(&name),
            Method::AllProcessInfo => Ok(self.all_process_info()),
            Method::AllConfigInfo => Ok(self.all_config_info()),
            Method::SendStdin { process, text } => self.send_stdin(&process, &text, by),
            Method::SendEvent { kind, data } => {
                self.note_call("tell", format!("event {kind} of {} bytes", data.len()), by);
                self.programs.announce_remote(&kind, &data);
                Ok(true.into())
            }
            // Answered when they are read.
            Method::ReadLog { process, channel, stretch } => {
                return self.read_log((&process, channel), stretch, reply);
            }
            Method::TailLog { process, channel, stretch } => {
                return self.tail_log((&process, channel), stretch, reply);
            }
            Method::ClearLogs(process) => self.clear_logs(&process, by),
            Method::ClearAllLogs => Ok(self.clear_all_logs(by)),
        };
        let _nobody_waits = reply.send(answer);
    }

    /// Of what has no command of ours.
    fn note_call(&mut self, verb: &str, result: String, by: &str) {
        self.note(audit::Entry {
            who: by.to_owned(),
            verb: verb.to_owned(),
            target: String::new(),
            result,
            severity: Severity::Info,
            cli: String::new(),
        });
    }
}
