//! Which pages of other sites may read answers (Fetch, "HTTP extensions for CORS"): a browser's
//! question before a request is answered here, and of every request it is known whether its page is
//! among those that may.

use super::{Case, Exchange, Verdict, shape};
use crate::config::model::guard::{self, Origins};

const NO_CONTENT: u16 = 204;

pub(crate) struct Cors {
    origins: Origins,
    /// What the answer to a question says, whoever asks; whole lines.
    terms: Vec<u8>,
    /// Those that may be sent; empty: whichever the page asks for.
    headers: String,
}

impl Cors {
    pub(super) fn compile(cors: &guard::Cors) -> Self {
        let mut terms = Vec::new();
        let mut line = |name: &str, value: &str| {
            shape::line(&mut terms, name, |out| out.extend_from_slice(value.as_bytes()));
        };
        line("Access-Control-Allow-Methods", &cors.methods.join(", "));
        if let Some(age_s) = cors.max_age_s {
            line("Access-Control-Max-Age", &age_s.to_string());
        }
        Self { origins: cors.origins.clone(), terms, headers: cors.headers.join(", ") }
    }

    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        let mut allowed = std::mem::take(&mut case.exchange.kept.cors_origin);
        allowed.clear();
        let value = |name| case.exchange.request.values(case.head(), name).next();
        if let Some(origin) = value("origin").filter(|origin| self.allows(origin)) {
            match &self.origins {
                Origins::Any => allowed.push(b'*'),
                Origins::Listed(_) => allowed.extend_from_slice(origin),
            }
        }
        let is_question = case.exchange.request.method_name.in_bytes(case.head()) == b"OPTIONS"
            && value("origin").is_some()
            && value("access-control-request-method").is_some();
        let is_allowed = !allowed.is_empty();
        case.exchange.kept.cors_origin = allowed;
        if !is_question {
            return Verdict::Pass;
        }
        if is_allowed {
            self.answer(case);
        }
        Verdict::Answer(NO_CONTENT)
    }

    /// The lines of an answer to a question; that which names the origin is a rule of the route.
    fn answer(&self, case: &mut Case<'_>) {
        let mut lines = std::mem::take(&mut case.exchange.kept.beside);
        lines.extend_from_slice(&self.terms);
        shape::line(&mut lines, "Access-Control-Allow-Headers", |out| {
            let asked = requested(case.exchange, case.head());
            out.extend_from_slice(if self.headers.is_empty() {
                asked
            } else {
                self.headers.as_bytes()
            });
        });
        case.exchange.kept.beside = lines;
    }

    fn allows(&self, origin: &[u8]) -> bool {
        match &self.origins {
            Origins::Any => true,
            Origins::Listed(listed) => listed.iter().any(|known| is_of(origin, known)),
        }
    }
}

fn requested<'a>(exchange: &'a Exchange, head: &'a [u8]) -> &'a [u8] {
    exchange.request.values(head, "access-control-request-headers").next().unwrap_or_default()
}

/// Whether an origin is one that the configuration names; `known` is in lower case.
fn is_of(origin: &[u8], known: &str) -> bool {
    let Some((scheme, below)) = known.split_once("://*.") else {
        return origin.eq_ignore_ascii_case(known.as_bytes());
    };
    let Some((own, rest)) = origin.split_at_checked(scheme.len()) else { return false };
    let Some(host) = rest.strip_prefix(b"://") else { return false };
    let is_below =
        host.len().checked_sub(below.len()).and_then(|at| at.checked_sub(1)).is_some_and(|dot| {
            dot > 0 && host[dot] == b'.' && host[dot + 1..].eq_ignore_ascii_case(below.as_bytes())
        });
    own.eq_ignore_ascii_case(scheme.as_bytes()) && is_below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_met_whole_or_by_what_is_above_it() {
        for (origin, known, expected) in [
            ("https://app.example.com", "https://app.example.com", true),
            ("HTTPS://App.example.com", "https://app.example.com", true),
            ("https://app.example.com:8443", "https://app.example.com", false),
            ("http://app.example.com", "https://app.example.com", false),
            ("https://a.b.example.com", "https://*.example.com", true),
            ("https://example.com", "https://*.example.com", false),
            ("https://.example.com", "https://*.example.com", false),
            ("https://evilexample.com", "https://*.example.com", false),
            ("https://a.example.com.evil.org", "https://*.example.com", false),
            ("http://a.example.com", "https://*.example.com", false),
            ("null", "https://*.example.com", false),
        ] {
            assert_eq!(is_of(origin.as_bytes(), known), expected, "{origin} of {known}");
        }
    }
}
