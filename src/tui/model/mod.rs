//! Everything the console knows, as plain data, and the questions the screens ask of it.
//!
//! No terminal or drawing types: a model can be built in a test from a snapshot, and a view is a
//! function of it. Only `update` changes a model.

pub(crate) mod about;
pub(crate) mod attached;
pub(crate) mod attention;
pub(crate) mod columns;
pub(crate) mod drain;
pub(crate) mod explained;
mod figures;
mod filter;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod log_find;
pub(crate) mod log_tail;
pub(crate) mod nodes;
pub(crate) mod order;
pub(crate) mod overlay;
pub(crate) mod panel;
pub(crate) mod past;
pub(crate) mod pending;
pub(crate) mod planned;
pub(crate) mod pointer;
pub(crate) mod record;
pub(crate) mod request_tail;
pub(crate) mod rows;
pub(crate) mod split;
pub(crate) mod traffic;

use std::collections::{BTreeSet, VecDeque};

use crate::control::sample::Sample;
use crate::control::tape::Tape;
use crate::control::wire::{
    BackendRow, EventRecord, ProgramRow, Role, Severity, Snapshot, UpstreamRow,
};

use explained::{Explained, Lower};
use key::Key;
use list::Lists;
use log_tail::LogTail;
use nodes::Nodes;
use overlay::Overlay;
use panel::{Panel, View};
use past::Past;
use pending::Pending;
use planned::Planned;
use pointer::Mouse;
use request_tail::RequestTail;

use super::action::keymap::Keymap;
use super::theme::shelf::Entry;

/// Samples kept for graphs: fifteen minutes, as the engine keeps them.
pub(crate) const SAMPLES_MAX: usize = 900;
pub(crate) const EVENTS_MAX: usize = 1000;
pub(crate) const UNDO_MAX: usize = 20;
/// How long a message stays in the message line.
pub(crate) const NOTICE_MS: u64 = 6_000;
/// After this long a key press ends it.
pub(crate) const NOTICE_READ_MS: u64 = 1_500;

pub(crate) struct Model {
    /// What is shown: the newest state of the engine, or one of the past.
    pub(crate) moment: Snapshot,
    /// What came after the moment, while that is one of the past.
    pub(crate) past: Option<Past>,
    /// What rows were beside their figures.
    pub(crate) tape: Tape,
    /// The engines, where there are several; the moment is then made of theirs.
    pub(crate) nodes: Nodes,
    /// What this console may do: the engine's word, or `Read` when asked for on the command line.
    pub(crate) role: Role,
    /// The operator asked for a console that only looks.
    pub(crate) is_read_only: bool,
    /// One sample a second up to the moment, oldest first.
    pub(crate) history: VecDeque<Sample>,
    /// Up to the moment, oldest first.
    pub(crate) events: VecDeque<EventRecord>,
    pub(crate) link: Link,
    /// When the engine was heard last.
    pub(crate) heard_ms: u64,
    /// From asking to the first answer, as measured last.
    pub(crate) rtt_ms: Option<u32>,
    pub(crate) view: View,
    pub(crate) lists: Lists,
    /// The focused panel fills the whole body.
    pub(crate) is_zoomed: bool,
    /// The view looked at before, and the one shown beside this one when there is room.
    pub(crate) before: View,
    pub(crate) beside: Option<View>,
    /// The upstream the Balance view is about; none: the first.
    pub(crate) balance_of: Option<String>,
    /// What is shown below its table.
    pub(crate) lower: Lower,
    pub(crate) explained: Explained,
    /// What a reload would do.
    pub(crate) planned: Planned,
    pub(crate) marks: BTreeSet<Key>,
    /// Upstreams whose backends are not listed.
    pub(crate) folded: BTreeSet<String>,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) log: LogTail,
    /// Of all programs, from when it is looked at first.
    pub(crate) logs: Option<LogTail>,
    /// Between those lines, each request.
    pub(crate) are_requests_in_logs: bool,
    pub(crate) requests: RequestTail,
    /// Orders under way or just answered, oldest first.
    pub(crate) pending: Vec<Pending>,
    /// What `u` takes back, newest last.
    pub(crate) undo: VecDeque<order::Undo>,
    pub(crate) notice: Option<Notice>,
    pub(crate) mouse: Mouse,
    /// The row that was clicked last, and when.
    pub(crate) clicked: Option<(Key, u64)>,
    pub(crate) welcome: Welcome,
    /// When something that went wrong was told of last.
    pub(crate) alarmed_ms: u64,
    /// What the keys mean.
    pub(crate) keys: Keymap,
    pub(crate) theme: String,
    pub(crate) themes: Vec<Entry>,
    pub(crate) size: Size,
    /// Wall clock of this console, set before each batch of messages.
    pub(crate) now_ms: u64,
    /// Number of the next order.
    pub(crate) next_order: u64,
}

/// Some keys to begin with, for who never was here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    Shown,
    Seen,
}

/// Cells of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// Where the connection to the engine stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing was received yet; `why` is the last failure, empty at first.
    Connecting {
        why: String,
    },
    Live,
    /// What is shown is as old as `since_ms`.
    Stale {
        since_ms: u64,
        why: String,
    },
}

/// One line for the operator about what just happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) severity: Severity,
    pub(crate) at_ms: u64,
}

impl Model {
    pub(crate) fn new(size: Size, now_ms: u64) -> Self {
        Self {
            moment: Snapshot::default(),
            past: None,
            tape: Tape::default(),
            nodes: Nodes::default(),
            role: Role::Read,
            is_read_only: false,
            history: VecDeque::new(),
            events: VecDeque::new(),
            link: Link::Connecting { why: String::new() },
            heard_ms: now_ms,
            rtt_ms: None,
            view: View::Overview,
            lists: Lists::default(),
            is_zoomed: false,
            before: View::Overview,
            beside: None,
            balance_of: None,
            lower: Lower::default(),
            explained: Explained::default(),
            planned: Planned::default(),
            marks: BTreeSet::new(),
            folded: BTreeSet::new(),
            overlay: None,
            log: LogTail::default(),
            logs: None,
            are_requests_in_logs: false,
            requests: RequestTail::default(),
            pending: Vec::new(),
            undo: VecDeque::new(),
            notice: None,
            mouse: Mouse::Off,
            clicked: None,
            welcome: Welcome::Seen,
            alarmed_ms: 0,
            keys: Keymap::default(),
            theme: String::new(),
            themes: Vec::new(),
            size,
            now_ms,
            next_order: 1,
        }
    }

    /// The panel that keys act on: the view's focus, or its first panel when that is not shown.
    pub(crate) fn focus(&self) -> Panel {
        let shown = panel::shown(self);
        let wanted = self.lists.focus(self.view);
        if shown.contains(&wanted) { wanted } else { shown[0] }
    }

    /// The log that keys act on.
    pub(crate) fn open_log(&self) -> &LogTail {
        self.log_in(self.view)
    }

    /// The log that a view shows: that of all programs, or of the selected one.
    pub(crate) fn log_in(&self, view: View) -> &LogTail {
        self.logs.as_ref().filter(|_| view == View::Logs).unwrap_or(&self.log)
    }

    pub(crate) fn open_log_mut(&mut self) -> &mut LogTail {
        let view = self.view;
        self.logs.as_mut().filter(|_| view == View::Logs).unwrap_or(&mut self.log)
    }

    /// The log that lines of a stream belong to, while somebody wants them.
    pub(crate) fn log_of(&mut self, whose: &log_tail::Whose) -> Option<&mut LogTail> {
        match whose {
            log_tail::Whose::All => self.logs.as_mut(),
            log_tail::Whose::One(key) => {
                (self.log.of.as_ref() == Some(key)).then_some(&mut self.log)
            }
        }
    }

    pub(crate) fn upstream(&self, name: &str) -> Option<&UpstreamRow> {
        self.moment.upstreams.iter().find(|row| row.name == name)
    }

    /// Whether only the heading of an upstream is listed. What is searched for is found all the same.
    pub(crate) fn is_folded(&self, upstream: &str) -> bool {
        self.folded.contains(upstream) && self.lists.of(Panel::BackendTable).filter.is_empty()
    }

    pub(crate) fn backends_of<'a>(
        &'a self,
        upstream: &'a str,
    ) -> impl Iterator<Item = &'a BackendRow> {
        self.moment.backends.iter().filter(move |row| row.upstream == upstream)
    }

    /// The backend in this life; another life of the same name is another row.
    pub(crate) fn backend(&self, key: u32) -> Option<&BackendRow> {
        self.moment.backends.iter().find(|row| row.key == key)
    }

    pub(crate) fn program(&self, name: &str, instance: u32) -> Option<&ProgramRow> {
        self.moment
            .programs
            .iter()
            .find(|row| row.program.name == name && row.program.instance == instance)
    }

    /// The program behind a backend.
    pub(crate) fn program_of(&self, backend: &BackendRow) -> Option<&ProgramRow> {
        let (name, instance) = backend.backend.program.as_deref()?.rsplit_once(':')?;
        self.program(name, instance.parse().ok()?)
    }

    /// The backend a program serves as.
    pub(crate) fn backend_of(&self, program: &ProgramRow) -> Option<&BackendRow> {
        let (upstream, name) = program.program.backend.as_deref()?.split_once('/')?;
        self.moment.backends.iter().find(|row| row.upstream == upstream && row.backend.name == name)
    }

    /// The upstream the Balance view shows.
    pub(crate) fn balance_upstream(&self) -> Option<&UpstreamRow> {
        self.balance_of
            .as_deref()
            .and_then(|name| self.upstream(name))
            .or_else(|| self.moment.upstreams.first())
    }

    /// The latest order on a row that is under way or was just answered; in the past there is none.
    pub(crate) fn pending_on(&self, key: &Key) -> Option<&Pending> {
        if self.past.is_some() {
            return None;
        }
        self.pending.iter().rev().find(|pending| pending.key == *key)
    }

    /// Orders are refused on the spot unless the engine is there, this console may operate, and what
    /// is shown is the present.
    pub(crate) fn may_operate(&self) -> bool {
        self.role == Role::Operate && self.link == Link::Live && self.past.is_none()
    }

    /// The time of what is shown, by which ages and what is left are told.
    pub(crate) fn seen_ms(&self) -> u64 {
        self.past.as_ref().map_or(self.now_ms, |past| past.at_ms)
    }

    /// For the title of the terminal's window: whose console this is, and whether all is well there.
    pub(crate) fn title(&self) -> String {
        let name = &self.moment.head.name;
        let bad = attention::list(self);
        let bad = bad.iter().filter(|row| row.severity == Severity::Bad).count();
        let of =
            if name.is_empty() { "pilothouse".to_owned() } else { format!("{name} - pilothouse") };
        match (&self.link, bad) {
            (Link::Stale { .. }, _) => format!("STALE {of}"),
            (Link::Connecting { .. } | Link::Live, 0) => of,
            (Link::Connecting { .. } | Link::Live, bad) => format!("{bad} wrong: {of}"),
        }
    }

    /// How old what is shown is; zero while live.
    pub(crate) fn stale_ms(&self) -> u64 {
        match self.link {
            Link::Stale { since_ms, .. } => self.now_ms.saturating_sub(since_ms),
            Link::Live | Link::Connecting { .. } => 0,
        }
    }

    pub(crate) fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), severity, at_ms: self.now_ms });
    }
}
