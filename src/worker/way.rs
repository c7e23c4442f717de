//! What steps have made of a request: the variables that they set, and the path and arguments in place
//! of those that it came with. Kept with its exchange and reused.

use super::looks::Looks;
use crate::config::limits::tables::OWN_BYTES_MAX;
use crate::http::head::Span;

#[derive(Clone, Default)]
pub(crate) struct Way {
    pub(crate) own: Own,
    /// Whether the path and `args` are in place of what was received.
    pub(crate) is_rewritten: bool,
    pub(crate) args: Vec<u8>,
    /// Whether its route is to be looked for by the new path.
    pub(crate) is_to_be_found: bool,
    /// Routes that it has been looked for in.
    pub(crate) routes: usize,
    /// The path that the route's expression matched, once another one stands in its place.
    pub(crate) matched: Vec<u8>,
    pub(crate) is_matched_apart: bool,
    pub(crate) scratch: Vec<u8>,
    pub(crate) args_scratch: Vec<u8>,
    /// What is known of files.
    pub(crate) looks: Looks,
}

impl Way {
    /// Of the next request, nothing is known yet.
    pub(crate) fn begin(&mut self) {
        self.own.clear();
        self.is_rewritten = false;
        self.is_to_be_found = false;
        self.routes = 0;
        self.is_matched_apart = false;
        self.looks.clear();
    }

    /// Begins anew, with what is known of files.
    pub(crate) fn begin_again(&mut self) {
        let looks = std::mem::take(&mut self.looks);
        self.begin();
        self.looks = looks;
    }

    /// Keeps what groups are parts of, which is no longer the request's path.
    pub(crate) fn keep_matched(&mut self, subject: &[u8]) {
        self.matched.clear();
        self.matched.extend_from_slice(subject);
        self.is_matched_apart = true;
    }
}

/// Variables by their numbers: places in one text, which only grows while its request lasts.
#[derive(Clone, Default)]
pub(crate) struct Own {
    text: Vec<u8>,
    places: Vec<Span>,
}

impl Own {
    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    pub(crate) fn get(&self, at: u16) -> &[u8] {
        self.places.get(usize::from(at)).map_or(&b""[..], |place| place.in_bytes(&self.text))
    }

    /// `None` without room for it.
    pub(crate) fn set(&mut self, at: u16, value: &[u8]) -> Option<()> {
        let at = usize::from(at);
        let (start, end) = (self.text.len(), self.text.len() + value.len());
        if end > OWN_BYTES_MAX {
            return None;
        }
        if self.places.len() <= at {
            self.places.resize(at + 1, Span::default());
        }
        self.text.extend_from_slice(value);
        self.places[at] = Span { start: start as u32, end: end as u32 };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_last_holds_and_there_is_an_end() {
        let mut own = Own::default();
        assert_eq!(own.get(3), b"");
        for (at, value) in [(3, "three"), (0, "zero"), (3, "other"), (1, "")] {
            assert_eq!(own.set(at, value.as_bytes()), Some(()));
        }
        assert_eq!([0, 1, 2, 3].map(|at| own.get(at)), [&b"zero"[..], b"", b"", b"other"]);
        assert_eq!(own.set(0, &vec![b'x'; OWN_BYTES_MAX]), None);
        assert_eq!(own.get(0), b"zero");
        own.clear();
        assert_eq!(own.get(3), b"");
        assert_eq!(own.set(0, &vec![b'x'; OWN_BYTES_MAX]), Some(()));
    }
}
