//! The embedded default: with no configuration the product shows itself working.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::engine::{BINARY, is_alive};
use crate::{client, wait};

struct Folder(tempfile::TempDir);

impl Folder {
    fn run(&self, args: &[&str]) -> Output {
        Command::new(BINARY)
            .args(args)
            .env("PILOTHOUSE_RUNTIME_DIR", self.0.path().join("run"))
            .env("PILOTHOUSE_STATE_DIR", self.0.path().join("state"))
            .env("XDG_CONFIG_HOME", self.0.path())
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the built binary runs")
    }

    fn status(&self) -> Option<Value> {
        let socket = self.0.path().join("run/default/control.sock");
        serde_json::from_slice(&client::unix_get(&socket, "/v1/status")?.body).ok()
    }
}

#[test]
fn plain_pilothouse_starts_shows_and_stops() {
    let folder =
        Folder(tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder"));
    let output = folder.run(&[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for word in ["pilothouse", "shutdown", "weighted"] {
        assert!(text.contains(word), "the overview says {word:?}:\n{text}");
    }
    wait::until("every upstream has traffic on every backend that is up", || {
        let status = folder.status()?;
        let upstreams = status["upstreams"].as_array()?;
        let has_traffic = upstreams.len() == 4
            && upstreams.iter().all(|upstream| {
                upstream["backends"].as_array().is_some_and(|backends| {
                    backends.len() > 1
                        && backends.iter().all(|row| row["requests"].as_u64() > Some(0))
                })
            });
        has_traffic.then_some(())
    });
    let status = folder.status().expect("the engine answers");
    let pid = status["workers"][0]["pid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok())
        .expect("a pid");
    let again = folder.run(&[]);
    assert!(again.status.success());
    assert_eq!(
        folder.status().expect("one engine")["workers"][0]["pid"],
        pid,
        "the second call only looks"
    );
    assert!(folder.run(&["shutdown"]).status.success());
    wait::until("the engine is gone", || {
        (folder.status().is_none() && !is_alive(pid)).then_some(())
    });
    assert_eq!(folder.run(&["status"]).status.code(), Some(3));
}
