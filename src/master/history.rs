//! The last quarter of an hour, second by second, and what "recently" means for a backend's
//! latency and an upstream's clients.
//!
//! Reads the board once a second and keeps differences; holds nothing that the board could not give
//! again, so it starts anew with each master.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::balance::share;
use crate::config::limits;
use crate::control::sample;
use crate::control::tape::{self, Tape};
use crate::control::wire;
use crate::scoreboard::account::{self, Counts, UpstreamCounts};
use crate::scoreboard::crew::WorkerFigures;
use crate::scoreboard::histogram::Histogram;
use crate::scoreboard::layout::{BACKENDS_MAX, UPSTREAMS_MAX};
use crate::scoreboard::{BackendId, Board, UpstreamId, WorkerSlot, recent};

use super::arrivals::{Arrival, Arrivals};
use super::clients::Clients;

/// Seconds that a shown latency covers.
const RECENT_SECONDS: usize = 10;

/// Seconds that an average of requests in flight covers, and the least that it is made of.
const ACTIVE_SECONDS: usize = 60;
const ACTIVE_SECONDS_MIN: usize = 5;

/// What one worker used in the last second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Effort {
    pub(crate) slot: u16,
    pub(crate) cpu_percent: f32,
    pub(crate) rss_bytes: u64,
}

const _: () = assert!(tape::KEPT_MS == limits::HISTORY_SECONDS as u64 * 1000);

pub(crate) struct History {
    board: Board,
    tape: Tape,
    samples: VecDeque<sample::Sample>,
    workers: Vec<WorkerTrack>,
    /// By slot.
    upstreams: Vec<UpstreamTrack>,
    /// By slot.
    backends: Vec<Option<BackendTrack>>,
    arrivals: Arrivals,
}

struct WorkerTrack {
    slot: WorkerSlot,
    last: WorkerFigures,
    /// How far its ring of requests was read.
    read: u64,
}

#[derive(Clone, Default)]
struct UpstreamTrack {
    incarnation: u32,
    last: UpstreamCounts,
    clients: Clients,
}

struct BackendTrack {
    incarnation: u16,
    counts: Counts,
    latency: Histogram,
    recent: VecDeque<Second>,
    /// In flight at the end of each second, with its time.
    actives: VecDeque<(u64, u32)>,
}

/// What one backend did in one second.
#[derive(Default)]
struct Second {
    counts: Counts,
    latency: Histogram,
}

impl History {
    pub(crate) fn new(board: Board) -> Self {
        let mut history = Self {
            board,
            tape: Tape::default(),
            samples: VecDeque::new(),
            workers: Vec::new(),
            upstreams: vec![UpstreamTrack::default(); UPSTREAMS_MAX],
            backends: (0..BACKENDS_MAX).map(|_| None).collect(),
            arrivals: Arrivals::default(),
        };
        // Counts of before this master are no second's work.
        let _before = history.sample(&[], 0);
        history
    }

    /// Closes a second: its sample, also kept.
    pub(crate) fn push(
        &mut self,
        efforts: &[Effort],
        programs: Vec<sample::ProgramSample>,
        wall_ms: u64,
    ) -> sample::Sample {
        let sample = sample::Sample { programs, ..self.sample(efforts, wall_ms) };
        if self.samples.len() == limits::HISTORY_SECONDS {
            self.samples.pop_front();
        }
        self.samples.push_back(sample.clone());
        sample
    }

    /// What rows are beside their figures.
    pub(crate) fn record(&mut self, wall_ms: u64, snapshot: &wire::Snapshot) {
        self.tape.record(wall_ms, snapshot);
    }

    pub(crate) fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> Vec<sample::Sample> {
        self.samples.iter().cloned().collect()
    }

    /// Of the last seconds; zero without requests.
    pub(crate) fn latency(&self, id: BackendId) -> wire::Latency {
        let mut sum = Histogram::default();
        let Some(track) = &self.backends[id.index()] else { return wire::Latency::default() };
        track.recent.iter().for_each(|second| sum.merge(&second.latency));
        let [p50, p90, p99, max] = [500, 900, 990, 1000].map(|mille| sum.quantile_us(mille));
        wire::Latency { p50, p90, p99, max }
    }

    /// Mean service time of the last seconds.
    pub(crate) fn mean_service_us(&self, id: BackendId) -> Option<f64> {
        let recent = &self.backends[id.index()].as_ref()?.recent;
        let requests: u64 = recent.iter().map(|second| second.counts.requests).sum();
        let of_second = |second: &Second| second.counts.service_us + second.counts.sessions_us;
        let service_us: u64 = recent.iter().map(of_second).sum();
        (requests > 0).then(|| service_us as f64 / requests as f64)
    }

    /// Requests in flight on average over the last minute, as far as it lies after `since_ms`; none
    /// before there are some seconds of it.
    pub(crate) fn mean_active(&self, id: BackendId, since_ms: u64) -> Option<f64> {
        let actives = &self.backends[id.index()].as_ref()?.actives;
        let within = || actives.iter().filter(|(wall_ms, _)| *wall_ms >= since_ms);
        let sum: u64 = within().map(|(_, active)| u64::from(*active)).sum();
        let seconds = within().count();
        (seconds >= ACTIVE_SECONDS_MIN).then(|| sum as f64 / seconds as f64)
    }

    /// Requests that these backends finished since then.
    pub(crate) fn finished(&self, keys: &[u32], since_ms: u64) -> u64 {
        let samples = self.samples.iter().rev().take_while(|sample| sample.wall_ms >= since_ms);
        let backends = samples.flat_map(|sample| &sample.backends);
        let theirs = backends.filter(|backend| keys.contains(&backend.key));
        theirs.map(|backend| u64::from(backend.requests)).sum()
    }

    /// An upstream's requests of the last minute up to this moment, and since when they are all.
    pub(crate) fn arrivals(&mut self, id: UpstreamId, now_ms: u64) -> (Vec<Arrival>, u64) {
        self.read_rings();
        self.arrivals.forget(now_ms);
        self.arrivals.of(id)
    }

    /// Remembers the requests that ended since the last time.
    pub(crate) fn read_rings(&mut self) {
        self.meet_workers();
        for index in 0..self.workers.len() {
            self.read_ring(index);
        }
    }

    /// The networks that an upstream's requests lately came from.
    pub(crate) fn clients(&self, id: UpstreamId) -> &[share::Client] {
        self.upstreams[id.index()].clients.list()
    }

    pub(crate) fn top_client(&self, id: UpstreamId) -> Option<IpAddr> {
        self.upstreams[id.index()].clients.top()
    }

    pub(crate) fn top_client_share(&self, id: UpstreamId) -> f64 {
        self.upstreams[id.index()].clients.top_share()
    }

    fn sample(&mut self, efforts: &[Effort], wall_ms: u64) -> sample::Sample {
        let mut sample = sample::Sample { wall_ms, ..sample::Sample::default() };
        self.add_workers(&mut sample, efforts);
        let mut latency = Histogram::default();
        let board = self.board;
        for id in UpstreamId::all().filter(|id| board.upstream(*id).is_in_use()) {
            self.add_upstream(&mut sample, id);
            for backend in board.upstream(id).roster_members() {
                let second = self.add_backend(&mut sample, backend);
                latency.merge(&second);
            }
        }
        let [p50, p95, p99] = [500, 950, 990].map(|mille| narrow(latency.quantile_us(mille)));
        (sample.p50_us, sample.p95_us, sample.p99_us) = (p50, p95, p99);
        sample
    }

    fn add_workers(&mut self, sample: &mut sample::Sample, efforts: &[Effort]) {
        self.meet_workers();
        for (index, worker) in self.board.workers().enumerate() {
            let figures = worker.figures();
            let track = &mut self.workers[index];
            let requests = narrow(figures.requests.wrapping_sub(track.last.requests));
            sample.requests = sample.requests.saturating_add(requests);
            let [.., client_errors, server_errors] = figures.responses;
            let [.., client_before, server_before] = track.last.responses;
            sample.client_errors += narrow(client_errors.wrapping_sub(client_before));
            sample.server_errors += narrow(server_errors.wrapping_sub(server_before));
            sample.bytes_in += figures.bytes_in.wrapping_sub(track.last.bytes_in);
            sample.bytes_out += figures.bytes_out.wrapping_sub(track.last.bytes_out);
            sample.connections += figures.connections_active + figures.connections_idle;
            let slot = worker.slot().index() as u16;
            let effort = efforts.iter().find(|effort| effort.slot == slot);
            sample.workers.push(sample::WorkerSample {
                slot,
                requests,
                cpu_percent: effort.map_or(0.0, |effort| effort.cpu_percent),
                active: figures.connections_active,
                idle: figures.connections_idle,
                rss_bytes: effort.map_or(0, |effort| effort.rss_bytes),
                lag_us: figures.lag_us,
            });
            track.last = figures;
            self.read_ring(index);
        }
        self.arrivals.forget(sample.wall_ms);
    }

    fn meet_workers(&mut self) {
        for worker in self.board.workers().skip(self.workers.len()) {
            let last = WorkerFigures::default();
            self.workers.push(WorkerTrack { slot: worker.slot(), last, read: 0 });
        }
    }

    /// What a worker's ring has got since the last time.
    fn read_ring(&mut self, index: usize) {
        let Self { board, workers, upstreams, arrivals, .. } = self;
        let track = &mut workers[index];
        let mut awaited = track.read;
        track.read = recent::read(*board, track.slot, track.read, |number, entry| {
            if number != awaited {
                arrivals.lost_until(entry.wall_ms);
            }
            awaited = number + 1;
            arrivals.push(&entry);
            if let Some(upstream) = entry.upstream {
                upstreams[upstream.index()].clients.count(entry.client);
            }
        });
    }

    fn add_upstream(&mut self, sample: &mut sample::Sample, id: UpstreamId) {
        let incarnation = self.board.upstream(id).incarnation();
        let track = &mut self.upstreams[id.index()];
        if track.incarnation != incarnation {
            *track = UpstreamTrack { incarnation, ..UpstreamTrack::default() };
        }
        let counts = account::upstream_counts(self.board, id);
        sample.retries += narrow(counts.retries.saturating_sub(track.last.retries));
        track.last = counts;
        track.clients.close_second();
    }

    fn add_backend(&mut self, sample: &mut sample::Sample, id: BackendId) -> Histogram {
        let gate = self.board.backend(id).gate();
        let track = match &mut self.backends[id.index()] {
            Some(track) if track.incarnation == gate.incarnation => track,
            other => other.insert(BackendTrack {
                incarnation: gate.incarnation,
                counts: Counts::default(),
                latency: Histogram::default(),
                recent: VecDeque::with_capacity(RECENT_SECONDS),
                actives: VecDeque::with_capacity(ACTIVE_SECONDS),
            }),
        };
        let counts = account::backend_counts(self.board, id, gate.incarnation);
        let total = account::backend_latency(self.board, id, gate.incarnation);
        let latency = total.since(&track.latency);
        let second = counts.since(&track.counts);
        let active = self.board.backend(id).active();
        sample.active += active;
        sample.backends.push(sample::BackendSample {
            key: u32::from(gate.incarnation) << 16 | id.index() as u32,
            requests: narrow(second.requests),
            active,
            failures: narrow(second.failures),
            p95_us: narrow(latency.quantile_us(950)),
            server_errors: narrow(second.responses[4]),
        });
        (track.counts, track.latency) = (counts, total);
        if track.actives.len() == ACTIVE_SECONDS {
            track.actives.pop_front();
        }
        track.actives.push_back((sample.wall_ms, active));
        if track.recent.len() == RECENT_SECONDS {
            track.recent.pop_front();
        }
        track.recent.push_back(Second { counts: second, latency: latency.clone() });
        latency
    }
}

/// A second's worth of anything fits 32 bits; what does not is shown as the most that does.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::account::Outcome;
    use crate::scoreboard::gate::Gate;

    fn board() -> (Board, account::Account) {
        let (board, _) = Board::create().unwrap();
        let (upstream, id) = (UpstreamId::new(0).unwrap(), BackendId::new(0).unwrap());
        let gate = Gate::open(1, 1);
        board.backend(id).set_gate(gate);
        let publication = board.upstream(upstream).publish();
        publication.name("api");
        publication.members(&[id]);
        drop(publication);
        let slot = WorkerSlot::new(0).unwrap();
        board.worker(slot).occupy(1);
        let account = board.account(slot);
        account.meet_backend(id, 1);
        account.meet_upstream(upstream, board.upstream(upstream).incarnation());
        (board, account)
    }

    fn serve(board: Board, account: account::Account, status: u16, service_us: u32) {
        let (upstream, id) = (UpstreamId::new(0).unwrap(), BackendId::new(0).unwrap());
        let outcome = Outcome { status, bytes_in: 1, bytes_out: 2, service_us };
        account.finished(upstream, id, &outcome);
        board.worker(WorkerSlot::new(0).unwrap()).answered(status, 10, 20);
    }

    #[test]
    fn a_second_holds_only_its_own() {
        let (board, account) = board();
        serve(board, account, 200, 1);
        let mut history = History::new(board);
        serve(board, account, 200, 1000);
        serve(board, account, 404, 1000);
        serve(board, account, 503, 1000);
        // Without a backend: the worker's own answer.
        board.worker(WorkerSlot::new(0).unwrap()).answered(502, 0, 0);
        let effort = Effort { slot: 0, cpu_percent: 12.5, rss_bytes: 4096 };
        let sample = history.push(&[effort], Vec::new(), 7);
        assert_eq!((sample.wall_ms, sample.requests), (7, 4), "not what was before");
        assert_eq!((sample.client_errors, sample.server_errors), (1, 2));
        assert_eq!((sample.bytes_in, sample.bytes_out), (30, 60));
        assert!((970..=1030).contains(&sample.p99_us), "{}", sample.p99_us);
        assert_eq!(sample.backends.len(), 1);
        assert_eq!((sample.backends[0].key, sample.backends[0].requests), (1 << 16, 3));
        let [worker] = sample.workers[..] else { panic!("one worker: {:?}", sample.workers) };
        assert_eq!((worker.slot, worker.requests, worker.cpu_percent), (0, 4, 12.5));
        assert_eq!((worker.rss_bytes, sample.backends[0].server_errors), (4096, 1));
        let quiet = history.push(&[], Vec::new(), 8);
        assert_eq!((quiet.requests, quiet.server_errors, quiet.p50_us), (0, 0, 0));
    }

    #[test]
    fn recent_latency_forgets_after_its_seconds() {
        let (board, account) = board();
        let mut history = History::new(board);
        serve(board, account, 200, 1000);
        history.push(&[], Vec::new(), 0);
        let id = BackendId::new(0).unwrap();
        assert!(history.latency(id).p50 > 900);
        assert_eq!(history.mean_service_us(id), Some(1000.0));
        (0..RECENT_SECONDS as u64).for_each(|second| {
            history.push(&[], Vec::new(), second);
        });
        assert_eq!(history.latency(id), wire::Latency::default());
        assert_eq!(history.mean_service_us(id), None);
    }

    fn request(wall_ms: u64, service_us: u32) -> recent::Entry {
        recent::Entry {
            wall_ms,
            client: std::net::Ipv4Addr::LOCALHOST.into(),
            protocol: recent::Protocol::Http11,
            method: recent::Method::default(),
            host: recent::Host::NONE,
            path: recent::Path::NONE,
            status: 200,
            upstream: UpstreamId::new(0),
            backend: BackendId::new(0).map(|id| (id, 1)),
            tries: 1,
            service_us,
            bytes: 0,
        }
    }

    #[test]
    fn the_last_minutes_requests_outlast_the_ring() {
        let (board, _) = board();
        let (slot, upstream) = (WorkerSlot::new(0).unwrap(), UpstreamId::new(0).unwrap());
        let mut history = History::new(board);
        for second in 1..=3_u64 {
            for at in 0..1000 {
                recent::push(board, slot, &request(second * 1000 + at, 500));
            }
            history.push(&[], Vec::new(), second * 1000 + 1000);
        }
        recent::push(board, slot, &request(4_001, 1_000));
        let (arrivals, whole_since_ms) = history.arrivals(upstream, 4_001);
        assert_eq!((arrivals.len(), whole_since_ms), (3_001, 0), "those of this moment, too");
        assert_eq!(arrivals.last().unwrap().at_us(), 4_000_000);
        assert_eq!(history.arrivals(upstream, 62_500).0.len(), 1_501, "a minute, no more");
        assert_eq!(history.arrivals(UpstreamId::new(1).unwrap(), 4_001).0.len(), 0);
    }

    #[test]
    fn what_was_overwritten_unread_is_known_to_be_missing() {
        let (board, _) = board();
        let (slot, upstream) = (WorkerSlot::new(0).unwrap(), UpstreamId::new(0).unwrap());
        let mut history = History::new(board);
        for at in 0..1500 {
            recent::push(board, slot, &request(1_000 + at, 0));
        }
        let (arrivals, whole_since_ms) = history.arrivals(upstream, 3_000);
        assert_eq!((arrivals.len(), whole_since_ms), (1024, 1_000 + 1500 - 1024));
    }

    #[test]
    fn history_is_bounded() {
        let (mut history, seconds) = (History::new(board().0), limits::HISTORY_SECONDS as u64);
        for second in 0..seconds + 5 {
            history.push(&[], Vec::new(), second);
        }
        assert_eq!(history.all().len(), limits::HISTORY_SECONDS);
        assert_eq!(history.all()[0].wall_ms, 5);
    }
}
