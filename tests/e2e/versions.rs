//! Upgrades between binaries that really differ: another version, another layout of what a master
//! leaves, and one that passes its trial and dies in the keeper's place.
//!
//! The other binary is this one with words of it changed, letter for letter, in the copy's file: what
//! it is called, how a field is named, which hidden role it knows.

use std::fs;
use std::path::Path;

use crate::client::Load;
use crate::engine::{BINARY, COPY, Engine, children_of, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{executable, takeover, wait, witness};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes this binary with each first word replaced by the second, of the same length, everywhere.
fn write_changed(path: &Path, changes: &[(&str, &str)]) {
    let mut bytes = fs::read(BINARY).expect("it was built");
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
        assert!(!places.is_empty(), "{from} is not in the binary");
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    executable::write(path, &bytes);
}

/// As long as ours, and another.
fn other_version() -> String {
    format!("{}9", &VERSION[..VERSION.len() - 1])
}

fn start(origin: &Origin) -> Engine {
    let engine = Engine::start_in(&(site("", &[origin]) + witness::PROGRAMS), |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
    });
    wait::until("the programs run", || {
        let status = engine.try_status()?;
        let rows = status["programs"].as_array()?;
        rows.iter().all(|row| row["state"] == "RUNNING").then_some(())
    });
    engine
}

#[test]
fn another_version_with_another_will_takes_over_and_gives_back() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let before = takeover::programs(&engine);
    let load = Load::start(engine.address(), "/", 4);
    let other = other_version();
    // A field that neither of the two knows under the other's name.
    let changes = [(VERSION, other.as_str()), ("lifetimes", "lifetimez")];
    takeover::install(&engine, |path| write_changed(path, &changes));
    let said = engine.ctl_ok(&["upgrade"]);
    assert!(said.contains(&format!("has become version {other}")), "{said}");
    takeover::until_all_run(&engine, takeover::installed(&engine));
    assert_eq!(engine.status()["version"], other.as_str());
    takeover::install_copy(&engine);
    let said = engine.ctl_ok(&["upgrade"]);
    assert!(said.contains(&format!("version {other} (pid ")), "{said}");
    takeover::until_all_run(&engine, takeover::installed(&engine));
    assert_eq!(
        (engine.status()["version"].as_str(), takeover::programs(&engine)),
        (Some(VERSION), before)
    );
    assert_eq!(load.stop().failed, Vec::<String>::new());
    witness::expect_exact_log(&engine);
}

#[test]
fn a_version_that_can_not_read_the_will_is_refused_before_anything_happens() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let before = (engine.keeper_pid(), engine.master_pid(), takeover::programs(&engine));
    takeover::install(&engine, |path| {
        write_changed(path, &[("config_error", "config_errox")]);
    });
    let output = engine.ctl(&["upgrade"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("can not read what the running master leaves"), "{text}");
    assert!(text.contains("`config_errox`"), "{text}");
    assert_eq!((engine.keeper_pid(), engine.master_pid(), takeover::programs(&engine)), before);
}

#[test]
fn a_binary_that_dies_in_the_keepers_place_takes_nobody_along() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let (first, before) = (takeover::installed(&engine), takeover::programs(&engine));
    let load = Load::start(engine.address(), "/", 4);
    takeover::install(&engine, |path| write_changed(path, &[("__keeper", "__keexer")]));
    let mut upgrade = engine.ctl_begin(&["upgrade"]);
    engine.follow_keeper();
    assert_eq!(upgrade.wait().expect("our own child").code(), Some(1));
    takeover::until_all_run(&engine, first);
    assert_eq!(takeover::programs(&engine), before);
    assert!(engine.ctl_ok(&["events"]).contains("the new binary did not last"));
    assert_eq!(load.stop().failed, Vec::<String>::new());
    witness::begin_end(&engine, 5);
    witness::expect_end(&engine, 5);
    witness::expect_exact_log(&engine);
}

#[test]
fn a_keeper_that_is_killed_while_a_master_makes_way_is_replaced() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let before = takeover::programs(&engine);
    let load = Load::start(engine.address(), "/", 4);
    for round in 1..=4 {
        takeover::install_copy(&engine);
        let keeper = engine.keeper_pid();
        signal(keeper, "USR2");
        wait::until("a master makes way", || {
            (engine.log().matches(" makes way for ").count() >= round).then_some(())
        });
        signal(keeper, "KILL");
        engine.follow_keeper();
        assert_eq!(takeover::programs(&engine), before, "round {round}");
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
    witness::begin_end(&engine, 6);
    witness::expect_end(&engine, 6);
    witness::expect_exact_log(&engine);
    let keeper = engine.keeper_pid();
    wait::until("no zombie", || children_of(keeper).iter().all(|pid| is_alive(*pid)).then_some(()));
}
