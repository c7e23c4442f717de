//! The requests as they end, in batches of those that are there.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use crate::control::call::Query;
use crate::control::client::{Client, ClientError};
use crate::control::requests::{Filter, RequestLine, RequestRecord};
use crate::control::text;
use crate::tui::msg::Msg;

/// A filter that is being typed is asked for once.
const SETTLE: Duration = Duration::from_millis(120);
const BATCH_MAX: usize = 512;

/// What is asked for, by which number, and how many of those that are kept.
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) number: u64,
    pub(super) tail: u32,
}

pub(super) async fn follow(client: Client, asked: Asked, messages: mpsc::Sender<Msg>) {
    tokio::time::sleep(SETTLE).await;
    let number = asked.number;
    let why = match stream(&client, asked, &messages).await {
        Ok(()) => "the stream ended".to_owned(),
        Err(error) => error.to_string(),
    };
    // Fails only when the console has left.
    let _console_has_left = messages.send(Msg::RequestsEnded { number, why }).await;
}

async fn stream(
    client: &Client,
    asked: Asked,
    messages: &mpsc::Sender<Msg>,
) -> Result<(), ClientError> {
    let Asked { filter, number, tail } = asked;
    let query = Query::Requests { filter, tail: Some(tail), follow: true };
    let mut lines = client.lines(&query).await?;
    while let Some(first) = lines.next::<RequestLine>().await? {
        let (mut records, mut lost) = (Vec::new(), 0);
        take(first, &mut records, &mut lost);
        // Those that have arrived together travel together; `next` is safe to give up on.
        while records.len() < BATCH_MAX {
            match lines.next::<RequestLine>().now_or_never() {
                Some(Ok(Some(line))) => take(line, &mut records, &mut lost),
                Some(Ok(None)) | None => break,
                Some(Err(error)) => return Err(error),
            }
        }
        if messages.send(Msg::Requests { number, records, lost }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// What clients sent carries nothing into the console that is not text.
fn take(line: RequestLine, records: &mut Vec<RequestRecord>, lost: &mut u64) {
    match line {
        RequestLine::Lost { lost: more } => *lost += more,
        RequestLine::Request(mut record) => {
            for text in [&mut record.method, &mut record.host, &mut record.path] {
                if let std::borrow::Cow::Owned(plain) = text::plain(text) {
                    *text = plain;
                }
            }
            records.push(*record);
        }
    }
}
