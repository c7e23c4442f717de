//! Active checks: one task per backend of an upstream that has a `check`, for as long as the backend
//! is a member. Each result becomes an event; `membership` acts on it.
//!
//! A backend counts as failed after `fall` bad results in a row and as good after `rise` good ones.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::event;
use super::probe::Probe;
use crate::config::model::{Address, Check, Config};

/// One result, with what it means so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) upstream: String,
    pub(crate) backend: Address,
    pub(crate) health: Health,
    /// `ok`, or what was wrong.
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    Failed,
}

/// Running checks; dropping one ends it.
pub(crate) struct Checks {
    post: event::Post,
    /// The upstreams that have a check.
    checks: BTreeMap<String, Check>,
    running: BTreeMap<Member, Running>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    upstream: String,
    backend: String,
}

struct Running {
    probe: Probe,
    check: Check,
    origin: Origin,
    task: JoinHandle<()>,
}

/// Who decides about a member: the list of members, or a program about its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Listed,
    Program,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checks {
    pub(crate) fn new(post: event::Post) -> Self {
        Self { post, checks: BTreeMap::new(), running: BTreeMap::new() }
    }

    /// Checks as the configuration says; those it leaves as they are go on with their counts.
    pub(crate) fn apply_config(&mut self, config: &Config, members: Vec<(String, Address)>) {
        let checked = config.upstreams.iter().filter_map(|upstream| {
            upstream.check.clone().map(|check| (upstream.name.clone(), check))
        });
        self.checks = checked.collect();
        self.follow(members);
    }

    /// Starts and ends checks for the members there are beside programs' instances.
    pub(crate) fn follow(&mut self, members: Vec<(String, Address)>) {
        let mut wanted: BTreeMap<Member, (Address, Origin)> = BTreeMap::new();
        for (member, running) in &self.running {
            if running.origin == Origin::Program {
                wanted.insert(member.clone(), (running.probe.address.clone(), Origin::Program));
            }
        }
        for (upstream, address) in members {
            let member = Member { upstream, backend: address.to_string() };
            wanted.insert(member, (address, Origin::Listed));
        }
        self.running.retain(|member, _| wanted.contains_key(member));
        for (member, (address, origin)) in wanted {
            self.begin(member, address, origin);
        }
    }

    /// A program's instance is a member from here on.
    pub(crate) fn joined(&mut self, upstream: &str, address: Address) {
        let member = Member { upstream: upstream.to_owned(), backend: address.to_string() };
        self.begin(member, address, Origin::Program);
    }

    pub(crate) fn left(&mut self, upstream: &str, address: &Address) {
        let member = Member { upstream: upstream.to_owned(), backend: address.to_string() };
        if self.running.get(&member).is_some_and(|running| running.origin == Origin::Program) {
            self.running.remove(&member);
        }
    }

    fn begin(&mut self, member: Member, address: Address, origin: Origin) {
        let Some(check) = self.checks.get(&member.upstream) else {
            self.running.remove(&member);
            return;
        };
        let probe = Probe::of_check(address, check);
        if let Some(running) = self.running.get_mut(&member)
            && running.probe == probe
            && running.check == *check
        {
            running.origin = origin;
            return;
        }
        let task = run(member.clone(), probe.clone(), check.clone(), self.post.clone());
        let running =
            Running { probe, check: check.clone(), origin, task: tokio::task::spawn_local(task) };
        self.running.insert(member, running);
    }
}

async fn run(member: Member, probe: Probe, check: Check, post: event::Post) {
    let mut streak = Streak::new(check.fall, check.rise);
    let mut pace = tokio::time::interval(Duration::from_millis(check.interval_ms.max(1)));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let result = probe.ask().await;
        let health = streak.count(result.is_ok());
        let text = result.err().map_or_else(|| "ok".to_owned(), |error| error.to_string());
        let (upstream, backend) = (member.upstream.clone(), probe.address.clone());
        let checked = Checked { upstream, backend, health, text };
        if post.send(event::Event::Checked(checked)).await.is_err() {
            return;
        }
    }
}

/// Results in a row against the bounds of the check. A backend is good until shown otherwise, so a
/// start does not begin with an outage.
#[derive(Debug)]
struct Streak {
    fall: u32,
    rise: u32,
    health: Health,
    against: u32,
}

impl Streak {
    fn new(fall: u32, rise: u32) -> Self {
        Self { fall, rise, health: Health::Good, against: 0 }
    }

    fn count(&mut self, is_good: bool) -> Health {
        let (agrees, bound, other) = match self.health {
            Health::Good => (is_good, self.fall, Health::Failed),
            Health::Failed => (!is_good, self.rise, Health::Good),
        };
        self.against = if agrees { 0 } else { self.against + 1 };
        if self.against >= bound.max(1) {
            self.health = other;
            self.against = 0;
        }
        self.health
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healths(fall: u32, rise: u32, results: &str) -> String {
        let mut streak = Streak::new(fall, rise);
        let health = |result| match streak.count(result == '+') {
            Health::Good => '+',
            Health::Failed => '-',
        };
        results.chars().map(health).collect()
    }

    #[test]
    fn only_results_in_a_row_turn_a_backend() {
        assert_eq!(healths(3, 2, "--+---+-++-"), "+++++----++");
        assert_eq!(healths(1, 1, "+-+-"), "+-+-");
        assert_eq!(healths(0, 0, "+-+"), "+-+", "a bound of nothing is a bound of one");
    }
}
