//! The output of one program, or of all, and what the engine logs, in batches of the lines that are
//! there.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use crate::control::call::{ALL, ProgramTarget, Query};
use crate::control::client::{Client, ClientError};
use crate::control::wire::LogLine;
use crate::tui::model::key::Key;
use crate::tui::model::log_tail::Whose;
use crate::tui::msg::Msg;

use super::readable;

/// A cursor that runs over a list of programs asks for none of their logs.
const SETTLE: Duration = Duration::from_millis(60);
const BATCH_LINES_MAX: usize = 512;
/// Lines asked for of what was written before.
const TAIL_LINES: u32 = 1_000;

/// The source of the engine's own lines. No program is called so: theirs have an instance behind a
/// colon.
const ENGINE: &str = "engine";

/// What one stream of lines is of.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Program { name: String, instance: u32 },
    Programs,
    Engine,
}

pub(super) async fn follow(client: Client, source: Source, messages: mpsc::Sender<Msg>) {
    tokio::time::sleep(SETTLE).await;
    let of = source.whose();
    let why = match stream(&client, &source, &messages).await {
        Ok(()) => "the log ended".to_owned(),
        Err(error) => error.to_string(),
    };
    // Fails only when the console has left.
    let _console_has_left = messages.send(Msg::LogEnded { of, why }).await;
}

async fn stream(
    client: &Client,
    source: &Source,
    messages: &mpsc::Sender<Msg>,
) -> Result<(), ClientError> {
    let mut lines = client.lines(&source.query()).await?;
    let readable = |line| source.named(readable(line));
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
        if messages.send(Msg::LogLines { of: source.whose(), lines: batch }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

impl Source {
    fn whose(&self) -> Whose {
        match self {
            Self::Program { name, instance } => {
                Whose::One(Key::Program { name: name.clone(), instance: *instance })
            }
            Self::Programs | Self::Engine => Whose::All,
        }
    }

    fn query(&self) -> Query {
        let (name, instance) = match self {
            Self::Program { name, instance } => (name.as_str(), Some(*instance)),
            Self::Programs => (ALL, None),
            Self::Engine => return Query::EngineLog { tail: Some(TAIL_LINES), follow: true },
        };
        let target = ProgramTarget { name: name.to_owned(), instance, incarnation: None };
        Query::Log { target, stream: None, tail: Some(TAIL_LINES), follow: true }
    }

    fn named(&self, line: LogLine) -> LogLine {
        match self {
            Self::Program { .. } | Self::Programs => line,
            Self::Engine => LogLine { program: ENGINE.to_owned(), ..line },
        }
    }
}
