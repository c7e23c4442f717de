//! Certificates that are renewed while they are served: nobody is asked to reload, no connection ends.

use super::papers::Authority;
use super::{Curl, site};
use crate::wait;

/// Who signed what the engine shows of its first certificate.
fn issuer(status: &serde_json::Value) -> String {
    status["certificates"][0]["issuer"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_renewed_certificate_is_shown_without_a_reload() {
    let old = Authority::new("old");
    let mut engine = site(&old, "", "ok");
    let Some(curl) = Curl::of(&engine) else { return };
    assert_eq!(curl.get("site.test", &[]), "ok");
    let (workers, folder) = (engine.worker_pids(), engine.folder.path().to_owned());
    assert_eq!(issuer(&engine.status()), "CN=old");
    // What else was edited is not asked for.
    engine.rewrite_config("nonsense");
    let new = Authority::new("new");
    new.server(&["site.test"]).write(&folder, "site");
    wait::until("it is taken", || (issuer(&engine.status()) == "CN=new").then_some(()));
    std::fs::write(folder.join("ca.pem"), new.pem()).expect("the folder is ours");
    wait::until("it is shown", || curl.run("site.test", "/", &[]).status.success().then_some(()));
    assert_eq!(engine.worker_pids(), workers);
    assert!(engine.ctl_ok(&["events"]).contains("renew"), "it is written down");
    assert!(engine.stop().success());
}

#[test]
fn files_that_do_not_fit_are_told_of_and_change_nothing() {
    let authority = Authority::new("authority");
    let engine = site(&authority, "", "ok");
    let Some(curl) = Curl::of(&engine) else { return };
    let key = engine.folder.path().join("site.key");
    let good = std::fs::read(&key).expect("it was written");
    std::fs::write(&key, authority.server(&["site.test"]).key).expect("the folder is ours");
    let trouble = || engine.status()["certificates"][0]["trouble"].as_str().map(str::to_owned);
    wait::until("it is told of", || {
        trouble().filter(|trouble| trouble.contains("does not belong to")).map(|_| ())
    });
    assert!(engine.ctl_ok(&["status"]).contains("does not belong to"));
    assert_eq!(curl.get("site.test", &[]), "ok");
    std::fs::write(&key, good).expect("the folder is ours");
    wait::until("it is well again", || (trouble()?.is_empty()).then_some(()));
    let secret = "PRIVATE KEY";
    assert!(!engine.log().contains(secret) && !engine.status().to_string().contains(secret));
}
