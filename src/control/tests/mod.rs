//! The folder's tests, by boundary: shapes and deltas, routes, watchers, and client against server.

mod delta;
mod route;
mod talk;
mod watch;
mod wire;
