//! End to end: the real binary, real sockets, real processes. One binary, one module a subject.
//!
//! A test is a configuration text, some requests and an expectation. Every engine is asked to stop
//! at the end of its test, must stop, and must not have logged an alert.

mod client;
mod engine;
mod foreign;
mod name_server;
mod oracle;
mod origin;
mod ports;
mod pty;
mod secure;
mod wait;

mod access_log;
mod alike;
mod api;
mod bounds;
mod buffering;
mod capacity;
mod chaos;
mod checks;
mod cli;
mod console;
mod control_http;
mod crashes;
mod daemons;
mod default;
mod differential;
mod drain;
mod ends;
mod explain;
mod failing;
mod framing;
mod hostile;
mod init;
mod keeper;
mod limits;
mod links;
mod live;
mod metrics;
mod names;
mod others;
mod outliers;
mod output;
mod processes;
mod programs;
mod proxy;
mod queue;
mod readiness;
mod reload;
mod requests;
mod retries;
mod roll;
mod shaping;
mod sharing;
mod started_with;
mod sticky;
mod stopping;
mod strategies;
mod streaming;
mod takeover;
mod tcp_routes;
mod tracking;
mod upgrade;
