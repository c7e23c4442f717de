//! pilothouse: a load balancer, a process supervisor and the live console that steers both.
//!
//! # Roles, one binary
//!
//! * `keeper`: tiny synchronous parent; reaps, holds descriptors that must not be lost, starts the
//!   master again when it dies. When it is killed itself, its master becomes the keeper.
//! * `master`: configuration, supervision, membership, control API, history. One thread, one loop
//!   over one closed event enum. Never touches a client's bytes.
//! * `worker`: the data path. One process, one thread, accepting beside its like.
//! * `tui`: the console, a client on the control socket. `cli`: the same verbs for scripts.
//! * `demo`: the origin servers and the bounded load of the embedded default configuration.
//!
//! # Layers, lowest first; a file imports only downwards (`tests/tidy.rs` holds the table)
//!
//! | layer | folders |
//! |---|---|
//! | 0 | `sys`: the kernel; knows no domain word |
//! | 1 pure | `config`, `http`, `firewall`, `balance`, `supervise`: functions of plain values |
//! | 1 data | `scoreboard`: shared memory; `order`: messages between our own processes |
//! | 2 edge | `control`: wire types, client, server framing; `import`: other programs' files as ours |
//! | 3 roles | `keeper`, `master`, `worker`, `tui`, `demo` |
//! | 4 rim | `cli`, this file, `main.rs` |
//!
//! # Invariants
//!
//! 1. A request is served whole by one configuration generation; a reload swaps the generation
//!    between requests and restarts no worker. Membership, weights and state come from the
//!    scoreboard.
//! 2. A worker never blocks, holds no shared word longer than one pick, and never grows without a
//!    bound from `config::limits`.
//! 3. Only the master starts, stops or signals processes (the keeper starts the master, and kills
//!    what is left when a stop got stuck).
//! 4. The master never touches a client's bytes.
//! 5. Each scoreboard word has one writer, or is guarded by the upstream's owner-tagged word.
//! 6. Losing the console, or a hundred of them, changes nothing for the workers.
//! 7. Only `sys::clock` reads time; pure folders receive `now`.
//! 8. A signal or a child's exit only becomes an event; the loop acts.
//! 9. A bad new configuration leaves the running one untouched; the error names file, line, column.
//! 10. Bytes from the network, a child or a file can never panic a process.
//! 11. `kill -9` of any one process of ours loses at most what that process alone was serving.
//!
//! # Glossary
//!
//! *engine*: keeper, master, workers and programs of one name. *worker*: a data path process, in a
//! *slot*. *listener*: one address, one socket that all workers accept from. *server*, *route*:
//! what a request is matched against. *step*: one thing that is done with a request before that, or
//! before its route's guards. *table*: what makes a variable of the file's own (`[map]`, `[geo]`,
//! `[split]`). *guard*: what a request must pass before its route's action.
//! *TCP route* (`[[stream]]`): an address that leads to an
//! upstream as it is; one client's connection through it is a *session*. *upstream*: a named set of
//! *backends* and a *strategy* (the pure code in `balance` calls a backend's balancing state a
//! *peer*, as nginx does). *pick*: one choice of a backend. *queue*: where requests wait while every
//! backend is full; those of all workers are one *line*. *sticky*: of clients that come back to the
//! backend they are *bound* to. *name*: what the file writes for backends that are looked up (in
//! `config`, a *discovery*). *drain*: no new request, the running ones finish. *program*: what the
//! supervisor runs, in one or more *instances*. *probe*: one readiness or health check. *outlier*: a
//! backend that serves worse than the others of its upstream, and is ejected for a while. *ring*:
//! where consistent hashing looks a key's backend up; the ring of recent requests is a buffer of that
//! form. *generation*: a loaded configuration's number. *incarnation*: which life of a row; a stale
//! one is refused. *snapshot*, *delta*, *sample*: what a watcher is sent.

pub(crate) mod sys;

pub(crate) mod balance;
pub(crate) mod config;
pub(crate) mod firewall;
pub(crate) mod http;
pub(crate) mod supervise;

pub(crate) mod order;
pub(crate) mod scoreboard;

pub(crate) mod control;
pub(crate) mod import;

pub(crate) mod demo;
pub(crate) mod keeper;
pub(crate) mod master;
pub(crate) mod tui;
pub(crate) mod worker;

pub(crate) mod cli;

/// Runs the program for the process's own arguments and environment; the caller exits with the
/// status (0 done, 1 failed, 2 usage, 3 no engine, 4 not permitted).
pub fn run() -> std::process::ExitCode {
    cli::run()
}

/// What the fuzzers in `fuzz/` run: each takes any bytes and panics when one of our promises about
/// them does not hold.
#[cfg(fuzzing)]
pub mod fuzz {
    pub fn request_head(bytes: &[u8]) {
        crate::http::properties::heads::request_head(bytes);
    }

    pub fn response_head(bytes: &[u8]) {
        crate::http::properties::heads::response_head(bytes);
    }

    pub fn chunked_body(bytes: &[u8]) {
        crate::http::properties::chunks::chunked_body(bytes);
    }

    pub fn target(bytes: &[u8]) {
        crate::http::properties::paths::target(bytes);
    }

    pub fn firewall(bytes: &[u8]) {
        crate::firewall::properties::inspect(bytes);
    }

    pub fn range(bytes: &[u8]) {
        crate::http::properties::files::range(bytes);
    }

    pub fn conditions(bytes: &[u8]) {
        crate::http::properties::files::conditions(bytes);
    }

    pub fn http2_request(bytes: &[u8]) {
        crate::http::properties::fields::http2_request(bytes);
    }

    pub fn http2_response(bytes: &[u8]) {
        crate::http::properties::fields::http2_response(bytes);
    }

    pub fn http2_frames(bytes: &[u8]) {
        crate::http::properties::frames::http2_frames(bytes);
    }

    pub fn http2_answer(bytes: &[u8]) {
        crate::worker::http2::properties::http2_answer(bytes);
    }

    pub fn http2_body(bytes: &[u8]) {
        crate::worker::http2::properties::http2_body(bytes);
    }

    pub fn http2_path(bytes: &[u8]) {
        crate::worker::http2::properties::http2_path(bytes);
    }

    pub fn notice(bytes: &[u8]) {
        crate::supervise::notify::holds_for(bytes);
    }

    pub fn proxy_header(bytes: &[u8]) {
        crate::http::properties::introductions::proxy_header(bytes);
    }

    pub fn client_hello(bytes: &[u8]) {
        crate::http::properties::hellos::client_hello(bytes);
    }

    pub fn nginx_conf(bytes: &[u8]) {
        crate::import::nginx::holds_for(bytes);
    }

    pub fn supervisor_ini(bytes: &[u8]) {
        crate::import::supervisor::holds_for(bytes);
    }

    pub fn rpc_call(bytes: &[u8]) {
        crate::control::rpc::properties::call(bytes);
    }
}
