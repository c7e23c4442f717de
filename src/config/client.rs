//! Bounds and time limits towards clients: a server's own, and those its routes may override.
//!
//! A route starts from its server's values, so what is given here is complete for every route and
//! nothing is inherited at run time.

use super::limits;
use super::model::guard::ResponseRate;
use super::model::{ClientLimits, Delivery, HalfClose, HeadLimits, Keepalive, RequestLimits};
use super::section::{Section, unknown_word};

/// Limits of a connection: of each head on it, and between requests.
pub(super) fn connection(section: &mut Section<'_>) -> ClientLimits {
    ClientLimits { head: head(section), keepalive: keepalive(section) }
}

fn head(section: &mut Section<'_>) -> HeadLimits {
    let default = HeadLimits::default();
    let bytes = limits::HEAD_BYTES_LEAST..=limits::HEAD_BYTES_MAX as u64;
    HeadLimits {
        bytes_max: section
            .size_within("header_max", bytes)
            .map_or(default.bytes_max, |bytes| bytes as usize),
        lines_max: section
            .integer("header_lines_max", 1..=limits::HEADERS_MAX as u32)
            .map_or(default.lines_max, |count| count as usize),
        target_bytes_max: section
            .size_within("uri_max", 1..=limits::TARGET_BYTES_MAX as u64)
            .map_or(default.target_bytes_max, |bytes| bytes as usize),
        timeout_ms: section.positive_duration("header_timeout").unwrap_or(default.timeout_ms),
    }
}

fn keepalive(section: &mut Section<'_>) -> Keepalive {
    let default = Keepalive::default();
    Keepalive {
        timeout_ms: section.duration("keepalive_timeout").unwrap_or(default.timeout_ms),
        requests_max: section
            .integer("keepalive_requests", 1..=limits::REQUESTS_PER_CONNECTION_MAX)
            .unwrap_or(default.requests_max),
    }
}

/// What one table says about its requests.
#[derive(Clone, Copy, Default)]
pub(super) struct Given {
    body_bytes_max: Option<u64>,
    body_timeout_ms: Option<u64>,
    send_timeout_ms: Option<u64>,
    half_close: Option<HalfClose>,
    delivery: Option<Delivery>,
    bytes_per_s: Option<u64>,
    bytes_at_once: Option<u64>,
}

/// Reads the keys that servers and routes share.
pub(super) fn requests(section: &mut Section<'_>) -> Given {
    Given {
        body_bytes_max: section.size("body_max"),
        body_timeout_ms: section.positive_duration("body_timeout"),
        send_timeout_ms: section.positive_duration("send_timeout"),
        half_close: half_close(section),
        delivery: section
            .flag("request_buffering")
            .map(|is_on| if is_on { Delivery::Buffered } else { Delivery::Streamed }),
        bytes_per_s: section.size("limit_rate"),
        bytes_at_once: section.size("limit_rate_after"),
    }
}

fn half_close(section: &mut Section<'_>) -> Option<HalfClose> {
    let word = section.text("half_close")?;
    match word.value.as_str() {
        "cancel" => Some(HalfClose::Cancel),
        "answer" => Some(HalfClose::Answer),
        _ => {
            unknown_word(section.report, "half_close", &word, &["cancel", "answer"]);
            None
        }
    }
}

impl Given {
    /// The route's word before its server's, the server's before the default. A body that is kept
    /// here has nginx's bound; one that only passes costs nothing by its length, so whoever sets
    /// none gets none.
    pub(super) fn within(self, server: Self) -> RequestLimits {
        let delivery = self.delivery.or(server.delivery).unwrap_or(Delivery::Streamed);
        let body_bytes_max = match delivery {
            Delivery::Streamed => limits::BODY_BYTES_MAX,
            Delivery::Buffered => limits::BODY_BUFFERED_BYTES_MAX,
        };
        RequestLimits {
            body_bytes_max: self.body_bytes_max.or(server.body_bytes_max).unwrap_or(body_bytes_max),
            body_timeout_ms: self
                .body_timeout_ms
                .or(server.body_timeout_ms)
                .unwrap_or(limits::BODY_READ_TIMEOUT_MS),
            send_timeout_ms: self
                .send_timeout_ms
                .or(server.send_timeout_ms)
                .unwrap_or(limits::SEND_TIMEOUT_MS),
            half_close: self.half_close.or(server.half_close).unwrap_or(HalfClose::Cancel),
            delivery,
            rate: ResponseRate {
                bytes_per_s: self.bytes_per_s.or(server.bytes_per_s).unwrap_or(0),
                bytes_at_once: self.bytes_at_once.or(server.bytes_at_once).unwrap_or(0),
            },
        }
    }
}
