//! The OWASP core rules beside the firewall: what they find is told as what it finds itself, they hold
//! up nobody else, and rules that cannot be read are an error of the file.

#![expect(clippy::print_stdout, reason = "a skipped test says why")]

use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::process::Command;

use crate::client::{self, connect, read_response};
use crate::engine::Engine;
use crate::origin::Origin;
use crate::wait;

const OFFERED: &str = include_str!("../../configs/crs.conf");
/// Where the rules are installed.
const INSTALLED: &str = "/usr/share/modsecurity-crs/rules";
const SCRIPT: &str = "/?q=%3Cscript%3Ealert(1)%3C/script%3E";
/// Alone, and with the patience of a machine that is busy.
const ALONE: &str = "rules = \"rules.conf\", alone = true, budget = \"10s\"";

fn is_installed() -> bool {
    let is_there = Path::new(INSTALLED).is_dir();
    if !is_there {
        let reason = format!("skipped: no core rules in {INSTALLED}");
        assert!(std::env::var_os("PILOTHOUSE_ORACLES_REQUIRED").is_none(), "{reason}");
        println!("{reason}");
    }
    is_there
}

/// One worker, confined, whose firewall has these rules in `rules.conf`.
fn start(firewall: &str, routes: &str, rules: &str, origin: &Origin) -> Engine {
    let log = "{ file = \"access.log\", format = \"$request_uri $status $firewall_rules\" }";
    let config = format!(
        "[engine]\nworkers = 1\nconfine_files = true\n\
         [[server]]\nlisten = [\"{{listen}}\"]\naccess_log = {log}\nfirewall = {firewall}\n{routes}\n\
         [[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [[upstream.app.backend]]\naddress = \"{}\"\n",
        origin.address
    );
    Engine::start_in(&config, |folder| {
        std::fs::write(folder.join("rules.conf"), rules).expect("the folder is ours");
    })
}

fn post(content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: test\r\nUser-Agent: test\r\nAccept: */*\r\nConnection: close\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn what_the_core_rules_find_is_told_like_everything_else() {
    if !is_installed() {
        return;
    }
    let origin = Origin::named("one");
    let excepted = "except = [{ rule = \"crs-942100\", where = \"query:q\" }]";
    let routes = format!(
        "[[server.route]]\npath = \"/own\"\nrespond = 200\n\
         [[server.route]]\npath = \"/excepted\"\nrespond = 200\n\
         firewall = {{ mode = \"block\", crs = {{ {ALONE} }}, {excepted} }}\n\
         [[server.route]]\npath = \"/watched\"\nrespond = 200\n\
         firewall = {{ mode = \"detect\", crs = {{ {ALONE} }} }}\n"
    );
    let firewall = format!("{{ mode = \"block\", crs = {{ {ALONE} }} }}");
    let engine = start(&firewall, &routes, OFFERED, &origin);
    let injection = "?q=1%27%20or%20%271%27=%271";
    for (target, status) in [
        ("/?q=select+a+colour", 200),
        ("/own?q=honest", 200),
        (&format!("/{injection}"), 403),
        (&format!("/own{injection}"), 403),
        (&format!("/excepted{injection}"), 200),
        (&format!("/excepted{}", injection.replace('q', "r")), 403),
        (&format!("/watched{injection}"), 200),
    ] {
        assert_eq!(client::get(engine.address(), target).status, status, "{target}");
    }
    for (content_type, body, status) in [
        ("application/x-www-form-urlencoded", "a=honest", 200),
        ("application/x-www-form-urlencoded", "a=<script>alert(1)</script>", 403),
        ("application/json", r#"{"a":{"b":["<script>alert(1)</script>"]}}"#, 403),
        ("application/json", r#"{"a":{"b":["honest"]}}"#, 200),
    ] {
        let answer = client::raw(engine.address(), &post(content_type, body));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
    }
    let row = wait::until("the row", || {
        let row = engine.status()["firewall"].clone();
        (row["blocked"] == 5 && row["detected"] == 1).then_some(row)
    });
    let alarms = row["alarms"].as_array().expect("a list");
    for (rule, place, verdict) in [
        ("crs-942100", "query:q", "blocked"),
        ("crs-942100", "query:q", "detected"),
        ("crs-942100", "query:r", "blocked"),
        ("crs-941100", "form:a", "blocked"),
    ] {
        let is_it = |it: &&serde_json::Value| {
            it["rule"] == rule && it["place"] == place && it["verdict"] == verdict
        };
        let found = alarms.iter().find(is_it).unwrap_or_else(|| panic!("{rule} {place}: {row}"));
        let exception = format!("{{ rule = \"{rule}\", where = \"{place}\" }}");
        assert_eq!(found["exception"], exception.as_str());
    }
    assert!(alarms.iter().any(|it| it["place"].as_str().is_some_and(|it| it.starts_with("json:"))));
    let metrics = client::unix_get(&engine.socket(), "/metrics").expect("a page").text();
    assert!(metrics.contains("findings_total{rule=\"crs\",verdict=\"blocked\"}"), "{metrics}");
    assert!(engine.ctl_ok(&["events"]).contains("crs-942100 in query:q"));
    let log = std::fs::read_to_string(engine.folder.path().join("access.log")).expect("a log");
    assert!(log.contains(&format!("/own{injection} 403 crs-942100\n")), "{log}");
}

/// Beside the firewall's own detectors, whose word is enough.
#[test]
fn both_are_asked_unless_the_rules_stand_alone() {
    let origin = Origin::named("one");
    let rules = "SecRule ARGS:q \"@streq tea\" \"id:7,phase:1,deny,status:418\"\n";
    let firewall =
        "{ mode = \"block\", threshold = 6, crs = { rules = \"rules.conf\", budget = \"10s\" } }";
    let engine = start(firewall, "", rules, &origin);
    // A rule that refuses counts as an attack at any threshold.
    for (target, status) in [("/?q=tea", 403), ("/?q=milk", 200), (SCRIPT, 200)] {
        assert_eq!(client::get(engine.address(), target).status, status, "{target}");
    }
    assert_eq!(client::get(engine.address(), &format!("{SCRIPT}&r=<script>")).status, 403);
    wait::until("the rows", || {
        let alarms = engine.status()["firewall"]["alarms"].to_string();
        let is_told = |rule: &str| alarms.contains(&format!("\"{rule}\""));
        (is_told("crs-7") && is_told("cross-site-scripting")).then_some(())
    });
}

/// Rules that take a second or more for one request, of sixty.
fn slow(count: usize) -> String {
    let mut rules = String::new();
    for id in 1..=count {
        writeln!(rules, "SecRule ARGS:q \"@rx ^(?:(?:a|a)+)+$\" \"id:{id},phase:2,log,pass\"")
            .expect("memory");
    }
    rules
}

#[test]
fn a_request_that_rules_are_slow_for_holds_up_nobody() {
    let origin = Origin::named("one");
    let evil = format!("/?q={}c", "a".repeat(60));
    let routes = "[[server.route]]\npath = \"/blocked\"\nrespond = 200\n\
                  firewall = { mode = \"block\", crs = { rules = \"rules.conf\", budget = \"20ms\", on_timeout = \"block\" } }\n\
                  [[server.route]]\npath = \"/off\"\nrespond = 200\nfirewall = { mode = \"off\" }\n";
    let firewall = "{ mode = \"block\", crs = { rules = \"rules.conf\", budget = \"400ms\" } }";
    let engine = start(firewall, routes, &slow(60), &origin);
    let mut held = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let asked = format!("GET {evil} HTTP/1.1\r\nHost: test\r\n\r\n");
    held.get_mut().write_all(asked.as_bytes()).expect("the proxy reads");
    // Answered while the other one waits for its rules.
    assert_eq!(client::get(engine.address(), "/off").status, 200);
    held.get_ref().set_nonblocking(true).expect("a socket");
    let early = held.get_ref().peek(&mut [0]).expect_err("no answer yet");
    assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
    held.get_ref().set_nonblocking(false).expect("a socket");
    assert_eq!(read_response(&mut held).expect("an answer").status, 200, "it passes in the end");
    let refused = client::get(engine.address(), &evil.replace("/?", "/blocked?"));
    assert_eq!(refused.status, 503);
    wait::until("the counts", || (engine.status()["firewall"]["unanswered"] == 2).then_some(()));
    wait::until("the event", || {
        engine.ctl_ok(&["events"]).contains("not answered by core rules").then_some(())
    });
}

#[test]
fn a_worker_that_stops_waits_for_no_rules() {
    let origin = Origin::named("one");
    let firewall = "{ mode = \"block\", crs = { rules = \"rules.conf\", budget = \"50ms\" } }";
    // Half a minute and more, which is beyond a test's patience.
    let mut engine = start(firewall, "", &slow(2_000), &origin);
    let evil = format!("/?q={}c", "a".repeat(60));
    assert_eq!(client::get(engine.address(), &evil).status, 200, "it passes in the end");
    wait::until("the count", || (engine.status()["firewall"]["unanswered"] == 1).then_some(()));
    assert!(engine.stop().success());
}

#[test]
fn rules_that_cannot_be_read_are_an_error_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("pilothouse.toml");
    let text = "[[server]]\nlisten = \"127.0.0.1:1\"\n\
                firewall = { mode = \"block\", crs = { rules = \"rules.conf\" } }\n\
                route = [{ path = \"/\", respond = 204 }]\n";
    std::fs::write(&config, text).expect("the folder is ours");
    let check = || {
        let output = Command::new(crate::engine::BINARY)
            .args(["check", "-c"])
            .arg(&config)
            .output()
            .expect("the built binary runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_good, said) = check();
    assert!(!is_good && said.contains("rules.conf"), "{said}");
    std::fs::write(folder.path().join("rules.conf"), "SecRuleEngine On\nSecRul ARGS\n")
        .expect("the folder is ours");
    let (is_good, said) = check();
    assert!(!is_good && said.contains("rules.conf:2:"), "{said}");
    assert!(said.contains("pilothouse.toml:3:"), "{said}");
    std::fs::write(folder.path().join("rules.conf"), "SecRuleEngine On\n").expect("ours");
    assert_eq!(check(), (true, String::new()));
}
