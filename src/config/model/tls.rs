//! What the configuration says of TLS: towards clients, and towards backends.
//!
//! Certificates and keys are in it as their files say them: whoever serves may not be allowed to
//! read those. A key is never shown.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A server's side of its clients' connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerTls {
    pub(crate) identity: Identity,
    /// For clients that can not verify it: of other kinds of keys, best first.
    pub(crate) others: Vec<Identity>,
    pub(crate) min_version: Version,
    /// `None`: clients are not asked who they are.
    pub(crate) client: Option<ClientAuth>,
    /// That of the listener's default server counts, for the handshake tells which one it is for.
    pub(crate) handshake_timeout_ms: u64,
}

impl ServerTls {
    /// In the order of preference.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        std::iter::once(&self.identity).chain(&self.others)
    }

    /// Bytes of all that its files hold.
    pub(crate) fn bytes(&self) -> usize {
        let client = self.client.as_ref().map_or(0, |client| {
            client.roots.len() + client.crl.as_ref().map_or(0, |crl| crl.lists.len())
        });
        let own = self.identities().map(|own| {
            let staple = own.staple.as_ref().map_or(0, |staple| staple.response.len());
            own.chain.len() + own.secret.pem().len() + staple
        });
        client + own.sum::<usize>()
    }
}

/// What one is known by: a certificate with those that lead from it to its authority, and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// PEM; the first one is its own.
    pub(crate) chain: Arc<str>,
    pub(crate) secret: Secret,
    pub(crate) staple: Option<Staple>,
}

/// What an authority has said of a certificate lately, shown along with it: a response of OCSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staple {
    pub(crate) file: PathBuf,
    /// DER.
    pub(crate) response: Vec<u8>,
}

/// PEM of a private key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret(Arc<str>);

impl Secret {
    pub(crate) fn new(pem: impl Into<Arc<str>>) -> Self {
        Self(pem.into())
    }

    pub(crate) fn pem(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Clients have certificates, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientAuth {
    /// Certificates that a client's must lead to, as PEM.
    pub(crate) roots: Arc<str>,
    /// Whose certificates are not good any more.
    pub(crate) crl: Option<Crl>,
    pub(crate) demand: Demand,
}

/// Lists of certificates that were revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crl {
    pub(crate) file: PathBuf,
    /// PEM; there must be one of every authority that a client's certificate leads to.
    pub(crate) lists: Arc<str>,
}

/// What becomes of a client without a certificate. One with a bad certificate is always refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Demand {
    Required,
    Optional,
}

/// The oldest version of the protocol that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Version {
    #[default]
    Tls12,
    Tls13,
}

/// An upstream's side of the connections to its backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpstreamTls {
    pub(crate) trust: Trust,
    /// What a backend's certificate must be for, also sent to it; `None`: its address.
    pub(crate) server_name: Option<String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) min_version: Version,
}

/// Whose certificates are good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trust {
    /// Those that lead to one of these, as PEM.
    Roots(Arc<str>),
    /// Anybody's: `verify = false`.
    Anyone,
}
