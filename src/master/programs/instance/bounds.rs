//! What all processes of an instance use together: measured once a second, and bounded here where the
//! kernel does not do it.

use super::super::desk::{Desk, Tone};
use super::super::tree::{Resource, Totals};
use super::Instance;
use crate::config::model::tree::Bounds;
use crate::supervise::state::{Phase, Shown};
use crate::supervise::step::Event;

/// The last measurement, and how long it has been too much.
#[derive(Clone, Debug, Default)]
pub(in crate::master::programs) struct Used {
    totals: Totals,
    at_us: u64,
    /// Of one core, since the measurement before.
    pub(in crate::master::programs) cpu_percent: f32,
    /// Measurements in a row that found too much.
    over: u32,
    /// What it was restarted for, in the words of its row.
    excess: String,
}

impl Used {
    pub(in crate::master::programs) fn resident_bytes(&self) -> u64 {
        self.totals.resident_bytes
    }

    fn measured(&mut self, totals: Totals, now_us: u64) {
        let passed_us = now_us.saturating_sub(self.at_us);
        let computed_us = totals.cpu_us.saturating_sub(self.totals.cpu_us);
        let is_first = self.at_us == 0 || passed_us == 0;
        self.cpu_percent =
            if is_first { 0.0 } else { (computed_us as f64 / passed_us as f64 * 100.0) as f32 };
        self.totals = totals;
        self.at_us = now_us;
    }

    /// What is over its bound, in words, unless the kernel sees to it.
    fn excess(&self, bounds: &Bounds, is_held: impl Fn(Resource) -> bool) -> Option<String> {
        const MEGABYTE: u64 = 1 << 20;
        let Totals { resident_bytes, tasks, .. } = self.totals;
        let memory =
            bounds.memory_bytes.filter(|most| resident_bytes > *most && !is_held(Resource::Memory));
        let cpu = bounds.cpu_percent.filter(|most| {
            f64::from(self.cpu_percent) > f64::from(*most) && !is_held(Resource::Cpu)
        });
        let many =
            bounds.tasks.filter(|most| tasks > u64::from(*most) && !is_held(Resource::Tasks));
        let memory = memory.map(|most| {
            format!("memory {} MB over {} MB", resident_bytes.div_ceil(MEGABYTE), most / MEGABYTE)
        });
        let cpu = cpu.map(|most| format!("cpu {:.0}% over {most}%", self.cpu_percent));
        let many = many.map(|most| format!("{tasks} tasks, over {most}"));
        memory.or(cpu).or(many)
    }
}

impl Instance {
    /// When what it uses was read last; 0: not yet.
    pub(in crate::master::programs) fn weighed_us(&self) -> u64 {
        self.used.at_us
    }

    pub(in crate::master::programs) fn weigh(&mut self, now_us: u64, desk: &mut Desk) {
        let Some(tree) = self.tree.as_mut().filter(|_| self.process.is_some()) else {
            self.used = Used { excess: std::mem::take(&mut self.used.excess), ..Used::default() };
            return;
        };
        // What can not be read is read again a second later.
        let Ok(totals) = tree.totals(&mut desk.surveyor) else { return };
        self.used.measured(totals, now_us);
        let bounds = self.definition.program.tree.bounds;
        let Some(excess) = self.used.excess(&bounds, |resource| tree.is_held(resource)) else {
            self.used.over = 0;
            return;
        };
        self.used.over += 1;
        let is_up = matches!(
            self.state.phase,
            Phase::Starting { .. } | Phase::Ready { .. } | Phase::Unready { .. }
        );
        if self.used.over >= bounds.checks && is_up {
            let text = format!("{excess} for {} s", self.used.over);
            self.used.over = 0;
            self.note(Tone::Warn, "limit", format!("{text}, restarted"), desk);
            self.output.borrow_mut().mark(text.clone());
            self.used.excess = text;
            self.restarts += 1;
            self.say(Event::Restart, desk);
        }
    }

    /// Hands the bounds to the kernel where it takes them.
    pub(in crate::master::programs) fn bound(&mut self) {
        let bounds = self.definition.program.tree.bounds;
        if let Some(tree) = &mut self.tree {
            tree.bound(&bounds);
        }
    }

    /// Whether the kernel has killed some of its processes for want of memory.
    pub(super) fn tell_oom(&mut self, desk: &mut Desk) {
        let Some(kills @ 1..) = self.tree.as_ref().map(super::Tree::oom_kills) else { return };
        "oom: its processes outgrew `memory_max`".clone_into(&mut self.used.excess);
        let text = format!("out of memory, the kernel killed {kills}");
        self.output.borrow_mut().mark(text.clone());
        self.note(Tone::Bad, "oom", text, desk);
    }

    /// What it was restarted or killed for, until it runs again.
    pub(in crate::master::programs) fn excess(&self) -> &str {
        match self.shown() {
            Shown::Running | Shown::Stopped => "",
            Shown::Starting | Shown::Backoff | Shown::Stopping | Shown::Exited | Shown::Fatal => {
                &self.used.excess
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_said_unless_the_kernel_sees_to_it() {
        let bounds = Bounds {
            memory_bytes: Some(8 << 20),
            cpu_percent: Some(50),
            tasks: Some(9),
            checks: 1,
        };
        let nobody = |_| false;
        let mut used = Used::default();
        let totals = |resident_bytes, cpu_us, tasks| Totals { resident_bytes, cpu_us, tasks };
        used.measured(totals(8 << 20, 7_000_000, 9), 1_000_000);
        assert_eq!(used.excess(&bounds, nobody), None);
        used.measured(totals(9 << 20, 7_500_000, 9), 2_000_000);
        assert_eq!(used.excess(&bounds, nobody).unwrap(), "memory 9 MB over 8 MB");
        assert_eq!(used.excess(&bounds, |resource| resource == Resource::Memory), None);
        used.measured(totals(1 << 20, 8_100_000, 10), 3_000_000);
        assert_eq!(used.excess(&bounds, nobody).unwrap(), "cpu 60% over 50%");
        assert_eq!(
            used.excess(&bounds, |resource| resource == Resource::Cpu).unwrap(),
            "10 tasks, over 9"
        );
    }
}
