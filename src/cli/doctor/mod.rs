//! `pilothouse doctor`: what this machine lets an engine of this configuration do, what it does
//! without, and what mends that.
//!
//! Gathers facts by trying; what they mean is decided in `verdict`, of plain values. Changes
//! nothing, and needs no running engine.

mod facts;
mod verdict;

use std::process::ExitCode;

use serde::Serialize;

use super::arguments::Listing;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use crate::control::text;
use verdict::{Finding, State};

/// Exits 1 when something keeps an engine from running as configured; what is only degraded does
/// not.
pub(crate) async fn run(place: &Place, out: Out, listing: Listing) -> Result<ExitCode, Failure> {
    let facts = facts::gather(place).await;
    let findings = verdict::judge(&facts);
    if listing.json {
        let rows: Vec<Row<'_>> = findings.iter().map(Row::of).collect();
        let json = serde_json::to_string_pretty(&rows);
        out.line(&json.expect("rows are plain data"))?;
    } else {
        out.text(&render(&findings, out))?;
    }
    let is_broken = findings.iter().any(|finding| finding.state == State::Broken);
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Serialize)]
struct Row<'a> {
    subject: &'static str,
    state: &'static str,
    found: &'a str,
    remedy: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            subject: finding.subject,
            state: finding.state.name(),
            found: &finding.found,
            remedy: finding.remedy.as_deref(),
        }
    }
}

fn render(findings: &[Finding], out: Out) -> String {
    let width = findings.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
    let mut lines = String::new();
    for Finding { subject, state, found, remedy } in findings {
        let tone = match state {
            State::Good => Tone::Good,
            State::Degraded => Tone::Warn,
            State::Broken => Tone::Bad,
        };
        let word = out.paint(tone, &format!("{:8}", state.name()));
        let line = format!("{word}  {subject:width$}  {}\n", text::plain(found));
        lines.push_str(&line);
        if let Some(remedy) = remedy {
            let indent = " ".repeat(8 + 2 + width + 2);
            lines += &out.paint(Tone::Quiet, &format!("{indent}fix: {}", text::plain(remedy)));
            lines.push('\n');
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (degraded, broken) = (count(State::Degraded), count(State::Broken));
    lines + &format!("{} checks, {degraded} degraded, {broken} broken\n", findings.len())
}
