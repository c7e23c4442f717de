//! A new configuration in place of the running one: all of it, or nothing.
//!
//! What can fail comes first and touches nothing: reading, checking, binding. Then listeners,
//! membership and programs change, and the workers swap the generation between two requests.

use std::os::fd::AsFd as _;

use super::generation::Generation;
use super::listeners::{self, Taken};
use super::membership::Now;
use super::{Master, Phase, WHO, service};
use crate::config;
use crate::config::model::{Address, Config};
use crate::control::wire::Answer;
use crate::order::worker::ToWorker;
use crate::sys::log;

impl Master {
    /// The answer's text is what the operator has to know, a refusal's whole reason included.
    /// `read`: see `reading`.
    pub(super) fn reload(&mut self, read: Result<config::Loaded, String>) -> Answer {
        if self.phase != Phase::Running {
            return Answer::refused("the engine is stopping");
        }
        service::reloads();
        let answer = read.and_then(|loaded| self.swap_in(loaded));
        let answer = self.told(answer);
        service::has_reloaded(&answer.message);
        answer
    }

    /// What ran before the last reload becomes a new generation; the file is left as it is.
    pub(super) fn revert(&mut self) -> Answer {
        if self.phase != Phase::Running {
            return Answer::refused("the engine is stopping");
        }
        let Some(previous) = self.generation.previous.take() else {
            return Answer::refused("no generation before this one is known");
        };
        let kept = previous.clone();
        let answer = self.swap_in(*previous);
        if answer.is_err() {
            self.generation.previous = Some(kept);
        }
        self.told(
            answer
                .map(|message| format!("{message}; the file says otherwise until it is put back")),
        )
    }

    fn told(&mut self, answer: Result<String, String>) -> Answer {
        match answer {
            Ok(message) => {
                self.config_error.clear();
                self.loads.taken += 1;
                self.loads.last_taken_ms = Now::read().wall_ms;
                log::notice!(WHO, "reload: {message}");
                Answer::changed(message)
            }
            Err(reason) => {
                log::error!(WHO, "reload refused, the running configuration stays: {reason}");
                self.config_error.clone_from(&reason);
                self.loads.refused += 1;
                Answer::refused(reason)
            }
        }
    }

    pub(super) fn swap_in(&mut self, loaded: config::Loaded) -> Result<String, String> {
        let config = &loaded.config;
        if config.engine.name != self.options.name {
            return Err(renamed(&config.engine.name, &self.options.name));
        }
        let wanted = listeners::addresses(config);
        let prepared = self
            .listeners
            .prepare(&wanted, Taken::of(config))
            .map_err(|error| error.to_string())?;
        let http = self.http.prepare(&config.control).map_err(|error| error.to_string())?;
        let named = config.engine.pid_file.as_deref();
        let pid_file = self.pid_file.prepare(named, self.keeper_pid);
        let pid_file = pid_file.map_err(|error| error.to_string())?;
        let fit = self.stock.fit(config).map_err(|error| error.to_string())?;
        let least = config.engine.log_level.least();
        let number = self.generation.number + 1;
        let generation = Generation::new(number, loaded, &self.keeper)
            .map_err(|error| format!("keep the configuration: {error}"))?;

        let before = std::mem::replace(&mut self.generation, generation);
        self.generation.previous = Some(Box::new(before.forget(&self.keeper)));
        self.certificates.forget();
        self.http.commit(http, &self.asks);
        self.pid_file.commit(pid_file);
        log::set_least(least);
        let earlier = self.listeners.addresses();
        self.listeners.commit(prepared, &self.keeper);
        // Upstreams must be on the board before a request can be routed to them.
        self.apply_membership(Now::read());
        self.workers.refit(fit);
        self.workers.hand_files();
        let order = ToWorker::Generation { number };
        self.workers.tell_all(&order, Some(self.generation.as_fd()));
        // Only the new generation knows what to serve on a new address.
        for (address, socket) in self.listeners.sockets() {
            if !earlier.contains(address) {
                let address = address.to_string();
                self.workers.tell_all(&ToWorker::Listen { address }, Some(socket));
            }
        }
        // Copies here first, so that a worker that closes its own leaves no socket without a reader.
        self.listeners.retain(&wanted, &self.keeper);
        let is_wanted = |address: &&Address| wanted.iter().any(|it| it.address == **address);
        for address in earlier.iter().filter(|address| !is_wanted(address)) {
            self.workers.tell_all(&ToWorker::Unlisten { address: address.to_string() }, None);
        }
        self.resize_workers();
        self.apply_programs(Now::read());
        self.announce_patience();
        self.warn();
        Ok(format!("generation {number} runs"))
    }
}

impl Master {
    /// The running configuration with other programs: its generation goes on, and workers, listeners
    /// and whoever is in flight hear nothing of it.
    pub(super) fn amend(&mut self, config: Config) -> Result<String, String> {
        self.generation
            .amend(config, &self.keeper)
            .map_err(|error| format!("keep the configuration: {error}"))?;
        self.apply_membership(Now::read());
        self.apply_programs(Now::read());
        self.announce_patience();
        self.warn();
        Ok(format!("generation {} goes on", self.generation.number))
    }
}

/// Why a configuration of another name is refused.
pub(super) fn renamed(new: &str, old: &str) -> String {
    format!("engine.name is \"{new}\" but this engine is \"{old}\": restart it to rename it")
}
