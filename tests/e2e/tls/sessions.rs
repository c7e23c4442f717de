//! Sessions that go on: at whichever worker, and whoever was killed meanwhile.

use super::papers::Authority;
use super::{s_client, server, site};
use crate::engine::{self, Engine};
use crate::wait;

const VERSIONS: [&str; 2] = ["-tls1_2", "-tls1_3"];

/// Begins a session and keeps it in a file.
fn begin(engine: &Engine, version: &str) -> Option<()> {
    let said = s_client(engine, &[version, "-sess_out", &format!("{version}.session")])?;
    assert!(said.contains("New, TLSv1") && said.contains("HTTP/1.1 200"), "{said}");
    Some(())
}

fn is_gone_on_with(engine: &Engine, version: &str) -> bool {
    let said = s_client(engine, &[version, "-sess_in", &format!("{version}.session")]);
    let said = said.expect("it was there before");
    assert!(said.contains("HTTP/1.1 200"), "{said}");
    let is_reused = said.contains("Reused, TLSv1");
    assert_eq!(is_reused, said.ends_with('r') || said.contains("\nr"), "{said}");
    is_reused
}

#[test]
fn a_session_goes_on_at_any_worker_and_after_any_of_us_has_died() {
    let authority = Authority::new("authority");
    let config =
        format!("[engine]\nworkers = 2\n{}", server("site", "", "", "\\n$ssl_session_reused"));
    let mut engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    for version in VERSIONS {
        if begin(&engine, version).is_none() {
            return;
        }
    }
    let all_go_on = |engine: &Engine, when: &str| {
        // Each worker has its turn among so many.
        for version in VERSIONS.into_iter().cycle().take(12) {
            assert!(is_gone_on_with(engine, version), "{version} {when}");
        }
    };
    all_go_on(&engine, "at the workers there are");
    let before = engine.worker_pids();
    for pid in &before {
        engine::signal(*pid, "KILL");
    }
    wait::until("other workers serve", || {
        let pids = engine.worker_pids();
        let are_new = pids.len() == 2 && pids.iter().all(|pid| !before.contains(pid));
        are_new.then_some(())
    });
    all_go_on(&engine, "at workers that came later");
    engine.replace_master();
    engine.ctl_ok(&["reload"]);
    all_go_on(&engine, "after a new master has loaded the file again");
    assert!(engine.stop().success());
}

#[test]
fn handshakes_are_counted_by_how_they_went() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "\\n$ssl_session_reused");
    if begin(&engine, "-tls1_3").is_none() {
        return;
    }
    assert!(is_gone_on_with(&engine, "-tls1_3"));
    let refused = s_client(&engine, &["-alpn", "spdy/1"]).expect("it was there before");
    assert!(refused.contains("no application protocol"), "{refused}");
    let expected = ["full\"} 1", "resumed\"} 1", "failed\"} 1"];
    wait::until("all is counted", || {
        let page = crate::client::unix_get(&engine.socket(), "/metrics")?.text();
        let name = "pilothouse_worker_tls_handshakes_total{worker=\"0\",result=\"";
        expected.iter().all(|end| page.contains(&format!("{name}{end}"))).then_some(())
    });
    let page = crate::client::unix_get(&engine.socket(), "/metrics").expect("it answers").text();
    assert!(page.contains("pilothouse_certificate_expiry_timestamp_seconds{server="), "{page}");
}

/// A session that began where nobody asked for a certificate is none where one is demanded, though
/// both servers have the same certificate and no name tells them apart.
#[test]
fn a_session_does_not_go_on_where_more_is_demanded() {
    let authority = Authority::new("authority");
    let other = crate::ports::address();
    let strict =
        server("site", "", ", client_ca = \"ca.pem\"", "treasure").replace("{listen}", &other);
    let config = format!("{}{strict}", server("site", "", "", "open"));
    let engine = Engine::start_in(&config, |folder| super::furnish(folder, &authority));
    if begin(&engine, "-tls1_3").is_none() || begin(&engine, "-tls1_2").is_none() {
        return;
    }
    for version in VERSIONS {
        let session = format!("{version}.session");
        let said = s_client(&engine, &[version, "-sess_in", &session, "-connect", &other]);
        let said = said.expect("it was there before");
        assert!(
            !said.contains("treasure") && said.contains("certificate required")
                || said.contains("handshake failure"),
            "{said}"
        );
    }
}
