//! Sticky cookies: what a client brings, and what it is given.

use super::connection::Connection;
use super::exchange::Exchange;
use super::generation::Upstream;
use super::pick::Picked;
use super::shape;
use crate::config::limits;
use crate::config::model::capacity::{Cookie, Renewal};
use crate::http::lookup;

impl Exchange {
    /// Keeps what the cookie in the request's head says. What is longer than any of ours is none.
    pub(crate) fn keep_bound(&mut self, cookie: &Cookie, head: &[u8]) {
        self.kept.bound.clear();
        let mut lines = self.request.values(head, "cookie");
        let value = lines.find_map(|line| lookup::cookie(line, cookie.name.as_bytes()));
        let is_short = |value: &&[u8]| value.len() <= limits::STICKY_ROUTE_BYTES_MAX;
        self.kept.bound.extend_from_slice(value.filter(is_short).unwrap_or_default());
    }

    /// Gives the client the cookie of the backend that served it, unless it has brought that.
    pub(crate) fn bind(&mut self, connection: &Connection, upstream: &Upstream, picked: &Picked) {
        let Some(cookie) = &upstream.cookie else { return };
        let picker = connection.shared.picker.borrow();
        let value = picker.sticky(picked.backend(), picked.incarnation());
        let is_known = cookie.renewal == Renewal::Once && self.kept.bound == value.as_bytes();
        if value.is_empty() || is_known {
            return;
        }
        shape::line(&mut self.kept.lines, "Set-Cookie", |out| {
            for part in [&cookie.name, "=", value, &cookie.attributes] {
                out.extend_from_slice(part.as_bytes());
            }
        });
    }
}
