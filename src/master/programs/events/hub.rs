//! Who wants to hear of what, which events wait, and which listener has which event.
//!
//! Writes nothing itself: `tell` carries out what is given here, and acts on who is late.

use std::collections::{BTreeMap, BTreeSet};

use super::super::event::InstanceId;
use super::channel::Writer;
use super::payload;
use super::ticks::{Moment, Ticks};
use crate::config::limits::{
    LISTENER_DELIVERIES_MAX, LISTENER_READY_MS, LISTENER_RESULT_BYTES_MAX,
    LISTENER_WAITING_BYTES_MAX,
};
use crate::config::model::Config;
use crate::config::model::listener::{Listener, Subject, Subjects};
use crate::supervise::listener::{self, Notice, Pool, Room, Said, Standing};

#[derive(Default)]
pub(in crate::master::programs) struct Hub {
    server: String,
    /// What anybody listens to.
    heard: Subjects,
    pub(super) next_serial: u64,
    pub(super) lines: BTreeMap<String, Line>,
    pub(super) ears: BTreeMap<InstanceId, Ear>,
    /// Those that were told of; nothing while nobody wants to know.
    groups: Option<BTreeSet<String>>,
    ticks: Ticks,
    pub(super) stage: Stage,
    attention: Attention,
}

/// Whether the loop was told that there are events to give out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Attention {
    #[default]
    Elsewhere,
    Called,
}

/// Whether listeners were told that the engine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Starting,
    Running,
}

/// The events that wait for the instances of one listener.
pub(super) struct Line {
    pub(super) listener: Listener,
    pub(super) pool: Pool,
    /// Losses that people were told of.
    dropped_told: u64,
}

/// One process of a listener.
pub(super) struct Ear {
    pub(super) machine: listener::Listener,
    pub(super) notice: Option<Notice>,
    until_us: Option<u64>,
    use_of: Use,
    /// Writes what its input had no room for.
    writer: Option<Writer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Listens,
    /// It is being killed.
    Ignored,
}

/// An event on its way to a listener.
pub(super) struct Delivery {
    pub(super) id: InstanceId,
    pub(super) envelope: String,
}

impl Line {
    pub(super) fn new(listener: Listener) -> Self {
        Self { listener, pool: Pool::default(), dropped_told: 0 }
    }

    fn room(&self) -> Room {
        room(&self.listener)
    }
}

/// For what waits for a listener.
pub(super) fn room(listener: &Listener) -> Room {
    Room { events: listener.buffer as usize, bytes: LISTENER_WAITING_BYTES_MAX }
}

impl Ear {
    pub(super) fn new(standing: Standing, notice: Option<Notice>, until_us: Option<u64>) -> Self {
        let machine = listener::Listener::new(standing, LISTENER_RESULT_BYTES_MAX);
        Self { machine, notice, until_us, use_of: Use::Listens, writer: None }
    }

    pub(super) fn is_new(&self) -> bool {
        self.machine.standing() == Standing::Acknowledged && self.until_us.is_some()
    }

    fn is_ready(&self) -> bool {
        self.use_of == Use::Listens && self.machine.standing() == Standing::Ready
    }
}

impl Hub {
    pub(in crate::master::programs) fn configure(&mut self, config: &Config) {
        self.server.clone_from(&config.engine.name);
        let of_file = |program: &crate::config::model::program::Program| {
            Some((program.name.clone(), program.listener?))
        };
        let listeners: BTreeMap<_, _> = config.programs.iter().filter_map(of_file).collect();
        self.lines.retain(|name, _| listeners.contains_key(name));
        for (name, listener) in listeners {
            self.lines.entry(name).or_insert_with(|| Line::new(listener)).listener = listener;
        }
        let all = self.lines.values().map(|line| line.listener.events);
        self.heard = all.fold(Subjects::default(), Subjects::with);
        self.ticks.begin(self.heard, Moment::now());
        if self.stage == Stage::Running && !self.hears_groups() {
            self.groups = None;
        }
    }

    pub(in crate::master::programs) fn hears(&self, subject: Subject) -> bool {
        self.heard.contains(subject)
    }

    pub(in crate::master::programs) fn publish(&mut self, subject: Subject, payload: &str) {
        let serial = self.next_serial;
        self.next_serial += 1;
        for line in self.lines.values_mut().filter(|it| it.listener.events.contains(subject)) {
            let room = line.room();
            line.pool.push(serial, (subject.name(), payload), room);
        }
    }

    /// Whether what was published is about to be looked at.
    pub(in crate::master::programs) fn is_called(&self) -> bool {
        self.attention == Attention::Called
    }

    /// Whoever publishes outside the loop has told it.
    pub(in crate::master::programs) fn call(&mut self) {
        self.attention = Attention::Called;
    }

    pub(super) fn attend(&mut self) {
        self.attention = Attention::Elsewhere;
    }

    /// Once, when all that the file says was begun.
    pub(super) fn begin_to_run(&mut self) {
        if self.stage == Stage::Starting {
            self.stage = Stage::Running;
            if self.hears(Subject::SupervisorStateChangeRunning) {
                self.publish(Subject::SupervisorStateChangeRunning, "");
            }
        }
    }

    pub(super) fn hears_groups(&self) -> bool {
        self.hears(Subject::ProcessGroupAdded) || self.hears(Subject::ProcessGroupRemoved)
    }

    /// What groups there are.
    pub(super) fn see_groups(&mut self, groups: BTreeSet<String>) {
        let known = match self.groups.take() {
            Some(known) => known,
            // Nobody heard of those that were there before.
            None if self.stage == Stage::Running => groups.clone(),
            None => BTreeSet::new(),
        };
        let changes = [
            (Subject::ProcessGroupAdded, &groups, &known),
            (Subject::ProcessGroupRemoved, &known, &groups),
        ];
        let heard = self.heard;
        for (subject, these, others) in changes {
            for name in these.difference(others).filter(|_| heard.contains(subject)) {
                self.publish(subject, &payload::group(name));
            }
        }
        self.groups = Some(groups);
    }

    pub(super) fn tick(&mut self) {
        for (subject, when_s) in self.ticks.take(self.heard, Moment::now()) {
            self.publish(subject, &payload::tick(when_s));
        }
    }

    /// A listener's process has begun, and has said nothing.
    pub(in crate::master::programs) fn born(&mut self, id: &InstanceId, now_us: u64) {
        let until_us = Some(now_us + LISTENER_READY_MS * 1000);
        self.ears.insert(id.clone(), Ear::new(Standing::Acknowledged, None, until_us));
    }

    /// A listener's process is no more; the event that it had goes to the next one.
    pub(in crate::master::programs) fn lost(&mut self, id: &InstanceId) {
        let Some(ear) = self.ears.remove(id) else { return };
        if let (Some(notice), Some(line)) = (ear.notice, self.lines.get_mut(&id.program)) {
            let room = line.room();
            line.pool.put_back_after_loss(notice, room, LISTENER_DELIVERIES_MAX);
        }
    }

    /// A listener's process gets no event any more.
    pub(super) fn ignore(&mut self, id: &InstanceId) {
        if let Some(ear) = self.ears.get_mut(id) {
            (ear.use_of, ear.until_us, ear.writer) = (Use::Ignored, None, None);
        }
    }

    /// What it said, where that is nothing that a listener may say.
    pub(super) fn heard(&mut self, id: &InstanceId, bytes: &[u8]) -> Option<String> {
        let ear = self.ears.get_mut(id).filter(|ear| ear.use_of == Use::Listens)?;
        for said in ear.machine.take(bytes) {
            match said {
                Said::Ready => ear.until_us = None,
                Said::Accepted => (ear.notice, ear.until_us) = (None, None),
                Said::Rejected => {
                    ear.until_us = None;
                    let line = self.lines.get_mut(&id.program);
                    if let (Some(notice), Some(line)) = (ear.notice.take(), line) {
                        let room = line.room();
                        line.pool.put_back(notice, room);
                    }
                }
                Said::Nonsense(text) => return Some(text),
            }
        }
        None
    }

    /// The next event that can be given to somebody, who is busy with it from here on.
    pub(super) fn next_delivery(
        &mut self,
        now_us: u64,
        is_running: impl Fn(&InstanceId) -> bool,
    ) -> Option<Delivery> {
        let Self { lines, ears, server, .. } = self;
        ears.iter_mut().filter(|(id, ear)| ear.is_ready() && is_running(id)).find_map(
            |(id, ear)| {
                let line = lines.get_mut(&id.program)?;
                let notice = line.pool.pop()?;
                let envelope = notice.envelope(server, &id.program);
                ear.machine.begin();
                ear.until_us = Some(now_us + line.listener.timeout_ms * 1000);
                ear.notice = Some(notice);
                Some(Delivery { id: id.clone(), envelope })
            },
        )
    }

    pub(super) fn writes_on(&mut self, id: &InstanceId, writer: Writer) {
        if let Some(ear) = self.ears.get_mut(id) {
            ear.writer = Some(writer);
        }
    }

    /// Who should have answered by now, and what was waited for.
    pub(super) fn late(&self, now_us: u64) -> Vec<(InstanceId, String)> {
        let is_late = |ear: &Ear| ear.until_us.is_some_and(|until_us| until_us <= now_us);
        let late = self.ears.iter().filter(|(_, ear)| is_late(ear));
        late.map(|(id, ear)| {
            let timeout_ms = self.lines.get(&id.program).map_or(0, |it| it.listener.timeout_ms);
            let why = match (&ear.notice, ear.machine.standing()) {
                (Some(notice), _) => {
                    format!("no answer to {} within {timeout_ms} ms", notice.name)
                }
                (None, Standing::Acknowledged) => "not said READY in time".to_owned(),
                (None, Standing::Ready | Standing::Busy) => {
                    format!("no answer to its event within {timeout_ms} ms")
                }
            };
            (id.clone(), why)
        })
        .collect()
    }

    pub(super) fn deadline_us(&self) -> Option<u64> {
        let ears = self.ears.values().filter_map(|ear| ear.until_us);
        ears.chain(self.ticks.due_us()).min()
    }

    /// Listeners that lost events that people were not told of; each time twice as many.
    pub(super) fn take_losses(&mut self) -> Vec<(String, u64)> {
        let mut losses = Vec::new();
        for (name, line) in &mut self.lines {
            let dropped = line.pool.dropped;
            if dropped > 0 && dropped >= line.dropped_told * 2 && dropped != line.dropped_told {
                line.dropped_told = dropped;
                losses.push((name.clone(), dropped));
            }
        }
        losses
    }

    /// How a listener is, for its row.
    pub(in crate::master::programs) fn describe(&self, id: &InstanceId) -> Option<String> {
        let line = self.lines.get(&id.program)?;
        let ear = self.ears.get(id).map(|ear| match (ear.machine.standing(), &ear.notice) {
            (Standing::Acknowledged, _) => "has not said READY".to_owned(),
            (Standing::Ready, _) => "waits for events".to_owned(),
            (Standing::Busy, Some(notice)) => format!("busy with {}", notice.name),
            (Standing::Busy, None) => "busy".to_owned(),
        });
        let (waiting, dropped) = (line.pool.waiting().len(), line.pool.dropped);
        let waiting = (waiting > 0).then(|| format!("{waiting} waiting"));
        let dropped = (dropped > 0).then(|| format!("{dropped} dropped"));
        let words: Vec<String> = ear.into_iter().chain(waiting).chain(dropped).collect();
        Some(words.join(", ")).filter(|words| !words.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_says_that_it_is_ready_is_late() {
        const LIMIT_US: u64 = LISTENER_READY_MS * 1000;
        let id = InstanceId { program: "ear".to_owned(), instance: 0 };
        let mut hub = Hub::default();
        hub.born(&id, 7);
        assert_eq!(hub.deadline_us(), Some(7 + LIMIT_US));
        assert_eq!(hub.late(6 + LIMIT_US), []);
        let late = (id.clone(), "not said READY in time".to_owned());
        assert_eq!(hub.late(7 + LIMIT_US), [late]);
        assert_eq!(hub.heard(&id, b"READY\n"), None);
        assert_eq!((hub.late(u64::MAX), hub.deadline_us()), (Vec::new(), None));
    }
}
