//! One file, run by nginx and, translated, by us.

use std::fs;
use std::net::SocketAddr;

use super::{import, text};
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::ports;

pub(super) struct Twins {
    theirs: SocketAddr,
    ours: SocketAddr,
    toml: String,
    /// What the importer had to say.
    pub(super) remarks: String,
    different: Vec<String>,
    _nginx: Foreign,
    _engine: Engine,
}

impl Twins {
    /// `http` is the inside of that block, with `LISTEN` for an address. `None`: there is no nginx.
    pub(super) fn start(http: &str) -> Option<Self> {
        Self::start_with(http, [""; 2])
    }

    /// The same; `SIDE` becomes nginx's word and ours.
    pub(super) fn start_with(http: &str, sides: [&str; 2]) -> Option<Self> {
        let [theirs, ours] = [ports::address(), ports::address()];
        let listens = theirs.parse().expect("an address");
        let of_nginx = http.replace("LISTEN", &theirs).replace("SIDE", sides[0]);
        let nginx = Foreign::nginx(&of_nginx, listens)?;
        let http = http.replace("SIDE", sides[1]);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("nginx.conf");
        let whole = format!("events {{}}\nhttp {{\n{}\n}}\n", http.replace("LISTEN", &ours));
        fs::write(&file, whole).expect("the folder is ours");
        let output = import("nginx", &[], &file);
        let remarks = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{remarks}");
        let toml = text(&output.stdout);
        let engine = Engine::start(&toml);
        let ours = ours.parse().expect("an address");
        let different = Vec::new();
        Some(Self {
            theirs: listens,
            ours,
            toml,
            remarks,
            different,
            _nginx: nginx,
            _engine: engine,
        })
    }

    /// Asks both, and notes what differs but for the port.
    pub(super) fn compare(&mut self, what: &str, outcome: impl Fn(SocketAddr) -> String) {
        let [theirs, ours] = [self.theirs, self.ours].map(|address| {
            let port = format!(":{}", address.port());
            outcome(address).replace(&port, "")
        });
        if theirs != ours {
            self.different.push(format!("{what}\n  nginx {theirs}\n  we    {ours}"));
        }
    }

    pub(super) fn are_alike(&self) {
        assert!(self.different.is_empty(), "{}\n{}", self.different.join("\n"), self.toml);
    }
}
