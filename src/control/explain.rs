//! How an upstream balances, as the console and scripts are told: what it was tested for, what came
//! of it and why, and what another strategy would have done with the same requests.
//!
//! Times are milliseconds or microseconds as named, shares fractions of one. What is said of these
//! to people is in `explain::words`.

pub(crate) mod words;

use serde::{Deserialize, Serialize};

use super::wire::BackendState;

/// `GET /v1/upstreams/NAME/explain`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Explanation {
    pub(crate) upstream: String,
    pub(crate) strategy: String,
    pub(crate) window: Window,
    pub(crate) backends: Vec<Part>,
    pub(crate) fit: Fit,
    /// The busiest client networks of the requests that are held, busiest first.
    pub(crate) clients: Vec<Client>,
    pub(crate) what_if: WhatIf,
}

/// Since the last change of state, weight, strategy or generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Window {
    pub(crate) since_ms: u64,
    pub(crate) lasted_ms: u64,
    pub(crate) picks: u64,
}

/// A backend's part of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) state: BackendState,
    pub(crate) weight: u32,
    pub(crate) picks: u64,
    pub(crate) expected_share: f64,
    pub(crate) actual_share: f64,
    /// Picks beyond what was expected, or short of it.
    pub(crate) deviation_picks: f64,
    /// In flight now, and on average over the window's last minute.
    pub(crate) active: u32,
    pub(crate) active_mean: Option<f64>,
    pub(crate) service_mean_us: Option<f64>,
}

/// Whether the strategy's promise is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Fit {
    pub(crate) verdict: Verdict,
    pub(crate) promise: Promise,
    /// The first decided.
    pub(crate) findings: Vec<Finding>,
    /// Why something went another way; absent where nothing did.
    pub(crate) cause: Option<Cause>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Too few requests, or too little going on, to say anything.
    #[default]
    TooFew,
    Fits,
    /// Uneven for a reason that lies with the clients.
    Skewed,
    Deviates,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Promise {
    /// To the request, by the smooth weights.
    #[default]
    Exact,
    /// Requests in flight in proportion to weight.
    Even,
    /// Each client keeps its backend.
    Client,
    /// Shares as drawn.
    Chance,
    /// Who answers faster gets more.
    Swift,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    #[serde(flatten)]
    pub(crate) claim: Claim,
}

/// One tested claim; `value` is what was found, `limit` what it is held to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "test", rename_all = "snake_case")]
pub(crate) enum Claim {
    /// The backend furthest from its due, in requests; `limit` is what the smooth weights account
    /// for, exactly.
    ExactBound {
        value: f64,
        limit: f64,
    },
    /// Requests that the smooth weights do not account for.
    Unexplained {
        value: f64,
        limit: f64,
    },
    /// In-flight averages per weight: most over least, or within so many requests of each other.
    InFlightSpread {
        value: f64,
        limit: f64,
        least: f64,
        most: f64,
        limit_requests: f64,
    },
    /// The share of the backend with the fewest requests for its weight, and who is the slowest.
    SlowestGetsFewest {
        value: f64,
        fewest: String,
        slowest: String,
    },
    /// The request share furthest from its share of the hash space.
    HashShare {
        value: f64,
        hash_share: f64,
        limit: f64,
        backend: String,
    },
    /// The busiest client network, named by what a hash sees of it; empty before the first.
    TopClient {
        value: f64,
        limit: f64,
        network: String,
    },
    /// Of the requests looked at, those that went to the backend their client belongs to.
    ClientKept {
        value: u64,
        limit: u64,
    },
    GTest {
        value: f64,
        limit: f64,
        chi_square: f64,
        degrees: usize,
        p: f64,
        effect: f64,
    },
    /// Requests that went to a further backend, and those that went nowhere.
    Retries {
        value: u64,
        requests: u64,
        failures: u64,
        withheld: u64,
        refused: u64,
        overflows: u64,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Cause {
    pub(crate) kind: CauseKind,
    /// The backend that it is about; empty for the upstream as a whole.
    pub(crate) backend: String,
    /// When it happened, wall clock; 0 for what is counted or goes on.
    pub(crate) at_ms: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum CauseKind {
    SlowStart,
    Retry,
    /// A failure lowered a weight, which recovers.
    Failure,
    Ejection,
    CheckFailure,
    Return,
    Drain,
    Down,
    WeightChange,
    StrategyChange,
    Membership,
    Reload,
    #[default]
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Client {
    /// What a client hash sees of an address.
    pub(crate) network: String,
    pub(crate) requests: u64,
    pub(crate) share: f64,
}

/// A model, not a promise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WhatIf {
    /// Says so, to whoever reads only this.
    pub(crate) label: String,
    pub(crate) held: Held,
    /// The backends that shares below are of, in their order.
    pub(crate) backends: Vec<String>,
    /// The running strategy among them.
    pub(crate) strategies: Vec<Modelled>,
}

/// The requests that were replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Held {
    pub(crate) arrivals: u64,
    /// From the first of them to now, and what was wished for.
    pub(crate) covered_ms: u64,
    pub(crate) wanted_ms: u64,
    /// Finished in the wanted time, held or not.
    pub(crate) finished: u64,
    pub(crate) limit: Limit,
}

/// What kept the replay from the whole of the wanted time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    /// Nothing: all there were.
    #[default]
    None,
    /// So many are remembered, and there were more, or they came too fast to be read.
    Kept,
    /// A replay's work is bounded.
    Work,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Modelled {
    pub(crate) strategy: String,
    pub(crate) is_running: bool,
    /// Why the upstream cannot use it; empty where it can. The figures are then zero.
    pub(crate) impossible: String,
    pub(crate) max_share: f64,
    pub(crate) in_flight_max: u32,
    pub(crate) service_us: Service,
    /// Of the client networks with several requests, the part that met more than one backend.
    pub(crate) clients_split: f64,
    pub(crate) parts: Vec<ModelledPart>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ModelledPart {
    pub(crate) share: f64,
    pub(crate) requests: u64,
    pub(crate) in_flight_max: u32,
    pub(crate) service_us: Service,
}

/// Service times as they were measured under the strategy that ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Service {
    pub(crate) mean: f64,
    pub(crate) p50: u32,
    pub(crate) p95: u32,
    pub(crate) p99: u32,
}

/// What is written beside every figure of the model.
pub(crate) const LABEL: &str = "a model, not a promise";
