//! The 41 names that `system.listMethods` gives, what they take and give back, and how a call by
//! name becomes a [`Method`].

use super::fault::{Code, Fault};
use super::method::{Channel, Method, Stretch, Target, Wait};
use super::value::Value;

pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) returns: &'static str,
    /// `type name` each; a type with `?` may be left out.
    parameters: &'static [&'static str],
    help: &'static str,
}

const fn entry(
    name: &'static str,
    returns: &'static str,
    parameters: &'static [&'static str],
    help: &'static str,
) -> Entry {
    Entry { name, returns, parameters, help }
}

const NAME: &str = "string name";
const WAIT: &str = "boolean? wait";
const SIGNAL: &str = "string signal";
const OFFSET: &str = "int offset";
const LENGTH: &str = "int length";
const STRETCH: &[&str] = &[NAME, OFFSET, LENGTH];

/// In the order that clients are told them.
#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    entry("supervisor.addProcessGroup", "boolean", &[NAME], "Starts to run a group of the file that was read last."),
    entry("supervisor.clearAllProcessLogs", "array", &[], "Empties every program's logs."),
    entry("supervisor.clearLog", "boolean", &[], "Empties the engine's own log."),
    entry("supervisor.clearProcessLog", "boolean", &[NAME], "Empties a process's logs."),
    entry("supervisor.clearProcessLogs", "boolean", &[NAME], "Empties a process's logs."),
    entry("supervisor.getAPIVersion", "string", &[], "The version of this protocol."),
    entry("supervisor.getAllConfigInfo", "array", &[], "How every process of the file that was read last is configured."),
    entry("supervisor.getAllProcessInfo", "array", &[], "How every process is."),
    entry("supervisor.getIdentification", "string", &[], "The engine's name."),
    entry("supervisor.getPID", "int", &[], "The engine's process id."),
    entry("supervisor.getProcessInfo", "struct", &[NAME], "How a process is."),
    entry("supervisor.getState", "struct", &[], "What the engine as a whole does."),
    entry("supervisor.getSupervisorVersion", "string", &[], "The version of Supervisor whose protocol this is."),
    entry("supervisor.getVersion", "string", &[], "The version of this protocol."),
    entry("supervisor.readLog", "string", &[OFFSET, LENGTH], "A part of the engine's own log."),
    entry("supervisor.readMainLog", "string", &[OFFSET, LENGTH], "A part of the engine's own log."),
    entry("supervisor.readProcessLog", "string", STRETCH, "A part of what a process wrote to stdout."),
    entry("supervisor.readProcessStderrLog", "string", STRETCH, "A part of what a process wrote to stderr."),
    entry("supervisor.readProcessStdoutLog", "string", STRETCH, "A part of what a process wrote to stdout."),
    entry("supervisor.reloadConfig", "array", &[], "Reads the file and tells which groups it adds, changes and removes; changes nothing."),
    entry("supervisor.removeProcessGroup", "boolean", &[NAME], "Forgets a group that is stopped."),
    entry("supervisor.restart", "boolean", &[], "Reads the file and starts every program anew."),
    entry("supervisor.sendProcessStdin", "boolean", &[NAME, "string chars"], "Writes to a process's stdin."),
    entry("supervisor.sendRemoteCommEvent", "boolean", &["string type", "string data"], "Sends an event to event listeners."),
    entry("supervisor.shutdown", "boolean", &[], "Stops the engine."),
    entry("supervisor.signalAllProcesses", "array", &[SIGNAL], "Sends a signal to every running process."),
    entry("supervisor.signalProcess", "boolean", &[NAME, SIGNAL], "Sends a signal to a process."),
    entry("supervisor.signalProcessGroup", "array", &[NAME, SIGNAL], "Sends a signal to a group's running processes."),
    entry("supervisor.startAllProcesses", "array", &[WAIT], "Starts every process that does not run."),
    entry("supervisor.startProcess", "boolean", &[NAME, WAIT], "Starts a process."),
    entry("supervisor.startProcessGroup", "array", &[NAME, WAIT], "Starts a group's processes that do not run."),
    entry("supervisor.stopAllProcesses", "array", &[WAIT], "Stops every running process."),
    entry("supervisor.stopProcess", "boolean", &[NAME, WAIT], "Stops a process."),
    entry("supervisor.stopProcessGroup", "array", &[NAME, WAIT], "Stops a group's running processes."),
    entry("supervisor.tailProcessLog", "array", STRETCH, "The end of what a process wrote to stdout, its offset, and whether there was more."),
    entry("supervisor.tailProcessStderrLog", "array", STRETCH, "The end of what a process wrote to stderr, its offset, and whether there was more."),
    entry("supervisor.tailProcessStdoutLog", "array", STRETCH, "The end of what a process wrote to stdout, its offset, and whether there was more."),
    entry("system.listMethods", "array", &[], "The names of all methods."),
    entry("system.methodHelp", "string", &[NAME], "What a method does."),
    entry("system.methodSignature", "array", &[NAME], "The types of a method's answer and parameters."),
    entry("system.multicall", "array", &["array calls"], "Several calls in one; each answers with its value or its fault."),
];

impl Entry {
    pub(super) fn named(name: &str) -> Result<&'static Self, Fault> {
        let signature_unsupported = || Code::SignatureUnsupported.alone();
        ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(signature_unsupported)
    }

    /// The type of the answer, then those of the parameters.
    pub(super) fn signature(&self) -> Vec<String> {
        let parameters = self.parameters.iter().filter_map(|parameter| parameter.split(' ').next());
        let types = parameters.map(|kind| kind.trim_end_matches('?'));
        std::iter::once(self.returns).chain(types).map(str::to_owned).collect()
    }

    pub(super) fn help(&self) -> String {
        let lines = self.parameters.iter().map(|parameter| {
            let (kind, name) = parameter.split_once(' ').unwrap_or((parameter, ""));
            format!("\n@param {} {name}", kind.trim_end_matches('?'))
        });
        let parameters: String = lines.collect();
        format!("{}\n{parameters}\n@return {} result", self.help, self.returns)
    }
}

/// The call of a name that is not `system`'s.
pub(super) fn method(name: &str, parameters: &[Value]) -> Result<Method, Fault> {
    let unknown = || Code::UnknownMethod.alone();
    let entry = ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(unknown)?;
    let mut given = Given { parameters };
    given.check_count(entry)?;
    let word = name.strip_prefix("supervisor.").ok_or_else(unknown)?;
    Ok(match word {
        "getAPIVersion" | "getVersion" => Method::ApiVersion,
        "getSupervisorVersion" => Method::SupervisorVersion,
        "getIdentification" => Method::Identification,
        "getState" => Method::State,
        "getPID" => Method::Pid,
        "readLog" | "readMainLog" => Method::ReadMainLog(given.stretch()?),
        "clearLog" => Method::ClearMainLog,
        "shutdown" => Method::Shutdown,
        "restart" => Method::Restart,
        "reloadConfig" => Method::Reread,
        "addProcessGroup" => Method::AddGroup(given.text()?),
        "removeProcessGroup" => Method::RemoveGroup(given.text()?),
        "getProcessInfo" => Method::ProcessInfo(given.text()?),
        "getAllProcessInfo" => Method::AllProcessInfo,
        "getAllConfigInfo" => Method::AllConfigInfo,
        "startProcess" => Method::Start(Target::Process(given.text()?), given.wait()?),
        "startProcessGroup" => Method::Start(Target::Group(given.text()?), given.wait()?),
        "startAllProcesses" => Method::Start(Target::All, given.wait()?),
        "stopProcess" => Method::Stop(Target::Process(given.text()?), given.wait()?),
        "stopProcessGroup" => Method::Stop(Target::Group(given.text()?), given.wait()?),
        "stopAllProcesses" => Method::Stop(Target::All, given.wait()?),
        "signalProcess" => Method::Signal(Target::Process(given.text()?), given.word()?),
        "signalProcessGroup" => Method::Signal(Target::Group(given.text()?), given.word()?),
        "signalAllProcesses" => Method::Signal(Target::All, given.word()?),
        "clearProcessLog" | "clearProcessLogs" => Method::ClearLogs(given.text()?),
        "clearAllProcessLogs" => Method::ClearAllLogs,
        _ => return of_a_process(word, given),
    })
}

/// Those that take a process and more.
fn of_a_process(word: &str, mut given: Given<'_>) -> Result<Method, Fault> {
    let first = given.text()?;
    let process = first.clone();
    Ok(match word {
        "sendProcessStdin" => Method::SendStdin { process, text: given.text()? },
        "sendRemoteCommEvent" => Method::SendEvent { kind: first, data: given.text()? },
        "readProcessLog" | "readProcessStdoutLog" => {
            Method::ReadLog { process, channel: Channel::Stdout, stretch: given.stretch()? }
        }
        "readProcessStderrLog" => {
            Method::ReadLog { process, channel: Channel::Stderr, stretch: given.stretch()? }
        }
        "tailProcessLog" | "tailProcessStdoutLog" => {
            Method::TailLog { process, channel: Channel::Stdout, stretch: given.stretch()? }
        }
        "tailProcessStderrLog" => {
            Method::TailLog { process, channel: Channel::Stderr, stretch: given.stretch()? }
        }
        _ => return Err(Code::UnknownMethod.alone()),
    })
}

/// The parameters, taken one after another.
struct Given<'a> {
    parameters: &'a [Value],
}

impl Given<'_> {
    fn check_count(&self, entry: &Entry) -> Result<(), Fault> {
        let optional = |parameter: &&&str| parameter.contains('?');
        let most = entry.parameters.len();
        let least = most - entry.parameters.iter().filter(optional).count();
        let is_right = (least..=most).contains(&self.parameters.len());
        if is_right { Ok(()) } else { Err(Code::IncorrectParameters.alone()) }
    }

    fn next(&mut self) -> Option<&Value> {
        let (first, rest) = self.parameters.split_first()?;
        self.parameters = rest;
        Some(first)
    }

    fn text(&mut self) -> Result<String, Fault> {
        match self.next() {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Bytes(bytes)) => String::from_utf8(bytes.clone())
                .map_err(|_| Code::IncorrectParameters.of("expected UTF-8 text")),
            _ => Err(Code::IncorrectParameters.alone()),
        }
    }

    /// A word that some write as a number: signals.
    fn word(&mut self) -> Result<String, Fault> {
        match self.parameters.first() {
            Some(Value::Int(number)) => Ok(number.to_string()),
            _ => self.text(),
        }
    }

    fn wait(&mut self) -> Result<Wait, Fault> {
        match self.next() {
            None | Some(Value::Boolean(true)) => Ok(Wait::Yes),
            Some(Value::Boolean(false)) => Ok(Wait::No),
            Some(Value::Int(number)) => Ok(if *number == 0 { Wait::No } else { Wait::Yes }),
            Some(_) => Err(Code::IncorrectParameters.alone()),
        }
    }

    fn stretch(&mut self) -> Result<Stretch, Fault> {
        Ok(Stretch { offset: self.int()?, length: self.int()? })
    }

    fn int(&mut self) -> Result<i64, Fault> {
        match self.next() {
            Some(Value::Int(number)) => Ok(*number),
            // Python's `int()` takes these, and so do Supervisor's clients' habits.
            Some(Value::Text(text)) => {
                text.trim().parse().map_err(|_| Code::IncorrectParameters.alone())
            }
            _ => Err(Code::IncorrectParameters.alone()),
        }
    }
}
