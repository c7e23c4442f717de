//! When the keeper is gone: this process takes its place.
//!
//! A new keeper beside it would not do, for the workers and programs are this process's children and
//! would be orphans at its death, their ends known to nobody. So it writes its will, becomes a keeper
//! in its own pid with everything it had asked to be held, and starts the next master, which takes
//! over as after any master's death. What earlier masters had started goes to whoever inherits
//! orphans; their ends are told by the kernel (`sys::pidfd::exit_info`) as far as it can.

use super::{Master, WHO, audit, service};
use crate::control::wire::Severity;
use crate::sys::log;

impl Master {
    /// Comes back only when there is no way to.
    pub(super) fn take_keepers_place(&mut self) {
        log::error!(WHO, "the keeper is gone: this process takes its place");
        self.note(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: "replace".to_owned(),
            target: "keeper".to_owned(),
            result: "its master takes its place".to_owned(),
            severity: Severity::Bad,
            cli: String::new(),
        });
        self.bequeath();
        service::leads();
        let error = self.keeper.succeed(&self.options.keeper);
        log::error!(WHO, "take the keeper's place: {error}; a master that dies is not replaced");
    }
}
