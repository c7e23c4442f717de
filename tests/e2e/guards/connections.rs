//! How many requests of a key may be in progress, over all workers.

use std::collections::BTreeSet;
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};

use super::{Asker, Pair};
use crate::client;
use crate::engine::{Engine, signal};
use crate::origin::{self, Origin};
use crate::wait::{self, PATIENCE};

/// A backend that answers a request when the test says so: whoever is in the set waits.
#[derive(Clone, Default)]
struct Holding {
    held: Arc<(Mutex<BTreeSet<String>>, Condvar)>,
}

impl Holding {
    fn origin(&self) -> Origin {
        let holding = self.clone();
        Origin::by_hand(move |stream| {
            let mut reader = BufReader::new(stream);
            while let Some(request) = origin::read_request(&mut reader) {
                if let Some(token) = request.header("x-hold") {
                    holding.hold(&token);
                }
                if reader.get_mut().write_all(&origin::ok("here")).is_err() {
                    return;
                }
            }
        })
    }

    fn hold(&self, token: &str) {
        let (held, released) = &*self.held;
        let mut held = held.lock().expect("nobody panics");
        held.insert(token.to_owned());
        let is_held = |held: &mut BTreeSet<String>| held.contains(token);
        let _late = released.wait_timeout_while(held, PATIENCE, is_held).expect("nobody panics");
    }

    fn until_held(&self, token: &str) {
        wait::until("the backend holds it", || {
            self.held.0.lock().expect("nobody panics").contains(token).then_some(())
        });
    }

    fn release(&self, token: &str) {
        self.held.0.lock().expect("nobody panics").remove(token);
        self.held.1.notify_all();
    }

    /// A request that is in progress until `release`.
    fn ask(&self, proxy: SocketAddr, token: &str) -> std::thread::JoinHandle<Option<u16>> {
        let text = format!("GET /held HTTP/1.1\r\nHost: test\r\nX-Hold: {token}\r\n\r\n");
        let asking = std::thread::spawn(move || {
            let answer = client::exchange(proxy, text.as_bytes());
            answer.ok().map(|answer| answer.status)
        });
        self.until_held(token);
        asking
    }
}

fn ours(origin: &Origin) -> String {
    format!(
        "[engine]\nworkers = 3\n[limit.ip]\nkey = \"$remote_addr\"\n\
         [[server]]\nlisten = [\"{{listen}}\"]\nreal_ip = {{ from = [\"127.0.0.1\"] }}\n\
         response_headers = {{ set = {{ X-Status = \"$limit_conn_status\" }} }}\n\
         limits = {{ zone = \"ip\", connections = 2 }}\n\
         [[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [[server.route]]\npath = \"/dry\"\nupstream = \"app\"\n\
         limits = {{ zone = \"ip\", connections = 2, dry_run = true }}\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        origin.address
    )
}

fn until_in_progress(engine: &Engine, count: u64) {
    wait::until("so many are in progress", || {
        (engine.status()["limits"][0]["in_progress"] == count).then_some(())
    });
}

#[test]
fn the_same_requests_are_refused_as_by_nginx() {
    let holding = Holding::default();
    let origin = holding.origin();
    let nginx = format!(
        "limit_conn_zone $remote_addr zone=ip:1m; server {{ listen {{listen}}; \
         add_header X-Status $limit_conn_status always; limit_conn ip 2; \
         location / {{ proxy_pass http://{0}; }} \
         location /dry {{ limit_conn ip 2; limit_conn_dry_run on; proxy_pass http://{0}; }} }}",
        origin.address
    );
    let Some(pair) = Pair::start(&nginx, &ours(&origin)) else { return };
    let [theirs, ours] = [("theirs", pair.theirs), ("ours", pair.ours)].map(|(name, proxy)| {
        let one = holding.ask(proxy, &format!("{name}-1"));
        let mut asker = Asker::new(proxy);
        let mut seen = Vec::new();
        let mut look = |path: &str, client: &str| {
            let answer = asker.get(path, client);
            seen.push((answer.status, answer.header("x-status").map(str::to_owned)));
        };
        look("/", "127.0.0.1");
        // An answer is read before its request is over.
        if name == "ours" {
            until_in_progress(&pair.engine, 1);
        }
        let two = holding.ask(proxy, &format!("{name}-2"));
        look("/", "127.0.0.1");
        look("/", "192.0.2.1");
        look("/dry", "127.0.0.1");
        holding.release(&format!("{name}-1"));
        assert_eq!(one.join().expect("an answer"), Some(200));
        wait::until("it is over", || {
            (Asker::new(proxy).get("/", "127.0.0.1").status == 200).then_some(())
        });
        holding.release(&format!("{name}-2"));
        assert_eq!(two.join().expect("an answer"), Some(200));
        seen
    });
    assert_eq!(ours, theirs);
    let statuses: Vec<u16> = ours.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 503, 200, 200]);
    // An answer is read before its request is over.
    let told = wait::until("nothing is in progress", || {
        let told = pair.engine.status()["limits"][0].clone();
        (told["in_progress"] == 0).then_some(told)
    });
    assert_eq!((told["name"].as_str(), told["kind"].as_str()), (Some("ip"), Some("connections")));
    assert!(told["refused"].as_u64() >= Some(1) && told["refused_dry_run"] == 1, "{told}");
    assert_eq!(told["uncounted"], 0, "{told}");
    assert_eq!(told["offenders"][0]["key"], "127.0.0.1", "{told}");
}

#[test]
fn what_a_killed_worker_had_in_progress_is_over() {
    let holding = Holding::default();
    let origin = holding.origin();
    let engine = Engine::start(&ours(&origin));
    let proxy = engine.address();
    let held = [holding.ask(proxy, "1"), holding.ask(proxy, "2")];
    let status = || {
        let answer = client::exchange(proxy, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        answer.ok().map(|answer| answer.status)
    };
    assert_eq!(status(), Some(503));
    for pid in engine.worker_pids() {
        signal(pid, "KILL");
    }
    for asking in held {
        assert_eq!(asking.join().expect("an end"), None, "it went with its worker");
    }
    wait::until("two may be in progress again", || (status() == Some(200)).then_some(()));
    until_in_progress(&engine, 0);
    let held = [holding.ask(proxy, "3"), holding.ask(proxy, "4")];
    assert_eq!(status(), Some(503), "as many as before, and no more");
    for token in ["1", "2", "3", "4"] {
        holding.release(token);
    }
    for asking in held {
        assert_eq!(asking.join().expect("an answer"), Some(200));
    }
}
