//! The variables that only a connection over TLS gives a value, by nginx's names.
//!
//! On any other connection they are absent.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OverTls {
    /// `on`.
    Https,
    Protocol,
    Cipher,
    /// What the client asked for.
    ServerName,
    /// `r` for a session that goes on, else `.`.
    SessionReused,
    /// `SUCCESS`, or `NONE` for a client without a certificate.
    ClientVerify,
    ClientSubject,
    ClientIssuer,
    ClientSerial,
    /// SHA-1, for recognising and not for trusting.
    ClientFingerprint,
    /// A fixed text, over TLS only. It has no name.
    Text(String),
}

pub(super) const NAMED: [(&str, OverTls); 10] = [
    ("https", OverTls::Https),
    ("ssl_protocol", OverTls::Protocol),
    ("ssl_cipher", OverTls::Cipher),
    ("ssl_server_name", OverTls::ServerName),
    ("ssl_session_reused", OverTls::SessionReused),
    ("ssl_client_verify", OverTls::ClientVerify),
    ("ssl_client_s_dn", OverTls::ClientSubject),
    ("ssl_client_i_dn", OverTls::ClientIssuer),
    ("ssl_client_serial", OverTls::ClientSerial),
    ("ssl_client_fingerprint", OverTls::ClientFingerprint),
];
