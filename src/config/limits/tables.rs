//! Bounds of variables that the file makes: tables, and what steps set.

/// `[map.NAME]`, `[geo.NAME]` and `[split.NAME]` together.
pub(crate) const TABLES_MAX: usize = 256;
/// Values of all tables; they travel to each worker.
pub(crate) const TABLE_VALUES_MAX: usize = 16 * 1024;
/// Expressions of one table; a request that no word fits looks at all of them.
pub(crate) const TABLE_PATTERNS_MAX: usize = 256;
/// Tables that a table goes through until nothing but requests is left.
pub(crate) const TABLE_DEPTH_MAX: usize = 8;
/// Steps of one list, and lists within lists.
pub(crate) const STEPS_MAX: usize = 256;
pub(crate) const STEPS_DEPTH_MAX: usize = 3;
/// Upstreams of one route that conditions choose.
pub(crate) const CHOICES_MAX: usize = 128;
/// Files that steps of one request look for, of those that the kernel has to ask a disk about.
pub(crate) const LOOKS_MAX: usize = 32;
/// Routes that steps send a request to, the first one apart (nginx's bound).
pub(crate) const STEPS_ROUTES_MAX: usize = 10;
/// Variables that steps set, in all the file, and what those of one request come to together.
pub(crate) const OWN_MAX: usize = 256;
pub(crate) const OWN_BYTES_MAX: usize = 64 * 1024;
