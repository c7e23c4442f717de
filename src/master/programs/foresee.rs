//! What another configuration would do to the instances that are there, without doing it.

use std::collections::BTreeMap;

use super::Programs;
use super::definition::{Change, Definition};
use crate::config::model::Config;

/// How many instances of a program would be treated how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Foreseen {
    /// Alive with what is not so any more: ended and started again.
    pub(crate) restart: u32,
    /// Changed in what applies to a process as it is.
    pub(crate) live: u32,
    pub(crate) start: u32,
    /// Alive, and not wanted any more.
    pub(crate) stop: u32,
    pub(crate) does_serve: bool,
}

impl Programs {
    /// By program; those that are left alone have zeroes.
    pub(crate) fn foresee(&self, config: &Config) -> BTreeMap<String, Foreseen> {
        let definitions = Definition::all(config);
        let mut all: BTreeMap<String, Foreseen> = BTreeMap::new();
        for (id, instance) in &self.instances {
            let foreseen = all.entry(id.program.clone()).or_default();
            foreseen.does_serve |= instance.definition.serving.is_some();
            let is_alive = u32::from(instance.process.is_some());
            let wanted = definitions.iter().find(|definition| {
                definition.program.name == id.program && id.instance < definition.program.instances
            });
            match wanted.map(|definition| instance.definition.change(definition)) {
                None => foreseen.stop += is_alive,
                Some(Change::Restart) => foreseen.restart += is_alive,
                Some(Change::Live) => foreseen.live += 1,
                Some(Change::Nothing) => {}
            }
        }
        for definition in &definitions {
            let name = &definition.program.name;
            let there = self.instances.keys().filter(|id| id.program == *name).count() as u32;
            let foreseen = all.entry(name.clone()).or_default();
            foreseen.does_serve |= definition.serving.is_some();
            foreseen.start += definition.program.instances.saturating_sub(there);
        }
        all
    }
}
