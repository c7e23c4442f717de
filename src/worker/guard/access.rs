//! Who is let in by his address: nginx's `allow` and `deny` (ngx_http_access_module).
//!
//! The first rule that is about the client decides. The address is the one that `real_ip` and the
//! PROXY protocol make out, as everywhere.

use std::net::IpAddr;

use super::{Case, Refusal, Verdict};
use crate::config::model::guard::{AccessRule, Whom, Word};
use crate::http::client_ip::{self, Network};
use crate::scoreboard::refusal::Reason;

const FORBIDDEN: u16 = 403;

pub(crate) struct Access {
    rules: Vec<(Word, Client)>,
}

/// Whom a rule is about.
enum Client {
    Any,
    Of(Network),
    /// Those without an address, who came by the file system.
    OfSockets,
}

impl Access {
    pub(super) fn compile(rules: &[AccessRule]) -> Self {
        let client = |whom: &Whom| match whom {
            Whom::All => Client::Any,
            Whom::Unix => Client::OfSockets,
            Whom::Network(cidr) => {
                Client::Of(Network { address: cidr.network, prefix_bits: cidr.prefix_bits })
            }
        };
        Self { rules: rules.iter().map(|rule| (rule.word, client(&rule.whom))).collect() }
    }

    pub(super) fn judge(&self, case: &Case<'_>) -> Verdict {
        match self.word_on(case.exchange.client) {
            Some(Word::Deny) => {
                Verdict::Refuse(Refusal { reason: Reason::Access, status: FORBIDDEN })
            }
            Some(Word::Allow) => Verdict::Pass,
            None => Verdict::Abstain,
        }
    }

    fn word_on(&self, client: IpAddr) -> Option<Word> {
        let is_about = |(_, whom): &&(Word, Client)| match whom {
            Client::Any => true,
            Client::Of(network) => network.contains(client),
            Client::OfSockets => client == client_ip::NO_ADDRESS,
        };
        self.rules.iter().find(is_about).map(|(word, _)| *word)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::model::Cidr;

    fn rule(word: Word, network: &str, prefix_bits: u8) -> AccessRule {
        let network = network.parse().expect("an address");
        AccessRule { word, whom: Whom::Network(Cidr { network, prefix_bits }) }
    }

    #[test]
    fn the_first_rule_that_is_about_the_client_decides() {
        let rules = [
            rule(Word::Deny, "192.0.2.1", 32),
            rule(Word::Allow, "192.0.2.0", 24),
            rule(Word::Allow, "2001:db8::", 32),
            AccessRule { word: Word::Allow, whom: Whom::Unix },
            AccessRule { word: Word::Deny, whom: Whom::All },
        ];
        let access = Access::compile(&rules);
        for (client, expected) in [
            ("192.0.2.1", Word::Deny),
            ("192.0.2.2", Word::Allow),
            ("192.0.3.2", Word::Deny),
            ("2001:db8:1::1", Word::Allow),
            ("2001:db9::1", Word::Deny),
        ] {
            let client = client.parse().expect("an address");
            assert_eq!(access.word_on(client), Some(expected), "{client}");
        }
        assert_eq!(Access::compile(&rules[..1]).word_on([192, 0, 2, 2].into()), None);
    }

    proptest! {
        /// Against the rule written out in bits.
        #[test]
        fn networks_hold_whoever_shares_their_first_bits(
            rules in prop::collection::vec((any::<bool>(), any::<u32>(), 0u8..=32), 0..8),
            client in any::<u32>(),
        ) {
            let mask = |bits: u8| u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            let word = |allows: bool| if allows { Word::Allow } else { Word::Deny };
            let written: Vec<AccessRule> = rules
                .iter()
                .map(|(allows, address, bits)| {
                    let network = IpAddr::V4((address & mask(*bits)).into());
                    let whom = Whom::Network(Cidr { network, prefix_bits: *bits });
                    AccessRule { word: word(*allows), whom }
                })
                .collect();
            let expected = rules
                .iter()
                .find(|(_, address, bits)| (address ^ client) & mask(*bits) == 0)
                .map(|(allows, ..)| word(*allows));
            prop_assert_eq!(Access::compile(&written).word_on(IpAddr::V4(client.into())), expected);
        }
    }
}
