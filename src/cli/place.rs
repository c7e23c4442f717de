//! Which engine is meant: its configuration, its socket, and how to say so on a command line.

use std::path::{Path, PathBuf};

use super::arguments::Everywhere;
use super::failure::Failure;
use crate::config::source::{Files, Foreign, Source};
use crate::control::client::{Client, ClientError};
use crate::{config, import, sys};

#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) source: Source,
    /// Of the engine that the configuration names.
    pub(crate) engine: String,
    pub(crate) socket: PathBuf,
    /// The socket was named outright, so no configuration tells how to start its engine.
    pub(crate) is_socket_explicit: bool,
    /// ` -c FILE` or ` -s PATH`, as typed; empty when the defaults lead here.
    options: String,
}

impl Place {
    pub(crate) fn find(everywhere: &Everywhere) -> Result<Self, Failure> {
        let (nginx, supervisor) = (everywhere.nginx.clone(), everywhere.supervisor.clone());
        let files = Files { nginx, supervisor, stead: None };
        let source = if files == Files::default() {
            config::find(everywhere.config.as_deref())
        } else {
            Source::Foreign(Foreign { files, translate: import::text })
        };
        let engine = match &everywhere.socket {
            // The configuration may then be anywhere, and need not be readable from here.
            Some(_) => String::new(),
            None => config::engine_name(&source)
                .map_err(|errors| Failure::Failed(errors.to_string().trim_end().to_owned()))?,
        };
        let options = [
            ("-c", &everywhere.config),
            ("-s", &everywhere.socket),
            ("--nginx", &everywhere.nginx),
            ("--supervisor", &everywhere.supervisor),
        ]
        .into_iter()
        .filter_map(|(flag, path)| Some(format!(" {flag} {}", quoted(path.as_ref()?))))
        .collect();
        let socket = match &everywhere.socket {
            Some(socket) => socket.clone(),
            None => sys::folders::control_socket(&engine),
        };
        let is_socket_explicit = everywhere.socket.is_some();
        Ok(Self { source, engine, socket, is_socket_explicit, options })
    }

    /// Of files that are read in place of nginx.
    pub(crate) fn in_stead_of_nginx(files: Files) -> Result<Self, Failure> {
        let source = Source::Foreign(Foreign { files, translate: import::text });
        let engine = config::engine_name(&source)
            .map_err(|errors| Failure::Failed(errors.to_string().trim_end().to_owned()))?;
        let socket = sys::folders::control_socket(&engine);
        Ok(Self { source, engine, socket, is_socket_explicit: false, options: String::new() })
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.socket)
    }

    /// `pilothouse VERB` as it must be typed to mean this engine.
    pub(crate) fn command(&self, verb: &str) -> String {
        let gap = if verb.is_empty() { "" } else { " " };
        format!("pilothouse{gap}{verb}{}", self.options)
    }

    /// What the configuration is called to people.
    pub(crate) fn source_name(&self) -> String {
        match &self.source {
            Source::Embedded => "the embedded default".to_owned(),
            named @ (Source::File(_) | Source::Foreign(_)) => named.name(),
        }
    }

    /// A client's error in terms of what was typed.
    pub(crate) fn explain(&self, error: ClientError) -> Failure {
        match error {
            ClientError::NoEngine { socket, cause } if self.is_socket_explicit => {
                Failure::NoEngine(format!("no engine answers on {}: {cause}", socket.display()))
            }
            ClientError::NoEngine { socket, .. } => Failure::NoEngine(format!(
                "no engine is running for {} (socket {}); start one with: {}",
                self.source_name(),
                socket.display(),
                self.command("run"),
            )),
            other @ (ClientError::NotPermitted(_)
            | ClientError::Refused(_)
            | ClientError::Protocol { .. }) => other.into(),
        }
    }
}

/// The path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | '+' | '@');
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::quoted;

    #[test]
    fn a_path_is_quoted_only_when_a_shell_would_split_it() {
        for (path, expected) in [
            ("/etc/pilothouse.toml", "/etc/pilothouse.toml"),
            ("my file", "'my file'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
