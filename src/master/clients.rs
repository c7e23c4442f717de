//! Which client networks an upstream's requests lately came from: enough to say where ip hash must
//! send them, and whether one network explains a skew.
//!
//! A bounded sketch: when it is full the least network makes room. A network is what ip hash sees
//! of an address, so all clients of one go to one backend.

use std::net::IpAddr;

use crate::balance::ip_hash;
use crate::balance::share::Client;

const CLIENTS_MAX: usize = 256;
/// Counts halve this often, so that the sketch follows the traffic.
const HALVING_SECONDS: u32 = 10;

#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    list: Vec<Client>,
    seconds: u32,
}

impl Clients {
    pub(super) fn count(&mut self, address: IpAddr) {
        let network = ip_hash::network(address);
        if let Some(client) = self.list.iter_mut().find(|client| client.address == network) {
            client.requests += 1;
            return;
        }
        if self.list.len() == CLIENTS_MAX {
            let least = (0..CLIENTS_MAX).min_by_key(|index| self.list[*index].requests);
            self.list.swap_remove(least.unwrap_or(0));
        }
        self.list.push(Client { address: network, requests: 1 });
    }

    pub(super) fn close_second(&mut self) {
        self.seconds += 1;
        if self.seconds.is_multiple_of(HALVING_SECONDS) {
            self.list.iter_mut().for_each(|client| client.requests /= 2);
            self.list.retain(|client| client.requests > 0);
        }
    }

    pub(super) fn list(&self) -> &[Client] {
        &self.list
    }

    pub(super) fn top(&self) -> Option<IpAddr> {
        self.list.iter().max_by_key(|client| client.requests).map(|client| client.address)
    }

    /// The busiest network's part; 0 without requests.
    pub(super) fn top_share(&self) -> f64 {
        let total: u64 = self.list.iter().map(|client| client.requests).sum();
        let top = self.list.iter().map(|client| client.requests).max();
        top.map_or(0.0, |top| top as f64 / total.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn of(addresses: &[&str]) -> Clients {
        let mut clients = Clients::default();
        for address in addresses {
            clients.count(address.parse().unwrap());
        }
        clients
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let clients = of(&["10.0.1.1", "10.0.1.2", "10.0.2.1", "::1"]);
        assert_eq!(clients.list().len(), 3);
        assert!((clients.top_share() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn the_sketch_is_bounded_and_forgets() {
        let mut clients = Clients::default();
        for index in 0..100_000u32 {
            clients.count(IpAddr::V4(Ipv4Addr::from_bits(index << 8)));
        }
        assert_eq!(clients.list().len(), CLIENTS_MAX);
        (0..2 * HALVING_SECONDS).for_each(|_| clients.close_second());
        assert!(clients.list().is_empty());
        assert!(clients.top_share() < f64::EPSILON);
    }
}
