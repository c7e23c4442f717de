//! Limits: their zones on the board, and what workers say came of them.

use std::collections::BTreeMap;

use super::minute::Minute;
use crate::config::limits;
use crate::config::model::Config;
use crate::config::model::guard::{Bound, Counted, Zone};
use crate::control::limit::{Limit, Offender, Refused};
use crate::scoreboard::Board;
use crate::scoreboard::limit::figures::{self, Figures};
use crate::scoreboard::limit::zone::{self, Wanted};
use crate::scoreboard::limit::{Event, Kind, words};
use crate::scoreboard::refusal::{self, Reason};

const _: () = assert!(limits::guards::LIMITS_MAX == words::LIMITS_MAX);
const _: () = assert!(limits::guards::LIMIT_KEYS_MAX as usize == words::RATE_KEYS_MAX);
const _: () =
    assert!(limits::guards::LIMIT_KEYS_MAX_OF_CONNECTIONS as usize == words::COUNT_KEYS_MAX);

/// Of one limit.
const OFFENDERS_SHOWN_MAX: usize = 8;

/// Makes the board's zones those of the configuration; before workers hear of it.
pub(super) fn publish(board: Board, config: &Config) {
    let wanted: Vec<Wanted<'_>> = config
        .limits
        .iter()
        .map(|zone| Wanted {
            name: &zone.name,
            kind: match zone.counted {
                Counted::Rate(_) => Kind::Rate,
                Counted::Connections => Kind::Connections,
            },
            shape: shape(zone),
            keys: zone.keys as usize,
        })
        .collect();
    zone::publish(board, &wanted);
}

/// A digest (FNV-1a) of how its keys are made: those of two generations are comparable only when they
/// are made alike. Another rate goes on from what was counted, as in nginx.
fn shape(zone: &Zone) -> u64 {
    let text = format!("{:?}", zone.key);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What came of the limits, in the order of the file.
pub(super) fn rows(board: Board, config: &Config, refusals: &Refusals) -> Vec<Limit> {
    let mut figures = figures::all(board);
    figures.sort_by_key(|it| config.limits.iter().position(|zone| zone.name == it.name));
    figures.into_iter().map(|figures| row(config, figures, refusals)).collect()
}

/// Of each limit, how much it refused lately.
#[derive(Default)]
pub(super) struct Refusals {
    minutes: BTreeMap<String, Minute>,
}

impl Refusals {
    pub(super) fn close_second(&mut self, board: Board) {
        let figures = figures::all(board);
        self.minutes.retain(|name, _| figures.iter().any(|it| it.name == *name));
        for figures in figures {
            let total = figures.count(Event::Refused);
            self.minutes.entry(figures.name).or_default().close_second(total);
        }
    }

    fn of(&self, name: &str) -> u64 {
        self.minutes.get(name).map_or(0, Minute::count)
    }
}

fn row(config: &Config, figures: Figures, refusals: &Refusals) -> Limit {
    let count = |event| figures.count(event);
    Limit {
        kind: match figures.kind {
            Kind::Rate => "rate",
            Kind::Connections => "connections",
        }
        .to_owned(),
        passed: count(Event::Passed),
        delayed: count(Event::Delayed),
        refused: count(Event::Refused),
        refused_last_minute: refusals.of(&figures.name),
        delayed_dry_run: count(Event::DelayedDry),
        refused_dry_run: count(Event::RefusedDry),
        evicted: count(Event::Evicted),
        uncounted: count(Event::Uncounted),
        in_progress: figures.held,
        relief: relief(config, &figures.name),
        offenders: figures
            .offenders
            .into_iter()
            .take(OFFENDERS_SHOWN_MAX)
            .map(|it| Offender { key: it.key, refused: it.refusals })
            .collect(),
        name: figures.name,
    }
}

/// How much more a limit is raised by.
const RAISE: u64 = 2;

/// Text for the file: twice as much, or a trial that refuses nobody.
fn relief(config: &Config, name: &str) -> String {
    let Some(zone) = config.limits.iter().find(|zone| zone.name == name) else {
        return String::new();
    };
    match zone.counted {
        Counted::Rate(rate) => {
            let (now, raised) = (spelled(rate), spelled(rate.saturating_mul(RAISE)));
            format!(
                "[limit.{name}]\nrate = \"{raised}\"  # {now} so far\n\
                 # or on trial: limits = [{{ zone = \"{name}\", dry_run = true }}]\n"
            )
        }
        Counted::Connections => {
            let routes = config.servers.iter().flat_map(|server| &server.routes);
            let demands = routes.flat_map(|route| &route.guards.limits);
            let bounds = demands.filter_map(|limit| match limit.bound {
                Bound::Connections(bound) if limit.zone == name => Some(bound),
                Bound::Connections(_) | Bound::Burst { .. } => None,
            });
            let Some(bound) = bounds.max() else { return String::new() };
            let raised = u64::from(bound) * RAISE;
            format!(
                "limits = [{{ zone = \"{name}\", connections = {raised} }}]  # {bound} so far\n\
                 # or on trial: {{ zone = \"{name}\", connections = {bound}, dry_run = true }}\n"
            )
        }
    }
}

/// As the file spells so many thousandths of a request a second: by the second, or by the minute where
/// that is exact.
fn spelled(rate: u64) -> String {
    match rate {
        rate if rate.is_multiple_of(1000) => format!("{}r/s", rate / 1000),
        rate => format!("{}r/m", (rate * 60).div_ceil(1000)),
    }
}

/// What guards let go no further, those of all workers.
pub(super) fn refused(board: Board) -> Vec<Refused> {
    let mut sums = [0; Reason::ALL.len()];
    for worker in board.workers() {
        for (sum, count) in sums.iter_mut().zip(refusal::counts(board, worker.slot())) {
            *sum += count;
        }
    }
    let row =
        |(reason, requests): (Reason, u64)| Refused { guard: reason.name().to_owned(), requests };
    Reason::ALL.into_iter().zip(sums).map(row).collect()
}
