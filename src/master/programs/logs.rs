//! Logs as operators handle them: read, followed, cleared.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Programs;
use super::event::InstanceId;
use super::output::follow::Wanted;
use super::output::{Follow, merged};
use crate::control::call::{ALL, ProgramTarget};
use crate::control::wire::{Answer, Stream};

impl Programs {
    /// Opens every log file anew with its next byte.
    pub(crate) fn reopen_files(&mut self) {
        for file in self.desk.open_files() {
            file.borrow_mut().reopen();
        }
    }

    /// Waits, for a bounded time, until those who read the engine's own output and the system log
    /// have taken everything.
    pub(crate) fn settle_output(&self) -> impl Future<Output = ()> + use<> {
        self.desk.outlets().settle()
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
            return Ok(instance.output.borrow_mut().read(stream, tail, follow));
        }
        let program = (target.name != ALL).then(|| target.name.clone());
        let outputs: Vec<merged::Named> =
            ids.iter().map(|id| (id.to_string(), &self.instances[id].output)).collect();
        let wanted = Wanted { stream, program };
        Ok(merged::read(&outputs, self.desk.hub(), (wanted, tail), follow))
    }

    /// Begins the logs anew. What can not be removed is told, the others are cleared all the same.
    pub(super) fn clear(&mut self, ids: &[InstanceId], by: &str) -> Result<Answer, Answer> {
        let (mut cleared, mut failed) = (Vec::new(), Vec::new());
        for (id, instance) in ids.iter().filter_map(|id| Some((id, self.instances.get(id)?))) {
            let mut output = instance.output.borrow_mut();
            match output.clear() {
                Ok(()) => cleared.push(id.to_string()),
                Err(error) => failed.push(format!("clear the log of {id}: {error}")),
            }
            output.mark(format!("cleared by {by}"));
        }
        if failed.is_empty() {
            Ok(Answer::changed(format!("log of {} cleared", cleared.join(", "))))
        } else {
            Err(Answer::refused(failed.join("; ")))
        }
    }
}
