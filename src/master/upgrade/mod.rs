//! Another binary takes over: workers and programs stay, only keeper and master become others.
//!
//! The file at the engine's path is opened once; what is tried is what runs then. It must speak our
//! protocol, read our will and accept the configuration, otherwise nothing happens. Then this master
//! writes its will and stands still, the keeper becomes that file in its own process, and the first
//! master of it relieves this one, and then the workers one by one (`workers::relief`). When its masters
//! die young, the keeper goes back; when it dies itself, this master takes its place.

mod trial;

use std::os::fd::{AsFd as _, OwnedFd};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::event::Event;
use super::keeper_link::{Held, KeeperLink, Relief};
use super::membership::Now;
use super::programs::{Left, Programs};
use super::turn::LAST_WORDS;
use super::{Master, Phase, WHO, audit};
use crate::config::limits::PROGRAM_LEFT_BYTES_MAX;
use crate::control::call::{Caller, Command};
use crate::control::line;
use crate::control::wire::{Answer, Severity, UPGRADED};
use crate::sys::{image, log, memfd, proc};

/// What the keeper holds what is left of programs' output under, from one master to the next.
const OUTPUT: &str = "output";
/// What that may be: bytes of programs, and a line about each piece of them.
const OUTPUT_BYTES_MAX: u64 = 4 * PROGRAM_LEFT_BYTES_MAX as u64;

/// The output that a master left that made way.
pub(super) fn take_up_output(held: &mut Held, keeper: &KeeperLink, programs: &mut Programs) {
    let Some(memory) = held.take_one(OUTPUT) else { return };
    keeper.release(OUTPUT);
    let left = memfd::read_all(&memory, OUTPUT_BYTES_MAX).map(|encoded| Left::decode(&encoded));
    match left {
        Ok(Some(left)) => programs.take_up_output(&left),
        Ok(None) => log::error!(WHO, "read the output left: it is in no form known here"),
        Err(error) => log::error!(WHO, "read the output left: {error}"),
    }
}

/// An upgrade as its successors are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    by: String,
    /// The version and the master that made way.
    version: String,
    pid: u32,
    /// Which file should run.
    image: String,
    is_told: bool,
}

impl Begun {
    /// The master that stands still until it is relieved.
    pub(super) fn waiting(&self) -> Option<u32> {
        (!self.is_told).then_some(self.pid)
    }
}

pub(super) struct Upgrade {
    trying: Option<Trying>,
    /// What is to run next, once this master has made way.
    next: Option<OwnedFd>,
    begun: Option<Begun>,
}

/// A file that is asked whether it could take over.
struct Trying {
    path: String,
    image: OwnedFd,
    by: String,
    /// Whoever waits for an answer.
    reply: Option<oneshot::Sender<Answer>>,
}

impl Upgrade {
    pub(super) fn new(begun: Option<Begun>) -> Self {
        Self { trying: None, next: None, begun }
    }

    pub(super) fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }
}

impl Master {
    pub(super) fn upgrade_for(&mut self, caller: &Caller, reply: oneshot::Sender<Answer>) {
        self.upgrade(audit::who(caller), Some(reply));
    }

    /// Asks the file at our path whether it could take over.
    pub(super) fn upgrade(&mut self, by: String, reply: Option<oneshot::Sender<Answer>>) {
        match self.try_file() {
            Ok((path, image)) => {
                self.upgrade.trying = Some(Trying { path, image, by, reply });
            }
            Err(why) => self.answer_upgrade(&by, reply, Answer::refused(why)),
        }
    }

    fn try_file(&self) -> Result<(String, OwnedFd), String> {
        if self.phase != Phase::Running {
            return Err("the engine is stopping".to_owned());
        }
        if self.upgrade.trying.is_some() {
            return Err("an upgrade is under way".to_owned());
        }
        let path = proc::own_path().map_err(|error| format!("find this binary: {error}"))?;
        let name = path.display().to_string();
        let failed = |error: &dyn std::fmt::Display| format!("upgrade to {name}: {error}");
        let image = image::open(&path).map_err(|error| failed(&error))?;
        let verdict = trial::begin(&path, &image, &self.options, self.legacy.show())
            .map_err(|error| failed(&error))?;
        let post = self.post.clone();
        tokio::task::spawn_local(async move {
            let _the_loop_is_over = post.send(Event::Tried(verdict.await)).await;
        });
        Ok((name, image))
    }

    pub(super) fn on_tried(&mut self, verdict: Result<String, String>) {
        let Some(Trying { path, image, by, reply }) = self.upgrade.trying.take() else { return };
        let verdict = match verdict {
            Ok(_) if self.phase != Phase::Running => Err("the engine is stopping".to_owned()),
            verdict => verdict.map_err(|why| format!("{path} can not take over: {why}")),
        };
        let id = image::id(&image).map_err(|error| format!("look at {path}: {error}"));
        let (version, id) = match verdict.and_then(|version| Ok((version, id?))) {
            Ok(found) => found,
            Err(why) => return self.answer_upgrade(&by, reply, Answer::refused(why)),
        };
        let (own, pid) = (env!("CARGO_PKG_VERSION").to_owned(), std::process::id());
        let text = format!("version {own} (pid {pid}) makes way for version {version} ({path})");
        self.answer_upgrade(&by, reply, Answer::changed(text));
        self.upgrade.begun = Some(Begun { by, version: own, pid, image: id, is_told: false });
        self.upgrade.next = Some(image);
        self.phase = Phase::MakingWay;
    }

    fn answer_upgrade(&mut self, by: &str, reply: Option<oneshot::Sender<Answer>>, answer: Answer) {
        let line::Line { verb, words, .. } = line::of(&Command::Upgrade);
        log::notice!(WHO, "upgrade by {by}: {}", answer.message);
        self.note(audit::Entry {
            who: by.to_owned(),
            verb: verb.to_owned(),
            target: String::new(),
            result: answer.message.clone(),
            severity: if answer.is_done() { Severity::Good } else { Severity::Bad },
            cli: format!("pilothouse {words}"),
        });
        if let Some(reply) = reply {
            // Whoever asked may be gone by now.
            let _nobody_waits = reply.send(answer);
        }
    }

    /// Ends this master, and nothing else; or, when the other binary takes the keeper down with it,
    /// goes on as the keeper.
    pub(super) async fn make_way(mut self) -> u8 {
        // Whoever asks from here on waits for the next master.
        self.serving.abort();
        tokio::time::sleep(LAST_WORDS).await;
        self.programs.settle_output().await;
        self.carry_out_wants(Now::read());
        self.leave_output();
        self.bequeath();
        let Some(image) = self.upgrade.next.take() else { return 0 };
        match self.keeper.stand_by(&image) {
            Relief::Up => {}
            Relief::None => self.take_keepers_place(),
        }
        0
    }

    /// What of programs' output is nowhere but here.
    fn leave_output(&mut self) {
        let left = self.programs.leave_output();
        if left.is_empty() {
            return;
        }
        match memfd::sealed("output", &left.encode()) {
            Ok(memory) => self.keeper.hold(OUTPUT, &[memory.as_fd()]),
            Err(error) => log::error!(WHO, "hand output over: {error}"),
        }
    }

    /// Says what came of an upgrade, as the first master of the image that runs after it.
    pub(super) fn note_upgrade(&mut self) {
        let (Some(begun), Ok(own)) = (&mut self.upgrade.begun, image::own_id()) else { return };
        let (version, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
        let from = format!("version {} (pid {})", begun.version, begun.pid);
        let (result, severity) = match (own == begun.image, begun.is_told) {
            (true, true) => return,
            (true, false) => {
                begun.is_told = true;
                (format!("{from} has become version {version} (pid {pid})"), Severity::Good)
            }
            (false, _) => {
                let result = format!(
                    "the new binary did not last: {from} goes on as version {version} (pid {pid})"
                );
                self.upgrade.begun = None;
                (result, Severity::Bad)
            }
        };
        log::notice!(WHO, "upgrade: {result}");
        self.note(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: UPGRADED.to_owned(),
            target: self.options.name.clone(),
            result,
            severity,
            cli: String::new(),
        });
    }
}
