//! `[control]`: the API over TCP, for those who can not reach the control socket, and Supervisor's
//! protocol over TCP for its clients.
//!
//! Who may reach an address decides what it must ask for: beyond loopback there is no answer without
//! a secret. Secrets are no part of a configuration, which travels to workers; only their files are.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::address;
use super::model::control::{Control, Login, SupervisorAddress};
use super::report::{Located, Span};
use super::section::Section;

/// The table, and where in the file its addresses stand.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) control: Control,
    http: Option<Span>,
    supervisor: Option<Span>,
}

impl Draft {
    /// Each address with what listens there and where the file says so.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (SocketAddr, &'static str, &Span)> {
        let supervisor = self.control.supervisor.as_ref().map(|supervisor| supervisor.listen);
        let http = (self.control.http, "the control API", &self.http);
        let all = [http, (supervisor, "Supervisor's protocol", &self.supervisor)];
        all.into_iter().filter_map(|(address, what, at)| Some((address?, what, at.as_ref()?)))
    }
}

/// The socket needs no configuration.
pub(super) fn read(section: Option<Section<'_>>) -> Draft {
    let Some(mut section) = section else { return Draft::default() };
    let http = section.text("http");
    let is_token = section.report.surroundings.token;
    let token_file = secret_file(&mut section, "token_file", is_token);
    let address = http.as_ref().and_then(|text| address_of(&section, text));
    let has_token_key = section.key_span("token_file");
    match (&http, address, &has_token_key) {
        (Some(text), Some(address), None) if !address.ip().is_loopback() => section.report.error(
            &text.span,
            format!("others reach {address}, and there is no `token_file`"),
            "add one, or listen on 127.0.0.1, which needs none and is read-only",
        ),
        (None, _, Some(span)) if section.key_span("http").is_none() => {
            let hint = "the control socket needs no token";
            section.report.error(span, "`token_file` without `http`", hint);
        }
        (Some(_) | None, _, _) => {}
    }
    let supervisor = section.section("supervisor").and_then(supervisor);
    section.finish(&[
        ("token", "token_file"),
        ("listen", "http"),
        ("address", "http"),
        ("inet_http_server", "supervisor"),
    ]);
    let span = address.and(http.map(|text| text.span));
    let (supervisor, at) = supervisor.unzip();
    let control = Control { http: address, token_file, supervisor };
    Draft { control, http: span, supervisor: at }
}

fn supervisor(mut section: Section<'_>) -> Option<(SupervisorAddress, Span)> {
    let listen = section.text("listen");
    if section.key_span("listen").is_none() {
        section.missing("listen", "such as `listen = \"127.0.0.1:9001\"`");
    }
    let address = listen.as_ref().and_then(|text| address_of(&section, text));
    let username = username(&mut section);
    let is_password = section.report.surroundings.password;
    let password_file = secret_file(&mut section, "password_file", is_password);
    let keys = ["username", "password_file"].map(|key| section.key_span(key));
    match (&keys, &listen, address) {
        ([Some(span), None], _, _) => {
            let hint = "a file of one line: the password, or `{SHA}` and its SHA-1 in hexadecimal";
            section.report.error(span, "`username` without `password_file`", hint);
        }
        ([None, Some(span)], _, _) => {
            section.report.error(span, "`password_file` without `username`", "a login is both");
        }
        ([None, None], Some(text), Some(address)) if !address.ip().is_loopback() => {
            section.report.error(
                &text.span,
                format!("others reach {address}, and there is no `username` and `password_file`"),
                "add them, or listen on 127.0.0.1, which needs none and is read-only",
            );
        }
        ([_, _], _, _) => {}
    }
    section.finish(&[
        ("password", "password_file"),
        ("user", "username"),
        ("port", "listen"),
        ("http", "listen"),
        ("address", "listen"),
    ]);
    let login = username.zip(password_file);
    let login = login.map(|(username, password_file)| Login { username, password_file });
    Some((SupervisorAddress { listen: address?, login }, listen?.span))
}

fn address_of(section: &Section<'_>, text: &Located<String>) -> Option<SocketAddr> {
    match address::listen(&text.value) {
        Ok(address) => Some(address),
        Err(hint) => {
            let message = format!("`{}` is not an address to listen on", text.value);
            section.report.error(&text.span, message, hint);
            None
        }
    }
}

/// As it goes before the colon of Basic credentials (RFC 7617 2).
fn username(section: &mut Section<'_>) -> Option<String> {
    let Located { value, span } = section.text("username")?;
    let is_plain = |c: char| c.is_ascii_graphic() && c != ':';
    if value.is_empty() || !value.chars().all(is_plain) {
        let message = format!("`{}` is no name for a user", value.escape_debug());
        section.report.error(&span, message, "letters, digits and signs but for `:` and spaces");
        return None;
    }
    Some(value)
}

/// The file must hold a secret that nobody else can read; what it says is read when it is used.
fn secret_file(
    section: &mut Section<'_>,
    key: &'static str,
    is_secret: &dyn Fn(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    let Located { value, span } = section.text(key)?;
    let path = section.report.absolute(PathBuf::from(value));
    if let Err(reason) = is_secret(&path) {
        section.report.error(&span, reason, "a file of one line, which only its owner reads");
    }
    Some(path)
}
