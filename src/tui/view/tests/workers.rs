//! What stands below the workers: servers, limits, certificates.

use super::{fixture, skin};
use crate::control::certificate::Certificate;
use crate::control::limit::{Limit, Offender};
use crate::control::server_row::{Served, ServerListen, ServerRow};
use crate::control::wire::Responses;
use crate::tui::model::panel::View;

/// Below the workers, which answer for all of them.
#[test]
fn servers_tell_where_they_listen_and_what_became_of_their_requests() {
    let mut model = fixture::model(View::Workers, (100, 30));
    let listen = |address: &str, tls| ServerListen { address: address.to_owned(), tls, http2: tls };
    let served = |requests, server_error| Served {
        requests,
        responses: Responses {
            success: requests - server_error,
            server_error,
            ..Responses::default()
        },
        bytes_in: requests * 300,
        bytes_out: requests * 14_000,
    };
    model.moment.head.servers = vec![
        ServerRow {
            name: "shop.example.com".to_owned(),
            hosts: vec!["shop.example.com".to_owned()],
            listens: vec![listen("0.0.0.0:443", true), listen("0.0.0.0:80", false)],
            routes: 7,
            certificate_days_left: Some(9),
            served: Some(served(1_234_567, 321)),
        },
        ServerRow {
            name: "127.0.0.1:8099".to_owned(),
            listens: vec![listen("127.0.0.1:8099", false)],
            ..ServerRow::default()
        },
    ];
    insta::assert_snapshot!("servers-100x30", fixture::text(&fixture::draw(&model, &skin())));
}

/// Below the workers that keep them, the one that refused most first.
#[test]
fn limits_tell_what_became_of_requests_and_whom_they_refused() {
    let mut model = fixture::model(View::Workers, (100, 30));
    let offender = |key: &str, refused| Offender { key: key.to_owned(), refused };
    let at_once = Limit {
        name: "at_once".to_owned(),
        kind: "connections".to_owned(),
        passed: 812,
        in_progress: 3,
        ..Limit::default()
    };
    let per_ip = Limit {
        name: "per_ip".to_owned(),
        kind: "rate".to_owned(),
        passed: 1_234_567,
        delayed: 310,
        refused: 9_120,
        refused_dry_run: 12,
        evicted: 1,
        offenders: vec![offender("192.0.2.7", 9_000), offender("2001:db8::1\u{1b}[2J", 120)],
        ..Limit::default()
    };
    model.moment.head.limits = vec![at_once, per_ip];
    insta::assert_snapshot!("limits-100x30", fixture::text(&fixture::draw(&model, &skin())));
}

/// Below the workers that show them, the one that runs out first.
#[test]
fn certificates_are_told_how_long_they_are_good() {
    let mut model = fixture::model(View::Workers, (100, 30));
    let wall_ms = model.moment.head.wall_ms as i64;
    let certificate = |server: &str, days: i64| Certificate {
        server: server.to_owned(),
        names: vec![server.to_owned(), format!("www.{server}")],
        issuer: "CN=R11,O=Let's Encrypt,C=US".to_owned(),
        not_after_ms: wall_ms + days * 86_400_000 + 1,
        days_left: days,
        ..Certificate::default()
    };
    model.moment.head.certificates =
        vec![certificate("shop.example.com", 61), certificate("example.com", 9)];
    insta::assert_snapshot!("certificates-100x30", fixture::text(&fixture::draw(&model, &skin())));
}
