//! The way to one engine: its client, how often it is to be told what changed, and, where a line
//! lies between, why that is not there.

use std::path::PathBuf;

use tokio::sync::watch;

use crate::control::client::{Client, ClientError};
use crate::control::rate::Rate;

use super::target::Far;
use super::tunnel;

#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) client: Client,
    pub(crate) rate: Rate,
    line: Option<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    /// Why there is none; empty while there is one.
    standing: watch::Receiver<String>,
    complaints: PathBuf,
}

impl Route {
    /// To a socket of this machine.
    pub(crate) fn near(socket: PathBuf) -> Self {
        Self { client: Client::new(socket), rate: Rate::Calm, line: None }
    }

    pub(super) fn through(
        far: &Far,
        near_end: PathBuf,
        complaints: PathBuf,
        standing: watch::Receiver<String>,
    ) -> Self {
        Self {
            client: Client::through(near_end, &far.to_string()),
            rate: Rate::Sparing,
            line: Some(Line { standing, complaints }),
        }
    }

    /// An error as far as it can be told: of the line when it is that.
    pub(crate) fn explain(&self, error: &ClientError) -> String {
        let Some(line) = &self.line else { return error.to_string() };
        let standing = line.standing.borrow().clone();
        if !standing.is_empty() {
            return standing;
        }
        match error {
            ClientError::NoEngine { socket, .. } => {
                let place = socket.display();
                let said = tunnel::last_line(&line.complaints).unwrap_or_default();
                if said.contains("administratively prohibited") {
                    format!("{place}: sshd there forwards no sockets (AllowStreamLocalForwarding)")
                } else {
                    format!("no engine answers on {place}")
                }
            }
            ClientError::NotPermitted(_)
            | ClientError::Refused(_)
            | ClientError::Protocol { .. } => error.to_string(),
        }
    }
}
