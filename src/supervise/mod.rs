//! What a supervised program's instance should do next.
//!
//! Pure: a state and an event in, a state and effects out. Starts nothing, signals nothing, reads
//! no clock; the master carries effects out (`master::programs`). Deadlines are values inside the
//! state, so nothing polls: the master sleeps until [`state::State::deadline_us`] and says `Tick`.
//! Every pair of phase and event is listed without a catch-all, so a new phase does not compile
//! until each event has an answer.

#![deny(clippy::wildcard_enum_match_arm)]

pub(crate) mod calendar;
pub(crate) mod capture;
pub(crate) mod chronicle;
pub(crate) mod dice;
pub(crate) mod group;
pub(crate) mod listener;
pub(crate) mod notify;
pub(crate) mod order;
pub(crate) mod pause;
pub(crate) mod policy;
pub(crate) mod roll;
pub(crate) mod standstill;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod timetable;

#[cfg(test)]
mod tests;
