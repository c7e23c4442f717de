//! The verbs about upstreams and their backends.

use clap::{Args, Subcommand};

use super::{Listing, Waiting, duration_ms};

#[derive(Debug, Subcommand)]
pub(crate) enum Backend {
    /// List the backends of all upstreams, or of one.
    List {
        /// Of this one alone.
        #[arg(value_name = "UPSTREAM")]
        upstream: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Give it no new request; the running ones finish, and with --wait fail if some had to be cut.
    Drain {
        /// Such as api/10.0.3.1:8080; `backend list` has them.
        #[arg(value_name = "UPSTREAM/BACKEND", value_parser = backend_name, required = true)]
        names: Vec<BackendName>,
        /// After this, running requests are cut, such as 30s; else the upstream's drain_timeout.
        #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
        timeout: Option<u64>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Let it take requests again.
    Enable(BackendPlace),
    /// Take it out at once.
    Down(BackendPlace),
    /// Change its weight.
    Weight {
        #[command(flatten)]
        place: BackendPlace,
        /// From 1 to 1000.
        #[arg(value_name = "N")]
        weight: u32,
    },
    /// Bound what it has in flight, over all workers; 0: no bound.
    MaxConns {
        #[command(flatten)]
        place: BackendPlace,
        /// Requests and connections.
        #[arg(value_name = "N")]
        max_conns: u32,
    },
    /// Add one to an upstream, beside those of the file; kept until it is removed, or
    /// `upstream reset`.
    Add {
        /// Such as api/10.0.3.4:8080, api/app4.internal:8080 or api/unix:/run/app4.sock.
        #[arg(value_name = "UPSTREAM/ADDRESS", value_parser = backend_name)]
        name: BackendName,
        /// From 1 to 1000; 1 without it.
        #[arg(value_name = "WEIGHT")]
        weight: Option<u32>,
        /// Ask it only when none of the others can be asked.
        #[arg(long)]
        backup: bool,
    },
    /// Take it off its upstream: it drains, then it is gone; one of the file comes back by
    /// `backend add` or `upstream reset`.
    Remove {
        #[command(flatten)]
        place: BackendPlace,
        /// Off the list at once; the running requests finish.
        #[arg(long, conflicts_with_all = ["timeout", "wait"])]
        now: bool,
        /// After this, running requests are cut, such as 30s.
        #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
        timeout: Option<u64>,
        #[command(flatten)]
        waiting: Waiting,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BackendPlace {
    /// Such as api/10.0.3.1:8080; `backend list` has them.
    #[arg(value_name = "UPSTREAM/BACKEND", value_parser = backend_name)]
    pub(crate) name: BackendName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackendName {
    pub(crate) upstream: String,
    pub(crate) backend: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Upstream {
    /// List the upstreams.
    List(Listing),
    /// Does it balance as its strategy promises, why not, and what would another do?
    Explain {
        /// Its name; `upstream list` has them.
        #[arg(value_name = "UPSTREAM")]
        upstream: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Balance by another strategy: round_robin, least_conn, ip_hash, random, random_two, least_time;
    /// hash and hash_consistent where the file has a hash_key.
    Strategy {
        /// Its name; `upstream list` has them.
        #[arg(value_name = "UPSTREAM")]
        upstream: String,
        /// By which it balances until `upstream reset`.
        #[arg(value_name = "STRATEGY")]
        strategy: String,
    },
    /// Back to the file: its backends, and their strategy, weights and states.
    Reset {
        /// Its name; `upstream list` has them.
        #[arg(value_name = "UPSTREAM")]
        upstream: String,
    },
}

fn backend_name(text: &str) -> Result<BackendName, String> {
    match text.split_once('/') {
        Some((upstream, backend)) if !upstream.is_empty() && !backend.is_empty() => {
            Ok(BackendName { upstream: upstream.to_owned(), backend: backend.to_owned() })
        }
        Some(_) | None => Err("expected UPSTREAM/BACKEND, such as api/10.0.3.1:8080".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let name = |upstream: &str, backend: &str| {
            Ok(BackendName { upstream: upstream.to_owned(), backend: backend.to_owned() })
        };
        assert_eq!(backend_name("api/[::1]:80"), name("api", "[::1]:80"));
        assert_eq!(backend_name("api/unix:/run/a"), name("api", "unix:/run/a"));
        assert!(backend_name("api").is_err() && backend_name("/x").is_err());
    }
}
