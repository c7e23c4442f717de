//! The engine as the first process of a container: it reaps whatever comes to it, and ends as it should.

use std::process::Command;

use crate::engine::{Engine, children_of, descendants, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{client, wait};

const ORPHANS: &str = "for i in $(seq 1000); do (true &); done";

#[test]
fn the_first_process_of_a_namespace_reaps_orphans_silently_and_stops_when_told() {
    let origin = Origin::named("one");
    let parent = format!("[program.parent]\ncommand = \"sh -c '{ORPHANS}; exec sleep 1000'\"\n");
    let Some(mut engine) = Engine::start_as_init(&(site("", &[&origin]) + &parent)) else {
        return eprintln!("skipped: no right to make a namespace of processes");
    };
    let init = children_of(engine.keeper_pid())[0];
    wait::until("the program runs", || engine.program_pid("parent", 0));
    // From outside, so that the first process itself inherits them; the program's go to the master.
    let target = init.to_string();
    let made = Command::new("nsenter").args(["-t", &target, "-p", "sh", "-c", ORPHANS]).status();
    assert!(made.expect("nsenter(1) runs").success());
    wait::until("nobody is left unreaped", || {
        let family = descendants(init);
        family.iter().all(|pid| is_alive(*pid)).then_some(())
    });
    // Its start, and nothing of orphans.
    let log = engine.log();
    let said = log.lines().filter(|line| !line.contains("serves generation"));
    assert_eq!(said.count(), 1, "{log}");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    signal(init, "TERM");
    assert_eq!(engine.ended().code(), Some(0), "{}", engine.log());
}
