//! Active checks: one task per backend of an upstream that has a `check`, for as long as the backend
//! is a member. Each result becomes an event; `membership` acts on it.
//!
//! Only here, never in a worker: a backend is asked once an interval, however many workers there
//! are. A check belongs to a backend of one upstream: where two upstreams have the same address,
//! each asks in its own way. What single results mean together is `balance::health`'s to say.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::event;
use super::probe::{Probe, Question};
use crate::balance::health::{self, Health, Streak};
use crate::config::limits::{CHECK_SPREAD_MS, CHECKS_AT_ONCE_MAX};
use crate::config::model::health::Check;
use crate::config::model::{Address, Config};
use crate::sys::{clock, random};

/// One result, with what it means so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) upstream: String,
    pub(crate) backend: Address,
    pub(crate) health: Health,
    pub(crate) result: Result,
}

/// What a question came to, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Result {
    /// `ok`, or what was wrong.
    pub(crate) text: String,
    pub(crate) wall_ms: u64,
    pub(crate) latency_us: u64,
    /// Good results in a row, and bad ones: one of the two is 0.
    pub(crate) passes: u32,
    pub(crate) fails: u32,
}

/// A backend to check, and what is thought of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) upstream: String,
    pub(crate) backend: Address,
    pub(crate) health: Health,
}

/// Running checks; dropping one ends it.
pub(crate) struct Checks {
    post: event::Post,
    /// The upstreams that have a check.
    checks: BTreeMap<String, Asking>,
    running: BTreeMap<Member, Running>,
    /// Checks begun so far: the next one's place among the first questions.
    begun: u32,
    /// Bounds the questions under way.
    turns: Rc<Semaphore>,
}

/// An upstream's check, and its question made ready for all backends.
#[derive(Clone)]
struct Asking {
    check: Check,
    question: Rc<Question>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    upstream: String,
    backend: String,
}

struct Running {
    check: Check,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checks {
    pub(crate) fn new(post: event::Post) -> Self {
        Self {
            post,
            checks: BTreeMap::new(),
            running: BTreeMap::new(),
            begun: 0,
            turns: Rc::new(Semaphore::new(CHECKS_AT_ONCE_MAX)),
        }
    }

    /// Checks as the configuration says; those it leaves as they are go on with their counts.
    pub(crate) fn apply_config(&mut self, config: &Config, subjects: Vec<Subject>) {
        let mut before = std::mem::take(&mut self.checks);
        for upstream in &config.upstreams {
            let Some(check) = &upstream.check else { continue };
            let kept = before.remove(&upstream.name).filter(|asking| asking.check == *check);
            let asking = kept.unwrap_or_else(|| Asking {
                check: check.clone(),
                question: Rc::new(Question::new(check)),
            });
            self.checks.insert(upstream.name.clone(), asking);
        }
        self.follow(subjects);
    }

    /// Starts and ends checks for the backends there are.
    pub(crate) fn follow(&mut self, subjects: Vec<Subject>) {
        let of = |subject: &Subject| Member::of(&subject.upstream, &subject.backend);
        let wanted: BTreeMap<Member, Subject> =
            subjects.into_iter().map(|subject| (of(&subject), subject)).collect();
        self.running.retain(|member, _| wanted.contains_key(member));
        for (member, subject) in wanted {
            self.begin(member, subject);
        }
    }

    fn begin(&mut self, member: Member, subject: Subject) {
        let Some(Asking { check, question }) = self.checks.get(&member.upstream).cloned() else {
            self.running.remove(&member);
            return;
        };
        if self.running.get(&member).is_some_and(|running| running.check == check) {
            return;
        }
        let within_ms = check.pace.interval_ms.min(CHECK_SPREAD_MS);
        let first_us = health::first_us(self.begun, within_ms);
        self.begun = self.begun.wrapping_add(1);
        let task = Task {
            probe: Probe::of_check(&subject.backend, &check, question),
            streak: Streak::new(check.fall, check.rise, subject.health),
            check: check.clone(),
            subject,
            turns: Rc::clone(&self.turns),
            post: self.post.clone(),
        };
        let task = tokio::task::spawn_local(task.run(first_us));
        self.running.insert(member, Running { check, task });
    }
}

impl Member {
    fn of(upstream: &str, backend: &Address) -> Self {
        Self { upstream: upstream.to_owned(), backend: backend.to_string() }
    }
}

/// What asks one backend again and again.
struct Task {
    subject: Subject,
    check: Check,
    probe: Probe,
    streak: Streak,
    turns: Rc<Semaphore>,
    post: event::Post,
}

impl Task {
    async fn run(mut self, first_us: u64) {
        let mut pause_us = first_us;
        loop {
            tokio::time::sleep(Duration::from_micros(pause_us)).await;
            let started_us = clock::monotonic_us();
            let checked = self.ask().await;
            if self.post.send(event::Event::Checked(checked)).await.is_err() {
                return;
            }
            let took_us = clock::monotonic_us().saturating_sub(started_us);
            pause_us = self.pause_us().saturating_sub(took_us);
        }
    }

    async fn ask(&mut self) -> Checked {
        // Nobody closes it; without a bound the question would be asked all the same.
        let _turn = self.turns.acquire().await;
        let started_us = clock::monotonic_us();
        let result = self.probe.ask().await;
        let latency_us = clock::monotonic_us().saturating_sub(started_us);
        let health = self.streak.count(result.is_ok());
        let text = match result {
            Ok(good) => good.to_string(),
            Err(error) => error.to_string(),
        };
        Checked {
            upstream: self.subject.upstream.clone(),
            backend: self.subject.backend.clone(),
            health,
            result: Result {
                text,
                wall_ms: clock::wall_ms(),
                latency_us,
                passes: self.streak.passes(),
                fails: self.streak.fails(),
            },
        }
    }

    fn pause_us(&self) -> u64 {
        let pace = &self.check.pace;
        let interval_ms = match self.streak.health() {
            Health::Good => pace.interval_ms,
            Health::Failed => pace.interval_down_ms,
        };
        health::pause_us(interval_ms, pace.jitter_percent, random::seed() as u32)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeSet;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;
    use tokio::task::LocalSet;

    use super::*;
    use crate::config;

    const BACKENDS: u8 = 200;

    const _: () = assert!(BACKENDS as usize > 2 * CHECKS_AT_ONCE_MAX);

    /// Questions under way, and the most of them at a time.
    #[derive(Default)]
    struct Crowd {
        now: Cell<usize>,
        most: Cell<usize>,
        held: RefCell<Vec<TcpStream>>,
    }

    impl Crowd {
        async fn join(&self, mut stream: TcpStream) {
            self.now.set(self.now.get() + 1);
            self.most.set(self.most.get().max(self.now.get()));
            let _request = stream.read(&mut [0; 1024]).await;
            self.held.borrow_mut().push(stream);
            // Nobody is answered until as many have come as may, so that more would be seen.
            if self.most.get() < CHECKS_AT_ONCE_MAX {
                return;
            }
            for mut stream in self.held.take() {
                self.now.set(self.now.get() - 1);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    }

    fn subjects(port: u16) -> Vec<Subject> {
        let subject = |host: u8| Subject {
            upstream: "api".to_owned(),
            backend: Address::Tcp(([127, 0, 1, host], port).into()),
            health: Health::Good,
        };
        (1..=BACKENDS).map(subject).collect()
    }

    #[tokio::test]
    async fn questions_under_way_are_bounded_and_everyone_has_a_turn() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = "[upstream.api]\ncheck = { interval = \"1h\", timeout = \"1m\" }\n\
                    backend = [{ address = \"127.0.1.1:1\" }]";
        let config = config::parse(text, "test.toml").unwrap();
        let (post, mut events) = mpsc::channel(event::EVENTS_WAITING_MAX);
        let crowd = Rc::new(Crowd::default());
        let local = LocalSet::new();
        let guests = Rc::clone(&crowd);
        local.spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let crowd = Rc::clone(&guests);
                tokio::task::spawn_local(async move { crowd.join(stream).await });
            }
        });
        let asked = local.run_until(async {
            let mut checks = Checks::new(post);
            checks.apply_config(&config, subjects(port));
            let mut asked = BTreeSet::new();
            while asked.len() < usize::from(BACKENDS) {
                match events.recv().await {
                    Some(event::Event::Checked(checked)) => {
                        assert_eq!(checked.result.text, "ok, 200");
                        assert!(asked.insert(checked.backend.to_string()), "asked twice");
                    }
                    other => panic!("{other:?}"),
                }
            }
            asked
        });
        assert_eq!(asked.await.len(), usize::from(BACKENDS));
        assert_eq!(crowd.most.get(), CHECKS_AT_ONCE_MAX);
    }

    #[tokio::test]
    async fn a_backend_that_leaves_is_asked_no_more() {
        let text = "[upstream.api]\ncheck = { kind = \"tcp\", interval = \"1ms\" }\n\
                    backend = [{ address = \"127.0.1.1:1\" }]";
        let config = config::parse(text, "test.toml").unwrap();
        let (post, mut events) = mpsc::channel(1);
        let listener = TcpListener::bind("127.0.1.1:0").await.unwrap();
        let subject = subjects(listener.local_addr().unwrap().port()).remove(0);
        let local = LocalSet::new();
        let late = local.run_until(async {
            let mut checks = Checks::new(post);
            checks.apply_config(&config, vec![subject]);
            for _ in 0..3 {
                events.recv().await.unwrap();
            }
            checks.follow(Vec::new());
            assert!(checks.running.is_empty());
            drop(checks);
            // One may have been waiting for its place; the task is gone, so no other follows.
            let mut late = 0;
            while events.recv().await.is_some() {
                late += 1;
            }
            late
        });
        assert!(late.await <= 2);
    }
}
