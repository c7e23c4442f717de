//! How fast requests may come: nginx's statuses for the same requests, and one limit for all workers.
//!
//! Rates are so slow that nothing leaks while a test runs, or requests wait for what leaks.

#![expect(clippy::disallowed_methods, reason = "how long requests wait is measured")]

use std::time::{Duration, Instant};

use super::{Asker, Pair};
use crate::engine::{Engine, signal};
use crate::wait;

/// Zones and locations alike. What passes is a file that is not there, since a `return` would come
/// before nginx's limits.
const NGINX: &str = "limit_req_zone $http_x_key zone=a:1m rate=1r/m; \
    limit_req_zone $http_x_key zone=b:1m rate=1r/m; \
    limit_req_zone $uri$http_x_key zone=c:1m rate=2r/m; \
    limit_req_zone $http_x_key zone=quick:1m rate=20r/s; \
    server { listen {listen}; add_header X-Status $limit_req_status always; \
    limit_req zone=a; \
    location /none { } \
    location /burst { limit_req zone=b burst=5 nodelay; limit_req_status 429; } \
    location /two { limit_req zone=a burst=20 nodelay; limit_req zone=c burst=3 nodelay; } \
    location /dry { limit_req zone=c burst=2 nodelay; limit_req_dry_run on; } \
    location /wait { limit_req zone=quick burst=6 delay=2; } }";

const OURS: &str = "[engine]\nworkers = 3\n\
    [limit.a]\nkey = \"$http_x_key\"\nrate = \"1r/m\"\n\
    [limit.b]\nkey = \"$http_x_key\"\nrate = \"1r/m\"\n\
    [limit.c]\nkey = \"$uri$http_x_key\"\nrate = \"2r/m\"\n\
    [limit.quick]\nkey = \"$http_x_key\"\nrate = \"20r/s\"\n\
    [[server]]\nlisten = [\"{listen}\"]\n\
    response_headers = { set = { X-Status = \"$limit_req_status\" } }\n\
    limits = { zone = \"a\" }\n\
    [[server.route]]\npath = \"/none\"\nrespond = 404\n\
    [[server.route]]\npath = \"/burst\"\nrespond = 404\n\
    limits = { zone = \"b\", burst = 5, nodelay = true, status = 429 }\n\
    [[server.route]]\npath = \"/two\"\nrespond = 404\n\
    limits = [{ zone = \"a\", burst = 20, nodelay = true }, { zone = \"c\", burst = 3, nodelay = true }]\n\
    [[server.route]]\npath = \"/dry\"\nrespond = 404\n\
    limits = { zone = \"c\", burst = 2, nodelay = true, dry_run = true }\n\
    [[server.route]]\npath = \"/wait\"\nrespond = 404\n\
    limits = { zone = \"quick\", burst = 6, delay = 2 }\n";

fn keyed(asker: &mut Asker, path: &str, key: &str) -> (u16, Option<String>) {
    let line = if key.is_empty() { String::new() } else { format!("X-Key: {key}\r\n") };
    let answer = asker.ask(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n{line}\r\n"));
    (answer.status, answer.header("x-status").map(str::to_owned))
}

#[test]
fn the_same_requests_are_refused_as_by_nginx() {
    let Some(pair) = Pair::start(NGINX, OURS) else { return };
    let mut theirs = Asker::new(pair.theirs);
    let mut seen = std::collections::BTreeSet::new();
    // The keys of each request, one after another; an empty one is counted nowhere.
    for path in ["/none/x", "/burst/x", "/two/x", "/two/y", "/dry/x"] {
        for (number, key) in "abaaab_aaabbbbbba_aaa".chars().enumerate() {
            let key = if key == '_' { String::new() } else { format!("{path}{key}") };
            // Every request by a connection of its own, so that all workers have some.
            let mut ours = Asker::new(pair.ours);
            let (ours, theirs) = (keyed(&mut ours, path, &key), keyed(&mut theirs, path, &key));
            assert_eq!(ours, theirs, "request {number} to {path} of {key:?}");
            seen.insert(ours.0);
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [404, 429, 503]);
}

#[test]
fn requests_wait_for_their_time_as_in_nginx() {
    let Some(pair) = Pair::start(NGINX, OURS) else { return };
    // Six at once: three pass, the others wait for 50, 100 and 150 ms.
    let time = |proxy, key: &str| {
        let all_ready = std::sync::Barrier::new(6);
        let answers = std::thread::scope(|scope| {
            let askers: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        let mut asker = Asker::new(proxy);
                        all_ready.wait();
                        let since = Instant::now();
                        let (status, limited) = keyed(&mut asker, "/wait/x", key);
                        assert_eq!(status, 404);
                        (since.elapsed(), limited.expect("it is told"))
                    })
                })
                .collect();
            askers.into_iter().map(|asker| asker.join().expect("an answer")).collect::<Vec<_>>()
        });
        let delayed = answers.iter().filter(|(_, limited)| limited == "DELAYED").count();
        (delayed, answers.iter().map(|(took, _)| *took).max().expect("six answers"))
    };
    for proxy in [pair.theirs, pair.ours] {
        let mut tries = 0;
        wait::until("requests wait, as long as they should", || {
            tries += 1;
            let (delayed, longest) = time(proxy, &format!("k{tries}"));
            assert!(delayed <= 3, "{delayed}");
            // On a busy machine requests may come so late that they need not wait.
            (delayed > 0 && longest >= Duration::from_millis(30)).then_some(())
        });
    }
}

const SHARED: &str = "[engine]\nworkers = 4\n[limit.ip]\nrate = \"1r/m\"\n\
    [[server]]\nlisten = [\"{listen}\"]\n\
    [[server.route]]\npath = \"/\"\nrespond = 204\n\
    limits = { zone = \"ip\", burst = 19, nodelay = true, status = 429 }\n";

/// How many of so many requests, each on a connection of its own and all at once, pass.
fn passing(engine: &Engine, count: usize) -> usize {
    let address = engine.address();
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..8)
            .map(|lane| {
                scope.spawn(move || {
                    let ask = |_| Asker::new(address).get("/", "-").status;
                    (lane..count).step_by(8).map(ask).filter(|status| *status == 204).count()
                })
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().expect("answers")).sum()
    })
}

#[test]
fn all_workers_keep_one_limit_through_deaths_and_reloads() {
    let engine = Engine::start(SHARED);
    assert_eq!(passing(&engine, 200), 20, "the burst and one, whoever was asked");
    let before = engine.worker_pids();
    signal(before[0], "KILL");
    wait::until("another worker serves", || {
        let pids = engine.worker_pids();
        (pids.len() == 4 && !pids.contains(&before[0])).then_some(())
    });
    assert_eq!(passing(&engine, 40), 0, "a worker's death forgives nobody");
    engine.replace_master();
    engine.rewrite_config(&format!("{SHARED}\n[limit.other]\nrate = \"1r/s\"\n"));
    engine.ctl_ok(&["reload"]);
    assert_eq!(passing(&engine, 40), 0, "nor do a master's and a reload");
    engine.rewrite_config(&SHARED.replace("[limit.ip]", "[limit.ip]\nkey = \"$host\""));
    engine.ctl_ok(&["reload"]);
    wait::until("the new key counts", || (passing(&engine, 1) == 1).then_some(()));
    assert!(passing(&engine, 200) < 20);
}
