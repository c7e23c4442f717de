//! A backend that speaks HTTP/2 alone, by the crate that speaks it: echoes what it is sent as it
//! comes, with trailers, as a gRPC server of streams does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::tls::papers::Papers;

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    requests: AtomicU64,
    resets: AtomicU64,
}

/// What is unlike an echo about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Requests at a time on a connection; 0: as many as there may be.
    pub(super) streams_max: u32,
    /// Each connection ends, in order, after so many requests; 0: never.
    pub(super) leaves_after: u64,
    /// The first requests are refused.
    pub(super) refuses: u64,
}

impl Backend {
    pub(crate) fn start(manner: Manner) -> Self {
        Self::begin(manner, None)
    }

    /// The same over TLS, with this certificate.
    pub(super) fn secure(papers: &Papers) -> Self {
        let certificate = CertificateDer::from_pem_slice(papers.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(papers.key.as_bytes());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.expect("PEM")], key.expect("PEM"))
            .expect("the key is the certificate's");
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self::begin(Manner::default(), Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn begin(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Seen::default());
        let backend = Self { address, seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    seen.connections.fetch_add(1, Ordering::Relaxed);
                    let (seen, tls) = (Arc::clone(&seen), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => serve(stream, seen, manner).await,
                            Some(tls) => {
                                let Ok(stream) = tls.accept(stream).await else { return };
                                serve(stream, seen, manner).await;
                            }
                        }
                    });
                }
            });
        });
        backend
    }

    pub(super) fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(super) fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// Requests that were taken back.
    pub(super) fn resets(&self) -> u64 {
        self.seen.resets.load(Ordering::Relaxed)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, seen: Arc<Seen>, manner: Manner) {
    let mut builder = h2::server::Builder::new();
    if manner.streams_max > 0 {
        builder.max_concurrent_streams(manner.streams_max);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let mut served = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        served += 1;
        let number = seen.requests.fetch_add(1, Ordering::Relaxed);
        if number < manner.refuses {
            respond.send_reset(Reason::REFUSED_STREAM);
            continue;
        }
        if served == manner.leaves_after {
            connection.graceful_shutdown();
        }
        tokio::spawn(answer(request, respond, Arc::clone(&seen)));
    }
}

/// Tells in `x-asked` what it was asked.
async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, seen: Arc<Seen>) {
    let (parts, mut body) = request.into_parts();
    let of = |name: &str| {
        parts.headers.get(name).map_or("-", |value| value.to_str().unwrap_or("?")).to_owned()
    };
    let asked =
        format!("{} {} te={} for={}", parts.method, parts.uri, of("te"), of("x-forwarded-for"));
    let status = if parts.uri.path() == "/forbidden" { 403 } else { 200 };
    let answer = Response::builder().status(status).header("x-asked", asked);
    let answer = match parts.uri.path() {
        "/trailers-only" => answer.header("grpc-status", "5").header("grpc-message", "not found"),
        "/wait" | "/half" => answer,
        _ => answer.header("content-type", "application/grpc"),
    };
    let answer = answer.body(()).expect("a response");
    let is_whole = parts.uri.path() == "/trailers-only";
    if parts.uri.path() == "/wait" {
        let _why = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
        seen.resets.fetch_add(1, Ordering::Relaxed);
        return;
    }
    if parts.uri.path() == "/reset" {
        return respond.send_reset(Reason::INTERNAL_ERROR);
    }
    let Ok(mut stream) = respond.send_response(answer, is_whole) else { return };
    if is_whole {
        return;
    }
    if parts.uri.path() == "/half" {
        let _sent = stream.send_data(Bytes::from_static(b"half"), false);
        tokio::task::yield_now().await;
        return stream.send_reset(Reason::INTERNAL_ERROR);
    }
    let mut count = 0;
    while let Some(Ok(data)) = body.data().await {
        count += data.len();
        let mut rest = data;
        while !rest.is_empty() {
            stream.reserve_capacity(rest.len());
            let Some(Ok(room)) = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await else {
                seen.resets.fetch_add(1, Ordering::Relaxed);
                return;
            };
            let piece = rest.split_to(room.min(rest.len()));
            let length = piece.len();
            if stream.send_data(piece, false).is_err() {
                return;
            }
            let _gone = body.flow_control().release_capacity(length);
        }
    }
    let sent = body.trailers().await.ok().flatten();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a value"));
    trailers.insert("x-bytes", count.to_string().parse().expect("a value"));
    if let Some(value) = sent.and_then(|sent| sent.get("x-sum").cloned()) {
        trailers.insert("x-sum-back", value);
    }
    let _gone = stream.send_trailers(trailers);
}
