//! What is known of a connection because it is over TLS, as variables have it.

use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

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
    pub(super) fn of(session: &Session) -> Option<Rc<Self>> {
        let shown = session.peer_certificates()?.first()?;
        let digest = ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, shown);
        let mut fingerprint = String::new();
        for byte in digest.as_ref() {
            write!(fingerprint, "{byte:02x}").expect("a text takes what is written");
        }
        let certificate = certificate::read(shown).unwrap_or_default();
        Some(Rc::new(Self { certificate, fingerprint }))
    }
}

/// What is known of a session once it is there; outlasts its connection's own part of it.
#[derive(Clone)]
pub(crate) struct Known {
    protocol: &'static str,
    cipher: &'static str,
    server_name: Option<String>,
    reused: &'static str,
    peer: Option<Rc<Peer>>,
    authority: Option<Arc<str>>,
}

impl Known {
    /// Whether its client was asked for a certificate of these authorities.
    pub(crate) fn answers_to(&self, roots: &Arc<str>) -> bool {
        self.authority.as_ref().is_some_and(|known| known == roots)
    }
}

/// `None` for a connection in plain.
pub(crate) fn known(client: &Stream) -> Option<Known> {
    let secured = match client {
        Stream::Tls(secured) => secured,
        Stream::Inbound(stream) => return stream.known().cloned(),
        Stream::Tcp(_) | Stream::Unix(_) | Stream::Outbound(_) | Stream::Copy(_) => return None,
    };
    let view = secured.view()?;
    Some(Known {
        protocol: view.protocol,
        cipher: view.cipher,
        server_name: view.server_name.map(str::to_owned),
        reused: view.reused,
        peer: secured.peer.clone(),
        authority: secured.authority.clone(),
    })
}

#[derive(Clone, Copy)]
struct View<'a> {
    protocol: &'static str,
    cipher: &'static str,
    server_name: Option<&'a str>,
    reused: &'static str,
    peer: Option<&'a Peer>,
}

impl Secured {
    fn view(&self) -> Option<View<'_>> {
        let session = self.session()?;
        Some(View {
            protocol: protocol(session),
            cipher: cipher(session),
            server_name: match session {
                Session::Server(session) => session.server_name(),
                Session::Client(_) => None,
            },
            reused: match session.handshake_kind() {
                Some(HandshakeKind::Resumed) => "r",
                Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => ".",
            },
            peer: self.peer.as_deref(),
        })
    }
}

impl Known {
    fn view(&self) -> View<'_> {
        View {
            protocol: self.protocol,
            cipher: self.cipher,
            server_name: self.server_name.as_deref(),
            reused: self.reused,
            peer: self.peer.as_deref(),
        }
    }
}

/// The fact's text; `None` where there is none.
pub(crate) fn of<'a>(client: &'a Stream, fact: &'a OverTls) -> Option<&'a str> {
    let view = match client {
        Stream::Tls(secured) => secured.view()?,
        Stream::Inbound(stream) => stream.known()?.view(),
        Stream::Copy(source) => source.known.as_ref()?.view(),
        Stream::Tcp(_) | Stream::Unix(_) | Stream::Outbound(_) => return None,
    };
    let certificate = || view.peer.map(|peer| &peer.certificate);
    Some(match fact {
        OverTls::Https => "on",
        OverTls::Protocol => view.protocol,
        OverTls::Cipher => view.cipher,
        OverTls::ServerName => view.server_name?,
        OverTls::SessionReused => view.reused,
        OverTls::ClientVerify => view.peer.map_or("NONE", |_| "SUCCESS"),
        OverTls::ClientSubject => &certificate()?.subject,
        OverTls::ClientIssuer => &certificate()?.issuer,
        OverTls::ClientSerial => &certificate()?.serial,
        OverTls::ClientFingerprint => &view.peer?.fingerprint,
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
