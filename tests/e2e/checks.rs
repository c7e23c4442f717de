//! Active checks: every kind against real backends that fail and recover, once whatever the number
//! of workers, across reloads, restarts and the deaths of masters.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;

use crate::engine::{self, Engine};
use crate::name_server::NameServer;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::secure::SecureOrigin;
use crate::{client, ports, wait};

/// Quick, and with so much time for an answer that a busy machine fails nobody.
const PACE: &str = "interval = \"20ms\", timeout = \"15s\", fall = 2, rise = 2";

/// Answers checks with the status it is set to, and everyone else well.
fn moody() -> (Origin, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(200));
    let health = Arc::clone(&status);
    let origin = Origin::scripted(move |request| {
        if request.head.contains(" /healthz ") {
            let status = health.load(Ordering::Relaxed);
            format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes()
        } else {
            origin::ok("served")
        }
    });
    (origin, status)
}

fn checked(keys: &str) -> String {
    format!("check = {{ {PACE}, {keys} }}")
}

fn with_address(keys: &str, address: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\nroute = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\n{keys}\nbackend = [{{ address = \"{address}\" }}]"
    )
}

/// The backend's row once it is in that state.
fn turned(engine: &Engine, backend: &str, state: &str) -> Value {
    wait::until(&format!("{backend} is {state}"), || {
        let row = engine.backend("app", backend);
        (row["state"] == state).then_some(row)
    })
}

/// Fails the backend, looks what is said of it, and lets it recover.
fn fails_and_recovers(config: &str, backend: &str, reason: &str, mut set: impl FnMut(bool)) {
    let engine = Engine::start(config);
    let row = wait::until("a good result", || {
        let row = engine.backend("app", backend);
        row["check"]["passes"].as_u64().is_some_and(|passes| passes > 0).then_some(row)
    });
    assert_eq!((row["state"].as_str(), &row["reason"]), (Some("up"), &Value::from("")), "{row}");
    set(false);
    let row = turned(&engine, backend, "failed");
    let said = row["reason"].as_str().unwrap_or("");
    assert!(said.starts_with(reason), "{said} is no {reason}");
    let check = &row["check"];
    assert_eq!((&check["is_good"], &check["passes"]), (&Value::from(false), &Value::from(0)));
    assert!(check["fails"].as_u64() >= Some(2), "{check}");
    assert_eq!(client::get(engine.address(), "/").status, 502);
    set(true);
    let row = turned(&engine, backend, "up");
    assert!(row["check"]["passes"].as_u64() >= Some(2), "{row}");
    let events = engine.ctl_ok(&["events"]);
    let target = format!("app/{backend}");
    assert!(
        events.lines().any(|line| line.contains(&target) && line.contains("up to failed")),
        "{events}"
    );
}

#[test]
fn a_check_by_request_goes_by_the_status() {
    let (origin, status) = moody();
    let config = site(&checked("path = \"/healthz\""), &[&origin]);
    fails_and_recovers(&config, &origin.address.to_string(), "status 503", |is_well| {
        status.store(if is_well { 200 } else { 503 }, Ordering::Relaxed);
    });
}

#[test]
fn a_check_by_connection_goes_by_the_listener() {
    let address = ports::address();
    let mut listener = Some(TcpListener::bind(&address).expect("the address is free"));
    let config = with_address(&checked("kind = \"tcp\""), &address);
    fails_and_recovers(&config, &address, "connection refused", |is_well| {
        listener = is_well.then(|| TcpListener::bind(&address).expect("it is free again"));
    });
    drop(listener);
}

#[test]
fn a_check_by_handshake_goes_by_the_handshake() {
    let origin = SecureOrigin::named(&["app.internal"]);
    let address = origin.address.to_string();
    let config = with_address(&checked("kind = \"tls\""), &address);
    // How much of the handshake was sent decides whether the close is a reset.
    fails_and_recovers(&config, &address, "tls: ", |is_well| {
        origin.is_broken.store(!is_well, Ordering::Relaxed);
    });
    assert_eq!(origin.seen().head, "", "nothing is asked");
}

#[test]
fn a_check_by_request_over_tls_verifies_by_name_and_asks() {
    let origin = SecureOrigin::named(&["app.internal"]);
    let address = origin.address.to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &origin.certificate).expect("the folder is ours");
    let tls = |name: &str| {
        let keys = format!(
            "path = \"/up\", tls = {{ server_name = \"{name}\", ca = \"{}\" }}",
            ca.display()
        );
        with_address(&checked(&keys), &address)
    };
    fails_and_recovers(&tls("app.internal"), &address, "status 503", |is_well| {
        origin.is_busy.store(!is_well, Ordering::Relaxed);
    });
    let seen = origin.seen();
    assert_eq!(seen.server_name.as_deref(), Some("app.internal"));
    assert!(seen.head.starts_with("GET /up HTTP/1.1\r\n"), "{}", seen.head);
    let engine = Engine::start(&tls("other.internal"));
    let row = turned(&engine, &address, "failed");
    let reason = row["reason"].as_str().unwrap_or("");
    assert!(reason.contains("tls: invalid peer certificate"), "{reason}");
    // Without an authority any certificate is good.
    engine.rewrite_config(&with_address(&checked("path = \"/up\", tls = true"), &address));
    engine.ctl_ok(&["reload"]);
    turned(&engine, &address, "up");
    assert!(origin.handshakes() > 0);
}

#[test]
fn a_certificate_can_name_the_address() {
    let origin = SecureOrigin::named(&["127.0.0.1"]);
    let address = origin.address.to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &origin.certificate).expect("the folder is ours");
    let keys = format!("kind = \"tls\", tls = {{ ca = \"{}\" }}", ca.display());
    let engine = Engine::start(&with_address(&checked(&keys), &address));
    wait::until("good results", || {
        engine.backend("app", &address)["check"]["passes"].as_u64().filter(|passes| *passes > 2)
    });
    assert_eq!(origin.seen().server_name, None, "an address is no SNI");
}

#[test]
fn a_certificate_that_is_not_trusted_says_why() {
    let authority = SecureOrigin::authority(&["127.0.0.1"]);
    let stranger = SecureOrigin::named(&["127.0.0.1"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.certificate).expect("the folder is ours");
    let keys = format!("kind = \"tls\", tls = {{ ca = \"{}\" }}", ca.display());
    for (origin, why) in [
        (&authority, "it is an authority's own (CA:TRUE), not a server's"),
        (&stranger, "no certificate in `ca` signed it"),
    ] {
        let address = origin.address.to_string();
        let engine = Engine::start(&with_address(&checked(&keys), &address));
        let row = turned(&engine, &address, "failed");
        let reason = row["reason"].as_str().unwrap_or("");
        assert!(reason.contains(&format!("tls: invalid peer certificate: {why}")), "{reason}");
    }
}

#[test]
fn what_is_asked_and_what_is_good_is_what_the_file_says() {
    let origin = Origin::scripted(|request| {
        let body = if request.header("x-probe").is_some() { "all's well" } else { "who asks?" };
        format!("HTTP/1.1 418 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            &body[..5], body.len() - 5, &body[5..]).into_bytes()
    });
    let address = origin.address.to_string();
    let keys =
        "method = \"POST\", path = \"/a?b\", host = \"app.internal\", expect = [204, \"410-420\"]";
    let probe = "headers = { X-Probe = \"1\" }, body = \"~ ^all.*well$\"";
    let engine = Engine::start(&with_address(&checked(&format!("{keys}, {probe}")), &address));
    wait::until("good results", || {
        let check = engine.backend("app", &address)["check"].clone();
        let is_good = check["passes"].as_u64() > Some(2) && check["result"] == "ok, 418";
        is_good.then_some(())
    });
    let seen = &origin.seen()[0];
    assert!(seen.head.starts_with("POST /a?b HTTP/1.1\r\nHost: app.internal\r\n"), "{}", seen.head);
    assert_eq!(seen.header("user-agent").as_deref(), Some("pilothouse-check"));
    for (keys, reason) in [
        (format!("{keys}, body = \"all's well\""), "status 418, but the body does not match"),
        ("path = \"/a\"".to_owned(), "status 418"),
    ] {
        engine.rewrite_config(&with_address(&checked(&keys), &address));
        engine.ctl_ok(&["reload"]);
        wait::until(reason, || {
            let row = engine.backend("app", &address);
            (row["state"] == "failed" && row["reason"] == reason).then_some(())
        });
    }
    let list = engine.ctl_ok(&["backend", "list"]);
    assert!(list.contains("CHECK") && list.contains("status 418 in "), "{list}");
}

#[test]
fn a_port_of_its_own_is_asked() {
    let (health, status) = moody();
    let served = Origin::named("served");
    let keys = checked(&format!("path = \"/healthz\", port = {}", health.address.port()));
    let engine = Engine::start(&site(&keys, &[&served]));
    let name = served.address.to_string();
    status.store(500, Ordering::Relaxed);
    turned(&engine, &name, "failed");
    status.store(200, Ordering::Relaxed);
    turned(&engine, &name, "up");
    assert_eq!(client::get(engine.address(), "/").text(), "served");
    assert_eq!(
        (served.served(), health.seen().iter().any(|asked| asked.head.contains("GET / "))),
        (1, false)
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a rate is a count and a time")]
fn a_backend_is_asked_once_an_interval_whatever_the_number_of_workers() {
    const INTERVAL_MS: u64 = 100;
    let (origin, _) = moody();
    let keys =
        "check = { path = \"/healthz\", interval = \"100ms\", jitter = \"0%\", timeout = \"15s\" }";
    let began = std::time::Instant::now();
    let engine = Engine::start(&site(keys, &[&origin]).replace("workers = 2", "workers = 3"));
    assert_eq!(engine.worker_pids().len(), 3);
    let asked =
        wait::until("twenty questions", || Some(origin.served()).filter(|count| *count >= 20));
    let took_ms = u64::try_from(began.elapsed().as_millis()).expect("a test's time");
    // A slow machine asks less often; asking from each worker would be three times as often.
    assert!((asked - 2) * INTERVAL_MS <= took_ms, "{asked} in {took_ms} ms");
}

#[test]
fn two_upstreams_ask_one_address_each_in_its_own_way() {
    let origin = Origin::scripted(|request| {
        let status = if request.head.contains(" /bad ") { 500 } else { 200 };
        format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    let address = origin.address.to_string();
    let upstream = |name: &str, path: &str| {
        format!(
            "[upstream.{name}]\n{}\nbackend = [{{ address = \"{address}\" }}]\n",
            checked(&format!("path = \"{path}\""))
        )
    };
    let engine = Engine::start(&format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\nroute = [{{ path = \"/\", upstream = \"app\" }}, {{ path = \"/o\", upstream = \"other\" }}]\n{}{}",
        upstream("app", "/bad"),
        upstream("other", "/good")
    ));
    turned(&engine, &address, "failed");
    wait::until("good results of the other", || {
        engine.backend("other", &address)["check"]["passes"].as_u64().filter(|passes| *passes > 2)
    });
    assert_eq!(engine.backend("other", &address)["state"], "up");
}

/// Further questions, so that what they lead to has come about.
fn after_questions(origin: &Origin, count: u64) {
    let asked = origin.served();
    wait::until("further questions", || (origin.served() >= asked + count).then_some(()));
}

#[test]
fn what_was_concluded_outlives_reloads_and_masters() {
    let (origin, status) = moody();
    let name = origin.address.to_string();
    let config = |keys: &str| site(&checked(&format!("path = \"/healthz\", {keys}")), &[&origin]);
    let engine = Engine::start(&config("jitter = \"0%\""));
    status.store(503, Ordering::Relaxed);
    turned(&engine, &name, "failed");
    engine.ctl_ok(&["reload"]);
    after_questions(&origin, 5);
    // Another check is no reason to think better of it.
    engine.rewrite_config(&config("jitter = \"5%\""));
    engine.ctl_ok(&["reload"]);
    after_questions(&origin, 5);
    engine.replace_master();
    after_questions(&origin, 5);
    assert_eq!(engine.backend("app", &name)["state"], "failed");
    let events = engine.ctl_ok(&["events"]);
    assert!(!events.contains("failed to up"), "it was in between:\n{events}");
    status.store(200, Ordering::Relaxed);
    turned(&engine, &name, "up");
    status.store(503, Ordering::Relaxed);
    turned(&engine, &name, "failed");
    engine.rewrite_config(&site("", &[&origin]));
    engine.ctl_ok(&["reload"]);
    let row = turned(&engine, &name, "up");
    assert_eq!(row["check"], Value::Null, "nobody checks it");
}

#[test]
fn the_next_engine_begins_with_everyone_in() {
    let (origin, status) = moody();
    let name = origin.address.to_string();
    let mut engine = Engine::start(&site(&checked("path = \"/healthz\""), &[&origin]));
    status.store(503, Ordering::Relaxed);
    turned(&engine, &name, "failed");
    engine.restart();
    turned(&engine, &name, "failed");
    let events = engine.ctl_ok(&["events"]);
    assert!(events.contains("up to failed"), "it was in until it had failed again:\n{events}");
}

#[test]
fn a_failed_backend_is_asked_at_its_own_interval() {
    let (origin, status) = moody();
    let name = origin.address.to_string();
    let keys = "check = { path = \"/healthz\", interval = \"1h\", interval_down = \"20ms\", timeout = \"15s\", fall = 1, rise = 3 }";
    status.store(503, Ordering::Relaxed);
    let engine = Engine::start(&site(keys, &[&origin]));
    turned(&engine, &name, "failed");
    status.store(200, Ordering::Relaxed);
    turned(&engine, &name, "up");
    let asked = origin.served();
    assert!(asked >= 4, "one that failed it, three that brought it back: {asked}");
}

#[test]
fn a_programs_readiness_is_the_same_question() {
    let port = ports::consecutive(1);
    let config = |expect: u16| {
        format!(
            "[[server]]\nlisten = [\"{{listen}}\"]\nroute = [{{ path = \"/\", upstream = \"app\" }}]\n\
             [upstream.app]\n{}\n\
             [program.web]\ncommand = \"${{PILOTHOUSE}} __origin --port ${{PORT}} --name web\"\n\
             serves = {{ upstream = \"app\", port = {port} }}\n",
            checked(&format!("method = \"HEAD\", expect = {expect}"))
        )
    };
    let engine = Engine::start(&config(599));
    let row = wait::until("it is asked and answers otherwise", || {
        let status = engine.status();
        let row = status["programs"][0].clone();
        row["reason"].as_str().unwrap_or("").contains("status 200").then_some(row)
    });
    assert_eq!(row["state"], "STARTING", "{row}");
    let name = format!("127.0.0.1:{port}");
    assert_eq!(engine.backend("app", &name)["state"], "starting");
    engine.rewrite_config(&config(200));
    engine.ctl_ok(&["reload"]);
    turned(&engine, &name, "up");
    wait::until("it is checked like any other", || {
        engine.backend("app", &name)["check"]["passes"].as_u64().filter(|passes| *passes > 2)
    });
    engine.ctl_ok(&["program", "stop", "web"]);
    turned(&engine, &name, "starting");
}

#[test]
fn a_name_that_leads_nowhere_is_shown_and_stops_nothing_else() {
    let server = NameServer::start();
    let origin = Origin::named("well");
    let keys =
        format!("resolver = \"{}\"\nresolve_timeout = \"1s\"\n{}", server.address, checked(""));
    let config = site(&keys, &[&origin]).replacen(
        "[[upstream.app.backend]]",
        "[[upstream.app.backend]]\naddress = \"nowhere.internal:80\"\n[[upstream.app.backend]]",
        1,
    );
    let engine = Engine::start(&config);
    let error = wait::until("the failed lookup is told", || {
        let name = engine.status()["upstreams"][0]["names"][0].clone();
        let error = name["error"].as_str().unwrap_or("").to_owned();
        (!error.is_empty()).then_some(error)
    });
    let shown = engine.ctl_ok(&["status"]);
    assert!(shown.contains("! app/nowhere.internal:80: ") && shown.contains(&error), "{shown}");
    let name = origin.address.to_string();
    wait::until("the other is checked", || {
        engine.backend("app", &name)["check"]["passes"].as_u64().filter(|passes| *passes > 2)
    });
    assert_eq!(client::get(engine.address(), "/").text(), "well");
    assert!(engine::is_alive(engine.master_pid()));
}
