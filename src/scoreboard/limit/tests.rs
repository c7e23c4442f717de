//! Tables that two workers keep together, beside nginx's arithmetic written out.

use std::collections::HashMap;
use std::mem::forget;

use proptest::prelude::*;

use super::bucket::Rate;
use super::count::Full;
use super::rate::{Busy, Terms};
use super::zone::{Wanted, publish};
use super::*;

fn slot(index: usize) -> WorkerSlot {
    WorkerSlot::new(index).unwrap()
}

/// A board with one zone, which workers 0 and 1 use.
fn zones(kind: Kind, keys: usize) -> (Board, [Zone; 2]) {
    let (board, _fd) = Board::create().unwrap();
    publish(board, &[Wanted { name: "zone", kind, shape: 1, keys }]);
    for number in [0, 1] {
        board.worker(slot(number)).occupy(1);
    }
    (board, found(board))
}

fn found(board: Board) -> [Zone; 2] {
    [0, 1].map(|number| Zone::find(board, slot(number), "zone").unwrap())
}

fn only(board: Board) -> figures::Figures {
    let mut all = figures::all(board);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// `ngx_http_limit_req_lookup` with `account`, in its own types; `None` is `NGX_BUSY`.
fn theirs(
    nodes: &mut HashMap<u8, (i64, i64)>,
    key: u8,
    (rate, burst): (i64, i64),
    now: i64,
) -> Option<i64> {
    let Some((excess, last)) = nodes.get_mut(&key) else {
        nodes.insert(key, (0, now));
        return Some(0);
    };
    let mut ms = now - *last;
    if ms < -60_000 {
        ms = 1;
    } else if ms < 0 {
        ms = 0;
    }
    let next = (*excess - rate * ms / 1000 + 1000).max(0);
    if next > burst {
        return None;
    }
    *excess = next;
    if ms != 0 {
        *last = now;
    }
    Some(next)
}

proptest! {
    #[test]
    fn two_workers_decide_as_one_nginx(
        per_minute in prop_oneof![1u64..6_000, Just(60), Just(1)],
        burst in 0u64..20,
        asks in prop::collection::vec((0usize..2, 0u8..4, -50i64..2_000), 1..120),
    ) {
        let (_board, zones) = zones(Kind::Rate, 1_000);
        let rate = per_minute * 1000 / 60;
        let terms = Terms { rate: Rate(rate), burst: burst * 1000 };
        let (mut nodes, mut now) = (HashMap::new(), 1_000_000);
        for (worker, key, gap) in asks {
            // One worker's clock may be behind the other's by a little.
            now += gap;
            let zone = zones[worker];
            let ours = zone.take(zone.key(&[key]), terms, now as u64);
            let terms = (rate as i64, burst as i64 * 1000);
            let theirs = theirs(&mut nodes, key, terms, now);
            prop_assert_eq!(ours.ok().map(|excess| excess as i64), theirs);
        }
    }
}

#[test]
fn the_oldest_of_a_full_set_gives_way_and_it_is_told() {
    let (board, [zone, _]) = zones(Kind::Rate, 1);
    let terms = Terms { rate: Rate(1000), burst: 0 };
    let keys: Vec<Key> = (0..8u8).map(|number| zone.key(&[number])).collect();
    for (number, key) in keys.iter().enumerate().take(7) {
        assert_eq!(zone.take(*key, terms, 100 + number as u64), Ok(0));
    }
    // Nobody had more than one request, which leaks at once: nothing is lost with the first.
    assert_eq!(zone.take(keys[7], terms, 110), Ok(0));
    assert_eq!(only(board).count(Event::Evicted), 0);
    assert_eq!(zone.take(keys[1], terms, 111), Err(Busy), "the second is still known");
    let terms = Terms { rate: Rate(1000), burst: 5000 };
    assert_eq!(zone.take(keys[1], terms, 111), Ok(990));
    for number in 20..27u8 {
        assert_eq!(zone.take(zone.key(&[number]), terms, 120), Ok(0));
    }
    assert_eq!(only(board).count(Event::Evicted), 1, "one of them owed something");
    assert_eq!(zone.take(keys[1], terms, 121), Ok(0), "and is met as if it had never come");
}

#[test]
fn a_peek_counts_nothing_and_a_count_asks_nobody() {
    let (_board, [zone, other]) = zones(Kind::Rate, 100);
    let terms = Terms { rate: Rate(1000), burst: 1000 };
    let key = zone.key(b"client");
    for _ in 0..3 {
        assert_eq!(zone.peek(key, terms, 500), Ok(()));
    }
    assert_eq!(other.count(key, terms.rate, 500), 1000);
    assert_eq!(zone.peek(key, terms, 500), Err(Busy));
    assert_eq!(other.count(key, terms.rate, 500), 2000);
}

#[test]
fn a_dead_worker_holds_nobody_up() {
    for kind in [Kind::Rate, Kind::Connections] {
        let (board, [dying, zone]) = zones(kind, 1);
        let key = zone.key(b"client");
        forget(hold::take(board, slot(0), dying.place(key)));
        let ask = || match kind {
            Kind::Rate => {
                let terms = Terms { rate: Rate(1), burst: 0 };
                zone.take(key, terms, 10).map(|_| ()).map_err(|_| ())
            }
            Kind::Connections => zone.enter(key, 1).map(forget).map_err(|_| ()),
        };
        // Before its death is known, who comes is not counted, and that is.
        assert_eq!((ask(), ask()), (Ok(()), Ok(())));
        assert_eq!(only(board).count(Event::Uncounted), 2);
        board.settle_worker(slot(0));
        assert_eq!((ask(), ask()), (Ok(()), Err(())));
        assert_eq!(only(board).count(Event::Uncounted), 2);
    }
}

#[test]
fn requests_in_progress_are_those_of_all_workers() {
    let (board, [one, other]) = zones(Kind::Connections, 100);
    let key = one.key(b"client");
    let first = one.enter(key, 2).unwrap();
    let second = other.enter(key, 2).unwrap();
    assert_eq!(
        (one.enter(key, 2).err(), other.enter(key, 2).err()),
        (Some(Full::Key), Some(Full::Key))
    );
    assert!(one.enter(one.key(b"another"), 2).is_ok());
    assert_eq!(only(board).held, 2);
    drop(first);
    let third = other.enter(key, 2).unwrap();
    assert!(one.enter(key, 2).is_err());
    // The second worker dies with both.
    forget((second, third));
    board.settle_worker(slot(1));
    assert_eq!(only(board).held, 0);
    let [one, other] = found(board);
    let held = [one.enter(key, 2).unwrap(), other.enter(key, 2).unwrap()];
    assert!(other.enter(key, 2).is_err());
    drop(held);
    assert_eq!(only(board).held, 0);
}

#[test]
fn a_full_set_refuses_the_next_key_until_one_has_nothing_in_progress() {
    let (board, [zone, _]) = zones(Kind::Connections, 1);
    let mut held: Vec<_> = (0..7u8).map(|number| zone.enter(zone.key(&[number]), 1)).collect();
    assert!(held.iter().all(Result::is_ok));
    assert_eq!(zone.enter(zone.key(b"more"), 1).err(), Some(Full::Table));
    assert_eq!(zone.enter(zone.key(&[3]), 1).err(), Some(Full::Key), "that one is known");
    assert_eq!((only(board).count(Event::Uncounted), only(board).held), (0, 7));
    drop(held.remove(3));
    assert!(zone.enter(zone.key(b"more"), 1).is_ok());
}

#[test]
fn a_zone_that_stays_as_it_was_keeps_what_it_counted() {
    let (board, [zone, _]) = zones(Kind::Rate, 1_000);
    let terms = Terms { rate: Rate(1), burst: 0 };
    assert_eq!(zone.take(zone.key(b"client"), terms, 10), Ok(0));
    figures::count(&zone, Event::Refused);
    figures::offend(&zone, b"client");
    let wanted = Wanted { name: "zone", kind: Kind::Rate, shape: 1, keys: 1_000 };
    let again = |wanted: Wanted<'_>| {
        publish(board, &[Wanted { name: "new", ..wanted }, wanted]);
        let [zone, _] = found(board);
        zone.take(zone.key(b"client"), terms, 20)
    };
    let figures = || figures::all(board).into_iter().find(|it| it.name == "zone").unwrap();
    assert_eq!(again(wanted), Err(Busy));
    assert_eq!((figures().count(Event::Refused), figures().offenders.len()), (1, 1));
    assert_eq!(again(Wanted { shape: 2, ..wanted }), Ok(0), "its keys mean something else");
    assert_eq!((figures().count(Event::Refused), figures().offenders.len()), (0, 0));
    publish(board, &[]);
    assert!(figures::all(board).is_empty() && Zone::find(board, slot(0), "zone").is_none());
    assert_eq!(again(Wanted { shape: 2, ..wanted }), Ok(0), "it was gone");
}

#[test]
fn whoever_is_refused_often_is_remembered() {
    let (board, zones) = zones(Kind::Rate, 1_000);
    for number in 0..100u8 {
        for zone in &zones {
            figures::offend(zone, b"often");
        }
        figures::offend(&zones[0], format!("once-{number}").as_bytes());
    }
    figures::offend(&zones[1], &[0xff; 100]);
    let offenders = only(board).offenders;
    assert_eq!((offenders[0].key.as_str(), offenders[0].refusals), ("often", 200));
    assert!(offenders.iter().all(|offender| offender.key.len() <= words::OFFENDER_BYTES_MAX));
}
