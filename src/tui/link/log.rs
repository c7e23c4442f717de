//! The output of one program, or of all, in batches of the lines that are there.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use crate::control::call::{ProgramTarget, Query};
use crate::control::client::{Client, ClientError};
use crate::control::wire::LogLine;
use crate::tui::model::log_tail::Whose;
use crate::tui::msg::Msg;

use super::readable;

/// A cursor that runs over a list of programs asks for none of their logs.
const SETTLE: Duration = Duration::from_millis(60);
const BATCH_LINES_MAX: usize = 512;
/// Lines asked for of what was written before.
const TAIL_LINES: u32 = 1_000;

pub(super) async fn follow(
    client: Client,
    target: ProgramTarget,
    of: Whose,
    messages: mpsc::Sender<Msg>,
) {
    tokio::time::sleep(SETTLE).await;
    let why = match stream(&client, target, &of, &messages).await {
        Ok(()) => "the log ended".to_owned(),
        Err(error) => error.to_string(),
    };
    // Fails only when the console has left.
    let _console_has_left = messages.send(Msg::LogEnded { of, why }).await;
}

async fn stream(
    client: &Client,
    target: ProgramTarget,
    of: &Whose,
    messages: &mpsc::Sender<Msg>,
) -> Result<(), ClientError> {
    let query = Query::Log { target, stream: None, tail: Some(TAIL_LINES), follow: true };
    let mut lines = client.lines(&query).await?;
    while let Some(first) = lines.next::<LogLine>().await? {
        let mut batch = vec![readable(first)];
        // Lines that have arrived together travel together; `next` is safe to give up on.
        while batch.len() < BATCH_LINES_MAX {
            match lines.next::<LogLine>().now_or_never() {
                Some(Ok(Some(line))) => batch.push(readable(line)),
                Some(Ok(None)) | None => break,
                Some(Err(error)) => return Err(error),
            }
        }
        if messages.send(Msg::LogLines { of: of.clone(), lines: batch }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
