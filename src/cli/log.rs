//! `pilothouse log`: what the engine's own processes say, also where their standard error is nobody's
//! to read.

use super::arguments::Log;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use crate::control::call::Query;
use crate::control::text;
use crate::control::wire::{LogLine, Stream};
use crate::sys;

pub(crate) async fn run(place: &Place, out: Out, verb: Log) -> Result<(), Failure> {
    let query = Query::EngineLog { tail: Some(verb.lines), follow: verb.follow };
    let mut lines = place.client().lines(&query).await.map_err(|error| place.explain(error))?;
    while let Some(line) = lines.next::<LogLine>().await? {
        if verb.json {
            out.line(&serde_json::to_string(&line).expect("a line is plain data"))?;
        } else {
            out.line(&as_in_the_file(out, &line))?;
        }
    }
    Ok(())
}

/// Its time first, as where standard error is a file.
fn as_in_the_file(out: Out, line: &LogLine) -> String {
    let time = out.paint(Tone::Quiet, &sys::log::utc(line.wall_ms));
    let said = text::plain(&line.text);
    match line.stream {
        Stream::Stdout => format!("{time} {said}"),
        Stream::Stderr => format!("{time} {}", out.paint(Tone::Warn, &said)),
        Stream::Mark => format!("{time} {}", out.paint(Tone::Quiet, &format!("-- {said}"))),
    }
}
