//! The registry of everything a key can do: the one source of key handling, footer, help and
//! palette.
//!
//! An action is a row of a table; where it applies is data, what it does is `update`. Adding one is a
//! line here and an arm there. The rows of views are made from the registry of those.

pub(crate) mod attach;
pub(crate) mod chord;
pub(crate) mod hint;
pub(crate) mod keymap;
pub(crate) mod order;
pub(crate) mod palette;
pub(crate) mod typed;
pub(crate) mod weigh;

#[cfg(test)]
mod tests;

use crate::tui::model::Model;
use crate::tui::model::key::Kind;
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::past::Step;
use crate::tui::model::rows;

use chord::{Chord, Code, char, ctrl, key};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    Up,
    Down,
    Top,
    Bottom,
    HalfUp,
    HalfDown,
    PageUp,
    PageDown,
    NextPanel,
    PreviousPanel,
    Show(View),
    Open,
    Back,
    Restart,
    Roll,
    Start,
    Stop,
    Kill,
    Signal,
    Attach,
    Clear,
    ReloadProgram,
    ScaleUp,
    ScaleDown,
    Drain,
    Cut,
    Remove,
    Add,
    Enable,
    TakeDown,
    WeightUp,
    WeightDown,
    Strategy,
    WhatIf,
    Reset,
    Undo,
    Log,
    Follow,
    Pause,
    Travel(Step),
    /// To when the selected row happened, or began.
    Then,
    Wrap,
    /// Requests in the log of everything.
    Include,
    Search,
    NextMatch,
    PreviousMatch,
    Keep,
    Filter,
    SortNext,
    SortPrevious,
    SortReverse,
    Fold,
    FoldAll,
    Mark,
    MarkRange,
    Zoom,
    Split,
    Theme,
    Reload,
    /// The same, of what the Config view shows.
    Apply,
    Revert,
    Reopen,
    Upgrade,
    Shutdown,
    Nodes,
    Palette,
    Help,
    Mouse,
    Copy,
    Export,
    Repaint,
    Suspend,
    Quit,
    Detach,
}

/// Where an action applies: on rows of a kind, or while one of these panels has the focus.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    Anywhere,
    /// In every panel of rows.
    Lists,
    Somewhere {
        panels: &'static [Panel],
        kinds: &'static [Kind],
    },
}

impl Scope {
    /// In words that follow what the action does; none where it does it anywhere.
    pub(crate) fn place(&self) -> &'static str {
        let (kinds, panels) = match *self {
            Self::Anywhere => return "",
            Self::Lists => return " (in a list)",
            Self::Somewhere { panels, kinds } => (kinds, panels),
        };
        match (kinds, panels) {
            ([Kind::Backend], _) => " (on a backend)",
            ([Kind::Program], _) => " (on a program)",
            ([Kind::Program, Kind::Backend], _) => " (on a program or a backend)",
            ([Kind::Upstream], _) => " (on an upstream)",
            ([Kind::Plan], _) => " (on a change of the configuration)",
            (_, [Panel::BalanceTable]) => " (in Balance)",
            (_, [Panel::ProgramLog, Panel::AllLogs]) => " (in a log)",
            (_, [Panel::ProgramLog, Panel::AllLogs, ..]) => " (in a log or among requests)",
            (_, [Panel::Attention, Panel::Events, ..]) => " (on an event or what needs attention)",
            _ => " (in some lists)",
        }
    }
}

/// What an action may do to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    /// Changes this console only.
    Looks,
    /// Changes the engine; asks when that interrupts something.
    Weighs,
    /// Changes the engine and always asks.
    Asks,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Action {
    pub(crate) id: Id,
    /// What a file of keys calls it.
    pub(crate) name: &'static str,
    /// Unless the operator chose others. The first one is shown in the footer.
    pub(crate) keys: &'static [Chord],
    pub(crate) scope: Scope,
    pub(crate) danger: Danger,
    /// One or two words, for the footer.
    pub(crate) label: &'static str,
    /// A sentence, for help.
    pub(crate) help: &'static str,
    /// Place in the footer, most used first; none: not shown there.
    pub(crate) footer: Option<u8>,
}

const fn rows_of(kinds: &'static [Kind]) -> Scope {
    Scope::Somewhere { panels: &[], kinds }
}

const fn panels(panels: &'static [Panel]) -> Scope {
    Scope::Somewhere { panels, kinds: &[] }
}

const BACKENDS: Scope = rows_of(&[Kind::Backend]);
const PROGRAMS: Scope = rows_of(&[Kind::Program]);
const RUNS: Scope = rows_of(&[Kind::Program, Kind::Backend]);
const LOG: Scope = panels(&[Panel::ProgramLog, Panel::AllLogs]);
const BALANCE: Scope = panels(&[Panel::BalanceTable]);
const HAPPENED: Scope = panels(&[Panel::Attention, Panel::Events, Panel::EventTable]);
const FLOWING: Scope = panels(&[Panel::ProgramLog, Panel::AllLogs, Panel::RequestTable]);
const UPSTREAMS: Scope =
    Scope::Somewhere { panels: &[Panel::BalanceTable], kinds: &[Kind::Upstream] };
const EVERYTHING: Scope = panels(&[Panel::AllLogs]);
const TREE: Scope = panels(&[Panel::BackendTable]);
const CHANGES: Scope = rows_of(&[Kind::Plan]);
macro_rules! action {
    ($id:expr, $name:literal, [$($key:expr),*], $scope:expr, $danger:ident, $footer:expr, $label:literal, $help:literal) => {
        Action {
            id: $id,
            name: $name,
            keys: &[$($key),*],
            scope: $scope,
            danger: Danger::$danger,
            label: $label,
            help: $help,
            footer: $footer,
        }
    };
}

/// How to move, which help lists first.
#[rustfmt::skip]
static MOVES: &[Action] = &[
    action!(Id::Down, "down", [char('j'), key(Code::Down)], Scope::Anywhere, Looks, Some(0), "move", "one row down; past the last row, the next panel"),
    action!(Id::Up, "up", [char('k'), key(Code::Up)], Scope::Anywhere, Looks, None, "up", "one row up; past the first row, the panel before"),
    action!(Id::Top, "top", [char('g'), key(Code::Home)], Scope::Anywhere, Looks, None, "top", "to the first row"),
    action!(Id::Bottom, "bottom", [char('G'), key(Code::End)], Scope::Anywhere, Looks, None, "bottom", "to the last row; in a log, follow it"),
    action!(Id::HalfDown, "half-page-down", [ctrl('d')], Scope::Anywhere, Looks, None, "half page", "half a page down"),
    action!(Id::HalfUp, "half-page-up", [ctrl('u')], Scope::Anywhere, Looks, None, "half page", "half a page up"),
    action!(Id::PageDown, "page-down", [key(Code::PageDown)], Scope::Anywhere, Looks, None, "page", "a page down"),
    action!(Id::PageUp, "page-up", [key(Code::PageUp)], Scope::Anywhere, Looks, None, "page", "a page up"),
    action!(Id::NextPanel, "next-panel", [key(Code::Tab)], Scope::Anywhere, Looks, Some(60), "next", "the next panel; in Balance, the next upstream"),
    action!(Id::PreviousPanel, "previous-panel", [key(Code::BackTab)], Scope::Anywhere, Looks, None, "previous", "the panel before; in Balance, the upstream before"),
];

/// The digits in the order of the keyboard: the first view has the first.
static NUMBERS: [[Chord; 1]; 10] = [
    [char('1')],
    [char('2')],
    [char('3')],
    [char('4')],
    [char('5')],
    [char('6')],
    [char('7')],
    [char('8')],
    [char('9')],
    [char('0')],
];

static SHOWS: [Action; View::ALL.len()] = {
    let mut shows = [show(View::ALL[0]); View::ALL.len()];
    let mut at = 1;
    while at < View::ALL.len() {
        shows[at] = show(View::ALL[at]);
        at += 1;
    }
    shows
};

/// A view's row, by what the registry of views says of it.
const fn show(view: View) -> Action {
    let facts = view.facts();
    Action {
        id: Id::Show(view),
        name: facts.name,
        keys: &NUMBERS[view as usize],
        scope: Scope::Anywhere,
        danger: Danger::Looks,
        label: facts.name,
        help: facts.help,
        footer: None,
    }
}

/// What else can be done.
#[rustfmt::skip]
static DEEDS: &[Action] = &[
    action!(Id::Open, "open", [key(Code::Enter)], Scope::Lists, Looks, Some(10), "open", "open the row where it is shown in full"),
    action!(Id::Back, "back", [key(Code::Esc)], Scope::Anywhere, Looks, None, "back", "close what is open, clear marks and filter, leave zoom; never quits"),
    action!(Id::Restart, "restart", [char('r')], RUNS, Weighs, Some(1), "restart", "restart the program: at once when it is not running, else its backend drains first"),
    action!(Id::Roll, "roll", [char('R')], PROGRAMS, Asks, Some(30), "roll", "restart all instances one after another, each ready again before the next"),
    action!(Id::Start, "start", [char('s')], PROGRAMS, Weighs, Some(2), "start", "start the program"),
    action!(Id::Stop, "stop", [char('x')], PROGRAMS, Weighs, Some(3), "stop", "stop the program, its backend drained first"),
    action!(Id::Kill, "kill", [char('X')], PROGRAMS, Asks, Some(31), "kill", "SIGKILL the program now; its restart policy then applies"),
    action!(Id::Signal, "signal", [char('K')], PROGRAMS, Looks, Some(38), "signal", "choose a signal and send it to the main process"),
    action!(Id::Attach, "attach", [char('a')], RUNS, Looks, Some(8), "attach", "speak to the program: what is typed goes to its standard input, until Ctrl-]"),
    action!(Id::Clear, "clear", [], PROGRAMS, Asks, None, "clear", "remove the files that its output goes to, and what is kept of it"),
    action!(Id::ReloadProgram, "reload-program", [], PROGRAMS, Weighs, None, "reload", "tell the program to read its configuration again, as its `reload` says"),
    action!(Id::ScaleUp, "scale-up", [char('+'), char('=')], PROGRAMS, Weighs, Some(35), "scale +1", "one more instance; `:scale NAME N` for any number"),
    action!(Id::ScaleDown, "scale-down", [char('-')], PROGRAMS, Weighs, Some(36), "scale -1", "one instance less: the last one drains and stops"),
    action!(Id::Drain, "drain", [char('d')], BACKENDS, Weighs, Some(1), "drain", "no new request; the running ones finish"),
    action!(Id::Cut, "cut", [char('D')], BACKENDS, Asks, Some(24), "cut", "end what is left of a drain now"),
    action!(Id::Remove, "remove", [], BACKENDS, Weighs, None, "remove", "off its upstream once it has drained; undo brings it back"),
    action!(Id::Add, "add", [], UPSTREAMS, Looks, None, "add", "one more backend: `add UPSTREAM/ADDRESS [WEIGHT] [--backup]`"),
    action!(Id::Enable, "enable", [char('e')], BACKENDS, Weighs, Some(2), "enable", "back in rotation"),
    action!(Id::TakeDown, "take-down", [char('x')], BACKENDS, Weighs, Some(3), "down", "out of rotation until enabled, also after a restart of the engine"),
    action!(Id::WeightUp, "weight-up", [char('+'), char('=')], BACKENDS, Weighs, Some(20), "weight +1", "one more weight: a larger share"),
    action!(Id::WeightDown, "weight-down", [char('-')], BACKENDS, Weighs, Some(21), "weight -1", "one less weight: a smaller share"),
    action!(Id::Strategy, "strategy", [char('S')], UPSTREAMS, Looks, Some(4), "strategy", "choose how the upstream balances"),
    action!(Id::WhatIf, "what-if", [char('w')], BALANCE, Looks, Some(6), "what if", "what other strategies would do with the last minute, backend by backend; again: shares over time"),
    action!(Id::Reset, "reset", [], UPSTREAMS, Weighs, None, "reset", "backends, strategy, weights and states back to what the file says"),
    action!(Id::Undo, "undo", [char('u')], Scope::Anywhere, Weighs, Some(5), "undo", "take back the last drain, enable, down, weight, strategy or reload"),
    action!(Id::Log, "log", [char('l')], RUNS, Looks, Some(6), "log", "the program's output"),
    action!(Id::Follow, "follow", [char('f')], FLOWING, Looks, Some(7), "follow", "stay at the newest line"),
    action!(Id::Wrap, "wrap", [char('w')], LOG, Looks, Some(8), "wrap", "wrap long lines"),
    action!(Id::Include, "with-requests", [char('i')], EVERYTHING, Looks, Some(10), "requests", "each request between the lines, or none of them"),
    action!(Id::Search, "search", [char('/')], LOG, Looks, Some(9), "search", "find words in the log, newest first; a capital letter makes them exact"),
    action!(Id::NextMatch, "next-match", [char('n')], LOG, Looks, Some(12), "next", "the next match further up"),
    action!(Id::PreviousMatch, "previous-match", [char('N')], LOG, Looks, None, "previous", "the next match further down"),
    action!(Id::Keep, "only", [char('&')], LOG, Looks, Some(11), "only", "show only lines that hold these words, and the marks between lives"),
    action!(Id::Filter, "filter", [char('/')], Scope::Lists, Looks, Some(40), "filter", "show only rows with these words, !without them, or by column: state=failed p99>50ms cpu>10%"),
    action!(Id::SortNext, "sort", [char('o'), key(Code::Right)], Scope::Lists, Looks, Some(50), "sort", "by the next column, from its most or its worst on; after the last one in their own order"),
    action!(Id::SortPrevious, "sort-back", [key(Code::Left)], Scope::Lists, Looks, None, "sort back", "by the column before"),
    action!(Id::SortReverse, "sort-reverse", [char('O')], Scope::Lists, Looks, None, "reverse", "reverse the order"),
    action!(Id::Fold, "fold", [char('f')], TREE, Looks, Some(48), "fold", "only the upstream's own row, or its backends again"),
    action!(Id::FoldAll, "fold-all", [char('F')], TREE, Looks, None, "fold all", "all upstreams to one row each, or all of them open"),
    action!(Id::Mark, "mark", [char(' ')], RUNS, Looks, Some(45), "mark", "mark the row; actions then take all marked rows"),
    action!(Id::MarkRange, "mark-range", [ctrl(' ')], RUNS, Looks, None, "mark to", "mark all rows from the nearest marked one to this"),
    action!(Id::Zoom, "zoom", [char('z')], Scope::Anywhere, Looks, Some(55), "zoom", "this panel alone, and back"),
    action!(Id::Split, "split", [char('|')], Scope::Anywhere, Looks, None, "split", "the view before beside this one, or below it; again: this one alone"),
    action!(Id::Pause, "pause", [char('p')], Scope::Anywhere, Looks, Some(57), "pause", "hold the newest second, and look back from it; again: back to now"),
    action!(Id::Travel(Step::Seconds(-1)), "second-back", [char('[')], Scope::Anywhere, Looks, Some(1), "second", "a second back, on every screen; up to fifteen minutes"),
    action!(Id::Travel(Step::Seconds(1)), "second-on", [char(']')], Scope::Anywhere, Looks, None, "second on", "a second on, and past the last one back to now"),
    action!(Id::Travel(Step::Seconds(-60)), "minute-back", [char('{')], Scope::Anywhere, Looks, Some(2), "minute", "a minute back"),
    action!(Id::Travel(Step::Seconds(60)), "minute-on", [char('}')], Scope::Anywhere, Looks, None, "minute on", "a minute on"),
    action!(Id::Travel(Step::EventBefore), "event-before", [char('(')], Scope::Anywhere, Looks, Some(3), "event", "to the moment of the event before"),
    action!(Id::Travel(Step::EventAfter), "event-after", [char(')')], Scope::Anywhere, Looks, None, "event after", "to the moment of the next event"),
    action!(Id::Then, "then", [char('t')], HAPPENED, Looks, Some(52), "then", "to the moment it happened, or began"),
    action!(Id::Theme, "theme", [char('T')], Scope::Anywhere, Looks, None, "theme", "choose the colours and the signs, shown while choosing"),
    action!(Id::Reload, "reload", [], Scope::Anywhere, Weighs, None, "reload", "read the configuration again; a bad one changes nothing"),
    action!(Id::Apply, "apply", [char('r')], CHANGES, Weighs, Some(1), "reload", "put the file in place of what runs, after what that interrupts was confirmed"),
    action!(Id::Revert, "revert", [], Scope::Anywhere, Weighs, None, "revert", "the configuration before the last reload runs again; the file stays as it is"),
    action!(Id::Reopen, "reopen", [], Scope::Anywhere, Weighs, None, "reopen", "open log files anew, after they were moved"),
    action!(Id::Upgrade, "upgrade", [], Scope::Anywhere, Asks, None, "upgrade", "the binary that lies at the engine's path takes over, no program restarts"),
    action!(Id::Shutdown, "shutdown", [], Scope::Anywhere, Asks, None, "shutdown", "stop the engine and everything it runs"),
    action!(Id::Nodes, "nodes", [char('@')], Scope::Anywhere, Looks, None, "nodes", "choose which of several engines is shown, or all"),
    action!(Id::Palette, "command", [char(':')], Scope::Anywhere, Looks, Some(65), "command", "every verb on every target, found by typing"),
    action!(Id::Help, "help", [char('?'), key(Code::F(1))], Scope::Anywhere, Looks, Some(70), "keys", "the keys that work here"),
    action!(Id::Mouse, "mouse", [char('M')], Scope::Anywhere, Looks, None, "mouse", "take the mouse from the terminal, or give it back; off at first, so that text can be selected"),
    action!(Id::Copy, "copy", [char('y')], Scope::Anywhere, Looks, Some(67), "copy", "into the clipboard: the marked rows' names, the row's, the lines of the log in view, or what lets an attack pass"),
    action!(Id::Export, "export", [char('E')], Scope::Anywhere, Looks, None, "export", "this screen into a file: a picture, text, or text with colours"),
    action!(Id::Repaint, "repaint", [ctrl('l')], Scope::Anywhere, Looks, None, "repaint", "draw everything anew"),
    action!(Id::Suspend, "suspend", [ctrl('z')], Scope::Anywhere, Looks, None, "suspend", "to the shell; fg comes back"),
    action!(Id::Quit, "quit", [char('q')], Scope::Anywhere, Looks, Some(80), "detach", "leave the console; the engine goes on"),
    action!(Id::Detach, "detach", [ctrl('c')], Scope::Anywhere, Looks, None, "detach", "leave the console at once, from anywhere"),
];

/// In the order help lists them.
pub(crate) fn all() -> impl Iterator<Item = &'static Action> {
    MOVES.iter().chain(&SHOWS).chain(DEEDS)
}

pub(crate) fn of(id: Id) -> &'static Action {
    all().find(|action| action.id == id).expect("the registry's own test finds every id in it")
}

/// The action a key means where the focus is.
pub(crate) fn for_key(model: &Model, chord: Chord) -> Option<&'static Action> {
    let (panel, kind) = context(model);
    let mut meant = all().filter(|action| model.keys.of(action).contains(&chord));
    meant.find(|action| action.applies(panel, kind))
}

/// The panel in focus and the kind of its selected row.
pub(crate) fn context(model: &Model) -> (Panel, Option<Kind>) {
    (model.focus(), rows::selected(model).map(|row| row.key().kind()))
}

impl Action {
    pub(crate) fn applies(&self, panel: Panel, kind: Option<Kind>) -> bool {
        match self.scope {
            Scope::Anywhere => true,
            Scope::Lists => !panel.is_log(),
            Scope::Somewhere { panels, kinds } => {
                panels.contains(&panel) || kind.is_some_and(|kind| kinds.contains(&kind))
            }
        }
    }

    /// Whether it changes the engine.
    pub(crate) fn is_order(&self) -> bool {
        match self.danger {
            Danger::Looks => false,
            Danger::Weighs | Danger::Asks => true,
        }
    }
}
