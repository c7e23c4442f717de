//! `tls = { ... }` of a server or a TCP route: what it is known by, who its clients must be, and what goes along.
//!
//! Who a client is travels to backends in lines that no client may send itself; they are rules of
//! headers like any others, as `hsts` is.

use std::sync::Arc;

use toml::de::DeValue;

use super::model::route::{Change, HeaderRule, Shape};
use super::model::tls::{ClientAuth, Crl, Demand, ServerTls, Version};
use super::report::{Located, Report, Span};
use super::section::{Page, Section, text_of, unknown_word};
use super::template::{OverTls, Part, Template, Variable};
use super::{certificate, duration, identity, limits, trust};

/// What backends are told of a client, and by which names.
const FORWARDED: [(&str, Option<OverTls>); 6] = [
    ("X-SSL-Client-Verify", Some(OverTls::ClientVerify)),
    ("X-SSL-Client-S-DN", Some(OverTls::ClientSubject)),
    ("X-SSL-Client-I-DN", Some(OverTls::ClientIssuer)),
    ("X-SSL-Client-Serial", Some(OverTls::ClientSerial)),
    ("X-SSL-Client-Fingerprint", Some(OverTls::ClientFingerprint)),
    // Not told, but believed by some.
    ("X-SSL-Client-Cert", None),
];

const HSTS: &str = "Strict-Transport-Security";

pub(super) fn read(mut section: Section<'_>, shape: &mut Shape) -> Option<ServerTls> {
    let tls = of_connections(&mut section);
    if let Some(value) = hsts(&mut section) {
        let template =
            Template { parts: vec![Part::Variable(Variable::Tls(OverTls::Text(value)))] };
        let rule = HeaderRule { name: HSTS.to_owned(), change: Change::Set(template) };
        shape.response_headers.push(rule);
    }
    if tls.as_ref().is_some_and(|tls| tls.client.is_some()) {
        shape
            .request_headers
            .extend(FORWARDED.iter().map(|(name, fact)| forwarded(name, fact.as_ref())));
    }
    section.finish(&OTHERS);
    tls
}

/// The same of a TCP route, which knows of no messages.
pub(super) fn of_stream(mut section: Section<'_>) -> Option<ServerTls> {
    let tls = of_connections(&mut section);
    section.finish(&OTHERS);
    tls
}

/// What others call our keys.
const OTHERS: [(&str, &str); 11] = [
    ("ssl_certificate", "certificate"),
    ("cert", "certificate"),
    ("ssl_certificate_key", "key"),
    ("certificate_key", "key"),
    ("ssl_client_certificate", "client_ca"),
    ("ca", "client_ca"),
    ("ssl_verify_client", "client_verify"),
    ("ssl_crl", "client_crl"),
    ("crl", "client_crl"),
    ("ssl_stapling_file", "staple"),
    ("ssl_protocols", "min_version"),
];

/// Whatever is said on them.
fn of_connections(section: &mut Section<'_>) -> Option<ServerTls> {
    let identities = identity::read_all(section);
    let min_version = min_version(section);
    let client = client(section);
    let handshake_timeout_ms =
        section.positive_duration("handshake_timeout").unwrap_or(limits::HANDSHAKE_TIMEOUT_MS);
    let mut identities = identities?.into_iter();
    Some(ServerTls {
        identity: identities.next()?,
        others: identities.collect(),
        min_version,
        client,
        handshake_timeout_ms,
    })
}

/// Servers that ask for no certificates pass on nobody's claim to one either, once any server asks.
pub(super) fn hide_identity(shape: &mut Shape) {
    shape.request_headers.extend(FORWARDED.iter().map(|(name, _)| forwarded(name, None)));
}

fn forwarded(name: &str, fact: Option<&OverTls>) -> HeaderRule {
    let change = match fact {
        None => Change::Hide,
        Some(fact) => {
            let part = Part::Variable(Variable::Tls(fact.clone()));
            Change::Set(Template { parts: vec![part] })
        }
    };
    HeaderRule { name: name.to_owned(), change }
}

pub(super) fn min_version(section: &mut Section<'_>) -> Version {
    let Some(word) = section.text("min_version") else { return Version::default() };
    match word.value.as_str() {
        "1.2" => Version::Tls12,
        "1.3" => Version::Tls13,
        _ => {
            unknown_word(section.report, "version of TLS", &word, &["1.2", "1.3"]);
            Version::default()
        }
    }
}

fn client(section: &mut Section<'_>) -> Option<ClientAuth> {
    let verify = section.text("client_verify");
    let demand = match verify.as_ref().map(|word| word.value.as_str()) {
        None | Some("required") => Demand::Required,
        Some("optional") => Demand::Optional,
        Some(_) => {
            let word = verify.as_ref()?;
            unknown_word(section.report, "demand", word, &["required", "optional"]);
            Demand::Required
        }
    };
    if let (Some(word), None) = (&verify, section.key_span("client_ca")) {
        let hint = "whose certificates are good: client_ca = \"clients-ca.pem\"";
        section.report.error(&word.span, "`client_verify` without `client_ca`", hint);
    }
    let crl = section.page_at("client_crl");
    if let (Some(crl), None) = (&crl, section.key_span("client_ca")) {
        let hint = "whose certificates are good: client_ca = \"clients-ca.pem\"";
        section.report.error(&crl.span, "`client_crl` without `client_ca`", hint);
    }
    let mut client = ClientAuth { roots: roots(section, "client_ca")?, crl: None, demand };
    if let Some(Page { path, text, span }) = crl {
        client.crl = Some(Crl { file: path, lists: text.into() });
        // A check of a text alone reads no file.
        let is_read = section.report.surroundings.base.is_some();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        if let (true, Err(reason)) = (is_read, trust::verifier(&client, provider)) {
            let hint = "lists of revoked certificates as PEM: -----BEGIN X509 CRL-----";
            section.report.error(&span, format!("`client_crl` can not be used: {reason}"), hint);
        } else {
            judge_date(section.report, &client, &span);
        }
    }
    Some(client)
}

/// Dates are judged where the file is being checked; what runs goes on and says so.
fn judge_date(report: &Report<'_>, client: &ClientAuth, span: &Span) {
    let until_s = client.crl.as_ref().and_then(trust::good_until);
    if let (Some(now_s), Some(until_s)) = (report.surroundings.now_s, until_s)
        && until_s < now_s
    {
        let day = certificate::day(until_s);
        let message = format!("`client_crl` has expired: it was good until {day}");
        report.error(span, message, "every client would be refused");
    }
}

/// Certificates that others' must lead to.
pub(super) fn roots(section: &mut Section<'_>, key: &'static str) -> Option<Arc<str>> {
    let page = section.page_at(key)?;
    let is_read = section.report.surroundings.base.is_some();
    match trust::roots(&page.text) {
        Ok(_) => Some(page.text.into()),
        // A check of a text alone reads no file.
        Err(_) if !is_read => Some(page.text.into()),
        Err(reason) => {
            let hint = "certificates as PEM: -----BEGIN CERTIFICATE-----";
            section.report.error(&page.span, format!("`{key}` can not be used: {reason}"), hint);
            None
        }
    }
}

/// `hsts = "365d"`, or a table with more to say.
fn hsts(section: &mut Section<'_>) -> Option<String> {
    let value = section.value("hsts")?;
    let DeValue::Table(_) = value.get_ref() else {
        let text = text_of(section.report, value, "a duration such as \"365d\", or a table")?;
        return age(section, &text).map(|age_s| format!("max-age={age_s}"));
    };
    let mut table = section.section("hsts")?;
    let text = table.text("max_age");
    if table.key_span("max_age").is_none() {
        table.missing("max_age", "such as `max_age = \"365d\"`");
    }
    let mut words = format!("max-age={}", text.and_then(|text| age(&table, &text)).unwrap_or(0));
    if table.flag("include_subdomains").unwrap_or(false) {
        words.push_str("; includeSubDomains");
    }
    if table.flag("preload").unwrap_or(false) {
        words.push_str("; preload");
    }
    table.finish(&[("age", "max_age"), ("includeSubDomains", "include_subdomains")]);
    Some(words)
}

/// Seconds; years are usual here.
fn age(section: &Section<'_>, text: &Located<String>) -> Option<u64> {
    let age_ms = duration::parse(&text.value);
    if age_ms.is_none() {
        let message = format!("`{}` is not a duration", text.value.escape_debug());
        section.report.error(&text.span, message, "such as \"365d\"");
    }
    age_ms.map(|age_ms| age_ms / 1000)
}
