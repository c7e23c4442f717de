//! What the main process has left behind: looked for, ended, told.

use super::super::desk::{Desk, Tone};
use super::Instance;
use crate::config::model::tree::LeftOvers;
use crate::supervise::step::{Event, Group};
use crate::sys;

/// Left-overs that are named one by one.
const NAMED_MAX: usize = 8;

impl Instance {
    /// After the end of the main process, as far as that is known at once.
    pub(super) fn left_behind(&mut self) -> Group {
        let is_empty = self.tree.as_mut().is_none_or(super::Tree::is_surely_empty);
        let is_kept = self.definition.program.tree.left_overs == LeftOvers::Kept;
        if is_empty || is_kept {
            self.tree = None;
            Group::Empty
        } else {
            Group::LeftOvers
        }
    }

    pub(super) fn look_for_left_overs(&mut self, life: u32, desk: &mut Desk) -> Event {
        if self.tree.as_mut().is_none_or(|tree| tree.is_empty(&mut desk.surveyor)) {
            self.tree = None;
            Event::Swept { life }
        } else {
            Event::Remain { life }
        }
    }

    pub(super) fn terminate_left_overs(&mut self, desk: &mut Desk) {
        let Some(tree) = &mut self.tree else { return };
        tree.signal(sys::signal::TERM, &mut desk.surveyor);
        // A stopped process could not act on the signal otherwise.
        tree.signal(sys::signal::CONT, &mut desk.surveyor);
        let text = format!("ends {}, left by its main process", self.left_overs(desk));
        self.output.borrow_mut().mark(text);
    }

    pub(super) fn kill_tree(&mut self, desk: &mut Desk) {
        let is_kept = self.definition.program.tree.left_overs == LeftOvers::Kept;
        if let Some(tree) = self.tree.as_mut().filter(|_| !is_kept) {
            tree.kill(&mut desk.surveyor);
        }
    }

    pub(super) fn tell_left_overs(&mut self, desk: &mut Desk) {
        let text = format!("{} outlive SIGKILL; not started beside them", self.left_overs(desk));
        self.note(Tone::Bad, "sweep", text, desk);
    }

    /// `pid 7 (sh), pid 8 (sleep)`.
    fn left_overs(&mut self, desk: &mut Desk) -> String {
        let members = self.tree.as_mut().map(|tree| tree.members(&mut desk.surveyor));
        let members = match members.transpose() {
            Ok(members) => members.unwrap_or_default(),
            Err(error) => return format!("processes that can not be seen ({error})"),
        };
        let named = members.iter().take(NAMED_MAX).map(|pid| {
            let name = sys::proc::name(*pid).unwrap_or_else(|| "gone".to_owned());
            format!("pid {pid} ({name})")
        });
        let mut named = named.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = members.len().checked_sub(NAMED_MAX) {
            named = format!("{named} and {more} more");
        }
        named
    }
}
