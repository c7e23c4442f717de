//! The watch stream, opened again whenever it ends.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::call::Query;
use crate::control::client::ClientError;
use crate::control::wire::Frame;
use crate::tui::msg::Msg;

use super::route::Route;

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

pub(super) async fn run(route: Route, messages: mpsc::Sender<Msg>) {
    let mut backoff = BACKOFF_MIN;
    loop {
        let mut has_answered = false;
        let why = match stream(&route, &messages, &mut has_answered).await {
            Ok(Ended::ByEngine) => "the engine ended the stream".to_owned(),
            Ok(Ended::ByConsole) => return,
            Err(error) => route.explain(&error),
        };
        if has_answered {
            backoff = BACKOFF_MIN;
        }
        if messages.send(Msg::LinkLost { why }).await.is_err() {
            return;
        }
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

enum Ended {
    ByEngine,
    ByConsole,
}

async fn stream(
    route: &Route,
    messages: &mpsc::Sender<Msg>,
    has_answered: &mut bool,
) -> Result<Ended, ClientError> {
    let mut lines = route.client.lines(&Query::Watch { rate: route.rate }).await?;
    *has_answered = true;
    while let Some(frame) = lines.next::<Frame>().await? {
        if messages.send(Msg::Frame(Box::new(frame))).await.is_err() {
            return Ok(Ended::ByConsole);
        }
    }
    Ok(Ended::ByEngine)
}
