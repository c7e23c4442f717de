//! `pilothouse check`: whether a configuration is good, said to people or, as JSON, to editors and
//! pipelines.
//!
//! Starts nothing, and needs no running engine. The judgement itself is `config`'s.

use std::process::ExitCode;

use serde::Serialize;

use super::arguments::Listing;
use super::engine;
use super::failure::Failure;
use super::import;
use super::out::{self, Out};
use super::place::Place;
use crate::config::Dates;
use crate::config::diagnostic::{Diagnostic, Errors};
use crate::config::model::Config;
use crate::master;

pub(crate) fn run(place: &Place, out: Out, listing: Listing) -> Result<ExitCode, Failure> {
    import::remark(place);
    if listing.json {
        return as_json(place, out);
    }
    let config = engine::load(place, Dates::Judged)?;
    for text in remarks(&config) {
        out::complain(&format!("{}: warning: {text}", config.source));
    }
    out.line(&summary(&config))?;
    Ok(ExitCode::SUCCESS)
}

/// What is allowed, and may not be meant.
fn remarks(config: &Config) -> Vec<String> {
    let unreached = master::rights::out_of_reach(config);
    master::stop::too_short(config).into_iter().chain(unreached).collect()
}

fn summary(config: &Config) -> String {
    let count = |count: usize, noun: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {noun}{plural}")
    };
    format!(
        "{}: ok ({}, {}, {})",
        config.source,
        count(config.servers.len(), "server"),
        count(config.upstreams.len(), "upstream"),
        count(config.programs.len(), "program"),
    )
}

/// One remark: an error has the place it was found at, if it is about a place.
#[derive(Serialize)]
struct Row {
    severity: &'static str,
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
    hint: String,
}

/// Prints a list, empty when nothing is wrong. Exits 1 when it holds an error.
fn as_json(place: &Place, out: Out) -> Result<ExitCode, Failure> {
    let (rows, code) = match place.source.load(Dates::Judged) {
        Ok(config) => (warnings(&config), ExitCode::SUCCESS),
        Err(errors) => (errors_found(errors), ExitCode::FAILURE),
    };
    let json = serde_json::to_string_pretty(&rows);
    out.line(&json.expect("rows are plain data"))?;
    Ok(code)
}

fn warnings(config: &Config) -> Vec<Row> {
    let row = |message| Row {
        severity: "warning",
        file: config.source.clone(),
        line: None,
        column: None,
        message,
        hint: String::new(),
    };
    remarks(config).into_iter().map(row).collect()
}

fn errors_found(errors: Errors) -> Vec<Row> {
    let row = |found: Diagnostic| Row {
        severity: "error",
        file: found.file,
        line: found.place.as_ref().map(|place| place.line),
        column: found.place.as_ref().map(|place| place.column),
        message: found.message,
        hint: found.hint,
    };
    errors.list.into_iter().map(row).collect()
}
