//! The configuration: from TOML text to a checked value that every role can trust.
//!
//! Nothing is validated again elsewhere. Every error is reported, each with file, line, column, the
//! line, a caret and what was expected. Only `files` reads files; the rest is functions of text, so
//! that a reload can be judged before anything is touched.

pub(crate) mod limits;
pub(crate) mod model;

pub(crate) mod compare;
pub(crate) mod diagnostic;
mod document;
mod dotenv;
mod files;
mod included;
pub(crate) mod source;

mod backend_tls;
mod capacity;
pub(crate) mod certificate;
mod check;
mod client;
pub(crate) mod client_tls;
mod control;
mod engine;
mod group;
pub(crate) mod identity;
pub(crate) mod lines;
mod links;
mod listener;
mod needs;
mod outlier;
mod program;
mod resolve;
pub(crate) mod retry;
mod server;
mod server_tls;
mod sticky;
pub(crate) mod strategy;
mod stream;
pub(crate) mod upstream;

mod access_log;
mod action;
mod compress;
mod guard;
mod headers;
mod mirror;
mod named;
pub(crate) mod pattern;
mod replace;
mod route;
mod sent;
mod served;
mod step;
mod table;

mod cross;
mod kept;
pub(crate) mod reach;

mod nearest;
mod report;
pub(crate) mod scale;
mod section;

mod address;
pub(crate) mod duration;
mod names;
pub(crate) mod password;
mod percent;
mod size;
pub(crate) mod template;
pub(crate) mod trust;
pub(crate) mod users;
pub(crate) mod variables;
pub(crate) mod veil;

use std::path::Path;
use std::sync::Arc;

use diagnostic::Errors;
use model::Config;
use source::Source;

const EMBEDDED: &str = include_str!("../../configs/default.toml");

/// The name the console shows for a configuration nobody wrote.
pub(crate) const EMBEDDED_NAME: &str = "embedded default";

/// A checked configuration, and the text that says it, where that is known.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) text: Option<Arc<str>>,
}

/// Whether a certificate that has expired is an error: where a file is checked. What runs, or starts,
/// or loads it again for another reason, serves the other sites and says so of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    Judged,
    Passed,
}

/// The explicit file if there is one, else the first that exists of the places users expect, else
/// the embedded default. An explicit file that does not exist is `load`'s error.
pub(crate) fn find(explicit: Option<&Path>) -> Source {
    files::find(explicit)
}

/// What the engine of this configuration is called. Also for a file with errors, as far as its name
/// can be read: a running engine must be reachable while its file is being edited.
pub(crate) fn engine_name(source: &Source) -> Result<String, Errors> {
    source.engine_name()
}

/// What the token file says, on one line; the error says what is wrong with the file.
pub(crate) fn token(path: &Path) -> Result<String, String> {
    files::token(path)
}

/// What the password file says; the error says what is wrong with the file.
pub(crate) fn password(path: &Path) -> Result<password::Password, String> {
    files::password(path)
}

/// The variables in a file of them, `None` when there is no such file; the error is the whole
/// message, with the line.
pub(crate) fn env_file(path: &Path) -> Result<Option<dotenv::Variables>, String> {
    files::env_file(path)
}

/// Checks a text. `name` is what errors call it; no file is looked at.
pub(crate) fn parse(text: &str, name: &str) -> Result<Config, Errors> {
    let surroundings = report::Surroundings {
        variable: &variables::from_environment,
        base: None,
        is_folder: &|_| true,
        is_served: &|_| Ok(()),
        is_user: &|_| true,
        is_program: &|_| Ok(()),
        env_file: &|_| Ok(Some(Vec::new())),
        is_zone: &|_| true,
        now_s: None,
        page: &|_| Ok(String::new()),
        token: &|_| Ok(()),
        password: &|_| Ok(()),
        users: &|_| Ok(()),
        rules: &|_| Ok(Vec::new()),
        staple: &|_| Ok(Vec::new()),
    };
    document::read(text, name, surroundings)
}

/// The configuration that runs when there is none: it shows every strategy at work.
pub(crate) fn embedded() -> Config {
    let mut config = parse(EMBEDDED, EMBEDDED_NAME).expect("a test parses the embedded file");
    config.is_embedded = true;
    config
}

/// Whether a program, a group or an engine can be called this.
pub(crate) fn is_name(text: &str) -> bool {
    names::is_valid(text)
}

/// ` (did you mean `web`?)` where one of the known words is near the mistyped one; else nothing.
pub(crate) fn did_you_mean<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = nearest::nearest(word, &known);
    near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

/// Whether texts can hold a variable of this name.
pub(crate) fn has_variable(name: &str) -> bool {
    template::Variable::parse(name).is_some()
}

/// Whether a table or a step can make a variable of this name, if there is none.
pub(crate) fn is_variable_name(name: &str) -> bool {
    table::is_variable(name)
}

/// Whether backends can be asked by this method whatever the client's is.
pub(crate) fn can_send_method(text: &str) -> bool {
    sent::is_sendable(text)
}

/// Where a backend is, or how it is found, as the file writes it; an error says what was expected.
pub(crate) fn backend_location(text: &str) -> Result<model::Location, String> {
    address::backend(text)
}

/// An address that needs no looking up; an error says what was expected.
pub(crate) fn address(text: &str) -> Result<model::Address, String> {
    address::fixed(text)
}

/// Replaces each `${NAME}` by what `lookup` says; `$${` stands for a literal `${`.
pub(crate) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, variables::ExpandError> {
    variables::expand(text, lookup)
}

/// Words as a command line that splits into them.
pub(crate) fn command_line(words: &[String]) -> String {
    shell_words::join(words)
}

/// The bytes in which a checked configuration travels to a worker.
pub(crate) fn encode(config: &Config) -> Vec<u8> {
    serde_json::to_vec(config).expect("plain data with text keys always serialises")
}

/// The inverse of `encode`, for bytes of the same binary; `None` if they are anything else.
pub(crate) fn decode(bytes: &[u8]) -> Option<Config> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests;
