//! `pilothouse upgrade`: asks for it, then waits until the new binary's master says what came of it.

use std::time::Duration;

use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use super::steer::steer;
use crate::control::call::{Command, Query};
use crate::control::client::ClientError;
use crate::control::text;
use crate::control::wire::{EventRecord, Severity, UPGRADED};
use crate::sys::clock;

/// For a master of the new binary to say that it goes on.
const WAIT_US: u64 = 30_000_000;
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

pub(crate) async fn run(place: &Place, out: Out) -> Result<(), Failure> {
    let events = events(place).await.map_err(|error| place.explain(error))?;
    let before = events.last().map_or(0, |event| event.seq);
    steer(place, out, &Command::Upgrade).await?;
    let deadline_us = clock::monotonic_us() + WAIT_US;
    while clock::monotonic_us() < deadline_us {
        // Between two masters a question may break off; the next one is answered.
        let since = events_since(place, before).await?;
        if let Some(event) = since.iter().find(|event| event.verb == UPGRADED) {
            let result = text::plain(&event.result).into_owned();
            return match event.severity {
                Severity::Good | Severity::Info => out.line(&result),
                Severity::Warn | Severity::Bad => Err(Failure::Failed(result)),
            };
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let look = place.command("events");
    Err(Failure::Failed(format!("no new master answers yet; look again with: {look}")))
}

async fn events_since(place: &Place, seq: u64) -> Result<Vec<EventRecord>, Failure> {
    match events(place).await {
        Ok(events) => Ok(events.into_iter().filter(|event| event.seq > seq).collect()),
        Err(error @ ClientError::NotPermitted(_)) => Err(place.explain(error)),
        Err(
            ClientError::NoEngine { .. } | ClientError::Refused(_) | ClientError::Protocol { .. },
        ) => Ok(Vec::new()),
    }
}

async fn events(place: &Place) -> Result<Vec<EventRecord>, ClientError> {
    let mut lines = place.client().lines(&Query::Events { follow: false }).await?;
    let mut events = Vec::new();
    while let Some(event) = lines.next::<EventRecord>().await? {
        events.push(event);
    }
    Ok(events)
}
