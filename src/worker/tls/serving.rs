//! A server's side of TLS, compiled: what its clients are shown, and what is asked of them.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{self, CryptoProvider};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;

use super::tickets::{self, Tickets};
use crate::config::model::tls::{ClientAuth, Demand, ServerTls};
use crate::config::{client_tls, identity, limits, trust};
use crate::scoreboard::Board;

/// The name of HTTP/2 in the handshake, and that of its elder.
pub(crate) const HTTP2: &[u8] = b"h2";
pub(crate) const HTTP1: &[u8] = b"http/1.1";

pub(crate) struct Serving {
    pub(crate) config: Arc<ServerConfig>,
    /// For listeners that do not offer HTTP/2.
    pub(crate) config_http1: Arc<ServerConfig>,
    /// Of the certificates that clients show.
    pub(crate) authority: Option<Arc<str>>,
}

impl Serving {
    /// The error is for the log: the file was good when it was read.
    pub(crate) fn compile(tls: &ServerTls, board: Board) -> Result<Self, String> {
        let provider = Arc::new(crypto::ring::default_provider());
        let key = identity::certified(&tls.identity)?;
        let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(client_tls::versions(tls.min_version))
            .map_err(|error| error.to_string())?;
        let clients = match &tls.client {
            None => versions.with_no_client_auth(),
            Some(client) => versions.with_client_cert_verifier(verifier(client, provider)?),
        };
        let mut config = clients.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Arc::new(tickets(tls, board));
        // Best first.
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        let mut config_http1 = config.clone();
        config_http1.alpn_protocols = vec![HTTP1.to_vec()];
        let authority = tls.client.as_ref().map(|client| Arc::clone(&client.roots));
        Ok(Self { config: Arc::new(config), config_http1: Arc::new(config_http1), authority })
    }
}

fn tickets(tls: &ServerTls, board: Board) -> Tickets {
    let chain = tls.identity.chain.as_bytes();
    match &tls.client {
        None => {
            let context = tickets::context([chain].into_iter());
            Tickets::new(board, context, limits::TICKET_LIFE_S)
        }
        Some(client) => {
            let demand: &[u8] = match client.demand {
                Demand::Required => b"required",
                Demand::Optional => b"optional",
            };
            let parts = [chain, client.roots.as_bytes(), demand];
            Tickets::new(board, tickets::context(parts.into_iter()), limits::TICKET_LIFE_VERIFIED_S)
        }
    }
}

fn verifier(
    client: &ClientAuth,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, String> {
    let roots = Arc::new(trust::roots(&client.roots)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
    let verifier = match client.demand {
        Demand::Required => verifier,
        Demand::Optional => verifier.allow_unauthenticated(),
    };
    verifier.build().map_err(|error| error.to_string())
}
