//! HTTP/2. A stream of a client's connection is served like a connection of HTTP/1.1 with one request
//! (`inbound`), so that routes, guards, limits and logs hold for it as they are; the connection itself
//! only carries streams (`serve`). To backends it is the same the other way: a request is written to
//! one stream (`outbound`) of a connection that carries many (`trunks`).
//!
//! What a client may cost is bounded: streams at a time, heads, windows, and the frames that carry
//! nothing (`http::http2::meter`).

pub(crate) mod grpc;
pub(crate) mod inbound;
pub(crate) mod outbound;
mod outbox;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod request;
pub(crate) mod serve;
pub(crate) mod silence;
mod sink;
mod source;
pub(crate) mod trunks;
mod wire;

use crate::config::limits;
use crate::http::http2::meter::{Allowance, Allowances};

pub(super) const ALLOWANCES: Allowances = Allowances {
    resets: Allowance {
        burst: limits::http2::RESETS_BURST,
        per_second: limits::http2::RESETS_PER_SECOND,
    },
    pings: Allowance {
        burst: limits::http2::PINGS_BURST,
        per_second: limits::http2::PINGS_PER_SECOND,
    },
    settings: Allowance {
        burst: limits::http2::SETTINGS_BURST,
        per_second: limits::http2::SETTINGS_PER_SECOND,
    },
    empty: Allowance {
        burst: limits::http2::EMPTY_FRAMES_BURST,
        per_second: limits::http2::EMPTY_FRAMES_PER_SECOND,
    },
    continuations_max: limits::http2::CONTINUATIONS_MAX,
};
