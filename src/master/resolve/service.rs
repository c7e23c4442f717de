//! SRV records as backends, by nginx's rules: the lowest priority serves, the others are its
//! backups, and weights are the records'. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::config::limits::WEIGHT_MAX;
use crate::master::membership::{Found, Rank};

/// One SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) priority: u16,
    pub(super) weight: u16,
}

/// The backends behind the records whose hosts' addresses are known.
pub(super) fn found(offers: &[Offer], known: &BTreeMap<String, Vec<IpAddr>>) -> Vec<Found> {
    let offers = offers.iter().filter(|offer| known.contains_key(&offer.host) && offer.port != 0);
    // Hosts that nobody can find do not make their backups wait.
    let first = offers.clone().map(|offer| offer.priority).min().unwrap_or(0);
    let heaviest = offers.clone().map(|offer| u32::from(offer.weight)).max().unwrap_or(0);
    let found = offers.flat_map(|offer| {
        let rank = if offer.priority == first { Rank::First } else { Rank::Later };
        let weight = Some(weight(offer.weight, heaviest));
        known[&offer.host].iter().map(move |address| Found {
            address: SocketAddr::from((*address, offer.port)),
            weight,
            rank,
        })
    });
    in_order(found.collect())
}

/// Those that serve before their backups, by address; of two for one address the first.
pub(super) fn in_order(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| (found.address, found.rank == Rank::Later));
    found.dedup_by_key(|found| found.address);
    found.sort_by_key(|found| found.rank == Rank::Later);
    found
}

/// A record may weigh more than a backend can, so heavy ones are scaled down together. Zero means
/// a very small chance, which the smallest weight is.
fn weight(weight: u16, heaviest: u32) -> u32 {
    let weight = u32::from(weight);
    let scaled = if heaviest > WEIGHT_MAX { weight * WEIGHT_MAX / heaviest } else { weight };
    scaled.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(offers: &[(&str, u16, u16, u16)], expected: &[(&str, u32, Rank)]) {
        let offers: Vec<Offer> = offers
            .iter()
            .map(|(host, port, priority, weight)| Offer {
                host: (*host).to_owned(),
                port: *port,
                priority: *priority,
                weight: *weight,
            })
            .collect();
        let known = BTreeMap::from([
            ("a".to_owned(), vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()]),
            ("b".to_owned(), vec!["10.0.0.2".parse().unwrap()]),
        ]);
        let found = found(&offers, &known);
        let found: Vec<(String, u32, Rank)> = found
            .iter()
            .map(|found| (found.address.to_string(), found.weight.unwrap(), found.rank))
            .collect();
        let expected: Vec<(String, u32, Rank)> = expected
            .iter()
            .map(|(address, weight, rank)| ((*address).to_owned(), *weight, *rank))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_lowest_priority_serves_and_the_rest_are_its_backups() {
        use Rank::{First, Later};
        check(
            &[("b", 80, 20, 5), ("a", 81, 10, 3)],
            &[("10.0.0.1:81", 3, First), ("[fd00::1]:81", 3, First), ("10.0.0.2:80", 5, Later)],
        );
        check(&[("gone", 80, 1, 1), ("b", 80, 20, 0)], &[("10.0.0.2:80", 1, First)]);
        check(&[("b", 80, 20, 7), ("b", 80, 10, 3)], &[("10.0.0.2:80", 3, First)]);
        check(&[("b", 0, 1, 1)], &[]);
    }

    #[test]
    fn heavy_records_keep_their_proportions() {
        use Rank::First;
        check(
            &[("b", 80, 1, 60_000), ("b", 81, 1, 30_000), ("b", 82, 1, 1)],
            &[("10.0.0.2:80", 1000, First), ("10.0.0.2:81", 500, First), ("10.0.0.2:82", 1, First)],
        );
    }
}
