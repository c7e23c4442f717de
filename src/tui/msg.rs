//! What can happen to the console, and what it can ask to be done: both closed.

use tui_input::InputRequest;

use crate::control::explain::Explanation;
use crate::control::plan::Plan;
use crate::control::requests::{Filter, RequestRecord};
use crate::control::wire::{Answer, Frame, LogLine};

use super::action::chord::Chord;
use super::export::Format;
use super::model::Size;
use super::model::log_tail::Whose;
use super::model::order::Confirmed;
use super::model::pointer::{Act, Hit, Mouse};
use super::pace::News;

#[derive(Clone, Debug)]
pub(crate) enum Msg {
    Press(Press),
    /// The pointer did something on what was drawn there.
    Pointer {
        hit: Hit,
        act: Act,
    },
    Paste(String),
    Resize(Size),
    /// The wall clock, before each batch and at least once a second.
    Tick {
        now_ms: u64,
    },
    /// From this one of several engines.
    Of {
        node: usize,
        msg: Box<Msg>,
    },
    Frame(Box<Frame>),
    /// The watch stream ended or could not be opened.
    LinkLost {
        why: String,
    },
    /// From a question to its answer; not of orders, which are answered when they are done.
    Measured {
        rtt_ms: u32,
    },
    /// How that upstream balances, or why there is no answer.
    Explained {
        upstream: String,
        outcome: Result<Box<Explanation>, String>,
    },
    /// What a reload would do, or why there is no answer.
    Planned {
        outcome: Result<Box<Plan>, String>,
    },
    Answered {
        id: u64,
        outcome: Result<Answer, String>,
    },
    LogLines {
        of: Whose,
        lines: Vec<LogLine>,
    },
    LogEnded {
        of: Whose,
        why: String,
    },
    /// Of the asking with this number.
    Requests {
        number: u64,
        records: Vec<RequestRecord>,
        lost: u64,
    },
    RequestsEnded {
        number: u64,
        why: String,
    },
}

impl Msg {
    /// How soon it is to be seen.
    pub(super) fn news(&self) -> News {
        match self {
            Self::LogLines { .. } | Self::Requests { .. } => News::Stream,
            Self::Of { msg, .. } => msg.news(),
            _ => News::Any,
        }
    }
}

/// A key in both readings: as an action's key, and as an edit where text is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Press {
    pub(crate) chord: Chord,
    pub(crate) edit: Option<InputRequest>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Send each change, as order `first_id` and the numbers after it.
    Send {
        first_id: u64,
        order: Confirmed,
    },
    /// Stream this program's log from here on, in place of any other.
    FollowLog {
        name: String,
        instance: u32,
    },
    StopLog,
    /// Stream the output of all programs until the console leaves.
    FollowAllLogs,
    /// Stream the requests that match from here on, in place of any others.
    FollowRequests {
        filter: Filter,
        number: u64,
    },
    StopRequests,
    /// Ask how this upstream balances from here on, in place of any other.
    Explain {
        upstream: String,
    },
    StopExplaining,
    /// Ask what a reload would do from here on.
    Plan,
    StopPlanning,
    /// What is asked of the engines as a whole is asked of this one alone, or of all again.
    ChooseNode(Option<usize>),
    /// Draw with this theme.
    UseTheme(String),
    /// Draw with the next tier of signs.
    TurnGlyphs,
    /// Take the pointer from the terminal, or give it back.
    Mouse(Mouse),
    /// Into the terminal's clipboard; `what` is said of it then.
    Copy {
        text: String,
        what: String,
    },
    /// The screen into a file.
    Export(Format),
    /// Something went wrong that nobody ordered.
    Alarm(String),
    /// The hints for who is new were seen.
    Welcomed,
    /// Everything anew: the screen may hold foreign text.
    Repaint,
    Suspend,
    Detach,
}
