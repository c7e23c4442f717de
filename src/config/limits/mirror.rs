//! Bounds of copies of requests: what is beyond them goes on without copies, and is counted.

/// Copies of one request.
pub(crate) const WAYS_MAX: usize = 8;
/// Copies of one worker that are under way, or wait for their request's body.
pub(crate) const AT_ONCE_MAX: u32 = 512;
/// Of the body of a request that is copied, which is held in memory.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// The bodies of all copies of one worker.
pub(crate) const HELD_BYTES_MAX: usize = 32 << 20;

const _: () = assert!(BODY_BYTES_MAX <= HELD_BYTES_MAX);
const _: () = assert!(super::REQUEST_BUFFER_BYTES_MAX <= BODY_BYTES_MAX);
