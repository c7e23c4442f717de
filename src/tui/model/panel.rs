//! Views, the panels they are made of, and which panels a terminal of a given size has room for.

use super::overlay::Overlay;
use super::split::{self, Pane};
use super::{Model, about};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    Overview,
    Backends,
    Balance,
    Programs,
    Workers,
    Requests,
    Logs,
    Events,
    Config,
}

impl View {
    pub(crate) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Backends,
        Self::Balance,
        Self::Programs,
        Self::Workers,
        Self::Requests,
        Self::Logs,
        Self::Events,
        Self::Config,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Backends => "Backends",
            Self::Balance => "Balance",
            Self::Programs => "Programs",
            Self::Workers => "Workers",
            Self::Requests => "Requests",
            Self::Logs => "Logs",
            Self::Events => "Events",
            Self::Config => "Config",
        }
    }

    /// The title for narrow terminals.
    pub(crate) fn short_title(self) -> &'static str {
        match self {
            Self::Overview => "Ovr",
            Self::Backends => "Back",
            Self::Balance => "Bal",
            Self::Programs => "Prog",
            Self::Workers => "Work",
            Self::Requests => "Req",
            Self::Logs => "Logs",
            Self::Events => "Ev",
            Self::Config => "Conf",
        }
    }

    /// Every panel of the view that can take the focus, in order of reading.
    pub(crate) fn panels(self) -> &'static [Panel] {
        match self {
            Self::Overview => &[
                Panel::Attention,
                Panel::Upstreams,
                Panel::Workers,
                Panel::Programs,
                Panel::Events,
            ],
            Self::Backends => &[Panel::BackendTable],
            Self::Balance => &[Panel::BalanceTable],
            Self::Programs => &[Panel::ProgramTable, Panel::ProgramLog],
            Self::Workers => &[Panel::WorkerTable],
            Self::Requests => &[Panel::RequestTable, Panel::AlarmTable],
            Self::Logs => &[Panel::AllLogs],
            Self::Events => &[Panel::EventTable],
            Self::Config => &[Panel::ConfigTable, Panel::ConfigLines],
        }
    }
}

/// A list (or the log) that can take the focus; each keeps its own cursor, filter and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Panel {
    Attention,
    Upstreams,
    Workers,
    Programs,
    Events,
    BackendTable,
    BalanceTable,
    ProgramTable,
    ProgramLog,
    WorkerTable,
    RequestTable,
    /// What firewalls took for attacks, by kinds.
    AlarmTable,
    /// The output of all programs.
    AllLogs,
    EventTable,
    /// What is different between the file and what runs.
    ConfigTable,
    ConfigLines,
}

impl Panel {
    pub(crate) const ALL: [Self; 16] = [
        Self::Attention,
        Self::Upstreams,
        Self::Workers,
        Self::Programs,
        Self::Events,
        Self::BackendTable,
        Self::BalanceTable,
        Self::ProgramTable,
        Self::ProgramLog,
        Self::WorkerTable,
        Self::RequestTable,
        Self::AlarmTable,
        Self::AllLogs,
        Self::EventTable,
        Self::ConfigTable,
        Self::ConfigLines,
    ];

    /// What its rows are called, for counts and empty states.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Attention => "matters",
            Self::Upstreams => "upstreams",
            Self::Workers | Self::WorkerTable => "workers",
            Self::Programs | Self::ProgramTable => "programs",
            Self::Events | Self::EventTable => "events",
            Self::BackendTable | Self::BalanceTable => "backends",
            Self::ProgramLog | Self::AllLogs | Self::ConfigLines => "lines",
            Self::ConfigTable => "differences",
            Self::RequestTable => "requests",
            Self::AlarmTable => "attacks",
        }
    }

    /// It scrolls by lines and is searched; all others are lists of rows.
    pub(crate) fn is_log(self) -> bool {
        matches!(self, Self::ProgramLog | Self::AllLogs)
    }
}

/// The panels of the current view that there is room for, in order of reading; never empty. Views
/// draw these and no others, so the focus is always on something visible.
pub(crate) fn shown(model: &Model) -> Vec<Panel> {
    shown_in(model, split::main(model))
}

/// The same of either view on the screen.
pub(crate) fn shown_in(model: &Model, pane: Pane) -> Vec<Panel> {
    let all = pane.view.panels();
    let wanted = model.lists.focus(pane.view);
    if model.is_zoomed && all.contains(&wanted) && is_filled(model, wanted) {
        return vec![wanted];
    }
    let is_fitting = |panel: &Panel| pane.height >= height_min(*panel) && is_filled(model, *panel);
    let fitting: Vec<Panel> = all.iter().copied().filter(is_fitting).collect();
    if fitting.is_empty() { vec![all[0]] } else { fitting }
}

/// Whether the panel is drawn at all: attacks are told of when there were some.
fn is_filled(model: &Model, panel: Panel) -> bool {
    panel != Panel::AlarmTable || alarms(model) > 0
}

fn alarms(model: &Model) -> usize {
    model.moment.firewall.as_ref().map_or(0, |firewall| firewall.alarms.len())
}

/// Rows of attacks below the requests, with the rule above them.
pub(crate) fn alarm_table_height(model: &Model, body_height: u16) -> u16 {
    let all = alarms(model).clamp(1, ALARM_ROWS_MAX) as u16 + 1;
    all.min(body_height / 3)
}

const ALARM_ROWS_MAX: usize = 8;

/// Tabs need a row that a lower terminal does not have; the numbers work all the same.
pub(crate) const TABS_HEIGHT_MIN: u16 = 24;

/// Rows of the line that says where in the past one is.
pub(crate) fn ruler_height(model: &Model) -> u16 {
    match (&model.past, model.size.height) {
        (None, _) | (Some(_), 0..RULER_HEIGHT_MIN) => 0,
        (Some(_), RULER_HEIGHT_MIN..RULER_HEIGHT_TALL) => 1,
        (Some(_), RULER_HEIGHT_TALL..) => 2,
    }
}

const RULER_HEIGHT_MIN: u16 = 12;
/// From here on there is room for the traffic, too.
const RULER_HEIGHT_TALL: u16 = 30;

/// The table of programs takes what its rows need, up to half of the body.
const PROGRAM_ROWS_MIN: u16 = 4;

pub(crate) fn program_table_height(model: &Model, body_height: u16, is_alone: bool) -> u16 {
    if is_alone {
        return body_height;
    }
    let all = model.moment.programs.len().clamp(1, 200) as u16 + 1;
    all.min((body_height / 2).max(PROGRAM_ROWS_MIN))
}

/// Lines of the log in view.
pub(crate) fn log_rows(model: &Model) -> u16 {
    let pane = split::main(model);
    let strips = model.size.height - split::body_height(model);
    let body_height = pane.height.saturating_sub(strips);
    let is_alone = shown(model).len() == 1;
    let table_height = if is_alone { 0 } else { program_table_height(model, body_height, false) };
    let about_height = if is_alone { 0 } else { about::lines(model, pane.height).len() as u16 };
    let prompt_height = u16::from(matches!(model.overlay, Some(Overlay::Attached(_))));
    body_height.saturating_sub(table_height + about_height + 1 + prompt_height)
}

/// The height of terminal from which a panel is drawn (the shrink table of the console's design).
fn height_min(panel: Panel) -> u16 {
    match panel {
        Panel::Attention
        | Panel::BackendTable
        | Panel::BalanceTable
        | Panel::ProgramTable
        | Panel::WorkerTable
        | Panel::RequestTable
        | Panel::AllLogs
        | Panel::EventTable
        | Panel::ConfigTable => 0,
        Panel::Upstreams
        | Panel::Programs
        | Panel::ProgramLog
        | Panel::AlarmTable
        | Panel::ConfigLines => 16,
        Panel::Events | Panel::Workers => 24,
    }
}
