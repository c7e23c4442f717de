//! The strategies beside nginx's: the same upstreams, the same backends, the same requests from the
//! same clients; the same backends asked in the same order, request by request, and where chance
//! decides, the same shares. nginx has one worker, as its sequences are then one; this proxy has
//! three, which must not be seen.

#![expect(clippy::disallowed_methods, reason = "a window of failures is measured")]

mod case;
mod stage;

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use case::{Case, Strategy};
use stage::{Choice, Stage};

use crate::client;
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::{ports, wait};

/// Cases that are asked at a time.
const LANES: usize = 4;
/// Longer than any test: who is out stays out.
const FOR_EVER_S: u32 = 3_600;

/// nginx and this proxy, with the same cases.
struct Pair {
    theirs: SocketAddr,
    ours: SocketAddr,
    _nginx: Foreign,
    _engine: Engine,
}

impl Pair {
    /// `None` without nginx.
    fn start(cases: &[Case], stage: &Stage) -> Option<Self> {
        let listens = [ports::address(), ports::address()];
        let [theirs, ours] = &listens;
        let text = |listen: &str, one: fn(&Case, usize, &str, &Stage) -> String| {
            let texts = cases.iter().enumerate();
            texts.map(|(number, case)| one(case, number, listen, stage)).collect::<String>()
        };
        let address = |listen: &str| -> SocketAddr { listen.parse().expect("an address") };
        let nginx = Foreign::nginx(&text(theirs, Case::theirs), address(theirs))?;
        let ours_text = text(ours, Case::ours);
        let engine = Engine::start(&format!("[engine]\nworkers = 3\n{ours_text}"));
        Some(Self { theirs: address(theirs), ours: address(ours), _nginx: nginx, _engine: engine })
    }
}

/// What both chose, and how long the slower one took.
struct Outcome {
    theirs: Vec<Choice>,
    ours: Vec<Choice>,
    took: Duration,
}

/// The same part of every case, by both at once.
fn perform(pair: &Pair, cases: &[Case], stage: &Stage, part: &Range<usize>) -> Vec<Outcome> {
    let one = |number: usize| {
        let since = Instant::now();
        std::thread::scope(|scope| {
            let by = |proxy: SocketAddr| {
                let part = part.clone();
                scope.spawn(move || stage.perform(proxy, number, &cases[number], part))
            };
            let (theirs, ours) = (by(pair.theirs), by(pair.ours));
            let theirs = theirs.join().expect("a performance ends");
            let ours = ours.join().expect("a performance ends");
            Outcome { theirs, ours, took: since.elapsed() }
        })
    };
    let mut outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let lanes = (0..LANES).map(|lane| {
            scope.spawn(move || {
                let mine = (lane..cases.len()).step_by(LANES);
                mine.map(|number| (number, one(number))).collect::<Vec<_>>()
            })
        });
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("no lane panics")).collect()
    });
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What is to be said of a case that came out differently.
fn unlike(number: usize, case: &Case, stage: &Stage, outcome: &Outcome, start: usize) -> String {
    let pairs = outcome.theirs.iter().zip(&outcome.ours).enumerate();
    let differing =
        pairs.filter(|(_, (theirs, ours))| theirs != ours).take(3).map(|(at, (theirs, ours))| {
            let ask = &case.asks[start + at];
            format!("  request {}: {ask:?}\n    nginx {theirs:?}\n    ours  {ours:?}\n", start + at)
        });
    format!(
        "case {number} of seed {}:\n{}\n{}",
        case::seed(),
        case.theirs(number, "-", stage),
        differing.collect::<String>()
    )
}

/// The cases that came out differently, in words.
fn compare(cases: &[Case], stage: &Stage, outcomes: &[Outcome], start: usize) -> Vec<String> {
    let outcomes = outcomes.iter().enumerate();
    outcomes
        .filter(|(_, outcome)| outcome.theirs != outcome.ours)
        .map(|(number, outcome)| unlike(number, &cases[number], stage, outcome, start))
        .collect()
}

#[test]
fn the_same_backends_are_chosen_as_by_nginx() {
    const ASKS: usize = 24;
    let cases: Vec<Case> = (0..60).map(|number| Case::exact(number, ASKS, FOR_EVER_S)).collect();
    let stage = Stage::set();
    let Some(pair) = Pair::start(&cases, &stage) else { return };
    let outcomes = perform(&pair, &cases, &stage, &(0..ASKS));
    let unlike = compare(&cases, &stage, &outcomes, 0);
    assert!(unlike.is_empty(), "{} of {}:\n{}", unlike.len(), cases.len(), unlike.concat());
    // Or the test would say nothing: most requests are served, and many by a further backend.
    let all: Vec<&Choice> = outcomes.iter().flat_map(|outcome| &outcome.ours).collect();
    let served = all.iter().filter(|(status, _)| *status == 200).count();
    let retried = all.iter().filter(|(status, tries)| *status == 200 && tries.len() > 1).count();
    assert!(served * 2 > all.len() && retried * 20 > all.len(), "{served} {retried} {}", all.len());
}

/// Who is out, and who is back for one probe: the two proxies count seconds by clocks of their own,
/// so a case whose requests took as long as a window says nothing.
#[test]
fn after_their_window_backends_are_tried_again_as_by_nginx() {
    const ASKS: usize = 24;
    const WINDOW_S: u32 = 3;
    let window = Duration::from_secs(WINDOW_S.into());
    let cases: Vec<Case> =
        (1_000..1_040).map(|number| Case::exact(number, ASKS, WINDOW_S)).collect();
    for _attempt in 0..3 {
        let stage = Stage::set();
        let Some(pair) = Pair::start(&cases, &stage) else { return };
        let first = perform(&pair, &cases, &stage, &(0..ASKS / 2));
        // Whole seconds, and strictly more of them than the window has.
        let over = Instant::now() + window + Duration::from_millis(1_100);
        wait::until("the window is over", || (Instant::now() > over).then_some(()));
        let second = perform(&pair, &cases, &stage, &(ASKS / 2..ASKS));
        let is_quick = |outcome: &Outcome| outcome.took < window;
        if first.iter().chain(&second).all(is_quick) {
            let mut unlike = compare(&cases, &stage, &first, 0);
            unlike.extend(compare(&cases, &stage, &second, ASKS / 2));
            assert!(unlike.is_empty(), "{} cases:\n{}", unlike.len(), unlike.concat());
            return;
        }
    }
    panic!("requests took as long as a window, three times");
}

/// What nginx's documentation says of the draws, beside what both did: within six standard
/// deviations, which chance leaves once in five hundred million times.
#[test]
fn draws_have_the_shares_that_nginxs_have() {
    const DRAWS: usize = 1_200;
    let weights = [5, 3, 1, 1, 2];
    let down = 4;
    let cases = [Strategy::Random, Strategy::RandomTwo]
        .map(|strategy| Case::drawn(strategy, &weights, down));
    let stage = Stage::set();
    let Some(pair) = Pair::start(&cases, &stage) else { return };
    let single = [0.5, 0.3, 0.1, 0.1, 0.0];
    let second = [0, 1, 2, 3, 4].map(|at| {
        let others = (0..4).filter(|first| *first != at);
        others.map(|first| single[first] * single[at] / (1.0 - single[first])).sum::<f64>()
    });
    let expected = [single, second];
    std::thread::scope(|scope| {
        for (number, expected) in expected.iter().enumerate() {
            for proxy in [pair.theirs, pair.ours] {
                scope.spawn(move || {
                    let counts = draw(proxy, number, DRAWS);
                    for (origin, share) in expected.iter().enumerate() {
                        let count = counts.get(&origin.to_string()).copied().unwrap_or(0) as f64;
                        let spread = (share * (1.0 - share) * DRAWS as f64).sqrt();
                        let off = (count - share * DRAWS as f64).abs();
                        let who = if proxy == pair.ours { "ours" } else { "nginx" };
                        assert!(off <= 6.0 * spread, "{who}: {counts:?} for {expected:?}");
                    }
                });
            }
        }
    });
}

/// How often each backend answers, by its number.
fn draw(proxy: SocketAddr, number: usize, draws: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let request = format!("GET / HTTP/1.1\r\nHost: c{number}\r\n\r\n");
    let mut rest = draws;
    while rest > 0 {
        let mut connection = BufReader::new(client::connect(proxy).expect("the proxy listens"));
        // Fewer than either proxy lets one connection have.
        for _ in 0..rest.min(500) {
            connection.get_mut().write_all(request.as_bytes()).expect("the proxy reads");
            let answer = client::read_response(&mut connection).expect("the proxy answers");
            *counts.entry(answer.text()).or_default() += 1;
            rest -= 1;
        }
    }
    counts
}
