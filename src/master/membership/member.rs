//! One backend of one upstream, as the master knows it: where it came from, what was decided about
//! it and by whom, and the standing that follows.

use crate::balance::leaving::Pace;
use crate::balance::{self, md5, share};
use crate::config::model::Address;
use crate::config::model::capacity::OnDrain;
use crate::control::wire;
use crate::master::checks;
use crate::master::history::History;
use crate::scoreboard::BackendId;
use crate::scoreboard::gate::{Bound, Gate, RAMP_FULL, Standing};

use super::{Now, outliers};

/// Who brought the backend in; decides what happens when its source no longer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    File,
    /// An instance that the configuration names; it keeps its place while it is not ready.
    Program(String),
    /// Joined at run time; gone when it leaves.
    Joined(Option<String>),
    /// Found under this name of the file; gone when the name leads elsewhere.
    Discovered(String),
    /// Brought in by the operator; gone when he removes it.
    Added,
}

/// What the operator or a restart decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Admin {
    AsFile,
    /// Enabled against the file's `down`.
    Enabled,
    Draining(Draining),
    /// Its time is over: the workers end what is left.
    Cutting(Draining),
    Drained(Cause),
    /// Drained in order to leave, which it does with the same tick.
    Left {
        by: String,
    },
    Down {
        by: String,
    },
}

/// A drain under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draining {
    pub(super) cause: Cause,
    pub(super) then: Then,
    pub(super) since_ms: u64,
    pub(super) deadline_ms: u64,
    pub(super) deadline_us: u64,
    pub(super) active_at_start: u32,
    /// Counts of the backend when it began.
    pub(super) picks_at_start: u64,
    pub(super) cuts_at_start: u64,
    pub(super) pace: Pace,
}

/// What becomes of a backend that has drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Stay,
    /// It is off its upstream.
    Leave,
}

impl Draining {
    /// A predecessor's, or of another run of the engine: what it counted by is not known.
    pub(super) fn again(
        cause: Cause,
        then: Then,
        (since_ms, deadline_ms): (u64, u64),
        now: Now,
    ) -> Self {
        // The monotonic clock of the deadline may be another boot's; the wall's is not.
        let left_ms = deadline_ms.saturating_sub(now.wall_ms);
        Self {
            cause,
            then,
            since_ms,
            deadline_ms,
            deadline_us: now.mono_us.saturating_add(left_ms.saturating_mul(1000)),
            active_at_start: 0,
            picks_at_start: 0,
            cuts_at_start: 0,
            pace: Pace::default(),
        }
    }

    pub(super) fn end_within(&mut self, timeout_ms: u64, now: Now) {
        self.deadline_ms = now.wall_ms.saturating_add(timeout_ms);
        self.deadline_us = now.mono_us.saturating_add(timeout_ms.saturating_mul(1000));
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Operator(String),
    /// A program's restart or stop; ends when its instance is ready again.
    Restart,
}

impl Cause {
    pub(super) fn by(&self) -> &str {
        match self {
            Self::Operator(by) => by,
            Self::Restart => "restart",
        }
    }
}

/// Whether a program's instance is ready; a backend of the file always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// It was, and what it was given then may still be under way; its program says when it leaves.
    Lost,
    NotReady,
}

/// What active checks last concluded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Passing,
    Failing(String),
}

/// What is configured; compared at reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) weight: u32,
    pub(super) max_fails: u32,
    pub(super) fail_timeout_s: u32,
    pub(super) max_conns: u32,
    pub(super) priority: u8,
    pub(super) is_backup: bool,
    pub(super) is_down: bool,
    /// What sticky clients carry in place of a digest of the address.
    pub(super) route: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: BackendId,
    pub(super) incarnation: u16,
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) settings: Settings,
    pub(super) weight_override: Option<u32>,
    pub(super) max_conns_override: Option<u32>,
    pub(super) admin: Admin,
    pub(super) readiness: Readiness,
    pub(super) health: Health,
    pub(super) outlier: outliers::Record,
    /// The last check's result.
    pub(super) check: Option<checks::Result>,
    /// Start of a slow start under way.
    pub(super) warming_since_us: Option<u64>,
    /// What was last shown, and since when.
    pub(super) shown: wire::BackendState,
    pub(super) since_ms: u64,
    pub(super) window: WindowStart,
}

/// A backend's figures at the start of the upstream's window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowStart {
    pub(super) picks: u64,
    pub(super) weight: i64,
    pub(super) failures: u64,
}

/// A member before it has decisions or history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) address: Address,
    pub(super) origin: Origin,
    pub(super) settings: Settings,
    pub(super) readiness: Readiness,
}

impl Member {
    pub(super) fn new(id: BackendId, incarnation: u16, arrival: Arrival, now: Now) -> Self {
        let mut member = Self {
            id,
            incarnation,
            name: arrival.address.to_string(),
            origin: arrival.origin,
            settings: arrival.settings,
            weight_override: None,
            max_conns_override: None,
            admin: Admin::AsFile,
            readiness: arrival.readiness,
            health: Health::Passing,
            outlier: outliers::Record::default(),
            check: None,
            warming_since_us: None,
            shown: wire::BackendState::Up,
            since_ms: now.wall_ms,
            window: WindowStart::default(),
        };
        member.shown = member.state(RAMP_FULL, false);
        member
    }

    /// Identity for samples and actions: a slot's next life has another.
    pub(super) fn key(&self) -> u32 {
        u32::from(self.incarnation) << 16 | self.id.index() as u32
    }

    pub(super) fn max_conns(&self) -> u32 {
        self.max_conns_override.unwrap_or(self.settings.max_conns)
    }

    pub(super) fn weight(&self) -> u32 {
        self.weight_override.unwrap_or(self.settings.weight)
    }

    /// Takes requests, as far as is known here.
    pub(super) fn is_serving(&self, is_ejected: bool) -> bool {
        self.standing() == Standing::Open && !is_ejected
    }

    pub(super) fn tier(&self) -> balance::Tier {
        if self.settings.is_backup { balance::Tier::Backup } else { balance::Tier::Primary }
    }

    /// In the eyes of the expectation, warm.
    pub(super) fn in_share(&self, is_ejected: bool, history: &History) -> share::Member {
        share::Member {
            weight: self.weight(),
            is_serving: self.is_serving(is_ejected),
            tier: self.tier(),
            priority: self.settings.priority,
            ramp: 1.0,
            service_us: history.mean_service_us(self.id),
        }
    }

    pub(super) fn program(&self) -> Option<&str> {
        match &self.origin {
            Origin::File | Origin::Discovered(_) | Origin::Added => None,
            Origin::Program(label) => Some(label),
            Origin::Joined(label) => label.as_deref(),
        }
    }

    /// The name of the file that led here.
    pub(super) fn host(&self) -> Option<&str> {
        match &self.origin {
            Origin::Discovered(name) => Some(name),
            Origin::File | Origin::Program(_) | Origin::Joined(_) | Origin::Added => None,
        }
    }

    /// The drain under way.
    pub(super) fn draining(&self) -> Option<&Draining> {
        match &self.admin {
            Admin::Draining(draining) | Admin::Cutting(draining) => Some(draining),
            Admin::AsFile
            | Admin::Enabled
            | Admin::Drained(_)
            | Admin::Left { .. }
            | Admin::Down { .. } => None,
        }
    }

    /// Whether it leaves its upstream once it has drained.
    pub(super) fn is_leaving(&self) -> bool {
        match &self.admin {
            Admin::Draining(draining) | Admin::Cutting(draining) => draining.then == Then::Leave,
            Admin::Left { .. } => true,
            Admin::AsFile | Admin::Enabled | Admin::Drained(_) | Admin::Down { .. } => false,
        }
    }

    /// The operator's word first, then the file's, then readiness, then health, then how it serves.
    pub(super) fn standing(&self) -> Standing {
        match &self.admin {
            Admin::Draining(_) => Standing::Draining,
            Admin::Cutting(_) => Standing::Cut,
            Admin::Drained(_) | Admin::Left { .. } => Standing::Drained,
            Admin::Down { .. } => Standing::Down,
            Admin::AsFile if self.settings.is_down => Standing::Down,
            Admin::AsFile | Admin::Enabled => match (self.readiness, &self.health) {
                (Readiness::Lost | Readiness::NotReady, _) => Standing::Starting,
                (Readiness::Ready, Health::Failing(_)) => Standing::Failed,
                (Readiness::Ready, Health::Passing) if self.outlier.is_ejected() => {
                    Standing::Failed
                }
                (Readiness::Ready, Health::Passing) => Standing::Open,
            },
        }
    }

    pub(super) fn gate(&self, ramp: u8) -> Gate {
        let (standing, incarnation) = (self.standing(), self.incarnation);
        Gate { standing, incarnation, weight: self.weight() as u16, ramp, bound: Bound::Moved }
    }

    /// What becomes of the clients that belong to it. A restart waits for nobody's session.
    pub(super) fn bound(&self, on_drain: OnDrain) -> Bound {
        match (&self.admin, on_drain) {
            (Admin::Draining(draining), OnDrain::Follow) => match draining.cause {
                Cause::Operator(_) => Bound::Served,
                Cause::Restart => Bound::Moved,
            },
            (Admin::Draining(_), OnDrain::Move)
            | (
                Admin::AsFile
                | Admin::Enabled
                | Admin::Cutting(_)
                | Admin::Drained(_)
                | Admin::Left { .. }
                | Admin::Down { .. },
                _,
            ) => Bound::Moved,
        }
    }

    /// What sticky clients carry of it.
    pub(super) fn sticky(&self) -> String {
        self.settings.route.clone().unwrap_or_else(|| md5::hex(self.name.as_bytes()))
    }

    /// How much of its turns count `now_us` in a slow start of that length.
    pub(super) fn ramp(&self, slow_start_ms: u64, now_us: u64) -> u8 {
        let Some(since_us) = self.warming_since_us else { return RAMP_FULL };
        let passed_us = now_us.saturating_sub(since_us);
        let part = (passed_us * u64::from(RAMP_FULL)).checked_div(slow_start_ms * 1000);
        // At least one turn in 255, so that it warms at all.
        part.map_or(RAMP_FULL, |part| part.clamp(1, u64::from(RAMP_FULL)) as u8)
    }

    /// What people are shown: an open backend may still be warming, or out after failures.
    pub(super) fn state(&self, ramp: u8, is_ejected: bool) -> wire::BackendState {
        match self.standing() {
            Standing::Open if is_ejected => wire::BackendState::Failed,
            Standing::Open if ramp < RAMP_FULL => wire::BackendState::Starting,
            Standing::Open => wire::BackendState::Up,
            Standing::Starting => wire::BackendState::Starting,
            Standing::Draining | Standing::Cut => wire::BackendState::Draining,
            Standing::Drained => wire::BackendState::Drained,
            Standing::Down | Standing::Vacant => wire::BackendState::Down,
            Standing::Failed => wire::BackendState::Failed,
        }
    }
}
