//! Certificates that others' must lead to, and those that were revoked: checked here, built again by
//! whoever verifies with them.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::model::tls::{ClientAuth, Crl, Demand};
use super::{certificate, files};

/// What of PEM text can be used; one that a machine has put together may hold others.
pub(crate) fn usable(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()).flatten() {
        // One that is not taken signs nobody.
        let _taken = roots.add(certificate);
    }
    roots
}

/// What PEM text holds; the error is one line.
pub(crate) fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for (at, certificate) in (1..).zip(CertificateDer::pem_slice_iter(pem.as_bytes())) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|reason| format!("certificate {at}: {}", reason.to_lowercase()))?;
    }
    if roots.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(roots) }
}

/// Who verifies clients as that says; the error is one line. A list of revoked certificates must be
/// there for each authority that a client's certificate leads to, and be in time, as for OpenSSL.
pub(crate) fn verifier(
    client: &ClientAuth,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots(&client.roots)?), provider);
    let verifier = match &client.crl {
        None => verifier,
        Some(crl) => verifier.with_crls(revoked(&crl.lists)?).enforce_revocation_expiration(),
    };
    let verifier = match client.demand {
        Demand::Required => verifier,
        Demand::Optional => verifier.allow_unauthenticated(),
    };
    verifier.build().map_err(|error| error.to_string().to_lowercase())
}

fn revoked(pem: &str) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let lists: Result<Vec<_>, _> =
        CertificateRevocationListDer::pem_slice_iter(pem.as_bytes()).collect();
    match lists {
        Ok(none) if none.is_empty() => Err("it holds no list of revoked certificates".to_owned()),
        Ok(lists) => Ok(lists),
        Err(error) => Err(error.to_string().to_lowercase()),
    }
}

/// Until when all of these lists are good, in seconds since the Unix epoch: from then on clients are
/// refused. `None` where none says so.
pub(crate) fn good_until(crl: &Crl) -> Option<i64> {
    let lists = revoked(&crl.lists).unwrap_or_default();
    lists.iter().filter_map(|list| certificate::list_good_until(list)).min()
}

/// The same with what the file of revoked certificates says now, if that is any good.
pub(crate) fn read_again(client: &ClientAuth) -> Result<ClientAuth, String> {
    let Some(crl) = &client.crl else { return Ok(client.clone()) };
    let name = crl.file.display();
    let lists =
        files::page_text(&crl.file).map_err(|reason| format!("read {name}: {reason}"))?.into();
    let crl = Some(Crl { file: crl.file.clone(), lists });
    let renewed = ClientAuth { crl, ..client.clone() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    verifier(&renewed, provider).map_err(|reason| format!("{name}: {reason}"))?;
    Ok(renewed)
}
