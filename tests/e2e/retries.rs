//! `retry_on` beside nginx's `proxy_next_upstream`: the same backends, the same requests, the same
//! rules; the same status for the client and the same backends asked in the same order.
//!
//! Failures eject nobody here. Where they do, one difference is meant: nginx throws an answer away
//! before it finds that nobody is left, and says 502; here the answer passes.

use std::io::{BufReader, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::client::exchange;
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::origin::{self, Origin};
use crate::{failing, ports};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Answer(u16),
    /// Closes when it has read the request.
    Close,
    /// Closes in the middle of a response's head.
    BreakOff,
    /// Answers what is no HTTP.
    Nonsense,
    /// Reads the request and says nothing.
    Stall,
    /// Nobody listens.
    Refuse,
}

const ACTS: [Act; 12] = [
    Act::Answer(500),
    Act::Answer(502),
    Act::Answer(503),
    Act::Answer(504),
    Act::Answer(403),
    Act::Answer(404),
    Act::Answer(429),
    Act::Close,
    Act::BreakOff,
    Act::Nonsense,
    Act::Stall,
    Act::Refuse,
];

const CONDITIONS: [&str; 4] = [
    "error timeout",
    "off",
    "error timeout invalid_header http_500 http_502 http_503 http_504 http_403 http_404 http_429",
    "error timeout invalid_header http_500 http_502 http_503 http_504 http_403 http_404 http_429 \
     non_idempotent",
];

const REQUESTS: [&str; 4] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
];

struct Case {
    acts: Vec<Act>,
    conditions: &'static str,
    /// nginx counts the first one.
    tries: u32,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for conditions in CONDITIONS {
        for act in ACTS {
            cases.push(Case { acts: vec![act, Act::Answer(200)], conditions, tries: 2 });
        }
        let failing = [Act::Answer(503), Act::Close, Act::Answer(404)];
        for tries in 1..=3 {
            cases.push(Case { acts: failing.to_vec(), conditions, tries });
            cases.push(Case { acts: failing.iter().rev().copied().collect(), conditions, tries });
        }
        cases.push(Case { acts: vec![Act::Nonsense, Act::Answer(500)], conditions, tries: 2 });
        cases.push(Case { acts: vec![Act::Refuse, Act::Stall], conditions, tries: 2 });
    }
    cases
}

/// A case's backends, and the order in which they were asked.
struct Cast {
    addresses: Vec<String>,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Cast {
    fn of(case: &Case) -> Self {
        let asked = Arc::<Mutex<Vec<usize>>>::default();
        let addresses = case.acts.iter().enumerate().map(|(number, act)| {
            let (act, asked) = (*act, Arc::clone(&asked));
            match act {
                Act::Refuse => failing::refusing(),
                Act::Answer(_) | Act::Close | Act::BreakOff | Act::Nonsense | Act::Stall => {
                    let note = move || asked.lock().expect("nobody panics").push(number);
                    Origin::by_hand(move |stream| play(act, &note, BufReader::new(stream)))
                        .address
                        .to_string()
                }
            }
        });
        Self { addresses: addresses.collect(), asked }
    }

    /// The statuses of all requests, each with who was asked.
    fn perform(&self, proxy: SocketAddr) -> Vec<(u16, Vec<usize>)> {
        let ask = |request: &str| {
            let answer = exchange(proxy, request.as_bytes()).expect("an answer");
            (answer.status, std::mem::take(&mut *self.asked.lock().expect("nobody panics")))
        };
        REQUESTS.map(ask).to_vec()
    }
}

fn play(act: Act, note: &impl Fn(), mut reader: BufReader<std::net::TcpStream>) {
    while origin::read_request(&mut reader).is_some() {
        note();
        let stream = reader.get_mut();
        let is_kept = match act {
            Act::Answer(status) => {
                let answer = format!("HTTP/1.1 {status} Word\r\nContent-Length: 2\r\n\r\nok");
                stream.write_all(answer.as_bytes()).is_ok()
            }
            Act::BreakOff => stream.write_all(b"HTTP/1.1 200 OK\r\nConte").is_err(),
            Act::Nonsense => stream.write_all(b"HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n").is_err(),
            Act::Stall => reader.read(&mut [0]).is_err(),
            Act::Close | Act::Refuse => false,
        };
        if !is_kept {
            return;
        }
    }
}

fn ours(case: &Case, cast: &Cast, at: usize, listen: &str) -> String {
    let words: Vec<String> =
        case.conditions.split_whitespace().map(|word| format!("\"{word}\"")).collect();
    let backends = cast.addresses.iter().map(|address| {
        format!("[[upstream.u{at}.backend]]\naddress = \"{address}\"\nmax_fails = 0\n")
    });
    format!(
        "[[server]]\nlisten = \"{listen}\"\n[[server.route]]\npath = \"/\"\nupstream = \"u{at}\"\n\
         [upstream.u{at}]\nretry_on = [{}]\nretries = {}\nretry_budget = \"off\"\n\
         read_timeout = \"1s\"\n{}",
        words.join(", "),
        case.tries - 1,
        backends.collect::<String>()
    )
}

fn theirs(case: &Case, cast: &Cast, at: usize, listen: &str) -> String {
    let servers = cast.addresses.iter().map(|address| format!("server {address} max_fails=0; "));
    format!(
        "upstream u{at} {{ {} }}\nserver {{ listen {listen}; location / {{ proxy_pass http://u{at}; \
         proxy_http_version 1.1; proxy_next_upstream {}; proxy_next_upstream_tries {}; \
         proxy_read_timeout 1s; }} }}\n",
        servers.collect::<String>(),
        case.conditions,
        case.tries
    )
}

/// What came of every case, asked all at once: each has backends of its own.
fn perform(casts: &[Cast], listens: &[String]) -> Vec<Vec<(u16, Vec<usize>)>> {
    std::thread::scope(|scope| {
        let performing: Vec<_> = casts
            .iter()
            .zip(listens)
            .map(|(cast, listen)| {
                let proxy = listen.parse().expect("an address");
                scope.spawn(move || cast.perform(proxy))
            })
            .collect();
        performing.into_iter().map(|case| case.join().expect("a performance ends")).collect()
    })
}

#[test]
fn the_same_backends_are_asked_as_by_nginx() {
    let cases = cases();
    let listens = || cases.iter().map(|_| ports::address()).collect::<Vec<_>>();
    let casts = || cases.iter().map(Cast::of).collect::<Vec<_>>();
    let text = |casts: &[Cast],
                listens: &[String],
                one: fn(&Case, &Cast, usize, &str) -> String| {
        let texts = cases.iter().zip(casts).zip(listens).enumerate();
        texts.map(|(at, ((case, cast), listen))| one(case, cast, at, listen)).collect::<String>()
    };
    let (their_casts, their_listens) = (casts(), listens());
    let last = their_listens[cases.len() - 1].parse().expect("an address");
    let Some(_nginx) = Foreign::nginx(&text(&their_casts, &their_listens, theirs), last) else {
        return;
    };
    let (our_casts, our_listens) = (casts(), listens());
    let engine =
        Engine::start(&format!("[engine]\nworkers = 1\n{}", text(&our_casts, &our_listens, ours)));
    let theirs = perform(&their_casts, &their_listens);
    let ours = perform(&our_casts, &our_listens);
    let unlike: Vec<String> = cases
        .iter()
        .zip(ours.iter().zip(&theirs))
        .filter(|(_, (ours, theirs))| ours != theirs)
        .map(|(Case { acts, conditions, tries }, (ours, theirs))| {
            format!(
                "{acts:?} on {conditions}, {tries} tries:\n  ours  {ours:?}\n  nginx {theirs:?}\n"
            )
        })
        .collect();
    assert!(unlike.is_empty(), "{} of {}:\n{}", unlike.len(), cases.len(), unlike.concat());
    drop(engine);
}
