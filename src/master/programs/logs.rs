//! Logs as operators handle them: read, followed, cleared.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Programs;
use super::callers::Asked;
use super::desk::Tone;
use super::event::InstanceId;
use super::instance::Instance;
use super::output::follow::Wanted;
use super::output::left::{Left, What};
use super::output::{Follow, Source, merged};
use crate::control::call::{ALL, Command, ProgramTarget, ProgramVerb};
use crate::control::line;
use crate::control::wire::{Answer, Stream};
use crate::sys;
use crate::sys::blocking::Pool;

impl Programs {
    /// Opens every log file anew with its next byte.
    pub(crate) fn reopen_files(&mut self) {
        for file in self.desk.open_files() {
            file.borrow_mut().reopen();
        }
    }

    /// Where log files are read.
    pub(crate) fn log_pool(&self) -> &Pool {
        self.desk.log_pool()
    }

    /// Waits, for a bounded time, until those who read the engine's own output and the system log
    /// have taken everything.
    pub(crate) fn settle_output(&self) -> impl Future<Output = ()> + use<> {
        self.desk.outlets().settle()
    }

    /// Takes out what is in no file and no pipe, for the next master; this one reads nothing more.
    pub(crate) fn leave_output(&mut self) -> Left {
        let (mut left, mut lost) = (Left::default(), 0);
        for (path, file) in self.desk.files() {
            let (waiting, lost_bytes) = file.borrow_mut().leave();
            if !waiting.is_empty() || lost_bytes > 0 {
                lost += left.add(What::File { path: path.clone(), lost_bytes }, &waiting);
            }
        }
        for (way, piece) in self.desk.outlets().leave() {
            lost += left.add(What::Piece(way), &piece);
        }
        for (id, instance) in &self.instances {
            for source in [Source::Stdout, Source::Stderr] {
                let begun = instance.output.borrow_mut().leave(source);
                if !begun.is_empty() {
                    lost += left.add(What::Begun { id: id.clone(), source }, &begun);
                }
            }
        }
        if lost > 0 {
            sys::log::warning!("programs", "{lost} bytes of output are too much to hand over");
        }
        left
    }

    /// After `adopt`, before anything is read.
    pub(crate) fn take_up_output(&mut self, left: &Left) {
        for (what, bytes) in left.each() {
            match what {
                What::File { path, lost_bytes } => {
                    if let Some(file) = self.desk.file_at(path) {
                        file.borrow_mut().take_up(bytes, *lost_bytes);
                    }
                }
                What::Piece(way) => self.desk.outlets_mut().take_up(*way, bytes),
                What::Begun { id, source } => {
                    if let Some(instance) = self.instances.get(id) {
                        instance.output.borrow_mut().take_up(*source, bytes);
                    }
                }
            }
        }
    }

    /// The output as JSON lines, of those kept the last `tail`; that of several instances is merged,
    /// with instances that come while it is followed. The answer says why not.
    pub(crate) fn log(
        &mut self,
        target: &ProgramTarget,
        stream: Option<Stream>,
        tail: Option<u32>,
        follow: Follow,
    ) -> Result<mpsc::Receiver<Bytes>, Answer> {
        let ids = match self.resolve(target) {
            // None yet, but a reload may bring some.
            Err(_) if target.name == ALL && self.instances.is_empty() => Vec::new(),
            resolved => resolved?,
        };
        if let ([id], true) = (ids.as_slice(), target.name != ALL) {
            let instance = &self.instances[id];
            let read = instance.output.borrow_mut().read(stream, tail, follow);
            return read.ok_or_else(too_many);
        }
        let program = (target.name != ALL).then(|| target.name.clone());
        let outputs: Vec<merged::Named> =
            ids.iter().map(|id| (id.to_string(), &self.instances[id].output)).collect();
        let wanted = Wanted { stream, program };
        merged::read(&outputs, self.desk.hub(), (wanted, tail), follow).ok_or_else(too_many)
    }

    /// Begins the logs anew. What can not be removed is told, the others are cleared all the same.
    pub(super) fn clear(&mut self, ids: &[InstanceId], by: &str) -> Result<Answer, Answer> {
        summed(&self.clear_each(ids, by))
    }

    /// The same for who asks about each of them; writes its own line to the audit trail.
    pub(crate) fn clear_for(
        &mut self,
        target: &ProgramTarget,
        by: &str,
    ) -> Vec<(InstanceId, io::Result<()>)> {
        let cleared = self.clear_each(&self.resolve(target).unwrap_or_default(), by);
        let answer = summed(&cleared).unwrap_or_else(|refused| refused);
        self.note_done(target, ProgramVerb::Clear, by, &answer);
        cleared
    }

    fn clear_each(&self, ids: &[InstanceId], by: &str) -> Vec<(InstanceId, io::Result<()>)> {
        let instances = ids.iter().filter_map(|id| self.instances.get(id));
        let clear = |instance: &Instance| {
            let mut output = instance.output.borrow_mut();
            let cleared = output.clear();
            output.mark(format!("cleared by {by}"));
            (instance.id.clone(), cleared)
        };
        instances.map(clear).collect()
    }

    /// Writes what was done, by a way that has answers of its own, to the audit trail.
    pub(super) fn note_done(
        &mut self,
        target: &ProgramTarget,
        verb: ProgramVerb,
        by: &str,
        answer: &Answer,
    ) {
        let line = line::of(&Command::Program { target: target.clone(), verb });
        let tone = if answer.is_done() { Tone::Info } else { Tone::Warn };
        self.desk.note_of(&Asked { by: by.to_owned(), line }, answer.message.clone(), tone);
    }
}

fn too_many() -> Answer {
    Answer::refused("too many follow this output already")
}

fn summed(cleared: &[(InstanceId, io::Result<()>)]) -> Result<Answer, Answer> {
    let failed = |(id, cleared): &(InstanceId, io::Result<()>)| {
        let error = cleared.as_ref().err()?;
        Some(format!("clear the log of {id}: {error}"))
    };
    let failed: Vec<String> = cleared.iter().filter_map(failed).collect();
    if failed.is_empty() {
        let names: Vec<String> = cleared.iter().map(|(id, _)| id.to_string()).collect();
        Ok(Answer::changed(format!("log of {} cleared", names.join(", "))))
    } else {
        Err(Answer::refused(failed.join("; ")))
    }
}
