//! HTTP/2. A stream of a client's connection is served like a connection of HTTP/1.1 with one request
//! (`inbound`), so that routes, guards, limits and logs hold for it as they are; the connection itself
//! only carries streams (`serve`).
//!
//! What a client may cost is bounded: streams at a time, heads, windows, and the frames that carry
//! nothing (`http::http2::meter`).

pub(crate) mod inbound;
mod request;
pub(crate) mod serve;
mod sink;
mod source;
mod wire;

use crate::config::limits;
use crate::http::http2::meter::{Allowance, Allowances};

pub(super) const ALLOWANCES: Allowances = Allowances {
    resets: Allowance {
        burst: limits::HTTP2_RESETS_BURST,
        per_second: limits::HTTP2_RESETS_PER_SECOND,
    },
    pings: Allowance {
        burst: limits::HTTP2_PINGS_BURST,
        per_second: limits::HTTP2_PINGS_PER_SECOND,
    },
    settings: Allowance {
        burst: limits::HTTP2_SETTINGS_BURST,
        per_second: limits::HTTP2_SETTINGS_PER_SECOND,
    },
    empty: Allowance {
        burst: limits::HTTP2_EMPTY_FRAMES_BURST,
        per_second: limits::HTTP2_EMPTY_FRAMES_PER_SECOND,
    },
    continuations_max: limits::HTTP2_CONTINUATIONS_MAX,
};
