//! HTTP/2 with clients: by curl, by the crate that speaks it, and by hand.

pub(crate) mod backend;
mod floods;
mod frames;
pub(crate) mod grpc;
mod life;
mod malformed;
mod pressure;
mod sending;
mod traffic;

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::client;
use crate::engine::Engine;
use crate::oracle;
use crate::origin::Origin;
use crate::proxy::one_worker;

/// One worker whose listener takes HTTP/2 in plain, too.
pub(crate) fn plain(server_keys: &str, origins: &[&Origin]) -> String {
    one_worker(server_keys, "", origins).replacen(
        "listen = [\"{listen}\"]",
        "listen = [{ address = \"{listen}\", http2 = true }]",
        1,
    )
}

/// A figure of the page of metrics.
#[track_caller]
fn metric(engine: &Engine, name: &str) -> u64 {
    let page = client::unix_get(&engine.socket(), "/metrics").expect("the engine answers").text();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().expect("a whole number")
}

/// curl without TLS.
pub(crate) struct Curl(PathBuf);

impl Curl {
    pub(crate) fn find() -> Option<Self> {
        oracle::find("curl").map(Self)
    }

    fn run(&self, engine: &Engine, path: &str, more: &[&str]) -> Output {
        Command::new(&self.0)
            .args(["-q", "-sS", "--max-time", "60"])
            .args(more)
            .arg(format!("http://{}{path}", engine.listen))
            .current_dir(engine.folder.path())
            .output()
            .expect("curl runs")
    }

    #[track_caller]
    pub(crate) fn get(&self, engine: &Engine, path: &str, more: &[&str]) -> String {
        let output = self.run(engine, path, more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{path} {more:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
