//! Sticky clients: what they bring, what they are given, and what is learned of them.

use super::connection::Connection;
use super::exchange::Exchange;
use super::generation::Upstream;
use super::pick::Picked;
use super::shape;
use crate::config::limits;
use crate::config::model::capacity::{Cookie, Place, Renewal, Session, Token};
use crate::http::lookup;

impl Exchange {
    /// Keeps what the request's head says of the client. A cookie's value that is longer than any of
    /// ours is none.
    pub(crate) fn keep_token(&mut self, token: &Token, head: &[u8]) {
        self.kept.token.clear();
        let in_cookie = |name: &str| {
            let mut lines = self.request.values(head, "cookie");
            lines.find_map(|line| lookup::cookie(line, name.as_bytes()))
        };
        let found = match token {
            Token::Cookie(cookie) => {
                let is_short = |value: &&[u8]| value.len() <= limits::STICKY_ROUTE_BYTES_MAX;
                in_cookie(&cookie.name).filter(is_short)
            }
            Token::Session(session) => match session.place {
                Place::Cookie => in_cookie(&session.name),
                Place::Header => self.request.values(head, &session.name).next(),
            },
        };
        self.kept.token.extend_from_slice(found.unwrap_or_default());
    }

    /// Finds out whom the client belongs to.
    pub(crate) fn bind(&mut self, connection: &Connection, upstream: &Upstream, token: &Token) {
        let (Some(id), false) = (upstream.id, self.kept.token.is_empty()) else { return };
        let shared = &connection.shared;
        let mut picker = shared.picker.borrow_mut();
        match token {
            Token::Cookie(_) => picker.bind(id, &self.kept.token, &mut self.tried),
            Token::Session(session) => {
                let times = (shared.now_us() / 1_000_000, session.timeout_ms / 1000);
                picker.bind_session(id, &self.kept.token, &mut self.tried, times);
            }
        }
    }

    /// A backend's response is about to be passed on, whose head is `head`.
    pub(crate) fn note_token(
        &mut self,
        connection: &Connection,
        token: &Token,
        picked: &Picked,
        head: &[u8],
    ) {
        match token {
            Token::Cookie(cookie) => self.give_cookie(connection, cookie, picked),
            Token::Session(session) => self.learn(connection, session, picked, head),
        }
    }

    /// Gives the client the cookie of the backend that served it, unless it has brought that.
    fn give_cookie(&mut self, connection: &Connection, cookie: &Cookie, picked: &Picked) {
        let picker = connection.shared.picker.borrow();
        let value = picker.sticky(picked.backend(), picked.incarnation());
        let is_known = cookie.renewal == Renewal::Once && self.kept.token == value.as_bytes();
        if value.is_empty() || is_known {
            return;
        }
        shape::line(&mut self.kept.lines, "Set-Cookie", |out| {
            for part in [&cookie.name, "=", value, &cookie.attributes] {
                out.extend_from_slice(part.as_bytes());
            }
        });
    }

    /// The session that the response names is its backend's.
    fn learn(&self, connection: &Connection, session: &Session, picked: &Picked, head: &[u8]) {
        let shared = &connection.shared;
        let mut values = self.response.headers.iter();
        let found = match session.place {
            Place::Header => values
                .find(|it| is_named(it.name.in_bytes(head), &session.name))
                .map(|it| it.value.in_bytes(head)),
            Place::Cookie => values
                .filter(|it| is_named(it.name.in_bytes(head), "set-cookie"))
                .find_map(|it| set_cookie(it.value.in_bytes(head), &session.name)),
        };
        if let Some(id) = found.filter(|id| !id.is_empty()) {
            shared.picker.borrow_mut().learn_session(picked, id, shared.now_us() / 1_000_000);
        }
    }
}

fn is_named(found: &[u8], name: &str) -> bool {
    found.eq_ignore_ascii_case(name.as_bytes())
}

/// The value, if the line sets the cookie of that name: what follows are its attributes.
fn set_cookie<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let pair = line.split(|&byte| byte == b';').next()?;
    lookup::cookie(pair, name.as_bytes())
}
