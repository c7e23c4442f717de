//! `[engine]`.

use super::limits;
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
        resolve: resolve::defaults(),
        tracking: Tracking::Auto,
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
    engine.resolve = resolve::read(&mut section, &engine.resolve);
    engine.tracking = tracking(&mut section).unwrap_or(engine.tracking);
    section.finish(&[
        ("worker_processes", "workers"),
        ("processes", "workers"),
        ("maxconn", "worker_connections"),
        ("client_body_temp_path", "temp_folder"),
        ("resolvers", "resolver"),
        ("nameservers", "resolver"),
        ("resolver_timeout", "resolve_timeout"),
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
