//! `pilothouse program`: what runs, start, stop and restart it, and what it last said.

use super::arguments::{Program, ProgramName, Tail};
use super::attach;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::progress;
use super::steer::steer;
use super::table::{Align, Cell, Table};
use crate::config;
use crate::control::call::{ALL, Command, ProgramTarget, ProgramVerb, Query};
use crate::control::text;
use crate::control::wire::{self, LogLine, ProgramState, Stream};
use crate::sys;
use crate::tui::widget::number;

pub(crate) async fn run(place: &Place, out: Out, verb: Program) -> Result<(), Failure> {
    let (program, verb) = match verb {
        Program::List(listing) => {
            let programs = programs(place).await?;
            if listing.json {
                let json = serde_json::to_string_pretty(&programs);
                return out.line(&json.expect("rows are plain data"));
            }
            out.text(&table(&programs).text(out))?;
            return out.text(&differences(out, &programs));
        }
        Program::Tail(tail) => return show_tail(place, out, tail).await,
        Program::Attach { name } => {
            let name = ProgramName { instance: Some(instance_of(place, &name).await?), ..name };
            return attach::run(place, out, name).await;
        }
        Program::Scale { name, instances } => {
            let command = Command::Scale { program: name, instances: Some(instances) };
            return steer(place, out, &command).await;
        }
        Program::Reset { name } => {
            return steer(place, out, &Command::Scale { program: name, instances: None }).await;
        }
        Program::Start(program) => (program, ProgramVerb::Start),
        Program::Stop(program) => (program, ProgramVerb::Stop),
        Program::Restart(program) => (program, ProgramVerb::Restart),
        Program::Roll { place, pace } => (place, ProgramVerb::Roll(pace.into())),
        Program::Reload(program) => (program, ProgramVerb::Reload),
        Program::Kill(program) => (program, ProgramVerb::Kill),
        Program::Clear(program) => (program, ProgramVerb::Clear),
        Program::Signal { place, signal } => {
            in_order(&place.name, &signal)?;
            (place, ProgramVerb::Signal { signal })
        }
    };
    let target = target(program.name);
    let command = Command::Program { target: target.clone(), verb };
    progress::steer(place, out, &command, &target).await
}

/// Supervisor's users name the signal first.
fn in_order(program: &ProgramName, signal: &str) -> Result<(), Failure> {
    let name = &program.name;
    if sys::signal::parse(name).is_none() || sys::signal::parse(signal).is_some() {
        return Ok(());
    }
    let text = format!("the signal comes last: pilothouse program signal {signal} {name}");
    Err(Failure::Usage(text::plain(&text).into_owned()))
}

pub(super) fn target(program: ProgramName) -> ProgramTarget {
    let ProgramName { name, instance } = program;
    ProgramTarget { name, instance, incarnation: None }
}

async fn programs(place: &Place) -> Result<Vec<wire::Program>, Failure> {
    let status = place.client().status().await.map_err(|error| place.explain(error))?;
    Ok(status.programs)
}

pub(crate) fn table(programs: &[wire::Program]) -> Table {
    let mut table = Table::new(&[
        ("PROGRAM", Align::Left),
        ("STATE", Align::Left),
        ("PID", Align::Right),
        ("UP", Align::Right),
        ("RESTARTS", Align::Right),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("TRACKING", Align::Left),
        ("BACKEND", Align::Left),
        ("REASON", Align::Left),
    ]);
    for row in programs {
        let of_process = |text: String| if row.pid.is_some() { text } else { String::new() };
        table.row([
            format!("{}:{}", row.name, row.instance).into(),
            Cell::toned(tone(row.state), text::program_state(row.state)),
            row.pid.map_or_else(String::new, |pid| pid.to_string()).into(),
            of_process(number::age(row.uptime_ms).trim().to_owned()).into(),
            number::count(row.restarts.into()).into(),
            of_process(number::percent(f64::from(row.cpu_percent) / 100.0).trim().to_owned())
                .into(),
            of_process(number::bytes(row.rss_bytes).trim().to_owned()).into(),
            row.tracking.as_str().into(),
            row.backend.as_deref().unwrap_or("").into(),
            reason(row).into(),
        ]);
    }
    table
}

/// Why it is as it is, and what is wrong with its log.
fn reason(row: &wire::Program) -> String {
    let parts = [row.reason.as_str(), row.log_degraded.as_str()];
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join("; ")
}

/// What is otherwise than the file says, a line a program.
fn differences(out: Out, programs: &[wire::Program]) -> String {
    let first = programs.iter().filter(|row| row.instance == 0);
    let differing = first.filter(|row| !row.differs.is_empty());
    let lines = differing.map(|row| {
        let line = format!("{} differs from the file: {}", row.name, row.differs);
        out.paint(Tone::Warn, &text::plain(&line)) + "\n"
    });
    lines.collect()
}

fn tone(state: ProgramState) -> Tone {
    match state {
        ProgramState::Running => Tone::Good,
        ProgramState::Starting | ProgramState::Backoff | ProgramState::Stopping => Tone::Warn,
        ProgramState::Stopped | ProgramState::Exited => Tone::Quiet,
        ProgramState::Fatal | ProgramState::Unknown => Tone::Bad,
    }
}

async fn show_tail(place: &Place, out: Out, tail: Tail) -> Result<(), Failure> {
    let labels = Labels::of(&programs(place).await?, &tail.name);
    let query = Query::Log {
        target: target(tail.name),
        stream: tail.stderr.then_some(Stream::Stderr),
        tail: Some(tail.lines),
        follow: tail.follow,
    };
    let mut lines = place.client().lines(&query).await.map_err(|error| place.explain(error))?;
    while let Some(line) = lines.next::<LogLine>().await? {
        if tail.json {
            out.line(&serde_json::to_string(&line).expect("a line is plain data"))?;
            continue;
        }
        out.line(&(labels.before(out, &line.program) + &log_line(out, &line)))?;
    }
    Ok(())
}

/// The names before the lines of several instances: `web:0  | `, each program in its own colour.
struct Labels {
    width: usize,
    names: Vec<String>,
}

/// Of the terminal's own palette, those that say nothing about a state.
const LABEL_TONES: [Tone; 4] = [Tone::Cyan, Tone::Blue, Tone::Violet, Tone::Quiet];

impl Labels {
    fn of(programs: &[wire::Program], target: &ProgramName) -> Self {
        let meant = programs.iter().filter(|row| target.name == ALL || row.name == target.name);
        let labels = meant.clone().map(|row| format!("{}:{}", row.name, row.instance).len());
        let width = labels.max().unwrap_or(0);
        let mut names: Vec<String> = meant.map(|row| row.name.clone()).collect();
        names.dedup();
        Self { width, names }
    }

    /// Empty before the lines of one instance, which bear no name.
    fn before(&self, out: Out, label: &str) -> String {
        if label.is_empty() {
            return String::new();
        }
        let name = label.rsplit_once(':').map_or(label, |(name, _)| name);
        let at = self.names.iter().position(|known| known == name).unwrap_or(self.names.len());
        let text = text::plain(label);
        let padded = format!("{text:width$}  | ", width = self.width);
        out.paint(LABEL_TONES[at % LABEL_TONES.len()], &padded)
    }
}

async fn instance_of(place: &Place, name: &ProgramName) -> Result<u32, Failure> {
    match name.instance {
        Some(instance) => Ok(instance),
        None => only_instance(&programs(place).await?, &name.name),
    }
}

/// Who types must know whom to.
fn only_instance(programs: &[wire::Program], name: &str) -> Result<u32, Failure> {
    let instances: Vec<&wire::Program> = programs.iter().filter(|row| row.name == name).collect();
    match instances[..] {
        [] => {
            let hint = config::did_you_mean(name, programs.iter().map(|row| row.name.as_str()));
            Err(Failure::Failed(format!("no program is named `{}`{hint}", text::plain(name))))
        }
        [only] => Ok(only.instance),
        [..] => {
            let names: Vec<String> =
                instances.iter().map(|row| format!("{}:{}", row.name, row.instance)).collect();
            Err(Failure::Usage(format!(
                "program {name} has {} instances; name one: {}",
                names.len(),
                names.join(", ")
            )))
        }
    }
}

pub(super) fn log_line(out: Out, line: &LogLine) -> String {
    let said = if out.is_coloured() { text::coloured(&line.text) } else { text::plain(&line.text) };
    match line.stream {
        Stream::Stdout | Stream::Stderr => said.into_owned(),
        Stream::Mark => out.paint(Tone::Quiet, &format!("-- {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::When;

    #[test]
    fn a_log_keeps_its_colours_only_where_they_show() {
        let line = LogLine { text: "\u{1b}[31mred\u{7}".to_owned(), ..LogLine::default() };
        assert_eq!(log_line(Out::new(When::Never), &line), "red^G");
        assert_eq!(log_line(Out::new(When::Always), &line), "\u{1b}[31mred^G\u{1b}[0m");
        let mark =
            LogLine { stream: Stream::Mark, text: "exited".to_owned(), ..LogLine::default() };
        assert_eq!(log_line(Out::new(When::Never), &mark), "-- exited");
    }

    #[test]
    fn lines_of_several_bear_their_names_in_one_column() {
        let row = |name: &str| wire::Program { name: name.to_owned(), ..wire::Program::default() };
        let target = ProgramName { name: ALL.to_owned(), instance: None };
        let labels = Labels::of(&[row("mailer"), row("web")], &target);
        let out = Out::new(When::Never);
        assert_eq!(labels.before(out, "web:0"), "web:0     | ");
        assert_eq!(labels.before(out, "mailer:0"), "mailer:0  | ");
        assert_eq!(labels.before(out, ""), "");
        let coloured = Out::new(When::Always);
        assert_ne!(labels.before(coloured, "web:0"), labels.before(coloured, "mailer:0"));
    }

    #[test]
    fn one_instance_needs_no_number_and_several_do() {
        let row = |name: &str, instance| wire::Program {
            name: name.to_owned(),
            instance,
            ..wire::Program::default()
        };
        let programs = [row("web", 0), row("web", 1), row("mail", 0)];
        assert_eq!(only_instance(&programs, "mail").unwrap(), 0);
        let several = only_instance(&programs, "web").expect_err("which one?").to_string();
        assert_eq!(several, "program web has 2 instances; name one: web:0, web:1");
        assert!(matches!(only_instance(&programs, "x"), Err(Failure::Failed(_))));
    }
}
