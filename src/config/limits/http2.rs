//! Bounds of HTTP/2: with clients, and with backends where they differ.

/// Streams of one connection at a time; nginx's bound.
pub(crate) const STREAMS_MAX: u32 = 128;
/// What a client may send ahead of what is taken: on one stream, and on all of a connection.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// What waits to be sent on one stream, and how much is handed over at once.
pub(crate) const SEND_BYTES_MAX: usize = 128 * 1024;
pub(crate) const PIECE_BYTES: usize = 64 * 1024;
/// The same of all streams of a connection together.
pub(crate) const OUTBOX_BYTES_MAX: usize = 1 << 20;
/// The same of a backend's answers. Those that nobody reads on fill their own windows only: the
/// connection has room for all of its streams, so that none waits for another one's client.
pub(crate) const BACKEND_WINDOW_BYTES: u32 = 64 * 1024;
pub(crate) const BACKEND_CONNECTION_WINDOW_BYTES: u32 =
    BACKEND_STREAMS_MAX as u32 * BACKEND_WINDOW_BYTES;
/// The most that a window may be (RFC 9113, 6.9.1).
const WINDOW_BYTES_MAX: u64 = (1 << 31) - 1;
const _: () = assert!(BACKEND_STREAMS_MAX as u64 * BACKEND_WINDOW_BYTES as u64 <= WINDOW_BYTES_MAX);
const _: () = assert!(BACKEND_STREAMS <= BACKEND_STREAMS_MAX);
pub(crate) const BACKEND_SMALL_FRAMES_BYTES: usize = 16 << 20;
/// Requests on one connection to a backend: before it has said how many it takes, and at most.
pub(crate) const BACKEND_STREAMS: usize = 100;
pub(crate) const BACKEND_STREAMS_MAX: usize = 1000;
/// Connections that one request waits for, of those that others make, and that end before its turn.
pub(crate) const AWAITED_MAX: u32 = 3;
/// A backend's list of fields.
pub(crate) const ANSWER_LIST_BYTES_MAX: u32 = 32 * 1024;
/// What a field of a list costs beside its name and value (RFC 9113, 6.5.2).
pub(crate) const FIELD_BYTES: usize = 32;
/// Room for a request's head when it is written out; a longer one takes more.
pub(crate) const HEAD_BYTES: usize = 1024;
/// Streams that we reset and are remembered for a while: what is still on its way is dropped.
pub(crate) const RESET_STREAMS_MAX: usize = 128;
/// Streams that were taken back before they were seen, and streams reset for the client's errors, of
/// one connection. The first come after the bound on resets, which says what it was.
pub(crate) const RESETS_WAITING_MAX: usize = 1024;
pub(crate) const ERRORS_MAX: usize = 512;
const _: () = assert!(RESETS_WAITING_MAX > RESETS_BURST as usize);
/// Frames that carry nothing: how many may come at once, and how many in a second over time. Whoever
/// sends more is cut. A page that is left takes back all of its requests.
pub(crate) const RESETS_BURST: u32 = 512;
pub(crate) const RESETS_PER_SECOND: u32 = 100;
pub(crate) const PINGS_BURST: u32 = 512;
pub(crate) const PINGS_PER_SECOND: u32 = 50;
pub(crate) const SETTINGS_BURST: u32 = 64;
pub(crate) const SETTINGS_PER_SECOND: u32 = 5;
pub(crate) const EMPTY_FRAMES_BURST: u32 = 1024;
pub(crate) const EMPTY_FRAMES_PER_SECOND: u32 = 100;
/// What small frames of data that wait may cost beside their data, 256 bytes each: a stream's window
/// full of messages of a few bytes, some times over.
pub(crate) const SMALL_FRAMES_BYTES: usize = 4 << 20;
const _: () = assert!(SMALL_FRAMES_BYTES > STREAM_WINDOW_BYTES as usize / 8 * 256);
/// Pieces of one head behind its first: heads of our length need two.
pub(crate) const CONTINUATIONS_MAX: u32 = 5;
/// An answer's head on its way to a stream: what a backend may send, and what routes add to it.
pub(crate) const ANSWER_HEAD_BYTES_MAX: usize = 256 * 1024;
