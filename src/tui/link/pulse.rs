//! How far away the engine is: a small question now and then, and the time until its answer.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::client::Client;
use crate::sys;
use crate::tui::msg::Msg;

const EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(client: Client, messages: mpsc::Sender<Msg>) {
    loop {
        let asked_us = sys::clock::monotonic_us();
        // An engine that does not answer is the watch stream's news.
        if client.ping().await.is_ok() {
            let elapsed_ms = (sys::clock::monotonic_us() - asked_us) / 1000;
            let rtt_ms = u32::try_from(elapsed_ms).unwrap_or(u32::MAX);
            if messages.send(Msg::Measured { rtt_ms }).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
