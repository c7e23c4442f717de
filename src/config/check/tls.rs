//! `tls = true`, or `tls = { server_name, verify, ca }`: a handshake before the request, or instead
//! of one.
//!
//! A check asks whether a backend serves, so without `ca` any certificate is good, as for nginx.

use toml::de::DeValue;

use rustls::pki_types::ServerName;

use crate::config::model::health::CheckTls;
use crate::config::report::Located;
use crate::config::section::Section;
use crate::config::trust;

/// A handshake with nothing said about it.
pub(super) fn plain() -> CheckTls {
    CheckTls { server_name: None, roots: None, identity: None }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<CheckTls> {
    let value = section.value("tls")?;
    match value.get_ref() {
        DeValue::Boolean(is_on) => is_on.then(plain),
        DeValue::Table(_) => section.section("tls").map(options),
        _ => section.unexpected(value, "true, or a table such as { server_name = \"a.b\" }"),
    }
}

fn options(mut section: Section<'_>) -> CheckTls {
    let server_name = section.text("server_name");
    if let Some(name) = &server_name {
        name_fits(&section, name);
    }
    let verify = section.flag("verify");
    let roots = section.page("ca").filter(|pem| roots_fit(&section, pem));
    match (verify, section.key_span("verify"), section.key_span("ca")) {
        (Some(true), Some(span), None) => {
            let hint = "whose certificates are good: ca = \"/etc/ssl/certs/ca-certificates.crt\"";
            section.report.error(&span, "`verify` without `ca`", hint);
        }
        (Some(false), _, Some(span)) => {
            let hint = "remove one of them";
            section.report.error(&span, "`ca` beside `verify = false`", hint);
        }
        _ => {}
    }
    section.finish(&[("sni", "server_name"), ("name", "server_name"), ("ca_file", "ca")]);
    CheckTls {
        server_name: server_name.map(|name| name.value),
        roots: roots.map(Into::into),
        identity: None,
    }
}

fn name_fits(section: &Section<'_>, name: &Located<String>) {
    if ServerName::try_from(name.value.as_str()).is_err() {
        let message = format!("`{}` is no server's name", name.value.escape_debug());
        let hint = "a DNS name or an address, without a port";
        section.report.error(&name.span, message, hint);
    }
}

fn roots_fit(section: &Section<'_>, pem: &str) -> bool {
    let roots = trust::roots(pem);
    if let (Err(reason), Some(span)) = (&roots, section.key_span("ca")) {
        let hint = "certificates as PEM: -----BEGIN CERTIFICATE-----";
        section.report.error(&span, format!("`ca` can not be used: {reason}"), hint);
    }
    roots.is_ok()
}
