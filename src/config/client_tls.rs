//! How we speak TLS to others, as a client of theirs: whose certificates are good, and which one of
//! ours they are shown.
//!
//! Where anybody's certificate is good, what is signed must still be signed by its key: who holds
//! another key than its certificate's fails.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion, version,
};

use super::identity;
use super::model::Address;
use super::model::tls::{Identity, Version};

/// `None` as roots: any certificate is good. The error is about the identity's files, which were
/// good when they were read.
pub(crate) fn config(
    roots: Option<RootCertStore>,
    own: Option<&Identity>,
    oldest: Version,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(oldest))
        .map_err(|error| error.to_string())?;
    let verifying = match roots {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
    };
    Ok(match own {
        None => verifying.with_no_client_auth(),
        Some(own) => {
            let key = SingleCertAndKey::from(identity::certified(own)?);
            verifying.with_client_cert_resolver(Arc::new(key))
        }
    })
}

pub(crate) fn versions(oldest: Version) -> &'static [&'static SupportedProtocolVersion] {
    static FROM_12: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
    static FROM_13: [&SupportedProtocolVersion; 1] = [&version::TLS13];
    match oldest {
        Version::Tls12 => &FROM_12,
        Version::Tls13 => &FROM_13,
    }
}

/// Whom a certificate must be for where nobody says it: certificates name addresses, too; a unix
/// socket is on this machine.
pub(crate) fn name_of(address: &Address) -> ServerName<'static> {
    match address {
        Address::Tcp(address) => ServerName::IpAddress(IpAddr::into(address.ip())),
        Address::Unix(_) => ServerName::try_from("localhost").expect("a DNS name"),
    }
}

/// What people meet who make their own certificates, in words; rustls names these by identifier.
/// `None` for anything else.
pub(crate) fn reason(error: &Error) -> Option<String> {
    let Error::InvalidCertificate(certificate) = error else { return None };
    let why = match certificate {
        CertificateError::UnknownIssuer => "no certificate in `ca` signed it",
        CertificateError::BadSignature => "a signature is not by the key it should be",
        // webpki's error is known here by its text alone.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "it is an authority's own (CA:TRUE), not a server's"
        }
        _ => return None,
    };
    Some(format!("invalid peer certificate: {why}"))
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
