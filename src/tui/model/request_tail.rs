//! The last requests, bounded: followed, or held still while somebody reads them.
//!
//! While held, what comes is kept aside and counted, so that no row moves under the reader.

use std::collections::VecDeque;

use super::Model;
use crate::control::requests::{Client, Filter, RequestRecord, Status};

pub(crate) const RECORDS_MAX: usize = 1_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct RequestTail {
    /// Oldest first.
    pub(crate) records: VecDeque<RequestRecord>,
    /// What came while the rows were held; its number says how many are not shown.
    aside: VecDeque<RequestRecord>,
    pub(crate) unseen: u64,
    pub(crate) is_held: bool,
    /// What ended later is kept aside: the past is looked at.
    pub(crate) until_ms: Option<u64>,
    /// Requests that the engine could not show: too many at once.
    pub(crate) lost: u64,
    /// Why there is nothing more to come; empty while the stream lives.
    pub(crate) ended: String,
    /// What the engine is asked for at present; none while nobody looks.
    pub(crate) asked: Option<Filter>,
    /// Which asking: what an earlier one still brings is not shown.
    pub(crate) number: u64,
}

impl RequestTail {
    /// Asks for something else, or for nothing any more.
    pub(crate) fn ask(&mut self, asked: Option<Filter>) {
        let number = self.number + 1;
        // What was seen stays to be read until something else takes its place.
        let kept =
            if asked.is_none() { std::mem::take(&mut self.records) } else { VecDeque::new() };
        let until_ms = self.until_ms;
        *self = Self { records: kept, asked, number, until_ms, ..Self::default() };
    }

    pub(crate) fn push(&mut self, record: RequestRecord) {
        let is_later = self.until_ms.is_some_and(|until_ms| record.wall_ms > until_ms);
        if self.is_held || is_later {
            self.unseen += 1;
            keep(&mut self.aside, record);
        } else {
            keep(&mut self.records, record);
        }
    }

    pub(crate) fn hold(&mut self) {
        self.is_held = true;
    }

    /// Those that are shown, newest first.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &RequestRecord> {
        let until_ms = self.until_ms.unwrap_or(u64::MAX);
        self.records.iter().rev().filter(move |record| record.wall_ms <= until_ms)
    }

    /// Without a time, everything again.
    pub(crate) fn show_until(&mut self, until_ms: Option<u64>) {
        let was_past = std::mem::replace(&mut self.until_ms, until_ms).is_some();
        if was_past && until_ms.is_none() {
            self.follow();
        }
    }

    /// Shows what came meanwhile, and goes on.
    pub(crate) fn follow(&mut self) {
        self.is_held = false;
        self.unseen = 0;
        for record in std::mem::take(&mut self.aside) {
            keep(&mut self.records, record);
        }
    }
}

fn keep(records: &mut VecDeque<RequestRecord>, record: RequestRecord) {
    if records.len() == RECORDS_MAX {
        records.pop_front();
    }
    records.push_back(record);
}

/// Takes a filter's facets out, `status:5xx` and the like: they are the engine's to judge, so that
/// the few that match are found among any number. The other words are looked for in the rows.
pub(crate) fn facets(model: &Model, filter: &str) -> (Filter, String) {
    let mut asked = Filter::default();
    let mut words = Vec::new();
    for word in filter.split_whitespace() {
        let taken = match word.split_once(':') {
            Some(("status", value)) => {
                asked.status = Status::parse(value).ok().or(asked.status);
                Status::parse(value).is_ok()
            }
            Some(("client", value)) => {
                asked.client = Client::parse(value).ok().or(asked.client);
                Client::parse(value).is_ok()
            }
            // A name half typed is looked for in the rows.
            Some(("upstream", value)) if model.upstream(value).is_some() => {
                asked.upstream = Some(value.to_owned());
                true
            }
            Some(("backend", value)) if is_backend(model, value) => {
                asked.backend = Some(value.to_owned());
                true
            }
            Some(("path", value)) if !value.is_empty() => {
                asked.path = Some(value.to_owned());
                true
            }
            Some(_) | None => false,
        };
        if !taken {
            words.push(word);
        }
    }
    (asked, words.join(" "))
}

fn is_backend(model: &Model, name: &str) -> bool {
    model.moment.backends.iter().any(|row| row.backend.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64) -> RequestRecord {
        RequestRecord { seq, ..RequestRecord::default() }
    }

    #[test]
    fn held_rows_stay_and_nothing_new_is_missed() {
        let mut tail = RequestTail::default();
        (0..3).for_each(|seq| tail.push(record(seq)));
        tail.hold();
        (3..5).for_each(|seq| tail.push(record(seq)));
        assert_eq!((tail.records.len(), tail.unseen), (3, 2));
        tail.follow();
        assert_eq!((tail.records.len(), tail.unseen), (5, 0));
        let many = 3 * RECORDS_MAX as u64;
        tail.hold();
        (5..many).for_each(|seq| tail.push(record(seq)));
        assert_eq!((tail.records.len(), tail.unseen), (5, many - 5));
        tail.follow();
        assert_eq!(tail.records.len(), RECORDS_MAX);
        assert_eq!(tail.records.back().map(|record| record.seq), Some(many - 1));
    }

    #[test]
    fn facets_go_to_the_engine_and_words_stay() {
        let mut model = Model::new(crate::tui::model::Size { width: 80, height: 24 }, 0);
        let upstream = crate::control::wire::UpstreamRow {
            name: "api".to_owned(),
            ..crate::control::wire::UpstreamRow::default()
        };
        model.moment.upstreams.push(upstream);
        let (asked, words) =
            facets(&model, "status:5xx upstream:api client:10.0.0.0/8 path:/a users !GET");
        assert_eq!(asked.status, Some(Status::Class(5)));
        assert_eq!(asked.upstream.as_deref(), Some("api"));
        assert_eq!(asked.client, Client::parse("10.0.0.0/8").ok());
        assert_eq!((asked.path.as_deref(), words.as_str()), (Some("/a"), "users !GET"));
        let (asked, words) = facets(&model, "status:5 upstream:ap client:10. 404");
        assert_eq!(
            (asked, words.as_str()),
            (Filter::default(), "status:5 upstream:ap client:10. 404")
        );
    }
}
