//! `pilothouse reload --dry-run`: what a reload would change, and what follows from it.

use clap::Args;

use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use crate::control::call::Query;
use crate::control::plan::{Change, Line, Plan, Sign, Weight};
use crate::control::text;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Reload {
    /// Only say what would change, what would restart and what would drain.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// With the lines of the file.
    #[arg(long, requires = "dry_run")]
    pub(crate) lines: bool,
    /// As JSON.
    #[arg(long, requires = "dry_run", conflicts_with = "lines")]
    pub(crate) json: bool,
}

/// A file that would be refused is a failure, as the reload itself would be.
pub(crate) async fn show(place: &Place, out: Out, how: Reload) -> Result<(), Failure> {
    let plan: Plan =
        place.client().document(&Query::Plan).await.map_err(|error| place.explain(error))?;
    if how.json {
        out.line(&serde_json::to_string_pretty(&plan).expect("a plan is plain data"))?;
    } else {
        out.text(&report(&plan, out))?;
    }
    if how.lines {
        let lines = plan.lines.iter().map(|line| self::line(line, out));
        out.text(&lines.collect::<String>())?;
    }
    if plan.error.is_empty() {
        return Ok(());
    }
    let reason: Vec<_> = plan.error.lines().map(text::plain).collect();
    Err(Failure::Failed(reason.join("\n")))
}

fn report(plan: &Plan, out: Out) -> String {
    let sections: String = plan.changes.iter().map(|change| section(change, out)).collect();
    if !plan.error.is_empty() {
        return sections;
    }
    let known = if plan.is_worded { "" } else { "; the words of what runs are not known" };
    format!("{sections}{}{known}\n", plan.summary())
}

fn section(change: &Change, out: Out) -> String {
    let tone = match change.weight {
        Weight::Nothing => Tone::Quiet,
        Weight::Gentle => Tone::Good,
        Weight::Drains => Tone::Warn,
        Weight::Interrupts => Tone::Bad,
    };
    let label = format!("{} {}", change.sign.letter(), text::plain(&change.label()));
    let effect = out.paint(tone, &text::plain(&change.effect));
    let details = change.details.iter().map(|detail| {
        let words = detail.words();
        let (key, words) = (text::plain(&detail.key), text::plain(&words));
        format!("    {} {key}  {words}\n", detail.sign.letter())
    });
    let details: String = details.collect();
    format!("{}  {effect}\n{details}", out.paint(Tone::Strong, &label))
}

fn line(line: &Line, out: Out) -> String {
    let signed = |sign: Sign, tone: Tone, line: &str| {
        let line = format!("{} {}", sign.letter(), text::plain(line));
        format!("{}\n", out.paint(tone, &line))
    };
    match line {
        Line::Same(line) => format!("  {}\n", text::plain(line)),
        Line::Gone(line) => signed(Sign::Removed, Tone::Bad, line),
        Line::New(line) => signed(Sign::Added, Tone::Good, line),
        Line::Gap(count) => {
            format!("{}\n", out.paint(Tone::Quiet, &format!("  ... {count} lines as before")))
        }
    }
}
