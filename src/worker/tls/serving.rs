//! A server's side of TLS, compiled: what its clients are shown, and what is asked of them.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::tickets::{self, Tickets};
use crate::config::model::tls::{Demand, ServerTls};
use crate::config::{client_tls, identity, limits, trust};
use crate::scoreboard::Board;

/// The name of HTTP/2 in the handshake, and that of its elder.
pub(crate) const HTTP2: &[u8] = b"h2";
pub(crate) const HTTP1: &[u8] = b"http/1.1";

pub(crate) struct Serving {
    pub(crate) config: Arc<ServerConfig>,
    /// For listeners that do not offer HTTP/2.
    pub(crate) config_http1: Arc<ServerConfig>,
    /// For those that do not know what is spoken.
    pub(crate) config_tcp: Arc<ServerConfig>,
    /// Of the certificates that clients show.
    pub(crate) authority: Option<Arc<str>>,
}

impl Serving {
    /// The error is for the log: the file was good when it was read.
    pub(crate) fn compile(tls: &ServerTls, board: Board) -> Result<Self, String> {
        let provider = Arc::new(crypto::ring::default_provider());
        let keys = tls.identities().map(identity::certified).collect::<Result<Vec<_>, _>>()?;
        let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(client_tls::versions(tls.min_version))
            .map_err(|error| error.to_string())?;
        let clients = match &tls.client {
            None => versions.with_no_client_auth(),
            Some(client) => versions.with_client_cert_verifier(trust::verifier(client, provider)?),
        };
        let mut config_tcp = clients.with_cert_resolver(Arc::new(Certificates(keys)));
        config_tcp.session_storage = Arc::new(NoServerSessionStorage {});
        config_tcp.ticketer = Arc::new(tickets(tls, board));
        let mut config = config_tcp.clone();
        // Best first.
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        let mut config_http1 = config.clone();
        config_http1.alpn_protocols = vec![HTTP1.to_vec()];
        let authority = tls.client.as_ref().map(|client| Arc::clone(&client.roots));
        let [config, config_http1, config_tcp] = [config, config_http1, config_tcp].map(Arc::new);
        Ok(Self { config, config_http1, config_tcp, authority })
    }
}

/// Whatever makes another certificate, or another demand, of it makes other tickets.
fn tickets(tls: &ServerTls, board: Board) -> Tickets {
    let chains = tls.identities().map(|own| own.chain.as_bytes());
    let Some(client) = &tls.client else {
        return Tickets::new(board, tickets::context(chains), limits::TICKET_LIFE_S);
    };
    let demand: &[u8] = match client.demand {
        Demand::Required => b"required",
        Demand::Optional => b"optional",
    };
    let revoked = client.crl.as_ref().map_or(&b""[..], |crl| crl.lists.as_bytes());
    let parts = chains.chain([client.roots.as_bytes(), demand, revoked]);
    Tickets::new(board, tickets::context(parts), limits::TICKET_LIFE_VERIFIED_S)
}

/// Shows each client the first certificate that it can verify.
#[derive(Debug)]
struct Certificates(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let fits = |own: &&Arc<CertifiedKey>| own.key.choose_scheme(schemes).is_some();
        // Who can verify none is told so by the handshake.
        self.0.iter().find(fits).or(self.0.first()).cloned()
    }
}
