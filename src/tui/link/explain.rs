//! How an upstream balances, asked for again and again while it is looked at.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::call::Query;
use crate::control::client::Client;
use crate::tui::msg::Msg;

/// An answer costs the engine some milliseconds.
const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn follow(client: Client, upstream: String, messages: mpsc::Sender<Msg>) {
    let query = Query::Explain { upstream: upstream.clone() };
    loop {
        let answer = client.document(&query).await;
        let outcome = answer.map(Box::new).map_err(|error| error.to_string());
        let explained = Msg::Explained { upstream: upstream.clone(), outcome };
        if messages.send(explained).await.is_err() {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}
