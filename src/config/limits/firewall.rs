//! The firewall's bounds. Those of its readers are beside them: a pure folder names its own.

/// Of a request's score: one finding that is sure.
pub(crate) const THRESHOLD: u32 = 5;
pub(crate) const THRESHOLD_MAX: u32 = 1_000;
/// Of a server or a route; each finding is held against all of them.
pub(crate) const EXCEPTIONS_MAX: usize = 64;
/// What is read of a compressed body; one that comes to more is read as far.
pub(crate) const DECODED_BYTES_MAX: usize = 256 * 1024;
/// Compressions of a body in each other.
pub(crate) const CODINGS_MAX: usize = 2;
/// How long a request waits for the core rules, unless the file says otherwise.
pub(crate) const CORE_BUDGET_MS: u64 = 250;
pub(crate) const CORE_BUDGET_MS_MAX: u64 = 10_000;
/// Requests that a worker holds against core rules at a time, and those that may wait for that.
pub(crate) const CORE_AT_ONCE_MAX: usize = 2;
pub(crate) const CORE_WAITING_MAX: usize = 128;
/// Files of rules that include each other, and how deep.
pub(crate) const INCLUDED_MAX: usize = 256;
pub(crate) const INCLUDED_DEPTH_MAX: usize = 8;
pub(crate) const RULES_FILE_BYTES_MAX: u64 = 4 << 20;
/// Kinds of attacks that are told apart, each a rule at a place; the one that came longest ago goes.
pub(crate) const KINDS_MAX: usize = 64;
/// Clients whose attacks are counted; whoever has the fewest gives way. And how many are told.
pub(crate) const OFFENDERS_MAX: usize = 256;
pub(crate) const OFFENDERS_SHOWN_MAX: usize = 8;
/// One kind is told of so often at most, and of all kinds together so many events in that time.
pub(crate) const EVENTS_PERIOD_MS: u64 = 60_000;
pub(crate) const EVENTS_PER_PERIOD_MAX: usize = 12;
