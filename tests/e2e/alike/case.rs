//! Upstreams and requests made up: strategies, weights, backups, failures and clients. The same seed
//! makes the same ones, but for the ports of the backends, which a ring depends on.

use super::stage::Stage;

/// Changed by `PILOTHOUSE_SEED`, to look further than the gate does.
const SEED: u64 = 20_261_126;

/// A xorshift generator: no crate, and the same everywhere.
pub(super) struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn any<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    fn is_one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

pub(super) fn seed() -> u64 {
    let chosen = std::env::var("PILOTHOUSE_SEED").ok().and_then(|seed| seed.parse().ok());
    chosen.unwrap_or(SEED)
}

/// The dice of a case: neighbouring numbers begin far from each other, and none with zero.
pub(super) fn dice(number: usize) -> Dice {
    Dice((seed() ^ (number as u64) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    RoundRobin,
    LeastConn,
    IpHash,
    Hash,
    HashConsistent,
    Random,
    RandomTwo,
}

/// Those that leave nothing to chance.
pub(super) const EXACT: [Strategy; 5] = [
    Strategy::RoundRobin,
    Strategy::LeastConn,
    Strategy::IpHash,
    Strategy::Hash,
    Strategy::HashConsistent,
];

impl Strategy {
    fn takes_backups(self) -> bool {
        matches!(self, Self::RoundRobin | Self::LeastConn)
    }

    /// In the words of nginx.
    fn directive(self, key: &str) -> String {
        match self {
            Self::RoundRobin => String::new(),
            Self::LeastConn => "least_conn;".to_owned(),
            Self::IpHash => "ip_hash;".to_owned(),
            Self::Hash => format!("hash {key};"),
            Self::HashConsistent => format!("hash {key} consistent;"),
            Self::Random => "random;".to_owned(),
            Self::RandomTwo => "random two least_conn;".to_owned(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::LeastConn => "least_conn",
            Self::IpHash => "ip_hash",
            Self::Hash => "hash",
            Self::HashConsistent => "hash_consistent",
            Self::Random => "random",
            Self::RandomTwo => "random_two",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    /// On the stage.
    pub(super) origin: usize,
    pub(super) weight: usize,
    pub(super) max_fails: usize,
    pub(super) fail_timeout_s: u32,
    pub(super) is_backup: bool,
    pub(super) is_down: bool,
}

/// What a client asks, and who is to fail it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) client: String,
    pub(super) target: String,
    pub(super) failing: Vec<usize>,
    pub(super) is_held: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) strategy: Strategy,
    pub(super) key: &'static str,
    pub(super) backends: Vec<Backend>,
    pub(super) asks: Vec<Ask>,
}

const KEYS: [&str; 5] =
    ["$request_uri", "$arg_k", "$remote_addr", "${http_x_forwarded_for}$uri", "a$arg_k-$args"];

impl Case {
    pub(super) fn exact(number: usize, asks: usize, fail_timeout_s: u32) -> Self {
        let mut dice = dice(number);
        let strategy = EXACT[number % EXACT.len()];
        let mut origins: Vec<usize> = (0..Stage::ORIGINS).collect();
        let backends = (0..=dice.below(6)).map(|position| Backend {
            origin: origins.swap_remove(dice.below(origins.len())),
            weight: dice.any(&[1, 1, 1, 2, 3, 5]),
            max_fails: dice.any(&[1, 1, 1, 0, 2, 3]),
            fail_timeout_s,
            is_backup: strategy.takes_backups() && position > 0 && dice.is_one_in(4),
            is_down: dice.is_one_in(7),
        });
        let backends: Vec<Backend> = backends.collect();
        let key = dice.any(&KEYS);
        // A third of the cases knows no failure, so that long sequences are seen, too.
        let failing_one_in = dice.any(&[3, 2, usize::MAX]);
        let asks = (0..asks).map(|_| ask(&mut dice, strategy, failing_one_in)).collect();
        Self { strategy, key, backends, asks }
    }

    /// Backends of these weights, the one at `down` closed, and nothing to ask.
    pub(super) fn drawn(strategy: Strategy, weights: &[usize], down: usize) -> Self {
        let backend = |(origin, weight): (usize, &usize)| Backend {
            origin,
            weight: *weight,
            max_fails: 1,
            fail_timeout_s: 10,
            is_backup: false,
            is_down: origin == down,
        };
        let backends = weights.iter().enumerate().map(backend).collect();
        Self { strategy, key: KEYS[0], backends, asks: Vec::new() }
    }

    pub(super) fn ours(&self, number: usize, listen: &str, stage: &Stage) -> String {
        let backends = self.backends.iter().map(|backend| {
            format!(
                "[[upstream.u{number}.backend]]\naddress = \"{}\"\nweight = {}\nmax_fails = {}\n\
                 fail_timeout = \"{}s\"\nbackup = {}\ndown = {}\n",
                stage.address(backend.origin),
                backend.weight,
                backend.max_fails,
                backend.fail_timeout_s,
                backend.is_backup,
                backend.is_down
            )
        });
        format!(
            "[[server]]\nlisten = \"{listen}\"\nhosts = [\"c{number}\"]\n\
             real_ip = {{ from = [\"127.0.0.0/8\"], header = \"X-Forwarded-For\" }}\n\
             response_headers.set = {{ X-Tries = \"$upstream_addr\" }}\n\
             [[server.route]]\npath = \"/\"\nupstream = \"u{number}\"\n\
             [upstream.u{number}]\nstrategy = \"{}\"\nhash_key = \"{}\"\nretries = 20\n\
             retry_budget = \"off\"\nkeepalive = 0\n{}",
            self.strategy.name(),
            self.key,
            backends.collect::<String>()
        )
    }

    pub(super) fn theirs(&self, number: usize, listen: &str, stage: &Stage) -> String {
        let servers = self.backends.iter().map(|backend| {
            format!(
                "server {} weight={} max_fails={} fail_timeout={}s{}{};\n",
                stage.address(backend.origin),
                backend.weight,
                backend.max_fails,
                backend.fail_timeout_s,
                if backend.is_backup { " backup" } else { "" },
                if backend.is_down { " down" } else { "" },
            )
        });
        format!(
            "upstream u{number} {{ zone u{number} 128k; {}\n{} }}\n\
             server {{ listen {listen}; server_name c{number}; set_real_ip_from 127.0.0.0/8; \
             real_ip_header X-Forwarded-For; real_ip_recursive on; location / {{ \
             proxy_pass http://u{number}; add_header X-Tries $upstream_addr always; }} }}\n",
            self.strategy.directive(self.key),
            servers.collect::<String>()
        )
    }
}

fn ask(dice: &mut Dice, strategy: Strategy, failing_one_in: usize) -> Ask {
    let (a, b) = (dice.below(4), dice.below(6));
    let client = match dice.below(5) {
        0 => format!("2001:db8::{a:x}:{b:x}"),
        _ => format!("{}.{a}.{b}.7", dice.any(&[10, 172, 198, 203])),
    };
    let path = dice.below(20);
    let target = match dice.below(6) {
        0 => format!("/{path}"),
        1 => format!("/{path}?k="),
        _ => format!("/{path}?k={}", dice.below(40)),
    };
    let failing = match dice.below(failing_one_in) {
        0 => (0..Stage::ORIGINS).filter(|_| dice.is_one_in(3)).collect(),
        _ => Vec::new(),
    };
    let often = if strategy == Strategy::LeastConn { 3 } else { 12 };
    Ask { client, target, failing, is_held: dice.is_one_in(often) }
}
