//! `POST /RPC2`: a body in, one question to the master (or, for a `multicall`, one after another),
//! XML out. What `system` answers about the protocol itself is answered here.
//!
//! As Supervisor does, anything that is no call is 400; a call that fails is 200 with a fault. Whoever
//! may only look and calls what changes something gets 403.

use hyper::StatusCode;
use tokio::sync::{mpsc, oneshot};

use super::catalogue::{self, Entry};
use super::fault::{Code, Fault};
use super::method::Method;
use super::tail::Tail;
use super::value::Value;
use super::{parse, print};
use crate::control::call::Caller;
use crate::control::server;
use crate::control::wire::Role;

const PATH: &str = "/RPC2";
/// Supervisor has no bound; each may wait as long as a program takes to start.
const CALLS_MAX: usize = 256;
/// With so much text in an answer, further calls of a `multicall` are refused.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// One question of Supervisor's clients to the master; a dropped `reply` is an engine that ends.
#[derive(Debug)]
pub(crate) enum Asked {
    Call { method: Method, caller: Caller, reply: oneshot::Sender<Result<Value, Fault>> },
    Tail { tail: Tail, reply: oneshot::Sender<Option<mpsc::Receiver<bytes::Bytes>>> },
}

/// Any path that begins so, as Supervisor matches it.
pub(crate) fn is_for(target: &str) -> bool {
    target.starts_with(PATH)
}

/// What to answer with: a status, and XML or a reason.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Answer {
    fn not(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }
}

/// Who asks, and where the master hears of it.
pub(crate) struct Desk<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) asked: &'a mpsc::Sender<server::Asked>,
}

/// Why there is no answer at all.
enum Trouble {
    Forbidden,
    Ending,
}

impl Desk<'_> {
    pub(crate) async fn answer(&self, method: &str, body: &[u8]) -> Answer {
        if method != "POST" {
            return Answer::not(StatusCode::BAD_REQUEST, "only POST is understood here");
        }
        let call = match parse::call(body) {
            Ok(call) => call,
            Err(error) => return Answer::not(StatusCode::BAD_REQUEST, error.to_string()),
        };
        match self.call(&call.method, &call.parameters).await {
            Ok(Ok(value)) => Answer { status: StatusCode::OK, text: print::response(&value) },
            Ok(Err(fault)) => Answer { status: StatusCode::OK, text: print::fault(&fault) },
            Err(Trouble::Forbidden) => {
                let text = format!("{} may read but not operate this engine", self.caller.peer);
                Answer::not(StatusCode::FORBIDDEN, text)
            }
            Err(Trouble::Ending) => Answer::not(
                StatusCode::SERVICE_UNAVAILABLE,
                "the engine is going down and did not answer",
            ),
        }
    }

    async fn call(
        &self,
        name: &str,
        parameters: &[Value],
    ) -> Result<Result<Value, Fault>, Trouble> {
        match name {
            "system.multicall" => self.several(parameters).await,
            _ if name.starts_with("system.") => Ok(system(name, parameters)),
            _ => match catalogue::method(name, parameters) {
                Ok(method) => self.ask(method).await,
                Err(fault) => Ok(Err(fault)),
            },
        }
    }

    async fn ask(&self, method: Method) -> Result<Result<Value, Fault>, Trouble> {
        if method.role() == Role::Operate && self.caller.role == Role::Read {
            return Err(Trouble::Forbidden);
        }
        let (reply, answer) = oneshot::channel();
        let asked = Asked::Call { method, caller: self.caller.clone(), reply };
        self.asked.send(server::Asked::Rpc(asked)).await.map_err(|_| Trouble::Ending)?;
        answer.await.map_err(|_| Trouble::Ending)
    }

    /// One after another, each with its value or its fault in its place.
    async fn several(&self, parameters: &[Value]) -> Result<Result<Value, Fault>, Trouble> {
        let [Value::Array(calls)] = parameters else {
            return Ok(Err(Code::IncorrectParameters.alone()));
        };
        if calls.len() > CALLS_MAX {
            let text = format!("{} calls in one, at most {CALLS_MAX}", calls.len());
            return Ok(Err(Code::IncorrectParameters.of(text)));
        }
        let mut results = Vec::with_capacity(calls.len());
        let mut bytes = 0;
        for call in calls {
            let result = match inner(call) {
                _ if bytes > ANSWER_BYTES_MAX => Err(Code::Failed.of("the answer is too long")),
                Ok(("system.multicall", _)) => {
                    Err(Code::IncorrectParameters.of("Recursive system.multicall forbidden"))
                }
                // No deeper than this: the only call that holds others was just refused.
                Ok((name, parameters)) => Box::pin(self.call(name, parameters)).await?,
                Err(fault) => Err(fault),
            };
            let result = result.unwrap_or_else(|fault| fault.value());
            bytes += result.text_bytes();
            results.push(result);
        }
        Ok(Ok(Value::Array(results)))
    }
}

fn inner(call: &Value) -> Result<(&str, &[Value]), Fault> {
    let Some(Value::Text(name)) = call.member("methodName") else {
        return Err(Code::IncorrectParameters.of("No methodName"));
    };
    match call.member("params") {
        None => Ok((name, &[])),
        Some(Value::Array(parameters)) => Ok((name, parameters)),
        Some(_) => Err(Code::IncorrectParameters.alone()),
    }
}

fn system(name: &str, parameters: &[Value]) -> Result<Value, Fault> {
    match (name, parameters) {
        ("system.listMethods", []) => {
            Ok(Value::texts(catalogue::ENTRIES.iter().map(|entry| entry.name)))
        }
        ("system.methodHelp", [Value::Text(name)]) => {
            Entry::named(name).map(|entry| Value::Text(entry.help()))
        }
        ("system.methodSignature", [Value::Text(name)]) => {
            Entry::named(name).map(|entry| Value::texts(entry.signature()))
        }
        ("system.listMethods" | "system.methodHelp" | "system.methodSignature", _) => {
            Err(Code::IncorrectParameters.alone())
        }
        _ => Err(Code::UnknownMethod.alone()),
    }
}
