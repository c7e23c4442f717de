//! `GET /metrics`: what the engine counts, as Prometheus reads it.
//!
//! `page` writes the text from plain figures, `gather` takes these from the master, `lifetime` adds up
//! what may never go back. Counters go on through reloads and the deaths of workers; the series of what
//! has left are gone. Labels come from the configuration and closed lists, never from clients, so the
//! page is bounded by the bounds of the configuration.

pub(super) mod lifetime;

mod figures;
mod gather;
mod page;

mod backends;
mod firewall;
mod limits;
mod programs;
mod workers;

mod series;

#[cfg(test)]
mod tests;

pub(super) use figures::Loads;
