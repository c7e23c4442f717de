//! The line to the engine: the watch stream, orders, the log of one program and of all, the requests.
//! Everything that comes back is a message; nothing here decides.
//!
//! A lost engine is asked for again, ever less often; orders are never sent twice.

mod explain;
mod log;
mod orders;
mod plan;
mod pulse;
mod requests;
mod watch;

pub(crate) mod nodes;
pub(crate) mod route;
pub(crate) mod target;
pub(crate) mod tunnel;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::control::call::Command;
use crate::control::client::Client;
use crate::control::requests::Filter;
use crate::control::wire::LogLine;

use super::model::key::Key;
use super::msg::Msg;

use log::Source;
use route::Route;

/// Messages waiting for the console; a full queue makes the engine's stream wait, and the engine
/// then sends it the newest state instead of every state.
const MESSAGES_MAX: usize = 256;

pub(crate) struct Link {
    client: Client,
    messages: mpsc::Sender<Msg>,
    orders: orders::Orders,
    watch: JoinHandle<()>,
    pulse: JoinHandle<()>,
    log: Option<JoinHandle<()>>,
    /// Of the programs, and of the engine.
    logs: Option<[JoinHandle<()>; 2]>,
    requests: Option<JoinHandle<()>>,
    explained: Option<JoinHandle<()>>,
    plan: Option<JoinHandle<()>>,
}

impl Link {
    pub(crate) fn open(route: Route) -> (Self, mpsc::Receiver<Msg>) {
        let (messages, received) = mpsc::channel(MESSAGES_MAX);
        let client = route.client.clone();
        let watch = tokio::spawn(watch::run(route, messages.clone()));
        let pulse = tokio::spawn(pulse::run(client.clone(), messages.clone()));
        let orders = orders::Orders::new(client.clone(), messages.clone());
        let link = Self {
            client,
            messages,
            orders,
            watch,
            pulse,
            log: None,
            logs: None,
            requests: None,
            explained: None,
            plan: None,
        };
        (link, received)
    }

    pub(crate) fn send(&mut self, id: u64, key: Key, command: Command) {
        self.orders.send(id, key, command);
    }

    pub(crate) fn follow_log(&mut self, name: String, instance: u32) {
        self.stop_log();
        self.log = Some(self.follow(Source::Program { name, instance }));
    }

    fn follow(&self, source: Source) -> JoinHandle<()> {
        tokio::spawn(log::follow(self.client.clone(), source, self.messages.clone()))
    }

    pub(crate) fn stop_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.abort();
        }
    }

    pub(crate) fn follow_all_logs(&mut self) {
        self.stop_all_logs();
        self.logs = Some([Source::Programs, Source::Engine].map(|source| self.follow(source)));
    }

    fn stop_all_logs(&mut self) {
        self.logs.take().into_iter().flatten().for_each(|log| log.abort());
    }

    pub(crate) fn follow_requests(&mut self, filter: Filter, number: u64, tail: u32) {
        self.stop_requests();
        let asked = requests::Asked { filter, number, tail };
        let follow = requests::follow(self.client.clone(), asked, self.messages.clone());
        self.requests = Some(tokio::spawn(follow));
    }

    pub(crate) fn stop_requests(&mut self) {
        if let Some(requests) = self.requests.take() {
            requests.abort();
        }
    }
}

impl Link {
    pub(crate) fn explain(&mut self, upstream: String) {
        self.stop_explaining();
        let follow = explain::follow(self.client.clone(), upstream, self.messages.clone());
        self.explained = Some(tokio::spawn(follow));
    }

    pub(crate) fn stop_explaining(&mut self) {
        if let Some(explained) = self.explained.take() {
            explained.abort();
        }
    }
}

impl Link {
    pub(crate) fn plan(&mut self) {
        self.stop_planning();
        self.plan = Some(tokio::spawn(plan::follow(self.client.clone(), self.messages.clone())));
    }

    pub(crate) fn stop_planning(&mut self) {
        if let Some(plan) = self.plan.take() {
            plan.abort();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.watch.abort();
        self.pulse.abort();
        self.stop_log();
        self.stop_all_logs();
        self.stop_requests();
        self.stop_explaining();
        self.stop_planning();
    }
}

/// What a log line may carry into the console: its text without anything that is not text.
fn readable(mut line: LogLine) -> LogLine {
    if let std::borrow::Cow::Owned(text) = crate::control::text::plain(&line.text) {
        line.text = text;
    }
    line
}
