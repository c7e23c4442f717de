//! What programs ask of the rest of the master, carried out in the order they asked.

use std::os::fd::AsFd as _;

use super::membership::{Joining, Now};
use super::programs::want::{Join, Note, Want};
use super::{Master, WHO, audit};
use crate::config::model::Address;
use crate::sys::log;

impl Master {
    /// Until nothing is asked any more: what is done for a program may make it ask again. Whether anything
    /// was asked.
    pub(super) fn carry_out_wants(&mut self, now: Now) -> bool {
        let mut has_asked = false;
        loop {
            let wants = self.programs.take_wants();
            if wants.is_empty() {
                return has_asked;
            }
            has_asked = true;
            for want in wants {
                self.carry_out(want, now);
            }
        }
    }

    fn carry_out(&mut self, want: Want, now: Now) {
        match want {
            Want::Join(join) => self.join(join, now),
            Want::Shut { upstream, address } => {
                self.membership.shut(&upstream, &Address::Tcp(address), now);
                self.checks.follow(self.membership.subjects());
            }
            Want::Leave { upstream, address } => {
                // It may have left with its upstream already.
                let _was_there = self.membership.leave(&upstream, &Address::Tcp(address), now);
                self.checks.follow(self.membership.subjects());
            }
            Want::Drain { upstream, address, timeout_ms } => {
                let backend = Address::Tcp(address);
                if !self.membership.drain(&upstream, &backend, Some(timeout_ms), now) {
                    // Nobody sends it requests, so there is nothing to wait for.
                    self.programs.on_drained(&upstream, &backend.to_string());
                }
            }
            Want::Audit(Note { who, verb, target, result, severity, cli }) => {
                let verb = verb.to_owned();
                self.note(audit::Entry { who, verb, target, result, severity, cli });
            }
            Want::Hold { key, descriptors } => {
                let borrowed: Vec<_> = descriptors.iter().map(|held| held.as_fd()).collect();
                self.keeper.hold(&key, &borrowed);
            }
            Want::Release { key } => self.keeper.release(&key),
            Want::Resize { program } => self.resize(&program, now),
            Want::Stop { why } => self.fail(&why),
            // Every turn ends with what a successor must know being written.
            Want::StateChanged => {}
        }
    }

    fn join(&mut self, join: Join, now: Now) {
        let joining = Joining {
            address: Address::Tcp(join.address),
            weight: join.weight,
            max_fails: join.max_fails,
            fail_timeout_s: join.fail_timeout_s,
            max_conns: join.max_conns,
            priority: join.priority,
            program: Some(join.program),
        };
        if let Err(error) = self.membership.join(&join.upstream, joining, now) {
            log::error!(WHO, "{error}");
        }
        self.checks.follow(self.membership.subjects());
    }
}
