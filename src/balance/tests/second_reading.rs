//! Whole lives of groups beside a second reading of nginx's rules, kept as plain and as close to
//! their prose as can be: lists instead of sets, one peer after the other, nothing shared with the
//! code it judges. Clients come, backends fail and recover, time passes, requests stay in flight.

use super::hashes::{crc32, naive_points, ring_of};
use super::*;
use crate::balance::ring::Ring;

#[derive(Clone, Debug)]
struct NginxPeer {
    position: usize,
    weight: i64,
    effective_weight: i64,
    current_weight: i64,
    conns: i64,
    fails: u32,
    max_fails: u32,
    fail_timeout: u64,
    accessed: u64,
    checked: u64,
    down: bool,
}

/// An upstream of nginx: its servers, and its backup servers.
struct Nginx {
    strategy: Strategy,
    lists: [Vec<NginxPeer>; 2],
    points: Vec<(u32, usize)>,
    now: u64,
}

/// What nginx keeps of one request.
#[derive(Default)]
struct Attempt {
    list: usize,
    tried: Vec<usize>,
    tries: u32,
    rehash: u32,
    hash: Option<u32>,
}

impl Nginx {
    fn is_single(&self) -> bool {
        self.lists[0].len() == 1 && self.lists[1].is_empty()
    }

    fn is_usable(&self, list: usize, at: usize, attempt: &Attempt) -> bool {
        let peer = &self.lists[list][at];
        let is_out = peer.max_fails > 0
            && peer.fails >= peer.max_fails
            && self.now - peer.checked <= peer.fail_timeout;
        !attempt.tried.contains(&peer.position) && !peer.down && !is_out
    }

    /// A peer's place in the current list.
    fn get(&mut self, attempt: &mut Attempt, client: [u8; 4], key: &[u8]) -> Option<usize> {
        if self.is_single() {
            let peer = &self.lists[0][0];
            let is_taken = peer.down || attempt.tried.contains(&peer.position);
            return (!is_taken).then_some(0);
        }
        let hashed = match self.strategy {
            Strategy::IpHash => self.by_line(attempt, |attempt| {
                let start = attempt.hash.unwrap_or(89);
                let hash = client[..3]
                    .iter()
                    .fold(start, |hash, octet| (hash * 113 + u32::from(*octet)) % 6271);
                attempt.hash = Some(hash);
                hash
            }),
            Strategy::Hash if !key.is_empty() => self.by_line(attempt, |attempt| {
                let number =
                    if attempt.rehash == 0 { String::new() } else { attempt.rehash.to_string() };
                attempt.rehash += 1;
                let sum = crc32(&[number.as_bytes(), key].concat()) >> 16 & 0x7fff;
                let hash = attempt.hash.unwrap_or(0) + sum;
                attempt.hash = Some(hash);
                hash
            }),
            Strategy::HashConsistent if !key.is_empty() => self.by_points(attempt, key),
            _ => None,
        };
        let at = match hashed {
            Some(at) => at,
            None => self.by_load(attempt)?,
        };
        let now = self.now;
        let peer = &mut self.lists[attempt.list][at];
        if now - peer.checked > peer.fail_timeout {
            peer.checked = now;
        }
        Some(at)
    }

    fn by_line(
        &self,
        attempt: &mut Attempt,
        mut next: impl FnMut(&mut Attempt) -> u32,
    ) -> Option<usize> {
        let line: Vec<usize> = (0..self.lists[0].len())
            .flat_map(|at| vec![at; self.lists[0][at].weight as usize])
            .collect();
        if self.lists[0].len() < 2 {
            return None;
        }
        while attempt.tries <= 20 {
            let at = line[next(attempt) as usize % line.len()];
            if self.is_usable(0, at, attempt) {
                return Some(at);
            }
            attempt.tries += 1;
        }
        None
    }

    fn by_points(&mut self, attempt: &mut Attempt, key: &[u8]) -> Option<usize> {
        let sum = crc32(key);
        let first = self.points.iter().position(|(point, _)| *point >= sum);
        let mut at = attempt.hash.unwrap_or(first.unwrap_or(self.points.len()) as u32);
        while attempt.tries <= 20 {
            let owner = self.points[at as usize % self.points.len()].1;
            attempt.hash = Some(at);
            if self.is_usable(0, owner, attempt) {
                let peer = &mut self.lists[0][owner];
                peer.effective_weight = peer.weight.min(peer.effective_weight + 1);
                return Some(owner);
            }
            at += 1;
            attempt.hash = Some(at);
            attempt.tries += 1;
        }
        None
    }

    /// Round robin or least connections, and the backups when nobody else is left.
    fn by_load(&mut self, attempt: &mut Attempt) -> Option<usize> {
        loop {
            let usable: Vec<usize> = (0..self.lists[attempt.list].len())
                .filter(|at| self.is_usable(attempt.list, *at, attempt))
                .collect();
            if !usable.is_empty() {
                return Some(self.weigh(attempt.list, usable));
            }
            if attempt.list == 1 || self.lists[1].is_empty() {
                return None;
            }
            attempt.list = 1;
        }
    }

    fn weigh(&mut self, list: usize, mut usable: Vec<usize>) -> usize {
        let peers = &mut self.lists[list];
        if self.strategy == Strategy::LeastConn {
            // Integers that compare as connections by weight: 1 to 5 divide 60.
            let load = |at: usize| peers[at].conns * 60 / peers[at].weight;
            let least = usable.iter().map(|at| load(*at)).min().expect("somebody is usable");
            usable.retain(|at| load(*at) == least);
            if let [only] = usable[..] {
                return only;
            }
        }
        let mut total = 0;
        for at in &usable {
            let peer = &mut peers[*at];
            peer.current_weight += peer.effective_weight;
            total += peer.effective_weight;
            peer.effective_weight = peer.weight.min(peer.effective_weight + 1);
        }
        let most = usable.iter().map(|at| peers[*at].current_weight).max().expect("not empty");
        let best = usable.into_iter().find(|at| peers[*at].current_weight == most);
        let best = best.expect("one has the most");
        peers[best].current_weight -= total;
        best
    }

    fn free(&mut self, attempt: &Attempt, at: usize, has_failed: bool) {
        if self.is_single() {
            return;
        }
        let now = self.now;
        let peer = &mut self.lists[attempt.list][at];
        if !has_failed {
            if peer.accessed < peer.checked {
                peer.fails = 0;
            }
            return;
        }
        peer.fails += 1;
        peer.accessed = now;
        peer.checked = now;
        if peer.max_fails > 0 {
            let debit = peer.weight / i64::from(peer.max_fails);
            peer.effective_weight = (peer.effective_weight - debit).max(0);
        }
    }
}

/// Weight, `max_fails`, `fail_timeout`, backup, down.
type Server = (u32, u32, u32, bool, bool);

fn group_of(servers: &[Server]) -> Vec<Peer> {
    let peer = |(weight, max_fails, fail_timeout_s, is_backup, is_down): &Server| Peer {
        max_fails: *max_fails,
        fail_timeout_s: *fail_timeout_s,
        tier: if *is_backup { Tier::Backup } else { Tier::Primary },
        standing: if *is_down { Standing::Closed } else { Standing::Open },
        ..Peer::fresh(*weight)
    };
    servers.iter().map(peer).collect()
}

fn nginx_of(strategy: Strategy, servers: &[Server]) -> Nginx {
    let mut lists = [Vec::new(), Vec::new()];
    for (position, (weight, max_fails, fail_timeout, backup, down)) in servers.iter().enumerate() {
        lists[usize::from(*backup)].push(NginxPeer {
            position,
            weight: i64::from(*weight),
            effective_weight: i64::from(*weight),
            current_weight: 0,
            conns: 0,
            fails: 0,
            max_fails: *max_fails,
            fail_timeout: u64::from(*fail_timeout),
            accessed: 0,
            checked: 0,
            down: *down,
        });
    }
    Nginx {
        strategy,
        lists,
        points: naive_points(&ring_weights(strategy, servers)),
        now: 1_000_000,
    }
}

/// Nothing for a group without a ring, which takes long to make.
fn ring_weights(strategy: Strategy, servers: &[Server]) -> Vec<u32> {
    let servers = if strategy == Strategy::HashConsistent { servers } else { &[] };
    servers.iter().map(|server| server.0).collect()
}

const EXACT: [Strategy; 5] = [
    Strategy::RoundRobin,
    Strategy::LeastConn,
    Strategy::IpHash,
    Strategy::Hash,
    Strategy::HashConsistent,
];

/// One request through both, its tries failing as `failing` says; the peer that answered.
fn ask(
    (nginx, peers, ring): (&mut Nginx, &mut [Peer], &Ring),
    (client, key): ([u8; 4], &[u8]),
    failing: &[bool],
) -> Result<Option<usize>, TestCaseError> {
    let (mut attempt, mut walk, mut tried) = (Attempt::default(), Walk::start(), 0);
    let mut failing = failing.iter();
    loop {
        let request = &mut Request {
            client: IpAddr::from(client),
            key,
            ring: Some(ring),
            dice: &mut Dice::seeded(1),
            tried,
            walk: &mut walk,
            now_s: nginx.now,
        };
        let ours = pick(nginx.strategy, peers, request);
        let theirs = nginx.get(&mut attempt, client, key);
        let position = theirs.map(|at| nginx.lists[attempt.list][at].position);
        prop_assert_eq!(ours, position, "{:?} after {:b}", nginx.strategy, tried);
        let (Some(at), Some(position)) = (theirs, position) else { return Ok(None) };
        attempt.tried.push(position);
        tried |= 1 << position;
        if failing.next().copied().unwrap_or(false) {
            failure::fail(peers, position, nginx.now);
            nginx.free(&attempt, at, true);
            continue;
        }
        if !failure::is_sole(peers) {
            failure::success(&mut peers[position]);
        }
        nginx.free(&attempt, at, false);
        return Ok(Some(position));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_choice_is_nginxs(
        strategy in prop::sample::select(&EXACT[..]),
        servers in prop::collection::vec(
            (1u32..6, 0u32..4, 0u32..4, prop::bool::weighted(0.2), prop::bool::weighted(0.15)), 1..7),
        requests in prop::collection::vec(
            (0u64..3, any::<[u8; 4]>(), 0usize..12, prop::collection::vec(prop::bool::weighted(0.3), 0..7),
             prop::bool::weighted(0.2)), 1..60),
    ) {
        let has_backups = matches!(strategy, Strategy::RoundRobin | Strategy::LeastConn);
        let mut servers = servers;
        servers[0].3 = false;
        for server in &mut servers {
            server.3 &= has_backups;
        }
        let mut nginx = nginx_of(strategy, &servers);
        let mut peers = group_of(&servers);
        let ring = ring_of(&ring_weights(strategy, &servers));
        for (pause_s, client, key, failing, is_held) in requests {
            nginx.now += pause_s;
            let key = if key == 0 { String::new() } else { format!("/{key}") };
            let both = (&mut nginx, &mut peers[..], &ring);
            let served = ask(both, (client, key.as_bytes()), &failing)?;
            if let (true, Some(position)) = (is_held, served) {
                peers[position].conns += 1;
                let mut all = nginx.lists.iter_mut().flatten();
                let peer = all.find(|peer| peer.position == position).expect("it answered");
                peer.conns += 1;
            }
        }
    }
}
