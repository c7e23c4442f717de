//! The kernel, and nothing but the kernel: time, processes, descriptors, sockets, files, memory.
//!
//! Knows no domain word: nothing here mentions workers, backends or programs. All `unsafe` of the
//! crate lives here and in `scoreboard::layout`.

pub(crate) mod clock;
pub(crate) mod log;
