//! The `ssl_` and `proxy_ssl_` directives.

use super::lines::Lines;
use super::scope::{Remarks, Scope};
use crate::import::Place;
use crate::import::page;

/// Protocols that are too old to be spoken.
const OLD: [&str; 4] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"];

/// A server's certificate, and what it asks of clients.
pub(super) fn of_server(
    scope: &Scope<'_>,
    prefix: &str,
    place: &Place,
    lines: &mut Lines,
    remarks: &mut Remarks,
) {
    let file = |name: &str| scope.word(name).map(|(path, _)| absolute(path, prefix));
    let files = |name: &str| -> Vec<String> {
        let paths = scope.all(name).into_iter().filter_map(|rule| rule.argument(0));
        paths.map(|path| absolute(path, prefix)).collect()
    };
    let (certificates, keys) = (files("ssl_certificate"), files("ssl_certificate_key"));
    if certificates.is_empty() || keys.is_empty() {
        remarks.mistake(place, "no `ssl_certificate` and `ssl_certificate_key` for this server");
        return;
    }
    let mut pairs = vec![("certificate", one_or_all(&certificates)), ("key", one_or_all(&keys))];
    if let Some((path, at)) = scope.word("ssl_stapling_file") {
        match certificates.as_slice() {
            [_] => pairs.push(("staple", page::string(&absolute(path, prefix)))),
            _ => remarks.warn(at, "of several certificates, it is not known which it is about"),
        }
    }
    pairs.extend(least_version(scope, "ssl_protocols", remarks));
    if let Some((word @ ("on" | "optional" | "optional_no_ca"), at)) =
        scope.word("ssl_verify_client")
    {
        match file("ssl_client_certificate") {
            Some(path) => pairs.push(("client_ca", page::string(&path))),
            None => remarks.mistake(at, "`ssl_verify_client` without `ssl_client_certificate`"),
        }
        if word == "optional_no_ca" {
            remarks.warn(at, "clients' certificates must lead to `ssl_client_certificate` here");
        }
        pairs.extend(file("ssl_crl").map(|path| ("client_crl", page::string(&path))));
        let verify = if word == "on" { "required" } else { "optional" };
        pairs.push(("client_verify", page::string(verify)));
    }
    let at = scope.word("ssl_certificate").map_or(place, |(_, place)| place);
    lines.add("tls", table(pairs), at);
}

fn one_or_all(files: &[String]) -> String {
    match files {
        [one] => page::string(one),
        several => page::strings(several),
    }
}

/// How an upstream is spoken to that is passed on to by `https`; `host` is what it is called there.
pub(super) fn of_upstream(
    (scope, family): (&Scope<'_>, &str),
    prefix: &str,
    host: &str,
    place: &Place,
    remarks: &mut Remarks,
) -> Lines {
    let name = |name: &str| format!("{family}_ssl_{name}");
    let file = |own: &str| scope.word(&name(own)).map(|(path, _)| absolute(path, prefix));
    let mut pairs = Vec::new();
    let is_verified = scope.is_on(&name("verify"));
    if is_verified {
        pairs.extend(file("trusted_certificate").map(|path| ("ca", page::string(&path))));
    } else {
        pairs.push(("verify", "false".to_owned()));
    }
    let server = scope.word(&name("name")).map_or(host, |(server, _)| server);
    let server = server.rsplit_once(':').map_or(server, |(server, _)| server);
    let is_name = server.contains('.') && server.parse::<std::net::IpAddr>().is_err();
    if !server.contains('$') && (is_name || is_verified) {
        pairs.push(("server_name", page::string(server)));
    }
    if let (Some(certificate), Some(key)) = (file("certificate"), file("certificate_key")) {
        pairs.push(("certificate", page::string(&certificate)));
        pairs.push(("key", page::string(&key)));
    }
    pairs.extend(least_version(scope, &name("protocols"), remarks));
    let mut lines = Lines::default();
    lines.add("tls", table(pairs), place);
    lines
}

fn least_version(
    scope: &Scope<'_>,
    name: &str,
    remarks: &mut Remarks,
) -> Option<(&'static str, String)> {
    let rule = scope.one(name)?;
    let has = |version: &str| rule.arguments.iter().any(|word| word == version);
    if OLD.iter().any(|version| has(version)) {
        remarks.warn(&rule.place, "TLS 1.2 is the oldest that is spoken here");
    }
    (has("TLSv1.3") && !has("TLSv1.2")).then(|| ("min_version", page::string("1.3")))
}

fn table(pairs: Vec<(&'static str, String)>) -> String {
    let pairs: Vec<(String, String)> =
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    page::inline(&pairs)
}

fn absolute(path: &str, prefix: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{prefix}/{path}") }
}
