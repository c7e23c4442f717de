//! `[supervisord]` and the servers that Supervisor's clients come in by.

use super::ini::{Document, Section};
use super::options::{Options, Remarks, Scope};
use super::{Place, pairs};
use crate::config;
use crate::import::page::{self, Page};
use crate::import::supervisor::expand::{has_reference, written};
use crate::sys;

/// Where the password of the only server over TCP has to be put: it is not written into the file.
const PASSWORD_FILE: &str = "supervisor.password";

/// What every program has from its daemon.
#[derive(Debug, Default)]
pub(super) struct Daemon {
    pub(super) environment: Vec<(String, String)>,
    pub(super) environment_place: Option<Place>,
    pub(super) user: Option<(String, Place)>,
    pub(super) umask: Option<(u32, Place)>,
    pub(super) directory: Option<(String, Place)>,
    pub(super) strip_ansi: Option<Place>,
}

/// Why a key of the daemon has no equal here.
const GONE: [(&str, &str); 6] = [
    ("logfile", "the engine's log goes to its standard error"),
    ("logfile_maxbytes", "the engine's log goes to its standard error"),
    ("logfile_backups", "the engine's log goes to its standard error"),
    ("loglevel", "there is one level"),
    ("pidfile", "the keeper's pid is in `pilothouse status --json`"),
    ("silent", "run in the background by `pilothouse`, it is"),
];

/// Reads the daemon's section, and writes what is the engine's.
pub(super) fn write(
    document: &Document,
    section: &Section,
    page: &mut Page,
    remarks: &mut Remarks,
) -> Daemon {
    let options = Options::new(document, section, Scope::default());
    if let Some(name) = options.text_now("identifier", remarks) {
        if config::is_name(&name.value) {
            page.table("[engine]", &section.place);
            page.key("name", &page::string(&name.value), &name.place);
        } else {
            let text = format!("`{}` can not name an engine: it is called default", name.value);
            remarks.warn(&name.place, text);
        }
    }
    for (key, why) in GONE {
        if let Some(entry) = options.entry(key) {
            remarks.warn(&entry.place, format!("`{key}` has no equal: {why}"));
        }
    }
    for key in ["nodaemon", "nocleanup"] {
        options.flag(key, remarks);
    }
    for key in ["minfds", "minprocs"] {
        options.integer(key, remarks);
    }
    let strip_ansi = options.flag("strip_ansi", remarks);
    let environment = options.text("environment", remarks);
    let mut daemon = Daemon {
        user: options.text_now("user", remarks).map(|user| (user.value, user.place)),
        umask: options.octal("umask", remarks),
        directory: options.text_now("directory", remarks).map(|it| (it.value, it.place)),
        strip_ansi: strip_ansi.and_then(|(is_wanted, place)| is_wanted.then_some(place)),
        ..Daemon::default()
    };
    if let Some(text) = environment {
        match pairs::read(&text.value) {
            Ok(pairs) => daemon.environment = pairs,
            Err(error) => remarks.mistake(&text.place, format!("`environment`: {error}")),
        }
        daemon.environment_place = Some(text.place);
    }
    daemon
}

/// `[unix_http_server]` and `[inet_http_server]`: the one is always there under a name of its own,
/// of the others the first is kept.
pub(super) fn write_control(document: &Document, page: &mut Page, remarks: &mut Remarks) {
    let is_of = |section: &&Section, kind: &str| {
        section.name.split(':').next().is_some_and(|name| name == kind)
    };
    for section in document.sections().filter(|section| is_of(section, "unix_http_server")) {
        let options = Options::new(document, section, Scope::default());
        let place = options.entry("file").map_or(&section.place, |entry| &entry.place);
        let socket = sys::folders::control_socket(&engine_name(document));
        let text = format!(
            "Supervisor's clients find the engine elsewhere: supervisorctl -s unix://{}",
            socket.display()
        );
        remarks.warn(place, text);
        for key in ["chmod", "chown", "username", "password"] {
            if let Some(entry) = options.entry(key) {
                let text = format!("`{key}` has no equal: the control socket is its user's own");
                remarks.warn(&entry.place, text);
            }
        }
    }
    let mut servers = document.sections().filter(|section| is_of(section, "inet_http_server"));
    if let Some(section) = servers.next() {
        write_server(document, section, page, remarks);
    }
    for section in servers {
        remarks.warn(&section.place, "a second server over TCP has no equal");
    }
}

fn engine_name(document: &Document) -> String {
    let identifier = document.get("supervisord").and_then(|section| {
        let options = Options::new(document, section, Scope::default());
        options.text_now("identifier", &mut Remarks::default())
    });
    let identifier = identifier.map(|name| name.value).filter(|name| config::is_name(name));
    identifier.unwrap_or_else(|| "default".to_owned())
}

fn write_server(document: &Document, section: &Section, page: &mut Page, remarks: &mut Remarks) {
    let options = Options::new(document, section, Scope::default());
    let Some(port) = options.text_now("port", remarks) else {
        remarks.mistake(&section.place, format!("[{}] without `port`", section.name));
        return;
    };
    let [username, password] = ["username", "password"].map(|key| options.entry(key).is_some());
    if username != password {
        let text = "`username` and `password` go together";
        remarks.mistake(&section.place, text);
        return;
    }
    let Some((host, port_number)) = address(&port.value) else {
        remarks.mistake(&port.place, format!("`{}` is no port or host:port", port.value));
        return;
    };
    let is_loopback = host.starts_with("127.") || host == "[::1]";
    let host = match (is_loopback, username) {
        (true, _) | (_, true) => host,
        (false, false) => {
            let text =
                format!("without a login it is for this machine alone: 127.0.0.1:{port_number}");
            remarks.warn(&port.place, text);
            "127.0.0.1".to_owned()
        }
    };
    if config::address(&format!("{host}:{port_number}")).is_err() {
        let text = format!("`{}`: the address is to be written as numbers", port.value);
        remarks.warn(&port.place, text);
        return;
    }
    if !username {
        let text = "without a login, clients over TCP may look and change nothing";
        remarks.warn(&port.place, text);
    }
    page.table("[control.supervisor]", &section.place);
    page.key("listen", &page::string(&format!("{host}:{port_number}")), &port.place);
    if let Some(name) = options.text("username", remarks) {
        if has_reference(&name.value) {
            remarks.warn(&name.place, "`username` is read from the environment");
        }
        page.key("username", &page::string(&written(&name.value)), &name.place);
        let place = options.entry("password").map_or(&section.place, |entry| &entry.place);
        page.key("password_file", &page::string(PASSWORD_FILE), place);
        let text = format!(
            "put the password of this line alone into a file `{PASSWORD_FILE}` beside the new \
             configuration, readable by its owner only"
        );
        remarks.warn(place, text);
    }
}

/// A host, as far as one can be listened on, and a port; no host is every address.
fn address(text: &str) -> Option<(String, u16)> {
    let text = text.trim();
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port: u16 = port.trim().parse().ok().filter(|port| *port > 0)?;
    let host = match host.to_lowercase().as_str() {
        "" | "*" => "0.0.0.0".to_owned(),
        "localhost" => "127.0.0.1".to_owned(),
        other => other.to_owned(),
    };
    Some((host, port))
}
