//! Tables that two workers keep together, beside nginx's arithmetic written out.

use std::collections::HashMap;
use std::mem::forget;
use std::sync::atomic::AtomicU32;

use proptest::prelude::*;

use super::bucket::{Bucket, Rate};
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
fn the_oldest_of_a_full_zone_gives_way_and_it_is_told() {
    let (board, [zone, _]) = zones(Kind::Rate, 7);
    let terms = Terms { rate: Rate(1000), burst: 5000 };
    let keys: Vec<Key> = (0..10u8).map(|number| zone.key(&[number])).collect();
    for (number, key) in keys.iter().enumerate().take(7) {
        assert_eq!(zone.take(*key, terms, 100 + number as u64), Ok(0));
    }
    assert_eq!(zone.take(keys[0], terms, 110), Ok(990));
    assert_eq!(zone.take(keys[7], terms, 111), Ok(0), "in place of the second");
    assert_eq!(only(board).count(Event::Evicted), 1);
    assert_eq!(zone.take(keys[0], terms, 112), Ok(1988), "the first is still known");
    assert_eq!(zone.take(keys[1], terms, 113), Ok(0), "the second is met as if it had never come");
    assert_eq!(only(board).count(Event::Evicted), 2);
    // The first owes most and came before all others; these owe nothing any more.
    for (now_ms, key) in (2008..).zip(&keys[8..]) {
        assert_eq!(zone.take(*key, terms, now_ms), Ok(0));
    }
    assert_eq!(only(board).count(Event::Evicted), 2);
    assert_eq!(zone.take(keys[0], terms, 2012), Ok(1088));
}

/// Ours and nginx's table side by side: one knows as many keys as it has room for.
fn known_beside_a_map(keys: usize, asks: Vec<(usize, u64)>) {
    let (board, zones) = zones(Kind::Rate, keys);
    let terms = Terms { rate: Rate(2_000), burst: 3_000 };
    let (mut nodes, mut now_ms, mut lost) = (HashMap::new(), 1_000, 0);
    for (turn, (key, gap_ms)) in asks.into_iter().enumerate() {
        now_ms += gap_ms;
        let known: Option<Bucket> = nodes.get(&key).copied();
        let next = known.map_or(Bucket::first(now_ms), |it| it.and_one(terms.rate, now_ms));
        let expected = if next.excess > terms.burst { Err(Busy) } else { Ok(next.excess) };
        if known.is_none() && nodes.len() == keys {
            let loss = |(_, it): &(&usize, &Bucket)| (!it.is_spent(terms.rate, now_ms), it.last_ms);
            let (worst, bucket) = nodes.iter().min_by_key(loss).unwrap();
            lost += u64::from(!bucket.is_spent(terms.rate, now_ms));
            let worst = *worst;
            nodes.remove(&worst);
        }
        if expected.is_ok() {
            nodes.insert(key, next);
        }
        let zone = zones[turn % 2];
        assert_eq!(zone.take(zone.key(&key.to_le_bytes()), terms, now_ms), expected, "turn {turn}");
        assert_eq!(only(board).count(Event::Evicted), lost, "turn {turn}");
    }
}

proptest! {
    /// A zone of one set is nginx's: full with as many keys as it has room for, and no sooner.
    #[test]
    fn a_small_zone_forgets_as_a_map_of_its_size(
        keys in prop_oneof![1usize..12, Just(words::WAYS)],
        asks in prop::collection::vec((0usize..20, 1u64..600), 1..150),
    ) {
        known_beside_a_map(keys, asks);
    }
}

#[test]
fn a_zone_has_room_for_its_keys_wherever_their_digests_put_them() {
    for keys in [1, 7, 100, words::WAYS, words::WAYS + 1, 1_000, 14_336, 20_000] {
        let terms = Terms { rate: Rate(1), burst: 0 };
        let (board, [zone, other]) = zones(Kind::Rate, keys);
        let each = || (0..keys as u32).map(|number| zone.key(&number.to_le_bytes()));
        assert!(each().all(|key| zone.take(key, terms, 10) == Ok(0)), "{keys}");
        assert!(each().all(|key| other.take(key, terms, 20) == Err(Busy)), "{keys}");
        assert_eq!(only(board).count(Event::Evicted), 0);
        let keys = keys.min(words::COUNT_KEYS_MAX);
        let (board, [zone, other]) = zones(Kind::Connections, keys);
        let each = || (0..keys as u32).map(|number| zone.key(&number.to_le_bytes()));
        let held: Vec<_> = each().map(|key| zone.enter(key, 1)).collect();
        assert!(held.iter().all(Result::is_ok), "{keys}");
        assert!(each().all(|key| other.enter(key, 1).err() == Some(Full::Key)), "{keys}");
        assert_eq!(only(board).held, keys as u64);
        if keys <= words::WAYS {
            assert_eq!(other.enter(other.key(b"more"), 1).err(), Some(Full::Table), "{keys}");
        }
    }
}

proptest! {
    /// Requests that come and go, beside a plain list of them.
    #[test]
    fn requests_in_progress_are_counted_as_in_a_list(
        keys in prop_oneof![1usize..6, Just(1_000)],
        steps in prop::collection::vec((0usize..2, 0usize..8, any::<bool>()), 1..120),
    ) {
        const MOST: usize = 2;
        let (board, zones) = zones(Kind::Connections, keys);
        let mut held: Vec<(usize, count::Held)> = Vec::new();
        for (worker, key, comes) in steps {
            let own = held.iter().filter(|(it, _)| *it == key).count();
            if !comes {
                if let Some(at) = held.iter().position(|(it, _)| *it == key) {
                    drop(held.swap_remove(at));
                }
                continue;
            }
            let all: std::collections::HashSet<_> = held.iter().map(|(it, _)| *it).collect();
            let expected = if own == MOST {
                Some(Full::Key)
            } else if own == 0 && all.len() == keys {
                Some(Full::Table)
            } else {
                None
            };
            let zone = zones[worker];
            match zone.enter(zone.key(&[key as u8]), MOST as u32) {
                Ok(one) => {
                    prop_assert_eq!(expected, None);
                    held.push((key, one));
                }
                Err(full) => prop_assert_eq!(Some(full), expected),
            }
            prop_assert_eq!(only(board).held, held.len() as u64);
        }
    }
}

#[test]
fn workers_at_once_count_as_one() {
    const THREADS: usize = 4;
    const KEYS: u32 = 40;
    const BURST: u64 = 20;
    const MOST: u32 = 3;
    let (board, _) = zones(Kind::Rate, KEYS as usize);
    let terms = Terms { rate: Rate(1), burst: BURST * 1000 };
    let occupied = |board: Board| {
        for number in 0..THREADS {
            board.worker(slot(number)).occupy(1);
        }
    };
    let each = |run: &(dyn Fn(usize) -> u64 + Sync)| -> Vec<u64> {
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..THREADS).map(|number| scope.spawn(move || run(number))).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        })
    };
    occupied(board);
    let taken = each(&|number| {
        let zone = Zone::find(board, slot(number), "zone").unwrap();
        // Each begins elsewhere, so that all sorts of them meet.
        let asks = (0..KEYS * 30).map(|ask| (ask + number as u32 * 7) % KEYS);
        let asks = asks.filter(|key| zone.take(zone.key(&key.to_le_bytes()), terms, 10).is_ok());
        asks.count() as u64
    });
    let uncounted = only(board).count(Event::Uncounted);
    let taken: u64 = taken.iter().sum();
    assert!(taken - uncounted <= u64::from(KEYS) * (BURST + 1), "{taken}, {uncounted} uncounted");
    assert!(taken >= u64::from(KEYS) * (BURST + 1), "{taken}");
    assert_eq!(only(board).count(Event::Evicted), 0);

    let (board, _) = zones(Kind::Connections, KEYS as usize);
    occupied(board);
    let inside: Vec<AtomicU32> = (0..KEYS).map(|_| AtomicU32::new(0)).collect();
    let passed = each(&|number| {
        let zone = Zone::find(board, slot(number), "zone").unwrap();
        let mut passed = 0;
        for ask in 0..KEYS * 200 {
            let key = ask % KEYS;
            let Ok(held) = zone.enter(zone.key(&key.to_le_bytes()), MOST) else { continue };
            let count = inside[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
            assert!(count <= MOST || only(board).count(Event::Uncounted) > 0, "{count} of {key}");
            passed += 1;
            inside[key as usize].fetch_sub(1, Ordering::SeqCst);
            drop(held);
        }
        passed
    });
    assert!(passed.iter().all(|passed| *passed > 0), "{passed:?}");
    assert_eq!(only(board).held, 0);
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
fn a_full_zone_refuses_the_next_key_until_one_has_nothing_in_progress() {
    let (board, [zone, _]) = zones(Kind::Connections, 7);
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
