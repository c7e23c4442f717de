//! `[control]`: the API over TCP, for those who can not reach the control socket.
//!
//! Who may reach it decides what it must ask for: beyond loopback there is no answer without a
//! token. The token itself is no part of a configuration, which travels to workers; only its file is.

use std::path::PathBuf;

use super::address;
use super::model::Control;
use super::report::{Located, Span};
use super::section::Section;

/// The table, and where in the file its address stands.
pub(super) struct Draft {
    pub(super) control: Control,
    pub(super) http: Option<Span>,
}

/// The socket needs no configuration.
pub(super) fn read(section: Option<Section<'_>>) -> Draft {
    let none = Control { http: None, token_file: None };
    let Some(mut section) = section else { return Draft { control: none, http: None } };
    let http = section.text("http");
    let token_file = token_file(&mut section);
    let report = section.report;
    let address = http.as_ref().and_then(|text| match address::listen(&text.value) {
        Ok(address) => Some(address),
        Err(hint) => {
            let message = format!("`{}` is not an address to listen on", text.value);
            report.error(&text.span, message, hint);
            None
        }
    });
    let has_token_key = section.key_span("token_file");
    match (&http, address, &has_token_key) {
        (Some(text), Some(address), None) if !address.ip().is_loopback() => report.error(
            &text.span,
            format!("others reach {address}, and there is no `token_file`"),
            "add one, or listen on 127.0.0.1, which needs none and is read-only",
        ),
        (None, _, Some(span)) if section.key_span("http").is_none() => {
            report.error(span, "`token_file` without `http`", "the control socket needs no token");
        }
        (Some(_) | None, _, _) => {}
    }
    section.finish(&[
        ("token", "token_file"),
        ("listen", "http"),
        ("address", "http"),
        ("inet_http_server", "http"),
    ]);
    let span = address.and(http.map(|text| text.span));
    Draft { control: Control { http: address, token_file }, http: span }
}

/// The file must hold a token that nobody else can read; what it says is read when it is used.
fn token_file(section: &mut Section<'_>) -> Option<PathBuf> {
    let Located { value, span } = section.text("token_file")?;
    let path = section.report.absolute(PathBuf::from(value));
    if let Err(reason) = (section.report.surroundings.token)(&path) {
        section.report.error(&span, reason, "a file of one line, which only its owner reads");
    }
    Some(path)
}
