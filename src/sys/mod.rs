//! The kernel, and nothing but the kernel: time, processes, descriptors, sockets, files, memory.
//!
//! Knows no domain word: nothing here mentions workers, backends or programs. All `unsafe` of the
//! crate lives here and in `scoreboard::layout`; for that reason, so does the one foreign library
//! that a build may be linked to (`modsecurity`).

pub(crate) mod backoff;
pub(crate) mod bell;
pub(crate) mod clock;
pub(crate) mod deferral;
pub(crate) mod give_way;
pub(crate) mod local_time;
pub(crate) mod log;
pub(crate) mod random;

pub(crate) mod abilities;
pub(crate) mod apart;
pub(crate) mod append;
pub(crate) mod blocking;
pub(crate) mod entries;
pub(crate) mod file;
pub(crate) mod file_system;
pub(crate) mod folders;
pub(crate) mod host;
pub(crate) mod image;
pub(crate) mod inherited;
pub(crate) mod lifted;
pub(crate) mod lock;
pub(crate) mod remembered;
pub(crate) mod user;

pub(crate) mod capability;
pub(crate) mod cgroup;
pub(crate) mod companion;
pub(crate) mod confine;
pub(crate) mod descendants;
pub(crate) mod end;
pub(crate) mod oom;
pub(crate) mod origin;
pub(crate) mod orphans;
pub(crate) mod peek;
pub(crate) mod pidfd;
pub(crate) mod pipe;
pub(crate) mod proc;
pub(crate) mod rlimit;
pub(crate) mod signal;
pub(crate) mod spawn;
pub(crate) mod standard;

pub(crate) mod map;
pub(crate) mod memfd;

pub(crate) mod poll;
mod tcp_table;
pub(crate) mod tty;
pub(crate) mod unnamed_file;

pub(crate) mod handed_socket;
pub(crate) mod notify;
pub(crate) mod port_holder;
pub(crate) mod seqpacket;
pub(crate) mod service;
pub(crate) mod socket;
pub(crate) mod socket_file;
pub(crate) mod watched;
pub(crate) mod zone;

pub(crate) mod modsecurity;
