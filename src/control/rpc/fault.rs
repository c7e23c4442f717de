//! What goes wrong, by Supervisor's numbers and names: clients decide by the number, people read
//! `NAME` or `NAME: more`.

use super::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    UnknownMethod = 1,
    IncorrectParameters = 2,
    BadArguments = 3,
    SignatureUnsupported = 4,
    ShutdownState = 6,
    BadName = 10,
    BadSignal = 11,
    NoFile = 20,
    NotExecutable = 21,
    Failed = 30,
    AbnormalTermination = 40,
    SpawnError = 50,
    AlreadyStarted = 60,
    NotRunning = 70,
    AlreadyAdded = 90,
    StillRunning = 91,
    CantReread = 92,
}

/// The number that a list of outcomes gives to what went well.
pub(crate) const SUCCESS: i64 = 80;

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::UnknownMethod => "UNKNOWN_METHOD",
            Self::IncorrectParameters => "INCORRECT_PARAMETERS",
            Self::BadArguments => "BAD_ARGUMENTS",
            Self::SignatureUnsupported => "SIGNATURE_UNSUPPORTED",
            Self::ShutdownState => "SHUTDOWN_STATE",
            Self::BadName => "BAD_NAME",
            Self::BadSignal => "BAD_SIGNAL",
            Self::NoFile => "NO_FILE",
            Self::NotExecutable => "NOT_EXECUTABLE",
            Self::Failed => "FAILED",
            Self::AbnormalTermination => "ABNORMAL_TERMINATION",
            Self::SpawnError => "SPAWN_ERROR",
            Self::AlreadyStarted => "ALREADY_STARTED",
            Self::NotRunning => "NOT_RUNNING",
            Self::AlreadyAdded => "ALREADY_ADDED",
            Self::StillRunning => "STILL_RUNNING",
            Self::CantReread => "CANT_REREAD",
        }
    }

    /// `NAME: more`.
    pub(crate) fn of(self, more: impl Into<String>) -> Fault {
        Fault { code: self, more: Some(more.into()) }
    }

    /// `NAME`.
    pub(crate) fn alone(self) -> Fault {
        Fault { code: self, more: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    more: Option<String>,
}

impl Fault {
    pub(crate) fn number(&self) -> i64 {
        self.code as i64
    }

    pub(crate) fn text(&self) -> String {
        match &self.more {
            Some(more) => format!("{}: {more}", self.code.name()),
            None => self.code.name().to_owned(),
        }
    }

    pub(crate) fn value(&self) -> Value {
        Value::Struct(vec![
            ("faultCode".to_owned(), Value::Int(self.number())),
            ("faultString".to_owned(), Value::Text(self.text())),
        ])
    }
}
