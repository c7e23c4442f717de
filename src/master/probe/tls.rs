//! The handshake of a probe: to whom, and whose certificate is good.
//!
//! Without roots any certificate is good, but what is signed must still be signed by its key: a
//! backend that holds another key than its certificate's fails.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ProbeError, words};
use crate::config::model::Address;
use crate::config::model::health::{CheckRequest, CheckTls};
use crate::config::trust;

pub(super) struct Dialer {
    connector: TlsConnector,
    /// `None`: the address that is dialled.
    name: Option<ServerName<'static>>,
}

impl Dialer {
    /// For a request that follows, or for the handshake alone.
    pub(super) fn new(tls: &CheckTls, request: Option<&CheckRequest>) -> Self {
        let provider = Arc::new(crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions");
        let mut config = match &tls.roots {
            Some(pem) => {
                let roots = trust::roots(pem).expect("certificates are read when the file is");
                versions.with_root_certificates(roots).with_no_client_auth()
            }
            None => versions
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
                .with_no_client_auth(),
        };
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
        let name = self.name.clone().unwrap_or_else(|| name_of(address));
        let handshake = self.connector.connect(name, stream).await;
        handshake.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => ProbeError::Tls("closed in the handshake".into()),
            _ => ProbeError::Tls(reason(&error)),
        })
    }
}

/// What people meet who make their own certificates, in words; rustls names these by identifier.
fn reason(error: &std::io::Error) -> String {
    let source = error.get_ref().and_then(|source| source.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(certificate)) = source else { return words(error) };
    let why = match certificate {
        CertificateError::UnknownIssuer => "no certificate in `ca` signed it",
        CertificateError::BadSignature => "a signature is not by the key it should be",
        // webpki's error is known here by its text alone.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "it is an authority's own (CA:TRUE), not a server's"
        }
        _ => return words(error),
    };
    format!("invalid peer certificate: {why}")
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

/// Certificates name addresses, too; a unix socket is on this machine.
fn name_of(address: &Address) -> ServerName<'static> {
    match address {
        Address::Tcp(address) => ServerName::IpAddress(IpAddr::into(address.ip())),
        Address::Unix(_) => ServerName::try_from("localhost").expect("a DNS name"),
    }
}

#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
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
