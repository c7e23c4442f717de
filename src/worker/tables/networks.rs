//! Networks: nginx's `geo`. The longest prefix that holds the address decides.

use std::net::{IpAddr, Ipv4Addr};

use crate::config::model::Cidr;
use crate::config::template::Template;

/// What is no address is taken for this one, as nginx does.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

#[derive(Default)]
pub(super) struct Networks {
    v4: Family,
    v6: Family,
}

/// By the length of the prefix, the longest first; in each by the address.
#[derive(Default)]
struct Family(Vec<(u8, Vec<(u128, Template)>)>);

impl Family {
    fn add(&mut self, prefix_bits: u8, address: u128, value: &Template) {
        let at = match self.0.binary_search_by(|(bits, _)| prefix_bits.cmp(bits)) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (prefix_bits, Vec::new()));
                at
            }
        };
        self.0[at].1.push((address, value.clone()));
    }

    fn find(&self, address: u128, width: u8) -> Option<&Template> {
        self.0.iter().find_map(|(prefix_bits, networks)| {
            let host_bits = u32::from(width - prefix_bits);
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            let at = networks.binary_search_by_key(&(address & mask), |(first, _)| *first).ok()?;
            Some(&networks[at].1)
        })
    }
}

impl Networks {
    pub(super) fn compile(networks: &[(Cidr, Template)]) -> Self {
        let mut compiled = Self::default();
        for (cidr, value) in networks {
            match cidr.network {
                IpAddr::V4(first) => {
                    compiled.v4.add(cidr.prefix_bits, first.to_bits().into(), value);
                }
                IpAddr::V6(first) => compiled.v6.add(cidr.prefix_bits, first.to_bits(), value),
            }
        }
        for (_, networks) in compiled.v4.0.iter_mut().chain(&mut compiled.v6.0) {
            networks.sort_by_key(|(first, _)| *first);
        }
        compiled
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<&Template> {
        let text = std::str::from_utf8(text).ok();
        let address = text.and_then(|text| text.parse().ok()).unwrap_or(NO_ADDRESS);
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.find(address.to_bits().into(), 32),
            IpAddr::V6(address) => self.v6.find(address.to_bits(), 128),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::template::Part;

    fn cidr(text: &str) -> (Cidr, Template) {
        let (address, bits) = text.split_once('/').unwrap();
        let cidr = Cidr { network: address.parse().unwrap(), prefix_bits: bits.parse().unwrap() };
        (cidr, Template { parts: vec![Part::Text(text.to_owned())] })
    }

    #[test]
    fn the_longest_prefix_decides() {
        let networks =
            ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "fd00::/8", "fd00::1/128", "::/0"];
        let compiled = Networks::compile(&networks.map(cidr));
        for (address, expected) in [
            ("10.2.0.1", Some("10.0.0.0/8")),
            ("10.1.0.1", Some("10.1.0.0/16")),
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("::ffff:10.1.2.3", Some("10.1.2.3/32")),
            ("192.0.2.1", None),
            ("no address", None),
            ("fd00::1", Some("fd00::1/128")),
            ("fd00::2", Some("fd00::/8")),
            ("2001:db8::1", Some("::/0")),
        ] {
            let found = compiled.find(address.as_bytes()).and_then(Template::fixed);
            assert_eq!(found, expected, "{address}");
        }
        let all = Networks::compile(&[cidr("255.255.255.255/32")]);
        assert!(all.find(b"").is_some());
    }

    proptest! {
        /// The search agrees with trying all of them.
        #[test]
        fn no_network_is_missed(
            networks in prop::collection::btree_set((any::<u32>(), 0_u8..=32), 0..24),
            near in any::<prop::sample::Index>(),
            flipped in 0_u32..32,
        ) {
            let mask = |bits: u8| u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            let texts: std::collections::BTreeSet<String> = networks
                .iter()
                .map(|(address, bits)| format!("{}/{bits}", Ipv4Addr::from(address & mask(*bits))))
                .collect();
            let list: Vec<_> = texts.iter().map(|text| cidr(text)).collect();
            let address = match list.get(near.index(list.len().max(1))) {
                Some((Cidr { network: IpAddr::V4(first), .. }, _)) => {
                    Ipv4Addr::from(first.to_bits() ^ (1 << flipped))
                }
                _ => Ipv4Addr::LOCALHOST,
            };
            let holds = |(cidr, _): &&(Cidr, Template)| match cidr.network {
                IpAddr::V4(first) => {
                    (first.to_bits() ^ address.to_bits()) & mask(cidr.prefix_bits) == 0
                }
                IpAddr::V6(_) => false,
            };
            let expected = list.iter().filter(holds).max_by_key(|(cidr, _)| cidr.prefix_bits);
            let compiled = Networks::compile(&list);
            let found = compiled.find(address.to_string().as_bytes());
            prop_assert_eq!(found, expected.map(|(_, value)| value));
        }
    }
}
