//! The engine: configuration, supervision, membership, control.

pub(crate) mod event;

mod clients;
pub(crate) mod history;
pub(crate) mod membership;

pub(crate) mod checks;
mod probe;
pub(crate) mod programs;

mod audit;
mod keeper_link;
mod listeners;
mod memory;
mod socket;
mod workers;

use crate::config;

/// What the keeper was told to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The engine's name: its runtime folder, its lock.
    pub(crate) name: String,
    /// Absolute, since the master is started again wherever the keeper stands.
    pub(crate) source: config::Source,
}

/// Runs the engine until it is told to stop.
pub(crate) fn run(_options: &Options) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
