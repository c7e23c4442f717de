//! The model against what it models: the same sequence as round robin, the same homes as the hash,
//! and least connections as arithmetic predicts it.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::*;
use crate::balance::{Standing, Strategy, Tier};

fn server(weight: u32, services_us: &[u32]) -> Server {
    Server { peer: Peer::fresh(weight), services_us: services_us.to_vec() }
}

fn client(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(10 << 24 | number << 8 | 1))
}

/// One request every `period_us`, each from the next of so many networks.
fn steady(count: u64, period_us: u64, networks: u32) -> Trace {
    let arrival = |at: u64| Arrival { at_us: at * period_us, client: client(at as u32 % networks) };
    Trace::new((0..count).map(arrival).collect())
}

fn counts(outcome: &Outcome) -> Vec<u64> {
    outcome.parts.iter().map(|part| part.requests).collect()
}

#[test]
fn least_conn_gives_the_slow_peer_less() {
    let servers = [server(1, &[20_000]), server(1, &[40_000]), server(1, &[80_000])];
    let outcome = replay(Strategy::LeastConn, &steady(7_000, 1_000, 4), &servers);
    // With as many in flight at each, rates go as one over the time: 4 : 2 : 1.
    for (found, expected) in counts(&outcome).into_iter().zip([4_000, 2_000, 1_000]) {
        assert!(found.abs_diff(expected) < 150, "{found}, not about {expected}");
    }
    assert_eq!(outcome.parts[2].times.p50_us, 80_000);
    let most = outcome.parts.iter().map(|part| part.in_flight_max);
    let (least, most) = (most.clone().min().unwrap(), most.max().unwrap());
    assert!(most - least <= 1, "{outcome:?}");
}

#[test]
fn idle_least_conn_takes_turns() {
    let servers = [server(3, &[10]), server(1, &[10]), server(1, &[10])];
    let outcome = replay(Strategy::LeastConn, &steady(50, 1_000, 1), &servers);
    assert_eq!(counts(&outcome), [30, 10, 10]);
    assert!(outcome.parts.iter().all(|part| part.in_flight_max == 1));
}

#[test]
fn what_is_in_flight_ends_when_its_time_is_over() {
    // Ten at once, then one after all of them have ended.
    let mut arrivals = vec![Arrival { at_us: 5, client: client(0) }; 10];
    arrivals.push(Arrival { at_us: 5 + 1_000, client: client(0) });
    let outcome = replay(Strategy::RoundRobin, &Trace::new(arrivals), &[server(1, &[1_000])]);
    assert_eq!(outcome.parts[0].in_flight_max, 10);
    assert_eq!(counts(&outcome), [11]);
}

#[test]
fn a_peer_without_times_has_those_of_the_others() {
    let servers = [server(1, &[100, 300]), server(1, &[])];
    let outcome = replay(Strategy::RoundRobin, &steady(8, 10, 1), &servers);
    assert!((outcome.parts[1].times.mean_us - 200.0).abs() < 1e-9, "{outcome:?}");
    let nothing = replay(Strategy::RoundRobin, &steady(8, 10, 1), &[server(1, &[])]);
    assert_eq!((counts(&nothing), nothing.times.p99_us), (vec![8], 0));
}

#[test]
fn networks_are_split_by_turns_and_kept_by_the_hash() {
    let servers = [server(1, &[10]), server(1, &[10])];
    let trace = steady(300, 100, 3);
    let turns = replay(Strategy::RoundRobin, &trace, &servers);
    assert_eq!((turns.networks, turns.networks_split), (3, 3));
    let hash = replay(Strategy::IpHash, &trace, &servers);
    assert_eq!((hash.networks, hash.networks_split), (3, 0));
}

#[test]
fn nobody_there_refuses_everything() {
    let mut closed = server(1, &[10]);
    closed.peer.standing = Standing::Closed;
    let outcome = replay(Strategy::RoundRobin, &steady(5, 1, 1), &[closed]);
    assert_eq!((outcome.refused, counts(&outcome)), (5, vec![0]));
    assert_eq!(replay(Strategy::RoundRobin, &Trace::default(), &[]), Outcome::default());
}

fn servers() -> impl proptest::strategy::Strategy<Value = Vec<Server>> {
    let server = (1u32..20, prop::collection::vec(0u32..50_000, 0..5), any::<bool>(), 0u8..4);
    let build = |(weight, services_us, is_closed, tier)| Server {
        peer: Peer {
            standing: if is_closed { Standing::Closed } else { Standing::Open },
            tier: if tier == 0 { Tier::Backup } else { Tier::Primary },
            // What failures and turns left behind is no part of the model.
            current_weight: 7,
            effective_weight: 0,
            fails: 9,
            conns: 5,
            ..Peer::fresh(weight)
        },
        services_us,
    };
    prop::collection::vec(server.prop_map(build), 1..12)
}

proptest! {
    /// Exactly the smooth sequence, from the beginning of a round, whatever the times are.
    #[test]
    fn round_robin_is_the_smooth_sequence(
        servers in servers(), count in 0u64..400, period_us in 0u64..5_000,
    ) {
        let outcome = replay(Strategy::RoundRobin, &steady(count, period_us, 7), &servers);
        let mut peers: Vec<Peer> = servers
            .iter()
            .map(|server| Peer {
                standing: server.peer.standing,
                tier: server.peer.tier,
                ..Peer::fresh(server.peer.weight)
            })
            .collect();
        let mut expected = vec![0; servers.len()];
        let mut refused = 0;
        for _ in 0..count {
            let (mut walk, mut dice) = (Walk::start(), Dice::seeded(SEED));
            let mut request = Request {
                client: client(0),
                key: b"",
                ring: None,
                dice: &mut dice,
                tried: 0,
                walk: &mut walk,
                now_s: 0,
            };
            match crate::balance::pick(Strategy::RoundRobin, &mut peers, &mut request) {
                Some(index) => expected[index] += 1,
                None => refused += 1,
            }
        }
        prop_assert_eq!(counts(&outcome), expected);
        prop_assert_eq!(outcome.refused, refused);
    }

    /// Exactly where the formula sends each network: three octets from 89 on, times 113, mod 6271.
    #[test]
    fn ip_hash_is_the_hash(
        weights in prop::collection::vec(1u32..9, 2..10),
        clients in prop::collection::vec(any::<u32>(), 0..200),
    ) {
        let arrival =
            |(at_us, bits): (u64, &u32)| Arrival { at_us, client: IpAddr::V4((*bits).into()) };
        let trace = Trace::new((0..).zip(&clients).map(arrival).collect());
        let servers: Vec<Server> = weights.iter().map(|weight| server(*weight, &[5])).collect();
        let mut expected = vec![0; weights.len()];
        for bits in &clients {
            let octets = Ipv4Addr::from_bits(*bits).octets();
            let hash = octets[..3].iter().fold(89, |hash, octet| (hash * 113 + u32::from(*octet)) % 6271);
            let mut point = hash % weights.iter().sum::<u32>();
            let home = weights.iter().position(|weight| {
                let is_here = point < *weight;
                point = point.saturating_sub(*weight);
                is_here
            });
            expected[home.unwrap()] += 1;
        }
        prop_assert_eq!(counts(&replay(Strategy::IpHash, &trace, &servers)), expected);
    }

    /// Nothing is lost or made up, nothing goes to who is closed, and the same gives the same.
    #[test]
    fn every_request_is_somewhere_and_once(servers in servers(), count in 0u64..300) {
        let trace = steady(count, 700, 9);
        for strategy in [Strategy::RoundRobin, Strategy::LeastConn, Strategy::IpHash] {
            let outcome = replay(strategy, &trace, &servers);
            prop_assert_eq!(counts(&outcome).iter().sum::<u64>() + outcome.refused, count);
            for (part, server) in outcome.parts.iter().zip(&servers) {
                prop_assert!(part.requests == 0 || server.peer.standing == Standing::Open);
                prop_assert!(u64::from(part.in_flight_max) <= part.requests);
            }
            prop_assert_eq!(replay(strategy, &trace, &servers), outcome);
        }
    }
}
