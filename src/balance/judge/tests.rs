//! Each promise, kept and broken.

use super::*;

fn member(weight: u32, picks: u64) -> Member {
    Member {
        served: Served { picks, weight, weight_start: 0, weight_end: 0 },
        is_candidate: true,
        active: None,
        service_us: None,
    }
}

fn judged(promise: Promise, members: &[Member]) -> Judgement {
    let trouble = Trouble { requests: 100, ..Trouble::default() };
    judge(&Window { promise, members, top_client: 0.31, trouble })
}

#[track_caller]
fn check(promise: Promise, members: &[Member], verdict: Verdict) -> Judgement {
    let judgement = judged(promise, members);
    assert_eq!(judgement.verdict, verdict, "{judgement:?}");
    judgement
}

#[test]
fn turns_are_exact_or_they_deviate() {
    let three = |a, b, c| [member(3, a), member(1, b), member(1, c)];
    check(Promise::Exact, &three(60, 20, 20), Verdict::Fits);
    let off = check(Promise::Exact, &three(70, 15, 15), Verdict::Deviates);
    assert_eq!(off.findings[0].claim, Claim::Due { beyond: 10.0, owed: 0.0 });
    assert_eq!(off.findings[1].claim, Claim::Unexplained { picks: 10.0 });
    assert!(off.needs_cause());
    check(Promise::Exact, &three(3, 1, 1), Verdict::TooFew);
    assert!(!judged(Promise::Exact, &three(20, 0, 0)).needs_cause(), "too few to ask why");
}

#[test]
fn a_window_that_begins_within_a_round_is_exact_by_its_smooth_weights() {
    let mut members = [member(1, 41), member(1, 39)];
    members[0].served.weight_start = 2;
    members[1].served.weight_start = -2;
    let judgement = check(Promise::Exact, &members, Verdict::Fits);
    assert_eq!(judgement.findings[0].claim, Claim::Due { beyond: 1.0, owed: 1.0 });
    assert!(!judgement.needs_cause());
}

#[test]
fn what_little_retries_move_is_named_and_no_broken_promise() {
    let judgement = check(Promise::Exact, &[member(1, 50_004), member(1, 49_996)], Verdict::Fits);
    assert_eq!(judgement.findings[1].verdict, Verdict::Deviates);
    assert!(judgement.needs_cause());
}

#[test]
fn who_takes_no_requests_is_not_in_the_promise() {
    let out = Member { is_candidate: false, ..member(1, 0) };
    check(Promise::Exact, &[member(1, 50), out, member(1, 50)], Verdict::Fits);
}

#[test]
fn least_connections_are_about_what_is_in_flight() {
    let two = |a, b| {
        let busy = |picks, active| Member { active: Some(active), ..member(1, picks) };
        [busy(90, a), busy(10, b)]
    };
    check(Promise::Even, &two(1.0, 1.0), Verdict::Fits);
    check(Promise::Even, &two(58.0, 56.0), Verdict::Fits);
    check(Promise::Even, &two(40.0, 10.0), Verdict::Deviates);
    let weighted = [
        Member { active: Some(30.0), ..member(3, 75) },
        Member { active: Some(10.0), ..member(1, 25) },
    ];
    check(Promise::Even, &weighted, Verdict::Fits);
    check(Promise::Even, &[member(1, 90), member(1, 10)], Verdict::TooFew);
}

#[test]
fn the_slowest_gets_the_fewest_where_there_is_something_to_see() {
    let peer = |picks, active, service_us| Member {
        active: Some(active),
        service_us: Some(service_us),
        ..member(1, picks)
    };
    let slowest = |members: &[Member]| judged(Promise::Even, members).findings[1];
    let found = slowest(&[peer(75, 5.0, 100.0), peer(25, 5.0, 300.0)]);
    assert_eq!(found.verdict, Verdict::Fits);
    assert_eq!(found.claim, Claim::Slowest { fewest: 1, part: 0.25, slowest: 1 });
    let found = slowest(&[peer(75, 5.0, 300.0), peer(25, 5.0, 100.0)]);
    assert_eq!(found.verdict, Verdict::Deviates);
    assert_eq!(found.claim, Claim::Slowest { fewest: 1, part: 0.25, slowest: 0 });
    let idle = slowest(&[peer(50, 0.1, 300.0), peer(50, 0.1, 100.0)]);
    assert_eq!(idle.verdict, Verdict::TooFew, "ties take turns");
    let alike = slowest(&[peer(48, 5.0, 100.0), peer(52, 5.0, 101.0)]);
    assert_eq!(alike.verdict, Verdict::TooFew, "none is slow");
}

#[test]
fn a_hash_is_the_clients_doing() {
    let uneven = check(Promise::Client, &[member(1, 90), member(1, 10)], Verdict::Skewed);
    assert_eq!(uneven.findings[0].claim, Claim::HashShare { peer: 1, requests: 0.1, hash: 0.5 });
    assert_eq!(uneven.findings[1].claim, Claim::TopClient { part: 0.31 });
    assert!(!uneven.needs_cause(), "the clients are the cause");
    check(Promise::Client, &[member(1, 55), member(1, 45)], Verdict::Fits);
}

#[test]
fn a_client_that_was_sent_elsewhere_breaks_the_hashs_promise() {
    let even = || judged(Promise::Client, &[member(1, 55), member(1, 45)]);
    assert_eq!(even().with_kept(100, 100).verdict, Verdict::Fits);
    let moved = even().with_kept(99, 100);
    assert_eq!(moved.verdict, Verdict::Deviates);
    assert!(moved.needs_cause());
    let few = even().with_kept(3, 5);
    assert_eq!((few.verdict, few.findings[2].verdict), (Verdict::Fits, Verdict::TooFew));
    assert!(matches!(few.findings[3].claim, Claim::Trouble(_)));
}

#[test]
fn draws_are_left_to_chance() {
    check(Promise::Chance, &[member(1, 510), member(1, 490)], Verdict::Fits);
    check(Promise::Chance, &[member(1, 700), member(1, 300)], Verdict::Deviates);
    check(Promise::Chance, &[member(3, 750), member(1, 250)], Verdict::Fits);
    check(Promise::Chance, &[member(1000, 995), member(1, 5)], Verdict::TooFew);
    // A difference that only millions of draws can show is none.
    check(Promise::Chance, &[member(1, 5_020_000), member(1, 4_980_000)], Verdict::Fits);
}

#[test]
fn every_strategy_has_its_promise() {
    for (strategy, promise) in [
        (Strategy::RoundRobin, Promise::Exact),
        (Strategy::LeastConn, Promise::Even),
        (Strategy::IpHash, Promise::Client),
    ] {
        assert_eq!(Promise::of(strategy), promise);
    }
}
