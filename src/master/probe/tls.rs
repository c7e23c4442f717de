//! The handshake of a probe: to whom, and whose certificate is good. Without roots, anybody's.

use std::sync::Arc;

use rustls::Error;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ProbeError, words};
use crate::config::model::Address;
use crate::config::model::health::{CheckRequest, CheckTls};
use crate::config::model::tls::Version;
use crate::config::{client_tls, trust};

pub(super) struct Dialer {
    connector: TlsConnector,
    /// `None`: the address that is dialled.
    name: Option<ServerName<'static>>,
}

impl Dialer {
    /// For a request that follows, or for the handshake alone.
    pub(super) fn new(tls: &CheckTls, request: Option<&CheckRequest>) -> Self {
        let roots = tls.roots.as_deref().map(trust::usable);
        let mut config = client_tls::config(roots, tls.identity.as_ref(), Version::default())
            .expect("certificates are judged when the file is");
        if request.is_some() {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let host = request.and_then(|request| request.host.as_deref());
        let name = tls.server_name.as_deref().or_else(|| host.map(without_port));
        Self {
            connector: TlsConnector::from(Arc::new(config)),
            name: name.and_then(|name| ServerName::try_from(name.to_owned()).ok()),
        }
    }

    pub(super) async fn dial<Stream>(
        &self,
        stream: Stream,
        address: &Address,
    ) -> Result<TlsStream<Stream>, ProbeError>
    where
        Stream: AsyncRead + AsyncWrite + Unpin,
    {
        let name = self.name.clone().unwrap_or_else(|| client_tls::name_of(address));
        let handshake = self.connector.connect(name, stream).await;
        handshake.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => ProbeError::Tls("closed in the handshake".into()),
            _ => ProbeError::Tls(reason(&error)),
        })
    }
}

fn reason(error: &std::io::Error) -> String {
    let source = error.get_ref().and_then(|source| source.downcast_ref::<Error>());
    source.and_then(client_tls::reason).unwrap_or_else(|| words(error))
}

/// `app.internal:8443`, `[::1]:8443` and `[::1]` without what a certificate does not name.
fn without_port(host: &str) -> &str {
    if let Some(address) = host.strip_prefix('[') {
        return address.split(']').next().unwrap_or(address);
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_without_its_port() {
        for (host, expected) in [
            ("app.internal", "app.internal"),
            ("app.internal:8443", "app.internal"),
            ("10.0.0.1:8443", "10.0.0.1"),
            ("[::1]:8443", "::1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
        ] {
            assert_eq!(without_port(host), expected);
        }
    }
}
