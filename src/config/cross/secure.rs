//! Where TLS is spoken: every listener of it leads to servers that have a certificate, and what a
//! server demands of its clients can not be passed by.

use std::collections::HashMap;

use super::super::backend_tls;
use super::super::model::tls::Demand;
use super::super::model::{Address, Listen};
use super::super::report::{Report, Span};
use super::super::{limits, server, stream, upstream};
use super::line;

pub(super) fn check(report: &Report<'_>, servers: &[server::Draft], streams: &[stream::Draft]) {
    let mut seen: HashMap<&Address, (bool, &Span)> = HashMap::new();
    for draft in servers {
        for (listen, at) in draft.server.listen.iter().zip(&draft.listen) {
            let (is_secure, first) = *seen.entry(&listen.address).or_insert((listen.tls, at));
            if is_secure != listen.tls {
                let hint = format!("first on line {}", line(report, first));
                let message =
                    format!("{} speaks TLS in one server and not in another", listen.address);
                report.error(at, message, hint);
            }
        }
        let listens = (&draft.server.listen[..], &draft.listen[..]);
        fits(report, "server", draft.tls.as_ref(), listens);
        demand_fits(report, draft);
    }
    for draft in streams {
        let listens = (&draft.stream.listen[..], &draft.listen[..]);
        fits(report, "TCP route", draft.tls.as_ref(), listens);
        if let (Some(at), false) = (&draft.tls, draft.stream.sni.is_empty()) {
            let hint =
                "without `tls`, the route goes by what TLS clients begin with, and passes it on";
            report.error(at, "`tls` beside `sni`", hint);
        }
        for (listen, at) in draft.stream.listen.iter().zip(&draft.listen) {
            if listen.http2 && !listen.tls {
                let hint = "a TCP route passes on bytes as they are, HTTP/2 among them";
                report.error(at, "a TCP route has no `http2`", hint);
            }
        }
    }
}

/// Where TLS is spoken there is a certificate, and the other way round; `whose` it is.
fn fits(
    report: &Report<'_>,
    whose: &str,
    tls: Option<&Span>,
    (listen, spans): (&[Listen], &[Span]),
) {
    match (tls, listen.iter().zip(spans).find(|(listen, _)| listen.tls)) {
        (None, Some((listen, at))) => {
            let message =
                format!("{} speaks TLS, and this {whose} has no certificate", listen.address);
            report.error(
                at,
                message,
                "add `tls = { certificate = \"site.pem\", key = \"site.key\" }`",
            );
        }
        (Some(at), None) if !listen.is_empty() => {
            let hint = "listen = { address = \"0.0.0.0:443\", tls = true }";
            let message = format!("`tls` in a {whose} none of whose addresses speaks it");
            report.error(at, message, hint);
        }
        (Some(_), Some(_) | None) | (None, None) => {}
    }
}

/// A client who must show a certificate can do so wherever it comes from.
fn demand_fits(report: &Report<'_>, draft: &server::Draft) {
    let mut listens = draft.server.listen.iter().zip(&draft.listen);
    let client = draft.server.tls.as_ref().and_then(|tls| tls.client.as_ref());
    if client.is_some_and(|client| client.demand == Demand::Required)
        && let Some((listen, at)) = listens.find(|(listen, _)| !listen.tls)
    {
        let message =
            format!("clients come to {} without the certificate they need", listen.address);
        report.error(at, message, "give it a server of its own, which redirects");
    }
}

/// All of it fits what travels to a worker.
pub(super) fn bound(
    report: &Report<'_>,
    servers: &[server::Draft],
    streams: &[stream::Draft],
    upstreams: &[upstream::Draft],
) {
    let of_servers = servers.iter().filter_map(|draft| {
        let tls = draft.server.tls.as_ref()?;
        Some((draft.tls.clone()?, tls.bytes()))
    });
    let of_streams = streams
        .iter()
        .filter_map(|draft| Some((draft.tls.clone()?, draft.stream.tls.as_ref()?.bytes())));
    let of_upstreams = upstreams.iter().filter_map(|draft| {
        let tls = draft.upstream.tls.as_ref()?;
        Some((draft.name.clone(), backend_tls::bytes(tls)))
    });
    let mut bytes = 0;
    for (span, more) in of_servers.chain(of_streams).chain(of_upstreams) {
        bytes += more;
        if bytes > limits::CERTIFICATE_BYTES_MAX {
            let message = format!("certificates and keys with {bytes} bytes");
            let hint = format!("expected up to {} in all", limits::CERTIFICATE_BYTES_MAX);
            return report.error(&span, message, hint);
        }
    }
}
