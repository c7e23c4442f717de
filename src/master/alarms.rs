//! What the workers' firewalls found: kinds of attacks, for whoever looks, and events for those who
//! would not.
//!
//! Reads the workers' rings once a second. A flood of attacks is one kind after the other: each is
//! told when it first comes, then once a while with how often it came, and no more events than a
//! bound in all.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::IpAddr;

use super::limits::Refusals;
use super::membership::Now;
use super::minute::Minute;
use super::{Master, audit};
use crate::config::limits;
use crate::config::model::firewall::{Part, Rule};
use crate::control::firewall::{Alarm, Firewall, Offender, RuleCount, Verdict};
use crate::control::wire::Severity;
use crate::scoreboard::layout::WORKERS_MAX;
use crate::scoreboard::{Board, firewall};

pub(super) struct Alarms {
    board: Board,
    /// How far each worker's ring was read.
    read: [u64; WORKERS_MAX],
    /// The one that came last first.
    kinds: VecDeque<Kind>,
    clients: Vec<Client>,
    minute: Minute,
    /// Of limits.
    pub(super) refusals: Refusals,
    /// What could not be judged, as of when it was last told.
    unjudged: Unjudged,
    /// Events of the period, and when it began.
    told: usize,
    since_ms: u64,
    /// As it is shown; `None` while no firewall ever looked at anything.
    row: Option<Firewall>,
}

/// Attacks by one rule at one place.
struct Kind {
    rule: (u8, u32),
    part: u8,
    name: firewall::Text,
    last: firewall::Alarm,
    count: u64,
    /// Of these, how many an event has told of, and when the last one did.
    told: u64,
    told_ms: u64,
}

impl Master {
    pub(super) fn tell_alarms(&mut self, now: Now) {
        for entry in self.alarms.close_second(now.wall_ms) {
            self.note(entry);
        }
    }
}

impl Alarms {
    /// Begins with what the rings hold; nobody is told of that again.
    pub(super) fn new(board: Board) -> Self {
        let mut alarms = Self {
            board,
            read: [0; WORKERS_MAX],
            kinds: VecDeque::new(),
            clients: Vec::new(),
            minute: Minute::default(),
            refusals: Refusals::default(),
            unjudged: Unjudged::default(),
            told: 0,
            since_ms: 0,
            row: None,
        };
        alarms.gather();
        alarms.unjudged = Unjudged { told: Unjudged::of(&alarms.figures()), told_ms: 0 };
        alarms.row = alarms.sum_up();
        for kind in &mut alarms.kinds {
            kind.told = kind.count;
            kind.told_ms = kind.last.wall_ms;
        }
        alarms
    }

    fn gather(&mut self) {
        let Self { board, read, kinds, clients, .. } = self;
        for worker in board.workers() {
            let from = &mut read[worker.slot().index()];
            *from = firewall::read(*board, worker.slot(), *from, |alarm| {
                blame(clients, &alarm);
                note(kinds, alarm);
            });
        }
    }

    /// What has come since the last time, as events.
    fn close_second(&mut self, wall_ms: u64) -> Vec<audit::Entry> {
        self.gather();
        if wall_ms.saturating_sub(self.since_ms) >= limits::firewall::EVENTS_PERIOD_MS {
            self.since_ms = wall_ms;
            self.told = 0;
        }
        let mut entries = Vec::new();
        // Oldest first, as events are read.
        for kind in self.kinds.iter_mut().rev() {
            let is_due = kind.told == 0
                || wall_ms.saturating_sub(kind.told_ms) >= limits::firewall::EVENTS_PERIOD_MS;
            // What no event is left for waits for the next period.
            let is_room = self.told < limits::firewall::EVENTS_PER_PERIOD_MAX;
            if kind.count == kind.told || !is_due || !is_room {
                continue;
            }
            self.told += 1;
            entries.push(kind.event());
            kind.told = kind.count;
            kind.told_ms = wall_ms;
        }
        let figures = self.figures();
        self.minute.close_second(figures.detected + figures.blocked);
        entries.extend(self.unjudged.close_second(&figures, wall_ms));
        self.row = self.sum_up();
        entries
    }

    /// As of the last second.
    pub(super) fn row(&self) -> Option<&Firewall> {
        self.row.as_ref()
    }

    fn sum_up(&self) -> Option<Firewall> {
        let figures = self.figures();
        if figures == firewall::Figures::default() {
            return None;
        }
        let count = |verdict: usize, rule: Rule| {
            figures.found[verdict].get(rule as usize).copied().unwrap_or_default()
        };
        let rules = Rule::ALL.into_iter().map(|rule| RuleCount {
            rule: rule.name().to_owned(),
            detected: count(0, rule),
            blocked: count(1, rule),
        });
        Some(Firewall {
            inspected: figures.inspected,
            detected: figures.detected,
            blocked: figures.blocked,
            cut_bodies: figures.cut_bodies,
            unanswered: figures.unanswered.iter().sum(),
            rules: rules.filter(|rule| rule.detected + rule.blocked > 0).collect(),
            alarms: self.kinds.iter().map(Kind::row).collect(),
            last_minute: self.minute.count(),
            offenders: worst(&self.clients),
        })
    }

    /// Of all workers there have been: a slot's counts go on with its next worker.
    pub(super) fn figures(&self) -> firewall::Figures {
        let all = self.board.workers().map(|worker| firewall::figures(self.board, worker.slot()));
        all.fold(firewall::Figures::default(), |sum, one| sum.plus(&one))
    }
}

/// Puts an alarm to its kind, which becomes the first.
fn note(kinds: &mut VecDeque<Kind>, alarm: firewall::Alarm) {
    let is_same = |kind: &Kind| {
        kind.rule == (alarm.rule, alarm.rule_id)
            && (kind.part, kind.last.verdict) == (alarm.part, alarm.verdict)
            && kind.name == alarm.name
    };
    let known = kinds.iter().position(is_same).and_then(|at| kinds.remove(at));
    let mut kind = known.unwrap_or(Kind {
        rule: (alarm.rule, alarm.rule_id),
        part: alarm.part,
        name: alarm.name,
        last: alarm,
        count: 0,
        told: 0,
        told_ms: 0,
    });
    kind.count += 1;
    kind.last = alarm;
    kinds.push_front(kind);
    kinds.truncate(limits::firewall::KINDS_MAX);
}

/// Who was taken for an attacker, by his address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Client {
    address: IpAddr,
    detected: u64,
    blocked: u64,
}

impl Client {
    fn attacks(self) -> u64 {
        self.detected + self.blocked
    }
}

/// Counts an attack for whom it came from. Of a full table the one with the fewest goes, so that many
/// who attack once can not hide one who does all the time.
fn blame(clients: &mut Vec<Client>, alarm: &firewall::Alarm) {
    let known = clients.iter().position(|client| client.address == alarm.client);
    let at = known.unwrap_or_else(|| {
        let client = Client { address: alarm.client, detected: 0, blocked: 0 };
        if clients.len() < limits::firewall::OFFENDERS_MAX {
            clients.push(client);
            return clients.len() - 1;
        }
        let fewest = clients.iter().enumerate().min_by_key(|(_, client)| client.attacks());
        let at = fewest.map_or(0, |(at, _)| at);
        clients[at] = client;
        at
    });
    match alarm.verdict {
        firewall::Verdict::Detected => clients[at].detected += 1,
        firewall::Verdict::Blocked => clients[at].blocked += 1,
    }
}

fn worst(clients: &[Client]) -> Vec<Offender> {
    let mut clients = clients.to_vec();
    clients.sort_by_key(|client| (std::cmp::Reverse(client.attacks()), client.address));
    let row = |client: Client| Offender {
        client: super::requests::client(client.address),
        detected: client.detected,
        blocked: client.blocked,
    };
    clients.into_iter().take(limits::firewall::OFFENDERS_SHOWN_MAX).map(row).collect()
}

/// Bodies that were not read to their end, and requests that the core rules gave no answer to: told
/// in one event a while.
#[derive(Default)]
struct Unjudged {
    told: [u64; 2],
    told_ms: u64,
}

impl Unjudged {
    fn of(figures: &firewall::Figures) -> [u64; 2] {
        [figures.cut_bodies, figures.unanswered.iter().sum()]
    }

    fn close_second(&mut self, figures: &firewall::Figures, wall_ms: u64) -> Option<audit::Entry> {
        let now = Self::of(figures);
        let is_due = self.told_ms == 0
            || wall_ms.saturating_sub(self.told_ms) >= limits::firewall::EVENTS_PERIOD_MS;
        if now == self.told || !is_due {
            return None;
        }
        let [bodies, requests] = [0, 1].map(|at: usize| now[at].saturating_sub(self.told[at]));
        (self.told, self.told_ms) = (now, wall_ms);
        Some(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: "unjudged".to_owned(),
            target: "firewall".to_owned(),
            result: format!(
                "{bodies} bodies not read to their end, {requests} requests not answered by core rules"
            ),
            severity: Severity::Warn,
            cli: String::new(),
        })
    }
}

impl Kind {
    fn row(&self) -> Alarm {
        Alarm {
            rule: self.rule_name().into_owned(),
            place: self.place(),
            verdict: match self.last.verdict {
                firewall::Verdict::Detected => Verdict::Detected,
                firewall::Verdict::Blocked => Verdict::Blocked,
            },
            count: self.count,
            last_ms: self.last.wall_ms,
            client: super::requests::client(self.last.client),
            host: text(self.last.host.as_bytes()),
            path: text(self.last.path.as_bytes()),
            excerpt: text(self.last.excerpt.as_bytes()),
            score: self.last.score,
            exception: self.exception(),
        }
    }

    /// As TOML, where the name of a value is whatever a client sent.
    fn exception(&self) -> String {
        let place = self.place().replace('\\', "\\\\").replace('"', "\\\"");
        format!("{{ rule = \"{}\", where = \"{place}\" }}", self.rule_name())
    }

    fn rule_name(&self) -> Cow<'static, str> {
        let (number, id) = self.rule;
        Rule::numbered(number).map_or(Cow::Borrowed("unknown"), |rule| rule.label(id))
    }

    fn place(&self) -> String {
        let part = Part::numbered(self.part).map_or("unknown", Part::name);
        match text(self.name.as_bytes()) {
            name if name.is_empty() => part.to_owned(),
            name => format!("{part}:{name}"),
        }
    }

    fn event(&self) -> audit::Entry {
        let Alarm { place, verdict, client, host, path, excerpt, .. } = self.row();
        let count = self.count - self.told;
        let found = if excerpt.is_empty() { String::new() } else { format!(": {excerpt}") };
        let times = if count > 1 { format!("{count} times, last ") } else { String::new() };
        audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: verdict.name().to_owned(),
            target: format!("{} in {place}", self.rule_name()),
            result: format!("{times}{client} {host}{path}{found}"),
            severity: Severity::Warn,
            cli: String::new(),
        }
    }
}

/// Bytes of a client's, for people.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::recent;

    fn alarm(client: [u8; 4], verdict: firewall::Verdict) -> firewall::Alarm {
        firewall::Alarm {
            wall_ms: 0,
            client: IpAddr::from(client),
            host: recent::Host::NONE,
            path: recent::Path::NONE,
            verdict,
            score: 5,
            rule: 0,
            rule_id: 0,
            part: 0,
            name: firewall::Text::NONE,
            excerpt: firewall::Text::NONE,
        }
    }

    #[test]
    fn who_attacks_all_the_time_is_not_hidden_by_many_who_do_once() {
        let always = [10, 0, 0, 1];
        let mut clients = Vec::new();
        for number in 0..2_000_u16 {
            blame(&mut clients, &alarm(always, firewall::Verdict::Blocked));
            if number % 2 == 0 {
                blame(&mut clients, &alarm(always, firewall::Verdict::Detected));
            }
            let [high, low] = number.to_be_bytes();
            blame(&mut clients, &alarm([192, 168, high, low], firewall::Verdict::Blocked));
        }
        assert_eq!(clients.len(), limits::firewall::OFFENDERS_MAX);
        let told = worst(&clients);
        assert_eq!(told.len(), limits::firewall::OFFENDERS_SHOWN_MAX);
        let first = Offender { client: "10.0.0.1".to_owned(), detected: 1_000, blocked: 2_000 };
        assert_eq!(told[0], first);
    }
}
