//! What the configuration says of a program: what to run, how it counts as running, when it is
//! restarted and how it is stopped.
//!
//! Plain data; instances are compared by it on reload, and a successor of the master is told it.

use serde::{Deserialize, Serialize};

use super::life::Life;
use super::listener::Listener;
use super::output::Output;
use super::process::Process;
use super::restart::{OnFatal, Restart};
use super::stop::{Hooks, Reload, Stop};
use super::tree::Tree;
use super::vitals::{Need, Vitals};
use crate::config;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// Words as a shell splits them, `${...}` not yet expanded (instance variables differ).
    pub(crate) command: Vec<String>,
    pub(crate) instances: u32,
    /// Lower starts earlier and stops later.
    pub(crate) priority: i32,
    pub(crate) group: Option<String>,
    pub(crate) serves: Option<Serves>,
    pub(crate) autostart: bool,
    pub(crate) restart: Restart,
    #[serde(default)]
    pub(crate) on_fatal: OnFatal,
    pub(crate) life: Life,
    pub(crate) stop: Stop,
    pub(crate) hooks: Hooks,
    pub(crate) reload: Option<Reload>,
    pub(crate) roll: Roll,
    pub(crate) vitals: Vitals,
    pub(crate) needs: Vec<Need>,
    pub(crate) process: Process,
    pub(crate) output: Output,
    pub(crate) tree: Tree,
    /// It is told what happens.
    pub(crate) listener: Option<Listener>,
}

impl Program {
    /// What the process of an instance is told as `${INSTANCE}`.
    pub(crate) fn number(&self, instance: u32) -> u32 {
        self.process.naming.first_instance + instance
    }

    /// What Supervisor's protocol calls an instance: `web`, and `web_00`, `web_01` when there are
    /// several, or what the file says.
    pub(crate) fn supervisor_name(&self, instance: u32) -> String {
        let number = self.number(instance);
        match &self.process.naming.process_name {
            Some(name) => self.named(name, instance),
            None if self.instances == 1 => self.name.clone(),
            None => format!("{}_{number:02}", self.name),
        }
    }

    /// A text with the instance's name and number in the places for them; what only the environment
    /// tells stays as it is.
    pub(crate) fn named(&self, text: &str, instance: u32) -> String {
        let lookup = |variable: &str| {
            Some(match variable {
                "PROGRAM" => self.name.clone(),
                "INSTANCE" => self.number(instance).to_string(),
                other => format!("${{{other}}}"),
            })
        };
        config::expand(text, &lookup).unwrap_or_else(|_| text.to_owned())
    }

    /// The group it is in, else the one that it is itself, as in Supervisor.
    pub(crate) fn group_name(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.name)
    }
}

/// How a rolling restart goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roll {
    /// Instances that may be missing at a time; more than 0, unless `max_surge` is.
    pub(crate) max_unavailable: u32,
    /// Instances that may run beyond the usual number meanwhile.
    pub(crate) max_surge: u32,
    /// How long a new process must run before the next instance is touched.
    pub(crate) min_ready_ms: u64,
    pub(crate) stops_on_failure: bool,
}

/// Instance `i` gets `PORT = port + i` and joins the upstream as `127.0.0.1:PORT` when ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serves {
    pub(crate) upstream: String,
    pub(crate) port: u16,
    pub(crate) weight: u32,
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout_s: u32,
    /// Of each instance.
    pub(crate) max_conns: u32,
    pub(crate) priority: u8,
}
