//! How much backends take: bounds that hold over all workers, tiers, and slow start.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::client::{self, Load};
use crate::engine::{Engine, signal};
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

/// How long a busy backend works on a request, and how often at most it does so until as many are
/// there as may: on a machine that is short of time, clients come late.
const SERVICE: Duration = Duration::from_millis(2);
const LOOKS_MAX: usize = 1_000;

/// A backend that knows how many requests it worked on at once, at most.
pub(crate) struct Busy {
    pub(crate) origin: Origin,
    most: Arc<AtomicU64>,
}

impl Busy {
    /// One that may have `bound` at once: its first requests wait until they are so many.
    pub(crate) fn new(bound: u64) -> Self {
        let (now, most) = (AtomicU64::new(0), Arc::<AtomicU64>::default());
        let seen = Arc::clone(&most);
        let origin = Origin::scripted(move |_| {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..LOOKS_MAX {
                thread::park_timeout(SERVICE);
                if seen.load(Ordering::SeqCst) >= bound {
                    break;
                }
            }
            now.fetch_sub(1, Ordering::SeqCst);
            origin::ok("busy")
        });
        Self { origin, most }
    }

    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }
}

/// A backend that answers `/hold` once it is told to.
pub(crate) fn holding() -> (Origin, Arc<Barrier>) {
    let gate = Arc::new(Barrier::new(2));
    let hold = Arc::clone(&gate);
    let origin = Origin::scripted(move |request| {
        if request.head.starts_with("GET /hold") {
            hold.wait();
        }
        origin::ok("held")
    });
    (origin, gate)
}

/// A request of its own that is waited for elsewhere.
pub(crate) fn begin(address: SocketAddr, path: &str) -> JoinHandle<client::Response> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    thread::spawn(move || {
        let answer = client::raw(address, request.as_bytes());
        client::read_response(&mut answer.as_bytes()).unwrap_or_default()
    })
}

/// The statuses of many clients' requests, each on a connection of its own.
pub(crate) fn crowd(address: SocketAddr, clients: usize, requests: usize) -> Vec<u16> {
    let ask = move || (0..requests).map(|_| client::get(address, "/").status).collect::<Vec<_>>();
    let threads: Vec<_> = (0..clients).map(|_| thread::spawn(ask)).collect();
    threads.into_iter().flat_map(|thread| thread.join().expect("a client ends")).collect()
}

/// `site` with keys for each of its backends.
pub(crate) fn bounded(keys: &str, backend_keys: &str, origins: &[&Origin]) -> String {
    site(keys, origins).replace("backend]]\n", &format!("backend]]\n{backend_keys}\n"))
}

fn active(engine: &Engine, origin: &Origin) -> u64 {
    let row = engine.backend("app", &origin.address.to_string());
    row["active"].as_u64().expect("a count")
}

#[test]
fn a_bound_holds_over_all_workers_under_load() {
    for strategy in ["round_robin", "least_conn"] {
        let backends = [Busy::new(3), Busy::new(3)];
        let config = bounded(
            &format!("strategy = \"{strategy}\""),
            "max_conns = 3",
            &[&backends[0].origin, &backends[1].origin],
        );
        let engine = Engine::start(&config.replacen("workers = 2", "workers = 4", 1));
        let statuses = crowd(engine.address(), 24, 30);
        assert!(statuses.iter().all(|status| [200, 502].contains(status)), "{statuses:?}");
        assert!(statuses.contains(&502), "nobody was turned away: the bound was never met");
        for backend in &backends {
            assert_eq!(backend.most(), 3, "{strategy}");
            let row = engine.backend("app", &backend.origin.address.to_string());
            assert_eq!((row["max_conns"].as_u64(), row["active"].as_u64()), (Some(3), Some(0)));
        }
    }
}

#[test]
fn a_backup_takes_what_full_primaries_cannot() {
    let (primary, gate) = holding();
    let backup = Origin::named("backup");
    let mut config = bounded("", "max_conns = 1", &[&primary, &backup]);
    let last = config.rfind("max_conns").expect("the second backend's");
    config.insert_str(last, "backup = true\n");
    let engine = Engine::start(&config);
    assert_eq!(client::get(engine.address(), "/").text(), "held");
    let held = begin(engine.address(), "/hold");
    wait::until("one is held", || (active(&engine, &primary) == 1).then_some(()));
    assert!((0..5).all(|_| client::get(engine.address(), "/").text() == "backup"));
    gate.wait();
    assert_eq!(held.join().expect("answered").status, 200);
    assert_eq!(client::get(engine.address(), "/").text(), "held");
}

#[test]
fn a_killed_workers_requests_make_room() {
    let (origin, gate) = holding();
    let engine = Engine::start(&bounded("", "max_conns = 1", &[&origin]));
    let held = begin(engine.address(), "/hold");
    wait::until("one is held", || (origin.served() == 1).then_some(()));
    assert_eq!(client::get(engine.address(), "/").status, 502, "full, and there is no queue");
    let list = engine.ctl_ok(&["backend", "list"]);
    assert!(list.contains(" 1/1 "), "{list}");
    for pid in engine.worker_pids() {
        signal(pid, "KILL");
    }
    wait::until("there is room again", || {
        let answer = client::exchange(
            engine.address(),
            b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        );
        answer.is_ok_and(|answer| answer.status == 200).then_some(())
    });
    gate.wait();
    assert_eq!(held.join().expect("its connection ended").status, 0);
}

#[test]
fn priorities_serve_in_their_order() {
    let origins = [Origin::named("c"), Origin::named("a"), Origin::named("b")];
    let mut config = site("", &[&origins[0], &origins[1], &origins[2]]);
    for (origin, priority) in origins.iter().zip([2, 0, 1]) {
        let address = format!("address = \"{}\"", origin.address);
        config = config.replace(&address, &format!("{address}\npriority = {priority}"));
    }
    let engine = Engine::start(&config);
    let served = || (0..4).map(|_| client::get(engine.address(), "/").text()).collect::<String>();
    assert_eq!(served(), "aaaa");
    let name = |at: usize| format!("app/{}", origins[at].address);
    engine.ctl_ok(&["backend", "drain", &name(1)]);
    assert_eq!(served(), "bbbb");
    engine.ctl_ok(&["backend", "down", &name(2)]);
    assert_eq!(served(), "cccc");
    engine.ctl_ok(&["backend", "enable", &name(1)]);
    assert_eq!(served(), "aaaa");
    let row = engine.backend("app", &origins[0].address.to_string());
    assert_eq!((row["priority"].as_u64(), row["expected_share"].as_f64()), (Some(2), Some(0.0)));
}

/// The part of its weight that a warming backend has, as the status tells it: its expected share
/// `s` beside one equal backend is `r / (1 + r)`.
fn part(engine: &Engine, origin: &Origin) -> f64 {
    let row = engine.backend("app", &origin.address.to_string());
    let share = row["expected_share"].as_f64().expect("a share");
    share / (1.0 - share)
}

#[test]
fn shares_follow_the_ramp_of_a_slow_start() {
    let (old, new) = (Origin::named("old"), Origin::named("new"));
    let engine = Engine::start(&site("slow_start = \"30s\"", &[&old, &new]));
    let name = format!("app/{}", new.address);
    engine.ctl_ok(&["backend", "down", &name]);
    engine.ctl_ok(&["backend", "enable", &name]);
    let load = Load::start(engine.address(), "/", 4);
    let mut last = 0.0;
    // The first quarter of the ramp, where the difference is largest.
    while last < 0.25 {
        let from = (old.served(), new.served(), part(&engine, &new));
        wait::until("some requests more", || (old.served() > from.0 + 400).then_some(()));
        let to = (old.served(), new.served(), part(&engine, &new));
        let ratio = (to.1 - from.1) as f64 / (to.0 - from.0) as f64;
        // Between what the status said before and after, give or take chance: five deviations.
        let slack = 5.0 * (to.2.max(0.02) / 400.0).sqrt() + 0.03;
        assert!(from.2 - slack <= ratio && ratio <= to.2 + slack, "{from:?} {to:?} {ratio}");
        assert!(to.2 >= last - 0.01, "the part never falls: {last} {to:?}");
        last = to.2;
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn a_bound_is_changed_live_kept_and_taken_back() {
    let (origin, gate) = holding();
    let mut engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let backend = format!("app/{name}");
    let bound = |engine: &Engine| engine.backend("app", &name)["max_conns"].as_u64();
    engine.ctl_ok(&["backend", "max-conns", &backend, "1"]);
    let held = begin(engine.address(), "/hold");
    wait::until("it is at the backend", || {
        (engine.backend("app", &name)["active"] == 1).then_some(())
    });
    assert_eq!(client::get(engine.address(), "/").status, 502, "one is all there may be");
    engine.ctl_ok(&["backend", "max-conns", &backend, "2"]);
    assert_eq!(client::get(engine.address(), "/").status, 200);
    gate.wait();
    assert_eq!(held.join().expect("it ends").status, 200);
    engine.restart();
    assert_eq!(bound(&engine), Some(2));
    let told = engine.ctl_ok(&["upstream", "list"]);
    assert!(told.contains("max_conns 2, 0 in the file"), "{told}");
    engine.ctl_ok(&["upstream", "reset", "app"]);
    assert_eq!(bound(&engine), Some(0));
    let refused = engine.ctl(&["backend", "max-conns", &backend, "2000000"]);
    assert_eq!(refused.status.code(), Some(1));
}
