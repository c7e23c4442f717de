//! Certificates that others' must lead to: checked here, built again by whoever verifies with them.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

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
