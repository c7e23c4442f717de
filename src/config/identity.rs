//! `certificate` and `key`: read where the file is, and judged, so that whoever serves by them finds
//! nothing wrong.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::model::tls::{Identity, Secret, Staple};
use super::report::{Located, Report, Span};
use super::section::{Page, Section};
use super::{certificate, files, limits};

/// What is wrong with the two, and which of them it is.
#[derive(Debug, PartialEq, Eq)]
enum Flaw {
    Certificate(String),
    Key(String),
    /// Each is good by itself.
    Strangers,
}

/// What the two keys of a table say; `None` where one is missing or no good, which is reported.
pub(super) fn read(section: &mut Section<'_>) -> Option<Identity> {
    let (chain, secret) = (section.page_at("certificate"), section.page_at("key"));
    require_both(section);
    of_pages(section.report, chain?, secret?)
}

/// The same of one that may have several, of as many keys, each with what its authority says of it.
pub(super) fn read_all(section: &mut Section<'_>) -> Option<Vec<Identity>> {
    let (chains, secrets) = (section.pages_at("certificate"), section.pages_at("key"));
    let staples = section.texts("staple");
    require_both(section);
    let report = section.report;
    if chains.is_empty() || secrets.is_empty() {
        for (key, count) in [("certificate", chains.len()), ("key", secrets.len())] {
            if let (Some(span), 0) = (section.key_span(key), count) {
                report.error(&span, format!("`{key}` is empty"), "a file, or a list of files");
            }
        }
        return None;
    }
    let counts = [("key", secrets.len()), ("staple", staples.len())];
    for (key, count) in counts.into_iter().filter(|(key, count)| *key == "key" || *count > 0) {
        if let Some(span) = section.key_span(key).filter(|_| count != chains.len()) {
            let message = format!("{count} of `{key}`, and {} of `certificate`", chains.len());
            report.error(&span, message, "one for each certificate, in the same order");
            return None;
        }
    }
    if chains.len() > limits::CERTIFICATES_PER_SERVER_MAX {
        let span = section.key_span("certificate").unwrap_or_default();
        let most = limits::CERTIFICATES_PER_SERVER_MAX;
        report.error(&span, format!("more than {most} certificates"), "one for each kind of key");
        return None;
    }
    // All are read, so that all that is wrong is said.
    let pages = chains.into_iter().zip(secrets);
    let read: Vec<_> = pages.map(|(chain, secret)| of_pages(report, chain?, secret?)).collect();
    let mut identities = read.into_iter().collect::<Option<Vec<Identity>>>()?;
    for (identity, text) in identities.iter_mut().zip(staples) {
        identity.staple = Some(staple(report, text)?);
    }
    Some(identities)
}

fn require_both(section: &Section<'_>) {
    for (key, hint) in [
        ("certificate", "such as `certificate = \"site.pem\"`"),
        ("key", "such as `key = \"site.key\"`"),
    ] {
        if section.key_span(key).is_none() {
            section.missing(key, hint);
        }
    }
}

fn of_pages(report: &Report<'_>, chain: Page, secret: Page) -> Option<Identity> {
    // A check of a text alone reads no file.
    let is_read = report.surroundings.base.is_some();
    (!is_read || is_good(report, &chain, &secret)).then(|| Identity {
        certificate: chain.path,
        key: secret.path,
        chain: chain.text.into(),
        secret: Secret::new(secret.text),
        staple: None,
    })
}

fn staple(report: &Report<'_>, text: Located<String>) -> Option<Staple> {
    let file = report.absolute(text.value.into());
    match (report.surroundings.staple)(&file) {
        Ok(response) => Some(Staple { file, response }),
        Err(reason) => {
            let hint = "the authority's response, as `openssl ocsp -respout` writes it";
            report.error(&text.span, reason, hint);
            None
        }
    }
}

fn is_good(report: &Report<'_>, chain: &Page, secret: &Page) -> bool {
    match certified_by(&chain.text, &secret.text) {
        Ok(_) => is_in_time(report, &chain.text, &chain.span),
        Err(Flaw::Certificate(reason)) => {
            let hint = "certificates as PEM, the server's own first: -----BEGIN CERTIFICATE-----";
            report.error(&chain.span, format!("`certificate` can not be used: {reason}"), hint);
            false
        }
        Err(Flaw::Key(reason)) => {
            let hint = "a private key as PEM: -----BEGIN PRIVATE KEY-----";
            report.error(&secret.span, format!("`key` can not be used: {reason}"), hint);
            false
        }
        Err(Flaw::Strangers) => {
            let message = "`key` does not belong to `certificate`";
            report.error(
                &secret.span,
                message,
                format!("the certificate is {}", chain.path.display()),
            );
            false
        }
    }
}

/// Dates are judged where the file is being checked; what runs goes on and says so.
fn is_in_time(report: &Report<'_>, chain: &str, span: &Span) -> bool {
    let Some(now_s) = report.surroundings.now_s else { return true };
    let Some(own) = own(chain) else { return true };
    let (from, to) = (certificate::day(own.not_before_s), certificate::day(own.not_after_s));
    let message = if own.not_after_s < now_s {
        format!("`certificate` has expired: it was good until {to}")
    } else if own.not_before_s > now_s {
        format!("`certificate` is not good yet: only from {from} on")
    } else {
        return true;
    };
    report.error(span, message, format!("it is for {}", own.subject));
    false
}

/// What the first certificate of a chain says of itself.
pub(crate) fn own(chain: &str) -> Option<certificate::Certificate> {
    let first = CertificateDer::pem_slice_iter(chain.as_bytes()).next()?.ok()?;
    certificate::read(&first)
}

/// The same with what its files say now, if that is any good. Who serves has good dates or none.
pub(crate) fn read_again(identity: &Identity) -> Result<Identity, String> {
    let read = |path: &Path| {
        files::page_text(path).map_err(|reason| format!("read {}: {reason}", path.display()))
    };
    let renewed = Identity {
        chain: read(&identity.certificate)?.into(),
        secret: Secret::new(read(&identity.key)?),
        staple: match &identity.staple {
            None => None,
            Some(Staple { file, .. }) => {
                Some(Staple { file: file.clone(), response: files::staple(file)? })
            }
        },
        ..identity.clone()
    };
    certified(&renewed).map(|_| renewed)
}

/// Ready to serve by; the error says what is wrong with the files.
pub(crate) fn certified(identity: &Identity) -> Result<Arc<CertifiedKey>, String> {
    let Identity { certificate, key, chain, secret, staple } = identity;
    let certified = certified_by(chain, secret.pem()).map(|mut certified| {
        certified.ocsp = staple.as_ref().map(|staple| staple.response.clone());
        Arc::new(certified)
    });
    certified.map_err(|flaw| match flaw {
        Flaw::Certificate(reason) => format!("{}: {reason}", certificate.display()),
        Flaw::Key(reason) => format!("{}: {reason}", key.display()),
        Flaw::Strangers => {
            format!("{} does not belong to {}", key.display(), certificate.display())
        }
    })
}

fn certified_by(chain: &str, secret: &str) -> Result<CertifiedKey, Flaw> {
    let chain = certificates(chain).map_err(Flaw::Certificate)?;
    if certificate::read(&chain[0]).is_none() {
        return Err(Flaw::Certificate("the first certificate can not be read".to_owned()));
    }
    let key = CertifiedKey::new(chain, signing_key(secret).map_err(Flaw::Key)?);
    match key.keys_match() {
        Ok(()) => Ok(key),
        Err(rustls::Error::InconsistentKeys(_)) => Err(Flaw::Strangers),
        Err(error) => Err(Flaw::Certificate(error.to_string())),
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(none) if none.is_empty() => Err("it holds no certificate".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(error.to_string().to_lowercase()),
    }
}

/// The error never holds what the text does.
fn signing_key(pem: &str) -> Result<Arc<dyn rustls::sign::SigningKey>, String> {
    if pem.contains("ENCRYPTED") {
        return Err("it is encrypted, and nobody is there to say its passphrase".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "it holds no private key".to_owned())?;
    let provider = crypto::ring::default_provider().key_provider;
    provider.load_private_key(key).map_err(|_| "no key of a kind that is known".to_owned())
}
