//! The recent requests of all workers, for whoever asks to see them and for those who follow.
//!
//! Reads the workers' rings, ten times a second while somebody follows and never otherwise. A
//! follower that reads slowly loses requests and is told how many; so is everybody when a ring was
//! overwritten before it was read.

use std::net::IpAddr;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::config::limits::{REQUEST_FOLLOW_QUEUE_MAX, REQUEST_FOLLOWERS_MAX};
use crate::control::requests::{Filter, RequestLine, RequestRecord};
use crate::http::client_ip;
use crate::scoreboard::layout::WORKERS_MAX;
use crate::scoreboard::{BackendId, Board, UpstreamId, WorkerSlot, recent};

pub(super) struct Requests {
    board: Board,
    /// How far each worker's ring was read for the followers.
    read: [u64; WORKERS_MAX],
    followers: Vec<Follower>,
}

struct Follower {
    filter: Filter,
    lines: mpsc::Sender<Bytes>,
    lost: u64,
}

/// A look at the rings.
#[derive(Default)]
struct Seen {
    records: Vec<RequestRecord>,
    /// Overwritten before they were read.
    lost: u64,
}

impl Requests {
    pub(super) fn new(board: Board) -> Self {
        Self { board, read: [0; WORKERS_MAX], followers: Vec::new() }
    }

    /// The last `tail` of those kept that match, then the end.
    pub(super) fn kept(&self, filter: &Filter, tail: Option<u32>) -> mpsc::Receiver<Bytes> {
        let (lines, receiver) = mpsc::channel(1);
        lines.try_send(self.tail(filter, tail)).expect("a new queue has room for its only entry");
        receiver
    }

    /// The same, and whatever comes after; `None` when too many follow already.
    pub(super) fn follow(
        &mut self,
        filter: Filter,
        tail: Option<u32>,
    ) -> Option<mpsc::Receiver<Bytes>> {
        // Up to here for everybody, so that nothing is between what is kept and what follows.
        self.tell();
        if self.followers.is_empty() {
            for worker in self.board.workers() {
                self.read[worker.slot().index()] = recent::end(self.board, worker.slot());
            }
        }
        if self.followers.len() >= REQUEST_FOLLOWERS_MAX {
            return None;
        }
        let (lines, receiver) = mpsc::channel(REQUEST_FOLLOW_QUEUE_MAX);
        let kept = self.tail(&filter, tail);
        lines.try_send(kept).expect("a new queue has room for its first entry");
        self.followers.push(Follower { filter, lines, lost: 0 });
        Some(receiver)
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.followers.is_empty()
    }

    /// What has come since the last time, to everyone who follows.
    pub(super) fn tell(&mut self) {
        self.followers.retain(|follower| !follower.lines.is_closed());
        if self.followers.is_empty() {
            return;
        }
        let mut seen = Seen::default();
        for worker in self.board.workers() {
            let slot = worker.slot();
            let from = self.read[slot.index()];
            let before = seen.records.len();
            let next = self.look(slot, from, u64::MAX, &mut seen);
            let looked_at = (seen.records.len() - before) as u64;
            seen.lost += (next - from).saturating_sub(looked_at);
            self.read[slot.index()] = next;
        }
        seen.sort();
        self.followers.retain_mut(|follower| follower.tell(&seen));
    }

    /// Those kept that followers were told of.
    fn tail(&self, filter: &Filter, tail: Option<u32>) -> Bytes {
        let mut seen = Seen::default();
        for worker in self.board.workers() {
            let until =
                if self.is_followed() { self.read[worker.slot().index()] } else { u64::MAX };
            self.look(worker.slot(), 0, until, &mut seen);
        }
        seen.records.retain(|record| filter.matches(record));
        seen.sort();
        let count = tail.map_or(usize::MAX, |tail| tail as usize);
        let first = seen.records.len().saturating_sub(count);
        encode(0, seen.records.into_iter().skip(first))
    }

    fn look(&self, slot: WorkerSlot, from: u64, until: u64, seen: &mut Seen) -> u64 {
        let records = &mut seen.records;
        recent::read(self.board, slot, from, |seq, entry| {
            if seq < until {
                records.push(self.record(slot, seq, &entry));
            }
        })
    }

    fn record(&self, slot: WorkerSlot, seq: u64, entry: &recent::Entry) -> RequestRecord {
        RequestRecord {
            wall_ms: entry.wall_ms,
            worker: slot.index() as u16,
            seq,
            client: client(entry.client),
            protocol: entry.protocol.name().to_owned(),
            method: entry.method.name().to_owned(),
            host: String::from_utf8_lossy(entry.host.as_bytes()).into_owned(),
            path: String::from_utf8_lossy(entry.path.as_bytes()).into_owned(),
            is_host_cut: entry.host.is_cut(),
            is_path_cut: entry.path.is_cut(),
            status: entry.status,
            service_us: entry.service_us,
            bytes: entry.bytes,
            upstream: entry.upstream.and_then(|id| self.upstream_name(id)),
            backend: entry.backend.and_then(|(id, life)| self.backend_name(id, life)),
            tries: entry.tries,
        }
    }

    fn upstream_name(&self, id: UpstreamId) -> Option<String> {
        Some(self.board.upstream(id).name()).filter(|name| !name.is_empty())
    }

    /// Another life of the slot is another backend.
    fn backend_name(&self, id: BackendId, incarnation: u16) -> Option<String> {
        let about = self.board.backend(id).about();
        (about.incarnation == incarnation).then_some(about.address)
    }
}

impl Seen {
    /// Each worker's are in order; together they are by the time they ended.
    fn sort(&mut self) {
        self.records.sort_by_key(|record| (record.wall_ms, record.worker, record.seq));
    }
}

impl Follower {
    /// Whether it still reads.
    fn tell(&mut self, seen: &Seen) -> bool {
        let matching = seen.records.iter().filter(|record| self.filter.matches(record));
        let lost = self.lost + seen.lost;
        let (count, mut matching) = (matching.clone().count() as u64, matching.cloned());
        if count == 0 && lost == 0 {
            return true;
        }
        match self.lines.try_send(encode(lost, &mut matching)) {
            Ok(()) => {
                self.lost = 0;
                true
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.lost = lost + count;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

/// One JSON value a line.
fn encode(lost: u64, records: impl Iterator<Item = RequestRecord>) -> Bytes {
    let lost = (lost > 0).then_some(RequestLine::Lost { lost });
    let records = records.map(|record| RequestLine::Request(Box::new(record)));
    let mut encoded = Vec::new();
    for line in lost.into_iter().chain(records) {
        serde_json::to_writer(&mut encoded, &line).expect("a record is plain data");
        encoded.push(b'\n');
    }
    encoded.into()
}

/// As the log has it.
pub(super) fn client(address: IpAddr) -> String {
    match address {
        client_ip::NO_ADDRESS => "unix:".to_owned(),
        address => address.to_canonical().to_string(),
    }
}
