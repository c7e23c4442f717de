//! The OWASP core rules of a route: loaded once for each file, and asked on other threads.
//!
//! They take as long as they take, whatever a client sends to them. So a request waits for a bounded
//! time, few are held against them at once, and the file says what becomes of one that got no answer.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::super::aside::Aside;
use super::Shared;
use crate::config::model::{Config, firewall as model};
use crate::firewall::body::Kind;
use crate::firewall::crs::Carriers;
use crate::firewall::finding::Part;
use crate::scoreboard::firewall::Silence;
use crate::sys;
use crate::sys::modsecurity::{Asked, Line, Rules};

/// The rules of a configuration, by their files. Those that could not be loaded are not there.
#[derive(Default)]
pub(crate) struct Loaded(HashMap<PathBuf, Arc<Lent>>);

/// Rules in use. Their end takes some ten milliseconds, which no request waits for.
struct Lent(Option<Rules>);

impl Lent {
    fn judge(&self, asked: &Asked) -> Vec<Line> {
        self.0.as_ref().map(|rules| rules.judge(asked)).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Without a runtime the worker itself is at its end.
        if let Some(rules) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn_blocking(move || rules.end());
        }
    }
}

/// Loads what the configuration names, while everything else goes on.
pub(crate) async fn load(config: &Config, shared: &Shared) {
    let mut loaded = Loaded::default();
    for file in files(config) {
        if loaded.0.contains_key(file) {
            continue;
        }
        let path = file.clone();
        let job = tokio::task::spawn_blocking(move || Rules::load(&path)).await;
        match job.map_err(|error| error.to_string()).flatten() {
            Ok(rules) => {
                loaded.0.insert(file.clone(), Arc::new(Lent(Some(rules))));
            }
            Err(reason) => sys::log::error!("worker", "no core rules: {reason}"),
        }
    }
    *shared.core_rules.borrow_mut() = loaded;
}

fn files(config: &Config) -> impl Iterator<Item = &PathBuf> {
    let routes = config.servers.iter().flat_map(|server| &server.routes);
    let firewalls = routes.filter_map(|route| route.guards.firewall.as_ref());
    let judging = firewalls.filter(|firewall| firewall.mode != model::Mode::Off);
    judging.filter_map(|firewall| firewall.core.as_ref()).map(|core| &core.file)
}

pub(super) struct Core {
    /// `None` where they could not be loaded.
    rules: Option<Arc<Lent>>,
    threads: Rc<Aside>,
    pub(super) budget_ms: u64,
    pub(super) on_timeout: model::Unread,
    pub(super) is_alone: bool,
}

impl Core {
    pub(super) fn compile(core: &model::CoreRules, shared: &Shared) -> Self {
        Self {
            rules: shared.core_rules.borrow().0.get(&core.file).cloned(),
            threads: Rc::clone(&shared.core),
            budget_ms: core.budget_ms,
            on_timeout: core.on_timeout,
            is_alone: core.is_alone,
        }
    }

    /// What they say of a request. Work that nobody waits for any more is done to its end, and counts
    /// until then.
    pub(super) async fn ask(&self, asked: &Arc<Asked>) -> Result<Vec<Line>, Silence> {
        let rules = self.rules.clone().ok_or(Silence::Late)?;
        let asked = Arc::clone(asked);
        let answer = async {
            let turn = self.threads.turn().await.ok_or(Silence::Busy)?;
            let job = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                rules.judge(&asked)
            });
            job.await.map_err(|_| Silence::Late)
        };
        let budget = Duration::from_millis(self.budget_ms);
        tokio::time::timeout(budget, answer).await.unwrap_or(Err(Silence::Late))
    }
}

/// Where the values of a request stand.
pub(super) fn carriers<'r>(asked: &'r Asked, content_type: &[u8]) -> Carriers<'r> {
    let question = asked.target.iter().position(|byte| *byte == b'?');
    let query = question.map_or(&b""[..], |at| &asked.target[at + 1..]);
    let body = match Kind::of(Some(content_type).filter(|it| !it.is_empty())) {
        Kind::Json => Part::Json,
        Kind::Xml => Part::Xml,
        Kind::Multipart { .. } => Part::Multipart,
        Kind::Form | Kind::Text | Kind::Unknown | Kind::Opaque => Part::Form,
    };
    Carriers { query, body }
}
