//! `[engine]`.

use std::path::PathBuf;

use super::limits;
use super::model::log::LogLevel;
use super::model::{Engine, Tracking, Workers};
use super::names;
use super::resolve;
use super::section::{Section, integer_of, unknown_word};

pub(super) const DEFAULT_NAME: &str = "default";

pub(super) fn read(section: Option<Section<'_>>) -> Engine {
    let mut engine = Engine {
        name: DEFAULT_NAME.to_owned(),
        workers: Workers::Auto,
        user: None,
        shutdown_timeout_ms: None,
        worker_connections: None,
        temp_folder: None,
        confine_files: false,
        resolve: resolve::defaults(),
        tracking: Tracking::Auto,
        pid_file: None,
        log_level: LogLevel::default(),
    };
    let Some(mut section) = section else { return engine };
    if let Some(name) = section.text("name") {
        names::check(section.report, "engine", &name);
        engine.name = name.value;
    }
    engine.workers = workers(&mut section).unwrap_or(engine.workers);
    engine.user = section.user("user");
    engine.shutdown_timeout_ms = section.duration("shutdown_timeout");
    engine.worker_connections =
        section.integer("worker_connections", 1..=limits::CONNECTIONS_PER_WORKER_MAX);
    engine.temp_folder = section.folder("temp_folder");
    engine.confine_files = section.flag("confine_files").unwrap_or(engine.confine_files);
    engine.resolve = resolve::read(&mut section, &engine.resolve);
    engine.tracking = tracking(&mut section).unwrap_or(engine.tracking);
    engine.pid_file = pid_file(&mut section);
    engine.log_level = log_level(&mut section).unwrap_or(engine.log_level);
    section.finish(&[
        ("worker_processes", "workers"),
        ("processes", "workers"),
        ("maxconn", "worker_connections"),
        ("client_body_temp_path", "temp_folder"),
        ("resolvers", "resolver"),
        ("nameservers", "resolver"),
        ("resolver_timeout", "resolve_timeout"),
        ("pid", "pid_file"),
        ("pidfile", "pid_file"),
        ("error_log", "log_level"),
        ("loglevel", "log_level"),
    ]);
    engine
}

fn tracking(section: &mut Section<'_>) -> Option<Tracking> {
    const WORDS: [&str; 3] = ["auto", "session", "group"];
    let word = section.text("tracking")?;
    match word.value.as_str() {
        "auto" => Some(Tracking::Auto),
        "session" => Some(Tracking::Session),
        "group" => Some(Tracking::Group),
        _ => {
            unknown_word(section.report, "way of tracking", &word, &WORDS);
            None
        }
    }
}

/// Its folder must be there; the file is made.
fn pid_file(section: &mut Section<'_>) -> Option<PathBuf> {
    let text = section.text("pid_file")?;
    let path = section.report.absolute(PathBuf::from(&text.value));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if text.value.is_empty() || text.value.ends_with('/') {
        let message = format!("`{}` is not the name of a file", text.value);
        section.report.error(&text.span, message, "such as \"/run/pilothouse.pid\"");
    } else if let Some(folder) =
        folder.filter(|folder| !(section.report.surroundings.is_folder)(folder))
    {
        let message = format!("no folder {} on this machine", folder.display());
        section.report.error(&text.span, message, "it is not made by itself");
    }
    Some(path)
}

fn log_level(section: &mut Section<'_>) -> Option<LogLevel> {
    let word = section.text("log_level")?;
    let level = LogLevel::ALL.into_iter().find(|level| level.name() == word.value);
    if level.is_none() {
        unknown_word(section.report, "level", &word, &LogLevel::ALL.map(LogLevel::name));
    }
    level
}

fn workers(section: &mut Section<'_>) -> Option<Workers> {
    let value = section.value("workers")?;
    if value.get_ref().as_str() == Some("auto") {
        return Some(Workers::Auto);
    }
    match integer_of(value).and_then(|count| u16::try_from(count).ok()) {
        Some(count) if (1..=limits::WORKERS_MAX).contains(&usize::from(count)) => {
            Some(Workers::Count(count))
        }
        Some(_) | None => {
            let most = limits::WORKERS_MAX;
            section.unexpected(value, &format!("\"auto\" or a number from 1 to {most}"))
        }
    }
}
