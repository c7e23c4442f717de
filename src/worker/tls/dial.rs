//! TLS to the backends of an upstream: made ready when the configuration is, used by every
//! connection. Sessions are remembered, so that a further connection costs less.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Error};

use super::super::connection::Connection;
use super::super::stream::Stream;
use super::{Secured, serving, tickets};
use crate::config::model::tls::{Trust, UpstreamTls};
use crate::config::model::{Address, Links};
use crate::config::{client_tls, trust};
use crate::scoreboard::backend::Failure;
use crate::sys;

/// How an upstream's backends are spoken to.
pub(crate) enum Speech {
    Plain(Tongue),
    Tls(Box<Dialer>),
    /// By TLS, but something about it is wrong: better not at all than in plain.
    Mute,
}

/// Tells connections apart that are not for each other's requests: who is talked to in another way
/// is somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tongue(u64);

impl Tongue {
    const PLAIN: Self = Self(0);
    /// HTTP/2 from the first byte on.
    const PLAIN_HTTP2: Self = Self(1);
    /// In words of connections over TLS alone.
    const OVER_TLS: u64 = 1 << 63;

    pub(crate) fn is_plain(self) -> bool {
        self.0 & Self::OVER_TLS == 0
    }

    /// The same from an address of ours: another one may be let in where this one is not.
    fn spoken_from(self, own: Option<IpAddr>) -> Self {
        let Some(own) = own else { return self };
        let (word, own) = (self.0.to_be_bytes(), own.to_string());
        Self(word_of([&word, own.as_bytes()]) & !Self::OVER_TLS | self.0 & Self::OVER_TLS)
    }
}

pub(crate) struct Dialer {
    config: Arc<ClientConfig>,
    /// `None`: the address that is dialled.
    name: Option<ServerName<'static>>,
    tongue: Tongue,
    /// A backend that does not agree on it is none to talk to.
    is_http2: bool,
}

impl Speech {
    pub(crate) fn compile(upstream: &str, tls: Option<&UpstreamTls>, links: &Links) -> Self {
        let Some(tls) = tls else {
            let tongue = if links.http2 { Tongue::PLAIN_HTTP2 } else { Tongue::PLAIN };
            return Self::Plain(tongue.spoken_from(links.bind));
        };
        match Dialer::compile(tls, links) {
            Ok(dialer) => Self::Tls(Box::new(dialer)),
            Err(error) => {
                sys::log::error!("worker", "TLS of upstream {upstream}: {error}; answering 502");
                Self::Mute
            }
        }
    }

    pub(crate) fn tongue(&self) -> Tongue {
        match self {
            Self::Plain(tongue) => *tongue,
            Self::Mute => Tongue::PLAIN,
            Self::Tls(dialer) => dialer.tongue,
        }
    }
}

impl Dialer {
    fn compile(tls: &UpstreamTls, links: &Links) -> Result<Self, String> {
        let is_http2 = links.http2;
        let roots = match &tls.trust {
            Trust::Roots(pem) => Some(trust::usable(pem)),
            Trust::Anyone => None,
        };
        let mut config = client_tls::config(roots, tls.identity.as_ref(), tls.min_version)?;
        let protocol = if is_http2 { serving::HTTP2 } else { serving::HTTP1 };
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = tls.server_name.as_ref().map(|name| ServerName::try_from(name.clone()));
        let name = name.transpose().map_err(|error| error.to_string())?;
        let tongue = tongue(tls, is_http2).spoken_from(links.bind);
        Ok(Self { config: Arc::new(config), name, tongue, is_http2 })
    }

    /// Begins a session on a fresh connection, within the time limit that runs.
    pub(crate) async fn dial(
        &self,
        connection: &Connection,
        address: &Address,
        plain: Stream,
    ) -> Result<Stream, Failure> {
        let name = self.name.clone().unwrap_or_else(|| client_tls::name_of(address));
        let mut secured = Box::new(Secured::new(plain));
        let begun = ClientConnection::new(Arc::clone(&self.config), name);
        let made = match begun {
            Ok(session) => {
                secured.begin(session, None);
                poll_fn(|cx| match secured.poll_handshake(cx) {
                    Poll::Pending if connection.seat.is_late() => {
                        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                    }
                    polled => polled,
                })
                .await
            }
            Err(error) => Err(io::Error::other(error)),
        };
        match made {
            Ok(()) if self.is_http2 && !secured.speaks_http2() => {
                if connection.shared.may_complain() {
                    sys::log::warning!("worker", "backend {address} does not speak HTTP/2");
                }
                Err(Failure::Insecure)
            }
            Ok(()) => Ok(Stream::Tls(secured)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Failure::TimedOut),
            Err(error) => {
                if connection.shared.may_complain() {
                    sys::log::warning!("worker", "TLS with backend {address}: {}", words(&error));
                }
                Err(Failure::Insecure)
            }
        }
    }
}

fn words(error: &io::Error) -> String {
    let of_tls = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    of_tls.and_then(client_tls::reason).unwrap_or_else(|| error.to_string())
}

fn tongue(tls: &UpstreamTls, is_http2: bool) -> Tongue {
    let roots: &[u8] = match &tls.trust {
        Trust::Roots(roots) => roots.as_bytes(),
        Trust::Anyone => b"",
    };
    let name = tls.server_name.as_deref().unwrap_or_default().as_bytes();
    let chain = tls.identity.as_ref().map_or(&b""[..], |own| own.chain.as_bytes());
    let version = [tls.min_version as u8, u8::from(is_http2)];
    Tongue(word_of([roots, name, chain, &version]) | Tongue::OVER_TLS)
}

fn word_of<const N: usize>(parts: [&[u8]; N]) -> u64 {
    let digest = tickets::context(parts.into_iter());
    digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_connection_comes_from_is_part_of_how_it_speaks() {
        let from = |tongue: Tongue, own: &str| tongue.spoken_from(Some(own.parse().unwrap()));
        let secure = Tongue(7 | Tongue::OVER_TLS);
        for tongue in [Tongue::PLAIN, Tongue::PLAIN_HTTP2, secure] {
            assert_eq!(tongue.spoken_from(None), tongue);
            let (one, other) = (from(tongue, "127.0.0.1"), from(tongue, "127.0.0.2"));
            assert!(one != other && one != tongue && one == from(tongue, "127.0.0.1"));
            assert_eq!(one.is_plain(), tongue.is_plain());
        }
        assert!(from(Tongue::PLAIN, "::1") != from(Tongue::PLAIN_HTTP2, "::1"));
        assert!(!secure.is_plain());
    }
}
