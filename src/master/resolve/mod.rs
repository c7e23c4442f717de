//! Names of backends, of hosts, services and lists, looked up again and again for as long as the
//! configuration names them: one task a name, each result an event. Membership acts on what was
//! found.
//!
//! Nothing waits for a lookup, neither a start nor a reload: a name that leads nowhere costs the
//! backends behind it and nothing else, and heals by itself.

mod list;
mod lookup;
mod pace;
mod service;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::membership::{Change, Now};
use super::{Master, WHO, audit, event};
use crate::config::limits;
use crate::config::model::{Config, Discovery, Resolve};
use crate::control::name::Name;
use crate::control::wire::Severity;
use crate::sys::blocking::{Begun, Place, Pool, SHORT_PATIENCE};
use crate::sys::{apart, clock, log};
use lookup::{Answer, Memory};
use pace::Pace;

/// How one lookup ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    upstream: String,
    discovery: Discovery,
    outcome: Result<Answer, String>,
    /// Until the next lookup; a list is looked at all the time.
    next_in_ms: Option<u64>,
}

/// The names that are looked up; dropping one ends its task.
pub(super) struct Names {
    post: event::Post,
    running: BTreeMap<Key, Running>,
}

/// Upstreams ask by themselves, for they may ask different name servers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    upstream: String,
    discovery: Discovery,
}

struct Running {
    lately: Lately,
    task: JoinHandle<()>,
}

/// What is shown of a name beside its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lately {
    ttl_ms: u64,
    error: String,
    since_ms: u64,
    next_ms: u64,
}

/// What a result means after the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Same,
    /// Lookups began to fail, or fail for another reason.
    Fails,
    Succeeds,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Names {
    pub(super) fn new(post: event::Post) -> Self {
        Self { post, running: BTreeMap::new() }
    }

    /// Looks up what the file names, at once: who reloads expects what is true then.
    pub(super) fn apply_config(&mut self, config: &Config) {
        let mut before = std::mem::take(&mut self.running);
        for upstream in &config.upstreams {
            for discovery in upstream.discoveries() {
                let key = Key { upstream: upstream.name.clone(), discovery: discovery.clone() };
                let lately =
                    before.remove(&key).map_or_else(Lately::default, |old| old.lately.clone());
                let task = run(key.clone(), upstream.resolve.clone(), self.post.clone());
                let task = tokio::task::spawn_local(task);
                self.running.insert(key, Running { lately, task });
            }
        }
    }

    /// `None`: the file names it no longer.
    fn note(&mut self, resolved: &Resolved, now: Now) -> Option<Turn> {
        let Resolved { upstream, discovery, outcome, next_in_ms } = resolved;
        let key = Key { upstream: upstream.clone(), discovery: discovery.clone() };
        let lately = &mut self.running.get_mut(&key)?.lately;
        lately.next_ms = next_in_ms.map_or(0, |next_in_ms| now.wall_ms + next_in_ms);
        let error = match outcome {
            Ok(answer) => {
                lately.ttl_ms = answer.ttl_ms;
                ""
            }
            Err(error) => error.as_str(),
        };
        if error == lately.error {
            if lately.since_ms == 0 {
                lately.since_ms = now.wall_ms;
            }
            return Some(Turn::Same);
        }
        if error.is_empty() != lately.error.is_empty() {
            lately.since_ms = now.wall_ms;
        }
        error.clone_into(&mut lately.error);
        Some(if error.is_empty() { Turn::Succeeds } else { Turn::Fails })
    }

    /// Completes the rows of an upstream's names.
    pub(super) fn complete(&self, upstream: &str, rows: &mut [Name]) {
        let running = self.running.iter().filter(|(key, _)| key.upstream == upstream);
        for (key, Running { lately, .. }) in running {
            let name = key.discovery.to_string();
            let Some(row) = rows.iter_mut().find(|row| row.name == name) else { continue };
            row.ttl_ms = lately.ttl_ms;
            lately.error.clone_into(&mut row.error);
            row.since_ms = lately.since_ms;
            row.next_ms = lately.next_ms;
        }
    }
}

async fn run(key: Key, resolve: Resolve, post: event::Post) {
    let mut memory = Memory::default();
    match &key.discovery {
        Discovery::Host { name, port } => {
            let look_up = async || memory.host(name, *port, &resolve).await;
            ask(&key, &resolve, post, look_up).await;
        }
        Discovery::Service { name } => {
            let look_up = async || memory.service(name, &resolve).await;
            ask(&key, &resolve, post, look_up).await;
        }
        Discovery::File { path } => look(&key, path, post).await,
    }
}

async fn ask(
    key: &Key,
    resolve: &Resolve,
    post: event::Post,
    mut look_up: impl AsyncFnMut() -> Result<Answer, String>,
) {
    let mut pace = Pace::new(resolve.valid_ms);
    loop {
        let outcome = look_up().await;
        let next_in_ms = match &outcome {
            Ok(answer) => pace.after_answer(answer.ttl_ms),
            Err(_) => pace.after_failure(clock::monotonic_us()),
        };
        if post.send(key.resolved(outcome, Some(next_in_ms))).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(next_in_ms)).await;
    }
}

/// The text of a list; who waits for its file system is this task alone.
async fn read(pool: &Pool, path: &Path) -> Result<String, String> {
    let path = path.to_owned();
    let read = move || apart::run(|| list::read(&path));
    let text = match pool.call_at(Place::Anywhere, SHORT_PATIENCE, read) {
        Ok(Begun::Done(text)) => text,
        Ok(Begun::Late(late)) => late.answered().await,
        Err(error) => Err(error),
    };
    text.unwrap_or_else(|error| Err(error.to_string()))
}

/// Tells of a file when two looks have found the same text that was not told of: a list is not
/// taken while it is being written. At the start one look must do.
async fn look(key: &Key, path: &Path, post: event::Post) {
    let pool = Pool::default();
    let mut told = read(&pool, path).await;
    let mut before = told.clone();
    let mut next = Some(told.clone());
    loop {
        if let Some(text) = next {
            let outcome = text.and_then(|text| list::parse(&text));
            let outcome = outcome.map(|found| Answer { found, ttl_ms: limits::LIST_LOOK_MS });
            if post.send(key.resolved(outcome, None)).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(limits::LIST_LOOK_MS)).await;
        let text = read(&pool, path).await;
        next = (text == before && text != told).then(|| text.clone());
        if next.is_some() {
            told.clone_from(&text);
        }
        before = text;
    }
}

impl Key {
    fn resolved(&self, outcome: Result<Answer, String>, next_in_ms: Option<u64>) -> event::Event {
        let Self { upstream, discovery } = self.clone();
        event::Event::Resolved(Resolved { upstream, discovery, outcome, next_in_ms })
    }
}

impl Master {
    pub(super) fn on_resolved(&mut self, resolved: Resolved) {
        let now = Now::read();
        // A result may come after its name has left the file.
        let Some(turn) = self.names.note(&resolved, now) else { return };
        let Resolved { upstream, discovery, outcome, .. } = resolved;
        let (change, error) = match outcome {
            Ok(answer) => (self.membership.found(&upstream, &discovery, answer.found, now), None),
            Err(error) => (self.membership.not_found(&upstream, &discovery, now), Some(error)),
        };
        if change.is_some() {
            self.checks.follow(self.membership.subjects());
        }
        let change = change.unwrap_or_default();
        let (verb, result, severity) = match (turn, error) {
            (Turn::Fails, Some(error)) => ("unresolved", error, Severity::Bad),
            (Turn::Succeeds, _) if change.is_empty() => {
                ("resolved", "answers again, nothing changed".to_owned(), Severity::Good)
            }
            _ if change.is_empty() => return,
            _ => ("resolved", sentence(&change), severity(&change)),
        };
        let target = format!("{upstream}/{discovery}");
        log::notice!(WHO, "{verb} {target}: {result}");
        self.note(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: verb.to_owned(),
            target,
            result,
            severity,
            cli: String::new(),
        });
    }
}

/// `+10.0.0.3:80 -10.0.0.2:80, 3 beyond 64 backends left out`
fn sentence(change: &Change) -> String {
    let joined = change.joined.iter().map(|address| format!("+{address}"));
    let left = change.left.iter().map(|address| format!("-{address}"));
    let mut parts = vec![joined.chain(left).collect::<Vec<_>>().join(" ")];
    if change.beyond > 0 {
        let (beyond, most) = (change.beyond, limits::UPSTREAM_MEMBERS_MAX);
        parts.push(format!("{beyond} beyond {most} backends left out"));
    }
    parts.extend(change.full.as_ref().map(ToString::to_string));
    parts.join(", ")
}

fn severity(change: &Change) -> Severity {
    if change.beyond > 0 || change.full.is_some() { Severity::Warn } else { Severity::Info }
}
