//! The control API's TCP addresses, our own protocol's and Supervisor's: opened, moved and closed with
//! the configuration.
//!
//! Bound before anything changes, so that a port in use refuses the whole configuration. A new secret
//! or address ends the connections of the old one; nothing else does.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{WHO, start};
use crate::config;
use crate::config::limits;
use crate::config::model::control::{Control, Login};
use crate::control::entrance::{self, Entrance, Speech, Token};
use crate::control::server::{self, Asked};
use crate::control::tcp::{self, Door, Patience};
use crate::sys::log;
use crate::sys::socket::{self, BindError};

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("{}: {cause}", name(*.speech))]
    Bind { speech: Speech, cause: BindError },
    #[error("{}: {reason}", name(*.speech))]
    Secret { speech: Speech, reason: String },
}

/// What is listened on, if anything.
#[derive(Default)]
pub(super) struct Http {
    api: Option<Serving>,
    supervisor: Option<Serving>,
}

struct Serving {
    /// As the configuration writes it.
    address: SocketAddr,
    listener: TcpListener,
    door: Rc<Door>,
}

/// What a configuration asks for, with everything done that can fail.
#[derive(Default)]
pub(super) struct Prepared {
    api: Option<Wanted>,
    supervisor: Option<Wanted>,
}

struct Wanted {
    address: SocketAddr,
    entrance: Entrance,
    /// `None`: the listener that is there.
    listener: Option<TcpListener>,
}

impl Http {
    pub(super) fn prepare(&self, control: &Control) -> Result<Prepared, HttpError> {
        let mut prepared = Prepared::default();
        if let Some(address) = control.http {
            let speech = Speech::Api;
            let entrance = with_token(control.token_file.as_deref());
            let entrance = entrance.map_err(|reason| HttpError::Secret { speech, reason })?;
            prepared.api = Some(self.want(self.api.as_ref(), address, entrance)?);
        }
        if let Some(wanted) = &control.supervisor {
            let speech = Speech::Supervisor;
            let entrance = with_login(wanted.login.as_ref());
            let entrance = entrance.map_err(|reason| HttpError::Secret { speech, reason })?;
            prepared.supervisor =
                Some(self.want(self.supervisor.as_ref(), wanted.listen, entrance)?);
        }
        Ok(prepared)
    }

    fn want(
        &self,
        serving: Option<&Serving>,
        address: SocketAddr,
        entrance: Entrance,
    ) -> Result<Wanted, HttpError> {
        let listener = match serving {
            Some(serving) if serving.address == address => None,
            Some(_) | None => {
                let ours = [&self.api, &self.supervisor].into_iter().flatten();
                let is_beside_ours =
                    ours.map(|it| it.address.port()).any(|it| it == address.port());
                let speech = entrance.speech();
                let bound = bind(address, is_beside_ours);
                Some(bound.map_err(|cause| HttpError::Bind { speech, cause })?)
            }
        };
        Ok(Wanted { address, entrance, listener })
    }

    pub(super) fn commit(&mut self, prepared: Prepared, asks: &mpsc::Sender<Asked>) {
        commit(&mut self.api, prepared.api, asks);
        commit(&mut self.supervisor, prepared.supervisor, asks);
    }
}

fn commit(place: &mut Option<Serving>, wanted: Option<Wanted>, asks: &mpsc::Sender<Asked>) {
    let earlier = place.take();
    let Some(Wanted { address, entrance, listener }) = wanted else {
        if let Some(earlier) = earlier {
            let what = name(earlier.door.speech());
            log::notice!(WHO, "{what} on {} is closed", earlier.address);
        }
        return;
    };
    let listener = match (listener, earlier) {
        (None, Some(earlier)) if earlier.door.is_for(&entrance) => {
            *place = Some(earlier);
            return;
        }
        (None, Some(earlier)) => earlier.listener.try_clone(),
        (Some(listener), _) => Ok(listener),
        (None, None) => return,
    };
    let what = name(entrance.speech());
    match listener.and_then(|listener| Serving::begin(address, listener, entrance, asks)) {
        Ok(serving) => *place = Some(serving),
        Err(error) => log::error!(WHO, "{what} on {address}: {error}"),
    }
}

fn with_token(file: Option<&Path>) -> Result<Entrance, String> {
    let Some(file) = file else { return Ok(Entrance::ReadOnly) };
    Ok(Entrance::Token(Token::new(&config::token(file)?)))
}

fn with_login(login: Option<&Login>) -> Result<Entrance, String> {
    let Some(login) = login else { return Ok(Entrance::SupervisorReadOnly) };
    let password = match config::password(&login.password_file)? {
        config::password::Password::Plain(text) => entrance::Password::Plain(Token::new(&text)),
        config::password::Password::Sha1(digest) => entrance::Password::Sha1(digest),
    };
    Ok(Entrance::Supervisor(entrance::Login::new(&login.username, password)))
}

fn name(speech: Speech) -> &'static str {
    match speech {
        Speech::Api => "control API",
        Speech::Supervisor => "Supervisor's protocol",
    }
}

impl Serving {
    fn begin(
        address: SocketAddr,
        listener: TcpListener,
        entrance: Entrance,
        asks: &mpsc::Sender<Asked>,
    ) -> std::io::Result<Self> {
        socket::listen(&listener)?;
        let actual = listener.local_addr()?;
        let rights = match entrance {
            Entrance::ReadOnly | Entrance::SupervisorReadOnly => "read-only",
            Entrance::Token(_) => "for whoever knows the token",
            Entrance::Supervisor(_) => "for whoever knows the login",
        };
        log::notice!(WHO, "{} on http://{actual}, {rights}", name(entrance.speech()));
        let accepting = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        let door = Rc::new(Door::new(entrance));
        let bounds = server::Bounds {
            clients_max: limits::CONTROL_HTTP_CLIENTS_MAX,
            ..start::control_bounds()
        };
        let patience = Patience {
            stall: Duration::from_millis(limits::CONTROL_HTTP_STALL_MS),
            closing: Duration::from_millis(limits::CONTROL_HTTP_CLOSING_MS),
        };
        let serve = tcp::serve(accepting, Rc::clone(&door), (bounds, patience), asks.clone());
        tokio::task::spawn_local(serve);
        Ok(Self { address, listener, door })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.door.close();
    }
}

/// Our own listener on the same port (another address of it, about to go away) is no stranger.
fn bind(address: SocketAddr, is_beside_ours: bool) -> Result<TcpListener, BindError> {
    if !is_beside_ours {
        socket::claim(address)?;
    }
    Ok(TcpListener::from(socket::bind(address)?))
}
