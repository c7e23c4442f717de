//! Who is watching, and what each was last sent. Lives in the master; never waits for anyone.
//!
//! A watcher that reads slowly gets fewer deltas, each from what it last saw to the latest, so it is
//! late but never wrong and never grows. One too slow even for samples and events is ended: its
//! console attaches again and is sent everything whole.

use std::rc::Rc;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;

use super::delta;
use super::rate::Rate;
use super::sample::Sample;
use super::tape::Tape;
use super::wire::{EventRecord, Frame, Role, Snapshot};

pub(crate) struct Watchers {
    queue_max: usize,
    watchers: Vec<Watcher>,
}

struct Watcher {
    lines: mpsc::Sender<Bytes>,
    feed: Feed,
}

enum Feed {
    /// A console: frames, starting from the snapshot it was last sent. It is told what has changed
    /// when its rate's seconds are over; something that happens ends them.
    Frames { seen: Rc<Snapshot>, rate: Rate, seconds: u8 },
    /// `events --follow`: bare event records.
    Events,
}

impl Watchers {
    /// `queue_max`: how many lines may wait for one watcher.
    pub(crate) fn new(queue_max: usize) -> Self {
        Self { queue_max, watchers: Vec::new() }
    }

    /// A console begins to watch: its first line is everything.
    pub(crate) fn join(&mut self, start: Start) -> mpsc::Receiver<Bytes> {
        let Start { role, rate, snapshot, history, events, tape } = start;
        let whole = Box::new(Snapshot::clone(&snapshot));
        let first = line(&Frame::Snapshot { role, snapshot: whole, history, events, tape });
        self.add(
            Feed::Frames { seen: snapshot, rate, seconds: rate.pause_s() },
            std::iter::once(first),
        )
    }

    /// A script begins to follow the events, after those already known (the latest that fit).
    pub(crate) fn join_events(&mut self, known: &[EventRecord]) -> mpsc::Receiver<Bytes> {
        let known: Vec<u8> = known.iter().flat_map(|event| line(event).to_vec()).collect();
        let first = (!known.is_empty()).then(|| Bytes::from(known));
        self.add(Feed::Events, first)
    }

    fn add(&mut self, feed: Feed, first: impl IntoIterator<Item = Bytes>) -> mpsc::Receiver<Bytes> {
        let (lines, receiver) = mpsc::channel(self.queue_max);
        for line in first {
            lines.try_send(line).expect("a new queue has room for its first line");
        }
        self.watchers.push(Watcher { lines, feed });
        receiver
    }

    /// Consoles watching: while there are none, the master samples at its slow rate.
    pub(crate) fn count(&self) -> usize {
        let is_console = |watcher: &&Watcher| match watcher.feed {
            Feed::Frames { .. } => !watcher.lines.is_closed(),
            Feed::Events => false,
        };
        self.watchers.iter().filter(is_console).count()
    }

    /// Whether anybody is to be told now what has changed.
    pub(crate) fn are_due(&self) -> bool {
        let is_due = |watcher: &Watcher| match watcher.feed {
            Feed::Frames { seconds, .. } => seconds == 0 && !watcher.lines.is_closed(),
            Feed::Events => false,
        };
        self.watchers.iter().any(is_due)
    }

    pub(crate) fn publish(&mut self, latest: &Rc<Snapshot>) {
        self.watchers.retain(|watcher| !watcher.lines.is_closed());
        // Watchers that keep up have all seen the same snapshot, so the delta is made once.
        let mut made: Option<(Rc<Snapshot>, Bytes)> = None;
        let reserved = self.queue_max / 2;
        for watcher in &mut self.watchers {
            let Feed::Frames { seen, rate, seconds } = &mut watcher.feed else { continue };
            if *seconds > 0 {
                continue;
            }
            // Half of the queue stays free for what may not be left out: samples and events.
            if watcher.lines.capacity() <= reserved {
                continue;
            }
            let bytes = match &made {
                Some((from, bytes)) if Rc::ptr_eq(from, seen) => bytes.clone(),
                Some(_) | None => {
                    let delta = Box::new(delta::diff(seen, latest));
                    let bytes = line(&Frame::Delta { delta });
                    made = Some((Rc::clone(seen), bytes.clone()));
                    bytes
                }
            };
            // Closed since the check above: the next round drops the watcher.
            if watcher.lines.try_send(bytes).is_ok() {
                *seen = Rc::clone(latest);
                *seconds = rate.pause_s();
            }
        }
    }

    pub(crate) fn sample(&mut self, sample: &Sample) {
        let frame = line(&Frame::Sample { sample: Box::new(sample.clone()) });
        self.watchers.retain_mut(|watcher| match &mut watcher.feed {
            Feed::Frames { seconds, .. } => {
                *seconds = seconds.saturating_sub(1);
                watcher.lines.try_send(frame.clone()).is_ok()
            }
            Feed::Events => true,
        });
    }

    pub(crate) fn event(&mut self, event: &EventRecord) {
        let frame = line(&Frame::Event { event: Box::new(event.clone()) });
        let record = line(event);
        self.watchers.retain_mut(|watcher| {
            let bytes = match &mut watcher.feed {
                Feed::Frames { seconds, .. } => {
                    *seconds = 0;
                    frame.clone()
                }
                Feed::Events => record.clone(),
            };
            watcher.lines.try_send(bytes).is_ok()
        });
    }
}

/// What a console is sent first.
pub(crate) struct Start {
    pub(crate) role: Role,
    pub(crate) rate: Rate,
    pub(crate) snapshot: Rc<Snapshot>,
    pub(crate) history: Vec<Sample>,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) tape: Tape,
}

/// One value as one line of NDJSON.
pub(crate) fn line(value: &impl Serialize) -> Bytes {
    let mut bytes = serde_json::to_vec(value).expect("wire types have no map with odd keys");
    bytes.push(b'\n');
    Bytes::from(bytes)
}
