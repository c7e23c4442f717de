//! A backend that speaks TLS with a certificate of its own making, inside the test process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::origin::ok;
use crate::wait::PATIENCE;

pub(crate) struct SecureOrigin {
    pub(crate) address: SocketAddr,
    /// Its certificate as PEM, which is its own authority.
    pub(crate) certificate: String,
    /// Closes connections without a handshake while set.
    pub(crate) is_broken: Arc<AtomicBool>,
    /// Answers 503 while set.
    pub(crate) is_busy: Arc<AtomicBool>,
    handshakes: Arc<AtomicU64>,
    seen: Arc<Mutex<Seen>>,
}

/// Of the last connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) server_name: Option<String>,
    pub(crate) head: String,
}

impl SecureOrigin {
    /// For these names and addresses.
    pub(crate) fn named(names: &[&str]) -> Self {
        Self::signed_by_itself(&params(names))
    }

    /// With the certificate that `openssl req -x509` makes: an authority's.
    pub(crate) fn authority(names: &[&str]) -> Self {
        let mut params = params(names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        Self::signed_by_itself(&params)
    }

    fn signed_by_itself(params: &CertificateParams) -> Self {
        let signing_key = KeyPair::generate().expect("keys can be made");
        let signed = params.self_signed(&signing_key).expect("it signs itself");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)
            .expect("the key is the certificate's");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let origin = Self {
            address: listener.local_addr().expect("bound"),
            certificate: signed.pem(),
            is_broken: Arc::default(),
            is_busy: Arc::default(),
            handshakes: Arc::default(),
            seen: Arc::default(),
        };
        let config = Arc::new(config);
        let (is_broken, is_busy) = (Arc::clone(&origin.is_broken), Arc::clone(&origin.is_busy));
        let (handshakes, seen) = (Arc::clone(&origin.handshakes), Arc::clone(&origin.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_broken.load(Ordering::Relaxed) {
                    continue;
                }
                let _a_peer_that_left = serve(stream, &config, &is_busy, (&handshakes, &seen));
            }
        });
        origin
    }

    pub(crate) fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::Relaxed)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().expect("no test panics while holding it").clone()
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names can be signed")
}

/// One connection: the handshake, and a request if one comes.
fn serve(
    mut stream: TcpStream,
    config: &Arc<ServerConfig>,
    is_busy: &AtomicBool,
    (handshakes, seen): (&AtomicU64, &Mutex<Seen>),
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut connection =
        ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let server_name = connection.server_name().map(str::to_owned);
    *seen.lock().expect("no test panics while holding it") =
        Seen { server_name, head: String::new() };
    handshakes.fetch_add(1, Ordering::Relaxed);
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    seen.lock().expect("no test panics while holding it").head =
        String::from_utf8_lossy(&head).into_owned();
    let busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    let answer = if is_busy.load(Ordering::Relaxed) { busy.to_vec() } else { ok("secure") };
    stream.write_all(&answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}
