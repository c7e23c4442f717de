//! What is known of a connection because it is over TLS, as variables have it.

use std::fmt::Write as _;

use ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
use rustls::{CipherSuite, Connection as Session, HandshakeKind, ProtocolVersion};

use super::super::stream::Stream;
use super::Secured;
use crate::config::certificate::{self, Certificate};
use crate::config::template::OverTls;

/// Who the other side has shown itself to be.
pub(crate) struct Peer {
    certificate: Certificate,
    /// SHA-1, in hexadecimal digits.
    fingerprint: String,
}

impl Peer {
    /// `None` for a session without a certificate of the other side's.
    pub(super) fn of(session: &Session) -> Option<Box<Self>> {
        let shown = session.peer_certificates()?.first()?;
        let digest = ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, shown);
        let mut fingerprint = String::new();
        for byte in digest.as_ref() {
            write!(fingerprint, "{byte:02x}").expect("a text takes what is written");
        }
        let certificate = certificate::read(shown).unwrap_or_default();
        Some(Box::new(Self { certificate, fingerprint }))
    }
}

/// The fact's text; `None` where there is none.
pub(crate) fn of<'a>(client: &'a Stream, fact: &'a OverTls) -> Option<&'a str> {
    let Stream::Tls(secured) = client else { return None };
    let session = secured.session()?;
    let certificate = || secured.peer().map(|peer| &peer.certificate);
    Some(match fact {
        OverTls::Https => "on",
        OverTls::Protocol => protocol(session),
        OverTls::Cipher => cipher(session),
        OverTls::ServerName => match session {
            Session::Server(session) => session.server_name()?,
            Session::Client(_) => return None,
        },
        OverTls::SessionReused => match session.handshake_kind() {
            Some(HandshakeKind::Resumed) => "r",
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => ".",
        },
        OverTls::ClientVerify => secured.peer().map_or("NONE", |_| "SUCCESS"),
        OverTls::ClientSubject => &certificate()?.subject,
        OverTls::ClientIssuer => &certificate()?.issuer,
        OverTls::ClientSerial => &certificate()?.serial,
        OverTls::ClientFingerprint => &secured.peer()?.fingerprint,
        OverTls::Text(text) => text,
    })
}

fn protocol(session: &Session) -> &'static str {
    match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "",
    }
}

/// By OpenSSL's names.
fn cipher(session: &Session) -> &'static str {
    match session.negotiated_cipher_suite().map(|suite| suite.suite()) {
        Some(CipherSuite::TLS13_AES_128_GCM_SHA256) => "TLS_AES_128_GCM_SHA256",
        Some(CipherSuite::TLS13_AES_256_GCM_SHA384) => "TLS_AES_256_GCM_SHA384",
        Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256) => "TLS_CHACHA20_POLY1305_SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256) => {
            "ECDHE-ECDSA-AES128-GCM-SHA256"
        }
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384) => {
            "ECDHE-ECDSA-AES256-GCM-SHA384"
        }
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256) => {
            "ECDHE-ECDSA-CHACHA20-POLY1305"
        }
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) => "ECDHE-RSA-AES128-GCM-SHA256",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) => "ECDHE-RSA-AES256-GCM-SHA384",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256) => {
            "ECDHE-RSA-CHACHA20-POLY1305"
        }
        _ => "",
    }
}

impl Secured {
    pub(super) fn peer(&self) -> Option<&Peer> {
        self.peer.as_deref()
    }
}
