//! The folder's tests, by boundary: shapes and deltas, routes, watchers, and client against server.

mod delta;
mod openapi;
mod route;
mod talk;
mod tape;
mod tcp;
mod watch;
pub(crate) mod wire;
