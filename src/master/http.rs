//! The control API's TCP address: opened, moved and closed with the configuration.
//!
//! Bound before anything changes, so that a port in use refuses the whole configuration. A new token
//! or address ends the connections of the old one; nothing else does.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{WHO, start};
use crate::config;
use crate::config::limits;
use crate::config::model::Control;
use crate::control::entrance::{Entrance, Token};
use crate::control::server::{self, Asked};
use crate::control::tcp::{self, Door, Patience};
use crate::sys::log;
use crate::sys::socket::{self, BindError};

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("control API: {0}")]
    Bind(#[from] BindError),
    #[error("control API: {0}")]
    Token(String),
}

/// What is listened on, if anything.
#[derive(Default)]
pub(super) struct Http {
    serving: Option<Serving>,
}

struct Serving {
    /// As the configuration writes it.
    address: SocketAddr,
    listener: TcpListener,
    door: Rc<Door>,
}

/// What a configuration asks for, with everything done that can fail.
pub(super) struct Prepared(Option<Wanted>);

struct Wanted {
    address: SocketAddr,
    entrance: Entrance,
    /// `None`: the listener that is there.
    listener: Option<TcpListener>,
}

impl Http {
    pub(super) fn prepare(&self, control: &Control) -> Result<Prepared, HttpError> {
        let Some(address) = control.http else { return Ok(Prepared(None)) };
        let entrance = match &control.token_file {
            None => Entrance::ReadOnly,
            Some(path) => {
                Entrance::Token(Token::new(&config::token(path).map_err(HttpError::Token)?))
            }
        };
        let listener = match &self.serving {
            Some(serving) if serving.address == address => None,
            Some(serving) => Some(bind(address, serving.address.port() == address.port())?),
            None => Some(bind(address, false)?),
        };
        Ok(Prepared(Some(Wanted { address, entrance, listener })))
    }

    /// For a master that goes on without.
    pub(super) fn nothing() -> Prepared {
        Prepared(None)
    }

    pub(super) fn commit(&mut self, prepared: Prepared, asks: &mpsc::Sender<Asked>) {
        let Some(Wanted { address, entrance, listener }) = prepared.0 else {
            if let Some(serving) = self.serving.take() {
                log::notice!(WHO, "the control API on {} is closed", serving.address);
            }
            return;
        };
        let listener = match (listener, self.serving.take()) {
            (None, Some(serving)) if serving.door.is_for(&entrance) => {
                self.serving = Some(serving);
                return;
            }
            (None, Some(serving)) => serving.listener.try_clone(),
            (Some(listener), _) => Ok(listener),
            (None, None) => return,
        };
        match listener.and_then(|listener| Serving::begin(address, listener, entrance, asks)) {
            Ok(serving) => self.serving = Some(serving),
            Err(error) => log::error!(WHO, "control API on {address}: {error}"),
        }
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
            Entrance::ReadOnly => "read-only",
            Entrance::Token(_) => "for whoever knows the token",
        };
        log::notice!(WHO, "control API on http://{actual}, {rights}");
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
