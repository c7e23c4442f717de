//! Orders to the engine, each on its own connection, those for one row strictly one after another.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::control::call::Command;
use crate::control::client::Client;
use crate::tui::model::key::Key;
use crate::tui::msg::Msg;

pub(super) struct Orders {
    client: Client,
    messages: mpsc::Sender<Msg>,
    /// The last order of each row that may still be under way.
    last: BTreeMap<Key, JoinHandle<()>>,
}

impl Orders {
    pub(super) fn new(client: Client, messages: mpsc::Sender<Msg>) -> Self {
        Self { client, messages, last: BTreeMap::new() }
    }

    pub(super) fn send(&mut self, id: u64, key: Key, command: Command) {
        self.last.retain(|_, last| !last.is_finished());
        let before = self.last.remove(&key);
        let client = self.client.clone();
        let messages = self.messages.clone();
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                // How the order before it went is in its own answer.
                let _its_own_answer_tells = before.await;
            }
            let answer = client.command(&command).await;
            let outcome = answer.map_err(|error| error.to_string());
            let answered = Msg::Answered { id, outcome };
            // Fails only when the console has left, and then nobody waits for it.
            let _console_has_left = messages.send(answered).await;
        });
        self.last.insert(key, task);
    }
}
