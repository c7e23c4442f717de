//! Processor time and memory of our own processes, read together once a second.

use std::collections::BTreeMap;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::sys;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Of one core, since the last reading.
    pub(super) cpu_percent: f32,
    pub(super) rss_bytes: u64,
}

pub(super) struct Usage {
    /// `None` on a machine whose `/proc` can not be read: everything then shows as zero.
    system: Option<System>,
    figures: BTreeMap<u32, Figures>,
}

impl Usage {
    pub(super) fn new() -> Self {
        let system = System::new().inspect_err(|error| {
            sys::log::warning!("master", "read the processes' usage: {error}");
        });
        Self { system: system.ok(), figures: BTreeMap::new() }
    }

    /// Reads these processes and forgets all others.
    pub(super) fn refresh(&mut self, pids: &[u32]) {
        let Some(system) = &mut self.system else { return };
        let wanted: Vec<Pid> = pids.iter().map(|pid| Pid::from_u32(*pid)).collect();
        // Threads are not processes of ours, and listing them costs more than all the rest.
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&wanted), true, kind);
        let read = |pid: &u32| {
            let process = system.process(Pid::from_u32(*pid))?;
            let figures = Figures { cpu_percent: process.cpu_usage(), rss_bytes: process.memory() };
            Some((*pid, figures))
        };
        self.figures = pids.iter().filter_map(read).collect();
    }

    /// Zeroes for one that was not read yet.
    pub(super) fn of(&self, pid: u32) -> Figures {
        self.figures.get(&pid).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_a_forgotten_one_has_none() {
        let own = std::process::id();
        let mut usage = Usage::new();
        usage.refresh(&[own]);
        assert!(usage.of(own).rss_bytes > 0);
        usage.refresh(&[]);
        assert_eq!(usage.of(own), Figures::default());
    }
}
