//! What the file is told about certificates, where, and that an engine starts all the same where only
//! time has passed.

use std::path::Path;

use super::papers::Authority;
use super::{server, site};
use crate::engine::Engine;

/// What `check` says of the site's configuration with these files.
fn check(engine: &Engine, furnish: impl Fn(&Path)) -> String {
    let folder = engine.folder.path();
    furnish(folder);
    let output = engine.ctl(&["check"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    super::text(&output.stderr)
}

/// What is wrong, how it comes to be, and what is said of which key.
type Case<'a> = (&'a str, &'a dyn Fn(&Path), &'a str, &'a str);

#[test]
fn each_flaw_is_told_with_its_place() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "ok");
    let write = |folder: &Path, name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("the folder is ours");
    };
    let good = authority.server(&["site.test"]);
    let cases: [Case<'_>; 6] = [
        (
            "another key",
            &|folder| write(folder, "site.key", &authority.server(&["b"]).key),
            "`key` does not belong to `certificate`",
            "key = ",
        ),
        (
            "no key",
            &|folder| write(folder, "site.key", "no key"),
            "it holds no private key",
            "key = ",
        ),
        (
            "an expired certificate",
            &|folder| authority.dated(&["site.test"], 2001, 2011).write(folder, "site"),
            "`certificate` has expired: it was good until 2011-01-01",
            "certificate = ",
        ),
        (
            "an early certificate",
            &|folder| authority.dated(&["site.test"], 2200, 2201).write(folder, "site"),
            "`certificate` is not good yet: only from 2200-01-01 on",
            "certificate = ",
        ),
        (
            "no certificate",
            &|folder| write(folder, "site.pem", &good.key),
            "`certificate` can not be used: it holds no certificate",
            "certificate = ",
        ),
        (
            "no file",
            &|folder| std::fs::remove_file(folder.join("site.pem")).expect("it was there"),
            "site.pem: no such file",
            "certificate = ",
        ),
    ];
    for (what, furnish, message, key) in cases {
        good.write(engine.folder.path(), "site");
        let said = check(&engine, furnish);
        assert!(said.contains(message), "{what}: {said}");
        let line = said.lines().find(|line| line.contains("-->")).expect("a place");
        assert!(line.contains("pilothouse.toml:6:"), "{what}: {said}");
        let caret = said.lines().find(|line| line.contains('^')).and_then(|line| line.find('^'));
        let shown = said.lines().find(|line| line.contains(key)).expect("the line is shown");
        let begins = shown.find(key).map(|at| at + key.len());
        assert_eq!(caret, begins, "{what}: {said}");
        assert!(!said.contains("PRIVATE KEY-----\nM"), "{what}: {said}");
    }
    good.write(engine.folder.path(), "site");
}

#[test]
fn what_does_not_fit_together_is_told() {
    let authority = Authority::new("authority");
    let mut engine = site(&authority, "", "ok");
    let original = server("site", "", "", "ok");
    let listen = "{ address = \"{listen}\", tls = true }";
    let plain = format!("[\"{}\", {listen}]", crate::ports::address());
    for (text, message) in [
        (
            original.replace(", tls = true", ""),
            "`tls` in a server none of whose addresses speaks it",
        ),
        (
            original.lines().filter(|line| !line.starts_with("tls")).collect::<Vec<_>>().join("\n"),
            "speaks TLS, and this server has no certificate",
        ),
        (
            format!("{original}{}", original.replace(", tls = true", "").replace("[]", "[\"b\"]")),
            "speaks TLS in one server and not in another",
        ),
        (
            server("site", "", ", client_ca = \"ca.pem\"", "ok").replace(listen, &plain),
            "without the certificate they need",
        ),
        (
            server("site", "", ", client_verify = \"optional\"", "ok"),
            "`client_verify` without `client_ca`",
        ),
        (server("site", "", ", min_version = \"1.1\"", "ok"), "unknown version of TLS `1.1`"),
        (server("site", "", ", cert = \"x\"", "ok"), "unknown key `cert` in [server.tls] (did you"),
    ] {
        engine.rewrite_config(&text);
        let output = engine.ctl(&["check"]);
        let said = super::text(&output.stderr);
        let message = message.split(" (did").next().unwrap_or(message);
        assert!(output.status.code() == Some(1) && said.contains(message), "{message}: {said}");
    }
    assert!(engine.stop().success());
}

#[test]
fn an_engine_starts_with_a_certificate_that_has_expired_and_says_so() {
    let authority = Authority::new("authority");
    let engine = Engine::start_in(&server("site", "", "", "ok"), |folder| {
        authority.dated(&["site.test"], 2001, 2011).write(folder, "site");
        std::fs::write(folder.join("ca.pem"), authority.pem()).expect("the folder is ours");
    });
    let row = engine.status()["certificates"][0].clone();
    assert!(row["days_left"].as_i64().is_some_and(|days| days < 0), "{row}");
    let shown = engine.ctl_ok(&["status"]);
    assert!(shown.contains("! certificate of ") && shown.contains("expired"), "{shown}");
    assert!(engine.ctl_ok(&["reload"]).contains("generation 2"), "the rest can be changed");
}
