//! What a reload would do, asked for again and again while it is looked at.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::call::Query;
use crate::control::client::Client;
use crate::tui::msg::Msg;

/// Soon enough after an editor has written the file.
const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn follow(client: Client, messages: mpsc::Sender<Msg>) {
    loop {
        let answer = client.document(&Query::Plan).await;
        let outcome = answer.map(Box::new).map_err(|error| error.to_string());
        if messages.send(Msg::Planned { outcome }).await.is_err() {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}
