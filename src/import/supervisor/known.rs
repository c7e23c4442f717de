//! What there is in a `supervisord.conf`: everything else was ignored there without a word, and is
//! remarked on here.

use super::ini::{Document, Section};
use super::options::Remarks;
use crate::config::limits::NAME_BYTES_MAX;

const STOCK_INTERFACE: &str = "supervisor.rpcinterface:make_main_rpcinterface";

pub(super) const SUPERVISORD: &[&str] = &[
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "umask",
    "nodaemon",
    "silent",
    "minfds",
    "minprocs",
    "nocleanup",
    "childlogdir",
    "user",
    "directory",
    "strip_ansi",
    "environment",
    "identifier",
];
pub(super) const PROGRAM: &[&str] = &[
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "priority",
    "autostart",
    "startsecs",
    "startretries",
    "autorestart",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "redirect_stderr",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
    "environment",
    "directory",
    "umask",
    "serverurl",
];
pub(super) const FCGI: &[&str] = &["socket", "socket_backlog", "socket_owner", "socket_mode"];
pub(super) const LISTENER: &[&str] = &["events", "buffer_size", "result_handler"];
pub(super) const GROUP: &[&str] = &["programs", "priority"];
pub(super) const INCLUDE: &[&str] = &["files"];
pub(super) const UNIX_SERVER: &[&str] = &["file", "chmod", "chown", "username", "password"];
pub(super) const INET_SERVER: &[&str] = &["port", "username", "password"];

/// Remarks on sections and keys that mean nothing to Supervisor, or nothing here.
pub(super) fn remark(document: &Document, remarks: &mut Remarks) {
    for section in document.sections() {
        let (kind, name) = section.name.split_once(':').unwrap_or((&section.name, ""));
        let keys: [&[&str]; 2] = match (kind, name.is_empty()) {
            ("supervisord", true) => [SUPERVISORD, &[]],
            ("program", false) => [PROGRAM, &[]],
            ("fcgi-program", false) => [PROGRAM, FCGI],
            ("eventlistener", false) => [PROGRAM, LISTENER],
            ("group", false) => [GROUP, &[]],
            ("include", true) => [INCLUDE, &[]],
            ("unix_http_server", _) => [UNIX_SERVER, &[]],
            ("inet_http_server", _) => [INET_SERVER, &[]],
            ("supervisorctl", true) | ("ctlplugin", false) => continue,
            ("rpcinterface", false) => {
                interface(section, remarks);
                continue;
            }
            _ => {
                remarks.warn(&section.place, format!("[{}] is no section there", section.name));
                continue;
            }
        };
        let is_known = |key: &str| keys.iter().any(|keys| keys.contains(&key));
        for entry in section.entries.iter().filter(|entry| !is_known(&entry.key)) {
            let text = format!("`{}` is no key of [{}] there", entry.key, section.name);
            remarks.warn(&entry.place, text);
        }
    }
}

/// The stock one is always there.
fn interface(section: &Section, remarks: &mut Remarks) {
    let factory =
        section.entries.iter().find(|entry| entry.key == "supervisor.rpcinterface_factory");
    if factory.is_none_or(|entry| entry.value != STOCK_INTERFACE) {
        remarks.warn(&section.place, format!("[{}] has no equal: it is Python", section.name));
    }
}

/// What means every program, here as for Supervisor's clients.
const EVERY: &str = "all";

/// The nearest name that ours can be.
pub(super) fn valid_name(written: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut name: String = written.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        name.insert(0, 'p');
    }
    if name == EVERY {
        name.push('_');
    }
    name.truncate(NAME_BYTES_MAX);
    name
}
