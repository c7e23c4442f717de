//! Changes of a running upstream, by command line and API: they hold with the next request, outlive
//! master and engine, and can be taken back.

mod draining;
mod scale;
mod storm;

use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::proxy::site;
use crate::wait;

/// Who answers so many requests.
fn answers(engine: &Engine, count: usize) -> Vec<String> {
    let mut names: Vec<String> =
        (0..count).map(|_| client::get(engine.address(), "/").text()).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn members_come_and_go_and_the_file_is_still_the_way_back() {
    let [one, two, guest] = ["one", "two", "guest"].map(Origin::named);
    let mut engine = Engine::start(&site("", &[&one, &two]));
    let place = |origin: &Origin| format!("app/{}", origin.address);
    let added = engine.ctl_ok(&["backend", "add", &place(&guest), "2"]);
    assert!(added.contains("added to app, weight 2"), "{added}");
    assert_eq!(answers(&engine, 12), ["guest", "one", "two"]);
    let again = engine.ctl_ok(&["backend", "add", &place(&guest)]);
    assert!(again.contains("is there already"), "{again}");
    engine.ctl_ok(&["backend", "remove", &place(&one), "--now"]);
    assert_eq!(answers(&engine, 12), ["guest", "two"]);

    engine.replace_master();
    assert_eq!(answers(&engine, 12), ["guest", "two"]);
    engine.restart();
    assert_eq!(answers(&engine, 12), ["guest", "two"]);
    engine.ctl_ok(&["reload"]);
    assert_eq!(answers(&engine, 12), ["guest", "two"]);

    let list = engine.ctl_ok(&["upstream", "list"]);
    let line = |what: &str| format!("app differs from the file: {what} by ");
    let expected =
        [format!("{} added", guest.address), format!("{} removed", one.address)].map(|w| line(&w));
    assert!(expected.iter().all(|line| list.contains(line)), "{list}");
    assert_eq!(engine.status()["upstreams"][0]["differs"].as_array().map(Vec::len), Some(2));

    engine.ctl_ok(&["upstream", "reset", "app"]);
    wait::until("the added one has left", || {
        (engine.backend("app", &guest.address.to_string()).is_null()).then_some(())
    });
    assert_eq!(answers(&engine, 12), ["one", "two"]);
    assert!(!engine.ctl_ok(&["upstream", "list"]).contains("differs"));
}

#[test]
fn what_makes_no_sense_changes_nothing_and_says_why() {
    let [one, two] = ["one", "two"].map(Origin::named);
    let engine = Engine::start(&site("", &[&one, &two]));
    for (arguments, status, expected) in [
        (["backend", "remove", "app/127.0.0.1:1"], 1, one.address.to_string()),
        (["backend", "remove", "nobody/127.0.0.1:1"], 1, "there is app".to_owned()),
        (["backend", "add", "nobody/127.0.0.1:1"], 1, "there is app".to_owned()),
        (["backend", "add", "app/127.0.0.1"], 1, "is not a backend's address".to_owned()),
        (["backend", "add", "app/example.test:80"], 1, "only the file can name it".to_owned()),
        (["backend", "add", "app"], 2, "expected UPSTREAM/BACKEND".to_owned()),
    ] {
        let output = engine.ctl(&arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {told}");
        assert!(told.contains(&expected), "{arguments:?}: {told}");
    }
    let output = engine.ctl(&["backend", "add", "app/127.0.0.1:1", "1001"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("weight 1001 is not 1 to 1000"), "{told}");
    assert_eq!(answers(&engine, 4), ["one", "two"]);
    assert!(engine.status()["upstreams"][0]["differs"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn an_added_backend_is_checked_like_the_others_and_forgotten_when_it_leaves() {
    let [one, guest] = ["one", "guest"].map(Origin::named);
    let check = "check = { path = \"/healthz\", interval = \"20ms\" }\n";
    let engine = Engine::start(&site(check, &[&one]));
    let place = format!("app/{}", guest.address);
    engine.ctl_ok(&["backend", "add", &place]);
    let checks = || guest.seen().iter().filter(|seen| seen.head.contains("/healthz")).count();
    wait::until("the added backend is checked", || (checks() > 2).then_some(()));
    engine.ctl_ok(&["backend", "remove", &place, "--wait"]);
    assert!(engine.backend("app", &guest.address.to_string()).is_null());
    // Neither checked nor talked to: its kept connections are closed, and no other one is opened.
    wait::until("the checks of the others go on", || {
        let (before, of_other) = (checks(), one.served());
        wait::until("a few more checks", || (one.served() > of_other + 3).then_some(()));
        (checks() == before).then_some(())
    });
}

#[test]
fn the_console_adds_a_backend_as_typed_and_takes_it_back() {
    let [one, guest] = ["one", "guest"].map(Origin::named);
    let engine = Engine::start(&site("", &[&one]));
    let mut screen = engine.console(&[]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    let name = guest.address.to_string();
    screen.press(&format!(":add app/{name} 3"));
    screen.wait("the palette has it", |text| text.contains("as typed"));
    screen.press("\r");
    wait::until("it is a member", || (engine.backend("app", &name)["weight"] == 3).then_some(()));
    assert_eq!(answers(&engine, 8), ["guest", "one"]);
    screen.press("2");
    screen.wait("the upstream is marked", |text| text.contains("app differs"));
    screen.press("u");
    wait::until("it is gone", || engine.backend("app", &name).is_null().then_some(()));
}
