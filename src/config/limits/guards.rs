//! Bounds of guards: of their rules, their tables, and of what waits at them.

/// Of one list of `allow` and `deny`; each request looks through it.
pub(crate) const ACCESS_RULES_MAX: usize = 1024;
/// `[limit.NAME]`, and of those what a route may demand.
pub(crate) const LIMITS_MAX: usize = 32;
pub(crate) const LIMITS_PER_ROUTE_MAX: usize = 8;
/// Keys of a limit: unless it says otherwise, and what its table on the scoreboard has room for.
pub(crate) const LIMIT_KEYS: u32 = 14_336;
pub(crate) const LIMIT_KEYS_MAX: u32 = 114_688;
pub(crate) const LIMIT_KEYS_MAX_OF_CONNECTIONS: u32 = 14_336;
/// Requests a second or a minute, and requests beyond them.
pub(crate) const LIMIT_RATE_MAX: u32 = 1_000_000;
pub(crate) const BURST_MAX: u32 = 60_000;
/// A file of users with their passwords.
pub(crate) const USERS_FILE_BYTES_MAX: u64 = 8 << 20;
/// Passwords that a worker verifies at a time, those that may wait for that and for how long, and
/// answers that it remembers of a file.
pub(crate) const VERIFIED_AT_ONCE_MAX: usize = 2;
pub(crate) const VERIFIED_WAITING_MAX: usize = 128;
pub(crate) const VERIFY_TIMEOUT_MS: u64 = 60_000;
pub(crate) const VERIFIED_KEPT_MAX: usize = 4096;
/// How much later than it should a request that waits may go on before its worker gives up on it.
pub(crate) const DELAY_GRACE_MS: u64 = 60_000;
