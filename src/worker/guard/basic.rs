//! Who the client is, by name and password: nginx's `auth_basic` (ngx_http_auth_basic_module).
//!
//! What was verified lately is known by a digest; the rest is verified on a thread that may take its
//! time. Whether it was right or wrong is remembered alike, so repeating either costs little.

use std::rc::Rc;

use super::book::Book;
use super::{Case, Exchange, Refusal, Shared, Verdict, Wait, shape};
use crate::config::model::guard::BasicAuth;
use crate::http::credentials;
use crate::scoreboard::refusal::Reason;

const UNAUTHORIZED: u16 = 401;
/// There is no file to look into: nobody passes, and no login would help.
const FORBIDDEN: u16 = 403;
/// More wait to be verified than may.
const BUSY: u16 = 503;

const CHALLENGE: &str = "WWW-Authenticate";

pub(crate) struct Basic {
    /// `Basic realm="..."`.
    challenge: String,
    book: Rc<Book>,
}

/// What is to be verified.
pub(crate) struct Question {
    pub(super) book: Rc<Book>,
    /// Name and password, with the colon between them.
    pub(super) pair: Vec<u8>,
    pub(super) colon: usize,
}

impl Basic {
    pub(super) fn compile(auth: &BasicAuth, shared: &Shared) -> Self {
        let realm = auth.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let book = Rc::new(Book::new(&auth.file, shared));
        Self { challenge: format!("Basic realm=\"{realm}\""), book }
    }

    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        let mut pair = std::mem::take(&mut case.exchange.kept.limit_key);
        pair.clear();
        let header = case.exchange.request.values(case.head(), "authorization").next();
        let colon = header.and_then(|value| credentials::basic_pair(value, &mut pair));
        let verdict = match colon {
            None => self.unauthorized(case.exchange),
            Some(colon) => match self.book.known(&pair) {
                Ok(Some(true)) => Verdict::Pass,
                Ok(Some(false)) => self.unauthorized(case.exchange),
                Ok(None) => {
                    let book = Rc::clone(&self.book);
                    Verdict::Wait(Wait::Verify(Box::new(Question {
                        book,
                        pair: pair.clone(),
                        colon,
                    })))
                }
                Err(error) => self.closed(case, &error),
            },
        };
        case.exchange.kept.limit_key = pair;
        verdict
    }

    /// What came of a question.
    pub(super) fn answered(&self, exchange: &mut Exchange, answer: Option<bool>) -> Verdict {
        match answer {
            Some(true) => Verdict::Pass,
            Some(false) => self.unauthorized(exchange),
            None => Verdict::Refuse(Refusal { reason: Reason::Auth, status: BUSY }),
        }
    }

    fn unauthorized(&self, exchange: &mut Exchange) -> Verdict {
        shape::line(&mut exchange.kept.beside, CHALLENGE, |out| {
            out.extend_from_slice(self.challenge.as_bytes());
        });
        Verdict::Refuse(Refusal { reason: Reason::Auth, status: UNAUTHORIZED })
    }

    fn closed(&self, case: &Case<'_>, error: &std::io::Error) -> Verdict {
        if case.connection.shared.may_complain() {
            let path = self.book.path();
            crate::sys::log::error!("worker", "look into {path}: {error}; answering 403");
        }
        Verdict::Refuse(Refusal { reason: Reason::Auth, status: FORBIDDEN })
    }
}
