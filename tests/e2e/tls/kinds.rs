//! A server with several certificates, what their authority says of them, and clients whose own were
//! revoked.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use super::papers::{Authority, Papers};
use super::{Curl, server};
use crate::client;
use crate::engine::Engine;
use crate::wait;

/// A response of OCSP that says nothing, and another one.
const STAPLES: [&[u8]; 2] = [&[0x30, 3, 0x0a, 1, 0], &[0x30, 5, 0x0a, 1, 0, 0xa0, 0]];

/// What a client was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    certificate: Vec<u8>,
    staple: Vec<u8>,
}

/// One that can verify certificates of one kind of key, and believes each of them.
#[derive(Debug)]
struct Client {
    scheme: SignatureScheme,
    shown: Arc<Mutex<Shown>>,
}

impl ServerCertVerifier for Client {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        staple: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.shown.lock().expect("no panic") =
            Shown { certificate: certificate.to_vec(), staple: staple.to_vec() };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_tls12_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![self.scheme]
    }
}

/// What is shown to a client that can verify keys of that kind alone.
fn shown(engine: &Engine, scheme: SignatureScheme) -> Shown {
    let client = Client { scheme, shown: Arc::default() };
    let shown = Arc::clone(&client.shown);
    let mut stream = client.dial(engine.address());
    stream.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n").expect("a handshake");
    shown.lock().expect("no panic").clone()
}

/// A connection of a client that believes whomever it meets.
pub(super) fn dial(address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
    Client { scheme, shown: Arc::default() }.dial(address)
}

impl Client {
    fn dial(self, address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self))
            .with_no_client_auth();
        let name = ServerName::try_from("site.test").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let stream = client::connect(address).expect("the listener accepts");
        StreamOwned::new(session, stream)
    }
}

fn der(papers: &Papers) -> Vec<u8> {
    CertificateDer::from_pem_slice(papers.certificate.as_bytes()).expect("PEM").to_vec()
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let whole = folder.join(format!("{name}.new"));
    fs::write(&whole, text).expect("the folder is ours");
    fs::rename(&whole, folder.join(name)).expect("the same folder");
}

#[test]
fn a_client_is_shown_the_first_certificate_that_it_can_verify() {
    let authority = Authority::new("authority");
    let usual = authority.server(&["site.test"]);
    let other = authority.server_of_kind(&["site.test"], &rcgen::PKCS_ED25519);
    let config = server("site", "", ", staple = [\"a.ocsp\", \"b.ocsp\"]", "ok")
        .replace("\"site.pem\"", "[\"site.pem\", \"ed.pem\"]")
        .replace("\"site.key\"", "[\"site.key\", \"ed.key\"]");
    let engine = Engine::start_in(&config, |folder| {
        usual.write(folder, "site");
        other.write(folder, "ed");
        write(folder, "a.ocsp", STAPLES[0]);
        write(folder, "b.ocsp", STAPLES[1]);
    });
    let shown = |scheme| shown(&engine, scheme);
    let [first, second] = STAPLES.map(<[u8]>::to_vec);
    let expected = Shown { certificate: der(&usual), staple: first };
    assert_eq!(shown(SignatureScheme::ECDSA_NISTP256_SHA256), expected);
    let expected = Shown { certificate: der(&other), staple: second.clone() };
    assert_eq!(shown(SignatureScheme::ED25519), expected);
    assert_eq!(engine.status()["certificates"].as_array().map(Vec::len), Some(2));
    // What the authority says later is taken without a reload.
    write(engine.folder.path(), "a.ocsp", STAPLES[1]);
    wait::until("the other response is shown", || {
        (shown(SignatureScheme::ECDSA_NISTP256_SHA256).staple == second).then_some(())
    });
}

#[test]
fn a_revoked_client_is_refused_without_a_reload() {
    let authority = Authority::new("authority");
    let (alice, bob) = (authority.client("alice"), authority.client("bob"));
    let more = ", client_ca = \"ca.pem\", client_crl = \"revoked.pem\"";
    let engine = Engine::start_in(&server("site", "", more, "ok"), |folder| {
        super::furnish(folder, &authority);
        alice.write(folder, "alice");
        bob.write(folder, "bob");
        write(folder, "revoked.pem", authority.revoked(&[&bob], 2100));
    });
    let Some(curl) = Curl::of(&engine) else { return };
    let comes_in = |name: &str| {
        let [certificate, key] = ["pem", "key"].map(|end| format!("{name}.{end}"));
        let shown = ["--cert", &certificate, "--key", &key];
        curl.run("site.test", "/", &shown).status.success()
    };
    assert_eq!([comes_in("alice"), comes_in("bob")], [true, false]);
    let folder = engine.folder.path();
    write(folder, "revoked.pem", authority.revoked(&[&alice], 2100));
    wait::until("the other list counts", || (!comes_in("alice") && comes_in("bob")).then_some(()));
    // One that is no list changes nothing.
    write(folder, "revoked.pem", "nonsense");
    wait::until("it is told of", || engine.log().contains("revoked.pem").then_some(()));
    assert!(comes_in("bob"));
    // One that is out of time says nothing of anybody, so nobody comes in.
    write(folder, "revoked.pem", authority.revoked(&[], 2011));
    wait::until("the old list counts", || (!comes_in("bob")).then_some(()));
    wait::until("it is said", || {
        let told = engine.status()["certificates"][0].clone();
        let trouble = told["trouble"].as_str()?;
        let is_said = trouble.contains("revoked.pem has expired, it was good until 2011-01-01");
        (is_said && told["refuses_clients"] == true).then_some(())
    });
    assert!(engine.ctl_ok(&["status"]).contains("! certificate of"));
    let output = engine.ctl(&["check"]);
    let said = super::text(&output.stderr);
    assert!(said.contains("`client_crl` has expired: it was good until 2011-01-01"), "{said}");
    std::fs::remove_file(folder.join("revoked.pem")).expect("it is there");
    wait::until("that it is gone is said, too", || {
        let told = engine.status()["certificates"][0]["trouble"].to_string();
        told.contains("no such file").then_some(())
    });
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let authority = Authority::new("authority");
    let engine = Engine::start_in(&server("site", "", "", "ok"), |folder| {
        super::furnish(folder, &authority);
        write(folder, "nonsense", "nonsense");
    });
    let two = server("site", "", "", "ok").replace("\"site.pem\"", "[\"site.pem\", \"site.pem\"]");
    let with = |more: &str| server("site", "", more, "ok");
    for (text, message) in [
        (two, "1 of `key`, and 2 of `certificate`"),
        (with(", staple = [\"nonsense\", \"nonsense\"]"), "2 of `staple`, and 1 of `certificate`"),
        (with(", staple = \"nonsense\""), "nonsense is no successful response of OCSP"),
        (with(", staple = \"absent\""), "absent: no such file"),
        (with(", client_crl = \"ca.pem\""), "`client_crl` without `client_ca`"),
        (
            with(", client_ca = \"ca.pem\", client_crl = \"nonsense\""),
            "`client_crl` can not be used: it holds no list of revoked certificates",
        ),
    ] {
        engine.rewrite_config(&text);
        let output = engine.ctl(&["check"]);
        let said = super::text(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(message), "{message}: {said}");
        assert!(said.contains("pilothouse.toml:4:"), "{said}");
    }
}
