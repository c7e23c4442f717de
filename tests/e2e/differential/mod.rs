//! The same bytes through this proxy and through the real nginx, each before a backend that writes
//! down what it is sent.
//!
//! What reaches the backend by us must be read alike by servers that are strict and by servers that
//! are lenient, each in its own way; and where nginx forwards too, it must be the same request.

mod corpus;
mod generated;
mod nginx;
mod recorder;
#[path = "../../../src/http/properties/second_reader.rs"]
mod second_reader;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use nginx::Nginx;
use recorder::{ANSWER, Recorder};
use second_reader::{LENIENCIES, Message, Reading};

use crate::client;
use crate::engine::Engine;
use crate::ports;

struct Case {
    name: String,
    stream: Vec<u8>,
}

/// Streams are sent by this many at a time, each with a proxy's address and a backend of its own.
const LANES: usize = 4;

/// Behind every stream, unless it swallows it: so that the proxy closes when all is answered.
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n";

/// What we forward and nginx 1.22 does not, and why that is right.
const OURS_ALONE: &[(&str, &str)] = &[
    ("OPTIONS star", "RFC 9110, 7.1: a question about the whole server"),
    (
        "a length with blanks",
        "RFC 9112, 5: a tab around a value is white space, and goes no further",
    ),
    ("a coding with a tab", "the same"),
    ("a coding with a blank behind", "the same"),
];

/// What both forward, but not as the same, and why.
const UNLIKE: &[(&str, &str)] = &[
    ("OPTIONS absolute, no path", "RFC 9112, 3.2.4: it is `OPTIONS *` to the server"),
    ("OPTIONS at its last", "RFC 9110, 7.6.2: we answer the first ourselves, nginx does not count"),
];

/// What came of a stream.
struct Outcome {
    /// Bytes of each connection to the backend.
    heard: Vec<Vec<u8>>,
    answers: Vec<u8>,
}

#[test]
fn nobody_reads_what_we_forward_as_something_else() {
    let cases: Vec<Case> = corpus::cases().into_iter().chain(generated::cases()).collect();
    assert!(corpus::cases().len() >= 150);
    let recorders: Vec<Recorder> = (0..LANES).map(|_| Recorder::start()).collect();
    let backends: Vec<SocketAddr> = recorders.iter().map(|recorder| recorder.address).collect();
    let (_engine, addresses) = before(&backends, 0);
    let ours = run(&cases, &addresses, &recorders);
    for (case, outcome) in cases.iter().zip(&ours) {
        let readings: Vec<Reading> =
            outcome.heard.iter().map(|bytes| read_by_all(&case.name, bytes)).collect();
        let whole: usize = readings.iter().map(|reading| reading.messages.len()).sum();
        assert!(
            readings.iter().all(|reading| reading.messages.len() <= 1),
            "{}",
            show(case, outcome)
        );
        let answers = String::from_utf8_lossy(&outcome.answers);
        assert_eq!(answers.matches(ANSWER).count(), whole, "{}", show(case, outcome));
    }
    let Some((_nginx, addresses)) = Nginx::before(&backends) else { return };
    let theirs = run(&cases, &addresses, &recorders);
    let pairs = cases.iter().zip(&ours).zip(&theirs);
    let unknown: Vec<String> =
        pairs.filter_map(|((case, ours), theirs)| compare(case, ours, theirs)).collect();
    assert!(unknown.is_empty(), "{}", unknown.concat());
}

#[test]
fn pooled_connections_carry_exactly_what_was_accepted() {
    let cases: Vec<Case> = corpus::cases().into_iter().chain(generated::cases()).collect();
    let recorders: Vec<Recorder> = (0..LANES).map(|_| Recorder::start()).collect();
    let backends: Vec<SocketAddr> = recorders.iter().map(|recorder| recorder.address).collect();
    let (engine, addresses) = before(&backends, 8);
    let mut answered = 0;
    for case in &cases {
        let answers = send(addresses[0], &case.stream);
        answered += String::from_utf8_lossy(&answers).matches(ANSWER).count();
    }
    drop(engine);
    let heard = recorders[0].take();
    let readings: Vec<Reading> = heard.iter().map(|bytes| read_by_all("a pool", bytes)).collect();
    let whole: usize = readings.iter().map(|reading| reading.messages.len()).sum();
    assert_eq!(whole, answered);
    assert!(heard.len() < whole, "{} connections for {whole} requests", heard.len());
}

/// Streams that must divide the readers, or they would be no judges.
const DIVISIVE: &[&str] = &[
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent_Length: 2\r\n\r\nab",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 1\r\n\r\na",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 1\r\n\r\na",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\na\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\ra\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1x\r\na\r\n0\r\n\r\n",
];

#[test]
fn the_readers_disagree_about_what_is_ambiguous() {
    for stream in DIVISIVE {
        let readings = LENIENCIES.iter().map(|&it| second_reader::read(stream.as_bytes(), it));
        let bodies: std::collections::BTreeSet<_> =
            readings.map(|it| it.map(|it| (it.messages.len(), it.is_cut))).collect();
        assert!(bodies.len() > 1, "{stream:?}: {bodies:?}");
    }
}

/// An engine with a listener before each backend.
fn before(backends: &[SocketAddr], keepalive: usize) -> (Engine, Vec<SocketAddr>) {
    let listens: Vec<String> = backends.iter().map(|_| ports::address()).collect();
    let lanes = listens.iter().zip(backends).enumerate().map(|(lane, (listen, backend))| {
        format!(
            "[[server]]\nlisten = [\"{listen}\"]\nhalf_close = \"answer\"\n\
             [[server.route]]\npath = \"/\"\nupstream = \"lane{lane}\"\n\
             [upstream.lane{lane}]\nkeepalive = {keepalive}\nretries = 0\n\
             [[upstream.lane{lane}.backend]]\naddress = \"{backend}\"\nmax_fails = 0\n"
        )
    });
    let config = lanes.fold("[engine]\nworkers = 1\n".to_owned(), |config, lane| config + &lane);
    let listens = listens.iter().map(|listen| listen.parse().expect("an address")).collect();
    (Engine::start(&config), listens)
}

/// Every case once, spread over the lanes.
fn run(cases: &[Case], addresses: &[SocketAddr], recorders: &[Recorder]) -> Vec<Outcome> {
    let mut outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let lanes: Vec<_> = addresses
            .iter()
            .zip(recorders)
            .enumerate()
            .map(|(lane, (address, recorder))| {
                scope.spawn(move || {
                    let mine = cases.iter().enumerate().skip(lane).step_by(LANES);
                    let outcomes = mine.map(|(number, case)| {
                        let answers = send(*address, &case.stream);
                        (number, Outcome { answers, heard: recorder.take() })
                    });
                    outcomes.collect::<Vec<_>>()
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("no lane panics")).collect()
    });
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The stream and the last request out, then the end of our side; what came back until the proxy
/// closed.
fn send(address: SocketAddr, stream: &[u8]) -> Vec<u8> {
    let mut connection = client::connect(address).expect("the listener accepts");
    let mut answers = Vec::new();
    // The proxy may close before it has read everything.
    let _sent = connection
        .write_all(&[stream, LAST].concat())
        .and_then(|()| connection.shutdown(Shutdown::Write));
    let _reset_is_a_close_too = connection.read_to_end(&mut answers);
    answers
}

/// What every reader makes of a connection, which must be the same.
fn read_by_all(name: &str, bytes: &[u8]) -> Reading {
    let read = |leniency| {
        let mut reading = second_reader::read(bytes, leniency).unwrap_or_else(|what| {
            panic!("{name}: {leniency:?}: {what}: {}", bytes.escape_ascii())
        });
        // A folded or padded value is no matter of where a message ends.
        reading.messages.iter_mut().for_each(|message| message.fields.clear());
        reading
    };
    let first = read(LENIENCIES[0]);
    for &leniency in &LENIENCIES[1..] {
        assert_eq!(read(leniency), first, "{name}: {leniency:?}: {}", bytes.escape_ascii());
    }
    first
}

/// What is to be said about the two, if anything is that no list says.
fn compare(case: &Case, ours: &Outcome, theirs: &Outcome) -> Option<String> {
    let (ours_read, theirs_read) = (requests(ours), requests(theirs));
    let is_listed = |list: &[(&str, &str)]| list.iter().any(|(name, _)| *name == case.name);
    let is_like = ours_read.iter().zip(&theirs_read).all(|(ours, theirs)| {
        (&ours.method, &ours.target, &ours.body) == (&theirs.method, &theirs.target, &theirs.body)
    });
    let is_known = is_like != is_listed(UNLIKE)
        && (ours_read.len() > theirs_read.len()) == is_listed(OURS_ALONE);
    (!is_known).then(|| format!("ours: {}\ntheirs: {}\n", show(case, ours), show(case, theirs)))
}

fn requests(outcome: &Outcome) -> Vec<Message> {
    let heard = outcome.heard.iter();
    let read = heard.filter_map(|bytes| second_reader::read(bytes, LENIENCIES[1]).ok());
    read.flat_map(|reading| reading.messages).collect()
}

fn show(case: &Case, outcome: &Outcome) -> String {
    let heard: Vec<String> =
        outcome.heard.iter().map(|bytes| bytes.escape_ascii().to_string()).collect();
    let answers = outcome.answers.escape_ascii();
    format!("{}: {}\nheard {heard:#?}\nanswers {answers}", case.name, case.stream.escape_ascii())
}
