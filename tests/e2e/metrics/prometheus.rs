//! The real Prometheus, by the configuration that is offered, but for where and how often.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{client, oracle, ports, wait};

/// A large program on a busy machine takes its time to start and to scrape.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct Prometheus {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Prometheus {
    /// `None` without the program.
    pub(super) fn scraping(target: &str) -> Option<Self> {
        let program = oracle::find("prometheus")?;
        let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
        let offered = fs::read_to_string("configs/prometheus.yml").expect("it is offered");
        let text = offered
            .replace("\"127.0.0.1:9900\"", &format!("\"{target}\""))
            .replace("_interval: 15s", "_interval: 1s");
        assert!(text.contains(target) && text.contains("scrape_interval: 1s"));
        let file = |name: &str| folder.path().join(name);
        fs::write(file("prometheus.yml"), text).expect("the folder is ours");
        fs::copy("configs/prometheus-rules.yml", file("prometheus-rules.yml"))
            .expect("it is offered");
        let address = ports::address();
        let log = fs::File::create(file("log")).expect("the folder is ours");
        let process = Command::new(program)
            .arg(format!("--config.file={}", file("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", file("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus runs");
        let address = address.parse().expect("an address");
        let mut prometheus = Self { process, address, folder };
        wait::within(PATIENCE, "prometheus is ready", || {
            if let Ok(Some(status)) = prometheus.process.try_wait() {
                panic!("prometheus ended with {status}:\n{}", prometheus.log());
            }
            let request = b"GET /-/ready HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
            let answer = client::exchange(address, request).ok()?;
            (answer.status == 200).then_some(())
        });
        Some(prometheus)
    }

    /// What an expression comes to at present; the error is the server's own.
    pub(super) fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let answer = self.api(&format!("query?query={}", encoded(expression)))?;
        Ok(answer["result"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until an expression comes to one value, and that.
    #[track_caller]
    pub(super) fn wait_for(&self, expression: &str, value: f64) {
        let last = RefCell::new(Vec::new());
        let waited = panic::catch_unwind(AssertUnwindSafe(|| {
            wait::within(PATIENCE, &format!("{expression} is {value}"), || {
                last.replace(self.query(expression).expect("an expression"));
                let found = last.borrow();
                let [only] = found.as_slice() else { return None };
                let reached = only["value"][1].as_str()?.parse::<f64>().ok()?;
                reached.total_cmp(&value).is_eq().then_some(())
            });
        }));
        assert!(waited.is_ok(), "{expression} is not {value} but {:?}", last.borrow());
    }

    /// Every loaded rule, once it was evaluated.
    pub(super) fn rules(&self) -> Vec<Value> {
        wait::within(PATIENCE, "all rules are evaluated", || {
            let groups = self.api("rules").ok()?["groups"].as_array()?.clone();
            let rules: Vec<Value> = groups
                .iter()
                .filter_map(|group| group["rules"].as_array())
                .flatten()
                .cloned()
                .collect();
            let is_done = !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown");
            is_done.then_some(rules)
        })
    }

    fn api(&self, call: &str) -> Result<Value, String> {
        let answer = client::get(self.address, &format!("/api/v1/{call}"));
        let document: Value = serde_json::from_slice(&answer.body).map_err(|_| answer.text())?;
        match document["status"].as_str() {
            Some("success") => Ok(document["data"].clone()),
            _ => Err(document["error"].to_string()),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _it_may_be_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _infallible_for_a_string = write!(encoded, "%{byte:02X}");
        encoded
    })
}
