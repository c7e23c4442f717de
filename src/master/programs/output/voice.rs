//! By which what an instance prints becomes events of listeners. Costs nothing while nobody listens.

use super::Source;
use crate::config::model::listener::Subject;
use crate::master::programs::event::Report;
use crate::master::programs::events::SharedHub;
use crate::master::programs::events::payload::Named;
use crate::master::programs::process::Reporter;

pub(in crate::master::programs) struct Voice {
    pub(in crate::master::programs) hub: SharedHub,
    pub(in crate::master::programs) reporter: Reporter,
    pub(in crate::master::programs) process: String,
    pub(in crate::master::programs) group: String,
    pub(in crate::master::programs) pid: u32,
}

impl Voice {
    /// It has written this.
    pub(super) fn wrote(&self, source: Source, bytes: &[u8]) {
        let (subject, channel) = match source {
            Source::Stdout => (Subject::ProcessLogStdout, "stdout"),
            Source::Stderr => (Subject::ProcessLogStderr, "stderr"),
        };
        let pid = self.pid;
        self.announce(subject, || {
            self.named().said(&format!("pid:{pid} channel:{channel}"), bytes)
        });
    }

    /// It sends this message.
    pub(super) fn sent(&self, source: Source, message: &[u8]) {
        let subject = match source {
            Source::Stdout => Subject::ProcessCommunicationStdout,
            Source::Stderr => Subject::ProcessCommunicationStderr,
        };
        self.announce(subject, || self.named().said(&format!("pid:{}", self.pid), message));
    }

    fn named(&self) -> Named<'_> {
        Named { process: &self.process, group: &self.group }
    }

    fn announce(&self, subject: Subject, payload: impl FnOnce() -> String) {
        if !self.hub.borrow().hears(subject) {
            return;
        }
        let payload = payload();
        let mut hub = self.hub.borrow_mut();
        hub.publish(subject, &payload);
        if hub.is_called() {
            return;
        }
        // A queue that is full is gone through soon, and its events are looked at then or with the
        // next that is written.
        if self.reporter.try_report(Report::Announced) {
            hub.call();
        }
    }
}
