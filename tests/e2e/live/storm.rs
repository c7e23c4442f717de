//! A thousand random changes under the load of 200 connections: no request fails, and none goes to
//! a backend that was closed when it was picked.
//!
//! The second half is counted, not timed. A change that closes a backend answers with how many
//! requests were in flight there once it was closed; those may still arrive, and not one more. So
//! every origin is owed so many, and is asked what it got before anything opens it again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{self, Load};
use crate::engine::{Engine, signal};
use crate::origin::{self, Origin};
use crate::{oracle, wait};

const CONNECTIONS: usize = 200;
const CHANGES: u32 = 1000;
/// A busy machine may not come to all of them in this time, and need not.
const CHANGES_WITHIN: Duration = Duration::from_secs(12);
const CHANGES_MIN: u32 = 100;
const ORIGINS: usize = 8;
/// Each request stays with its origin for so long: nearly all connections have one in flight, and
/// the load leaves the machine some room for the tests beside it.
const SERVICE: Duration = Duration::from_millis(50);
const SEED: u64 = 0x0070_696c_6f74;

struct Backend {
    origin: Origin,
    counts: Arc<Counts>,
    standing: Standing,
    /// In flight at lives of its slot that are over, at most.
    owed: u64,
}

#[derive(Default)]
struct Counts {
    arrived: AtomicU64,
    left: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    /// Takes nothing but what was in flight.
    Closed(Close),
    /// The same, and no longer a member.
    Out(Close),
}

/// What was so when a backend was closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Close {
    /// Requests that had come to the origin, and how many more may.
    arrived: u64,
    may: u64,
    /// In flight, at this life of its slot and at those before, and how many had been answered.
    in_flight: u64,
    left: u64,
}

impl Backend {
    fn new() -> Self {
        let counts = Arc::new(Counts::default());
        let of_script = Arc::clone(&counts);
        let origin = Origin::scripted(move |_| {
            of_script.arrived.fetch_add(1, Ordering::SeqCst);
            std::thread::park_timeout(SERVICE);
            of_script.left.fetch_add(1, Ordering::SeqCst);
            origin::ok("it")
        });
        let standing = Standing::Out(Close::default());
        Self { origin, counts, standing, owed: 0 }
    }

    fn is_open(&self) -> bool {
        self.standing == Standing::Open
    }

    fn is_member(&self) -> bool {
        !matches!(self.standing, Standing::Out(_))
    }

    fn arrived(&self) -> u64 {
        self.counts.arrived.load(Ordering::SeqCst)
    }

    /// So many are in flight at this life of its slot. What is here already will not arrive.
    fn close(&self, in_flight: u64) -> Close {
        let left = self.counts.left.load(Ordering::SeqCst);
        let here = self.arrived().saturating_sub(left);
        let in_flight = in_flight + self.owed;
        Close { arrived: self.arrived(), may: in_flight.saturating_sub(here), in_flight, left }
    }

    /// What came while it was closed came from what was in flight.
    #[track_caller]
    fn check(&self, told: &str) {
        let (Standing::Closed(close) | Standing::Out(close)) = self.standing else { return };
        let Close { arrived, may, .. } = close;
        let came = self.arrived() - arrived;
        assert!(came <= may, "{}: {came} came, {may} were on their way\n{told}", self.name());
    }

    fn name(&self) -> String {
        self.origin.address.to_string()
    }
}

struct Storm {
    engine: Engine,
    backends: Vec<Backend>,
    /// The state of splitmix64.
    dice: u64,
    /// What was done, for whoever has to find out what went wrong.
    told: String,
    done: BTreeMap<&'static str, u32>,
}

impl Storm {
    fn new() -> Self {
        let mut backends: Vec<Backend> = (0..ORIGINS).map(|_| Backend::new()).collect();
        // Half of them are the file's.
        let file: Vec<&Origin> = backends[..ORIGINS / 2].iter().map(|it| &it.origin).collect();
        let engine = Engine::start(&crate::proxy::site("retries = 0", &file));
        for backend in &mut backends[..ORIGINS / 2] {
            backend.standing = Standing::Open;
        }
        Self { engine, backends, dice: SEED, told: String::new(), done: BTreeMap::new() }
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    /// The answer's text; the change must have been made.
    #[track_caller]
    fn ask(&mut self, what: &'static str, path: &str, body: &str) -> String {
        let path = format!("/v1/upstreams/app/{path}");
        let response = client::unix(&self.engine.socket(), "POST", &path, body);
        let response = response.expect("the engine answers");
        let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
        let message = answer["message"].as_str().unwrap_or("").to_owned();
        writeln!(self.told, "{path} {body}: {message}").expect("text");
        assert_eq!(response.status, 200, "{}", self.told);
        *self.done.entry(what).or_default() += 1;
        message
    }

    fn change(&mut self) {
        let at = self.roll(ORIGINS);
        let others_open = (0..ORIGINS).any(|other| other != at && self.backends[other].is_open());
        match (self.backends[at].standing, self.roll(8)) {
            (Standing::Out(_), _) => self.add(at),
            (_, 0) => self.strategy(),
            (Standing::Closed(_), 2..=4) => self.enable(at),
            (Standing::Open, 2..=4) if others_open => self.close(at, "drain"),
            (Standing::Open, 5) if others_open => self.close(at, "down"),
            (Standing::Closed(_), 5) => self.close(at, "drain"),
            (_, 6) if others_open => self.remove(at, "remove", ""),
            (_, 7) if others_open => self.remove(at, "remove at once", r#"{"now":true}"#),
            (Standing::Open | Standing::Closed(_), _) => self.weigh(at),
        }
    }

    fn add(&mut self, at: usize) {
        self.backends[at].check(&self.told);
        let (name, weight) = (self.backends[at].name(), 1 + self.roll(5));
        let body = format!(r#"{{"address":"{name}","weight":{weight}}}"#);
        self.ask("add", "backends", &body);
        self.open(at);
    }

    fn enable(&mut self, at: usize) {
        self.backends[at].check(&self.told);
        let path = format!("backends/{}/enable", self.backends[at].name());
        self.ask("enable", &path, "");
        self.open(at);
    }

    /// What was not answered while it was away is in flight beside what its next life gets.
    fn open(&mut self, at: usize) {
        let backend = &mut self.backends[at];
        if let Standing::Out(close) = backend.standing {
            let answered = backend.counts.left.load(Ordering::SeqCst) - close.left;
            backend.owed = close.in_flight.saturating_sub(answered);
        }
        backend.standing = Standing::Open;
    }

    fn weigh(&mut self, at: usize) {
        let path = format!("backends/{}/weight", self.backends[at].name());
        let body = format!(r#"{{"weight":{}}}"#, 1 + self.roll(9));
        self.ask("weight", &path, &body);
    }

    fn strategy(&mut self) {
        let strategy = ["round_robin", "least_conn", "ip_hash"][self.roll(3)];
        self.ask("strategy", "strategy", &format!(r#"{{"strategy":"{strategy}"}}"#));
    }

    fn close(&mut self, at: usize, verb: &'static str) {
        let path = format!("backends/{}/{verb}", self.backends[at].name());
        let message = self.ask(verb, &path, "");
        if let Some(close) = self.closed_by(at, &message) {
            self.backends[at].standing = Standing::Closed(close);
        }
    }

    /// It stays a member until its last request is through; being added back is then the way back.
    fn remove(&mut self, at: usize, what: &'static str, body: &str) {
        let path = format!("backends/{}/remove", self.backends[at].name());
        let message = self.ask(what, &path, body);
        let close = match (self.closed_by(at, &message), self.backends[at].standing) {
            (Some(close), _) | (None, Standing::Closed(close) | Standing::Out(close)) => close,
            (None, Standing::Open) => unreachable!("an open one is closed by its removal"),
        };
        self.backends[at].standing = Standing::Out(close);
    }

    /// What may still come to a backend that was open until now; one that was closed already is
    /// still owed what it was owed.
    fn closed_by(&self, at: usize, message: &str) -> Option<Close> {
        let backend = &self.backends[at];
        backend.is_open().then(|| backend.close(in_flight(message)))
    }

    /// With one backend open and nothing in flight at the others, the others get nothing at all.
    fn calm(&mut self) {
        let open = (0..ORIGINS).find(|at| self.backends[*at].is_open()).expect("one is open");
        for at in (0..ORIGINS).filter(|at| *at != open) {
            if self.backends[at].is_open() {
                self.close(at, "drain");
            }
        }
        let others: Vec<&Backend> =
            self.backends.iter().filter(|it| !it.is_open() && it.is_member()).collect();
        wait::until("nothing is in flight at the closed ones", || {
            let is_empty = |it: &&Backend| self.engine.backend("app", &it.name())["active"] == 0;
            others.iter().all(is_empty).then_some(())
        });
        let arrived = || self.backends.iter().map(Backend::arrived).collect::<Vec<u64>>();
        let goes_on = |before: &[u64], count: u64| {
            let more = || self.backends[open].arrived() > before[open] + count;
            wait::until("the open one goes on", || more().then_some(()));
        };
        // What is in flight at lives of a slot that are over is in no row, and may still arrive: no more of
        // it than is owed. Whoever picked a closed one would go on to do so.
        wait::until("the closed ones get nothing", || {
            let before = arrived();
            goes_on(&before, 2000);
            let now = arrived();
            (0..ORIGINS).all(|at| at == open || now[at] == before[at]).then_some(())
        });
        for backend in &self.backends {
            backend.check(&self.told);
        }
    }
}

/// `... draining, 12 requests in flight`
fn in_flight(message: &str) -> u64 {
    let told = message.rsplit(", ").next().unwrap_or("");
    match told.split(' ').next() {
        Some(count) if count != "nothing" => {
            count.parse().unwrap_or_else(|_| panic!("no count of requests: {message}"))
        }
        Some(_) | None => 0,
    }
}

/// The load of 200 connections: wrk's where it is installed, else our own.
enum Gale {
    Wrk(Child),
    Own(Load),
}

impl Gale {
    fn start(engine: &Engine) -> Self {
        let Some(wrk) = oracle::find("wrk") else {
            return Self::Own(Load::start(engine.address(), "/", CONNECTIONS));
        };
        let child = Command::new(wrk)
            .args(["-t2", &format!("-c{CONNECTIONS}"), "-d120s", "--timeout", "60s"])
            .arg(format!("http://{}/", engine.address()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        Self::Wrk(child.expect("an installed program runs"))
    }

    #[track_caller]
    fn stop(self, told: &str) {
        match self {
            Self::Wrk(child) => {
                signal(i32::try_from(child.id()).expect("pids are small"), "INT");
                let output = child.wait_with_output().expect("our own child");
                let report = String::from_utf8_lossy(&output.stdout);
                let is_clean = report.contains("requests in")
                    && !report.contains("Socket errors")
                    && !report.contains("Non-2xx");
                assert!(is_clean, "{report}\n{told}");
            }
            Self::Own(load) => {
                let tally = load.stop();
                assert_eq!(tally.failed, Vec::<String>::new(), "{told}");
            }
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the storm ends when its time is over")]
fn a_thousand_changes_under_load_fail_no_request_and_send_none_astray() {
    let mut storm = Storm::new();
    let gale = Gale::start(&storm.engine);
    wait::until("the load is there", || (storm.backends[0].arrived() > 100).then_some(()));
    let over = Instant::now() + CHANGES_WITHIN;
    let mut changes = 0;
    while changes < CHANGES && (Instant::now() < over || changes < CHANGES_MIN) {
        storm.change();
        changes += 1;
    }
    for backend in &storm.backends {
        backend.check(&storm.told);
    }
    storm.calm();
    gale.stop(&storm.told);
    let upstream = &storm.engine.status()["upstreams"][0];
    for row in upstream["backends"].as_array().expect("rows") {
        assert_eq!(row["failures"], 0, "{row}\n{}", storm.told);
    }
    assert!(storm.done.len() == 8, "every kind of change was made: {:?}", storm.done);
}
