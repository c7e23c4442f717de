//! `pilothouse events`: who did what, oldest first.

use super::arguments::Events;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use crate::control::call::Query;
use crate::control::text;
use crate::control::wire::{EventRecord, Severity};
use crate::sys;

pub(crate) async fn run(place: &Place, out: Out, verb: Events) -> Result<(), Failure> {
    let query = Query::Events { follow: verb.follow };
    let mut lines = place.client().lines(&query).await.map_err(|error| place.explain(error))?;
    while let Some(event) = lines.next::<EventRecord>().await? {
        if verb.json {
            out.line(&serde_json::to_string(&event).expect("an event is plain data"))?;
        } else {
            out.line(&line(out, &event))?;
        }
    }
    Ok(())
}

fn line(out: Out, event: &EventRecord) -> String {
    let tone = match event.severity {
        Severity::Info => Tone::Plain,
        Severity::Good => Tone::Good,
        Severity::Warn => Tone::Warn,
        Severity::Bad => Tone::Bad,
    };
    let words = [&event.verb, &event.target, &event.result];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let said = words.iter().map(|word| text::plain(word)).collect::<Vec<_>>().join("  ");
    format!(
        "{}  {:<10}  {}",
        out.paint(Tone::Quiet, &sys::log::utc(event.wall_ms)),
        text::plain(&event.who),
        out.paint(tone, &said),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::When;

    #[test]
    fn an_event_is_one_line() {
        let event = EventRecord {
            wall_ms: 1_795_349_071_999,
            who: "root".to_owned(),
            verb: "drain".to_owned(),
            target: "api/[::1]:80".to_owned(),
            result: "draining\n2 requests".to_owned(),
            ..EventRecord::default()
        };
        assert_eq!(
            line(Out::new(When::Never), &event),
            "2026-11-22T12:04:31.999Z  root        drain  api/[::1]:80  draining^J2 requests"
        );
    }
}
