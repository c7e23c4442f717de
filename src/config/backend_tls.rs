//! `tls = true`, or `tls = { ... }`, of an upstream: its backends are spoken to over TLS.
//!
//! A backend's certificate is verified unless the file says `verify = false`: by the authorities of
//! `ca`, else by those the machine trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use toml::de::DeValue;

use super::identity;
use super::model::health::{Check, CheckKind, CheckTls};
use super::model::tls::{Trust, UpstreamTls, Version};
use super::model::{Backend, Discovery, Location};
use super::report::{Report, Span};
use super::section::Section;
use super::server_tls::{min_version, roots};

/// Where systems keep the certificates they trust.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

pub(super) fn read(section: &mut Section<'_>, backends: &[Backend]) -> Option<UpstreamTls> {
    let value = section.value("tls")?;
    let span = value.span();
    let report = section.report;
    let mut tls = match value.get_ref() {
        DeValue::Boolean(false) => return None,
        DeValue::Boolean(true) => UpstreamTls {
            trust: machines(report, &span)?,
            server_name: None,
            identity: None,
            min_version: Version::default(),
        },
        DeValue::Table(_) => options(section.section("tls")?, &span)?,
        _ => return section.unexpected(value, "true, or a table such as { ca = \"ca.pem\" }"),
    };
    if tls.server_name.is_none() {
        tls.server_name = name_of_all(report, &span, &tls, backends);
    }
    Some(tls)
}

fn options(mut section: Section<'_>, span: &Span) -> Option<UpstreamTls> {
    let report = section.report;
    let server_name = section.text("server_name");
    if let Some(name) = &server_name
        && ServerName::try_from(name.value.as_str()).is_err()
    {
        let message = format!("`{}` is no server's name", name.value.escape_debug());
        report.error(&name.span, message, "a DNS name or an address, without a port");
    }
    let verify = section.flag("verify").unwrap_or(true);
    let ca = section.key_span("ca");
    let roots = roots(&mut section, "ca");
    let trust = match (verify, &ca) {
        (false, Some(at)) => {
            report.error(at, "`ca` beside `verify = false`", "remove one of them");
            None
        }
        (false, None) => Some(Trust::Anyone),
        (true, Some(_)) => roots.map(Trust::Roots),
        (true, None) => machines(report, span),
    };
    let is_known = ["certificate", "key"].iter().any(|key| section.key_span(key).is_some());
    let identity = if is_known { identity::read(&mut section) } else { None };
    let min_version = min_version(&mut section);
    section.finish(&[
        ("sni", "server_name"),
        ("name", "server_name"),
        ("ca_file", "ca"),
        ("insecure", "verify"),
        ("cert", "certificate"),
    ]);
    Some(UpstreamTls {
        trust: trust?,
        server_name: server_name.map(|name| name.value),
        identity,
        min_version,
    })
}

/// What the machine trusts. A text that is only looked at knows no machine.
fn machines(report: &Report<'_>, span: &Span) -> Option<Trust> {
    let read = |path: &&str| (report.surroundings.page)(Path::new(path)).ok();
    let Some(pem) = BUNDLES.iter().find_map(read) else {
        let hint = "say whose certificates are good: tls = { ca = \"ca.pem\" }";
        report.error(span, "this machine trusts no authority", hint);
        return None;
    };
    // What others have put there may hold one that rustls does not take; the rest is good.
    Some(Trust::Roots(Arc::from(pem)))
}

/// The name by which all backends were found. Where there are several, no certificate is for all.
fn name_of_all(
    report: &Report<'_>,
    span: &Span,
    tls: &UpstreamTls,
    backends: &[Backend],
) -> Option<String> {
    let mut names: Vec<Option<&String>> = backends
        .iter()
        .map(|backend| match &backend.address {
            Location::Discovered(Discovery::Host { name, .. }) => Some(name),
            Location::Discovered(Discovery::Service { .. } | Discovery::File { .. })
            | Location::Fixed(_) => None,
        })
        .collect();
    names.sort();
    names.dedup();
    match names.as_slice() {
        [one] => one.cloned(),
        [_, ..] if tls.trust != Trust::Anyone => {
            let hint =
                "say what their certificates are for: tls = { server_name = \"app.internal\" }";
            report.error(span, "its backends have several names", hint);
            None
        }
        [] | [_, ..] => None,
    }
}

/// A check speaks as requests do, unless it says how.
pub(super) fn lend(tls: &UpstreamTls, check: &mut Check) {
    let CheckKind::Http { tls: without @ None, .. } = &mut check.kind else { return };
    *without = Some(CheckTls {
        server_name: tls.server_name.clone(),
        roots: match &tls.trust {
            Trust::Roots(roots) => Some(Arc::clone(roots)),
            Trust::Anyone => None,
        },
        identity: tls.identity.clone(),
    });
}

/// Certificates and keys of an upstream.
pub(super) fn bytes(tls: &UpstreamTls) -> usize {
    let roots = match &tls.trust {
        Trust::Roots(roots) => roots.len(),
        Trust::Anyone => 0,
    };
    let own = tls.identity.as_ref().map_or(0, |own| own.chain.len() + own.secret.pem().len());
    roots + own
}
