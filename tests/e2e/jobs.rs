//! Programs that end on purpose: jobs that others wait for, and jobs by the clock, over a master's
//! death.

use std::fs;

use super::engine::Engine;
use super::wait;

fn lines(engine: &Engine, name: &str) -> usize {
    let text = fs::read_to_string(engine.folder.path().join(name)).unwrap_or_default();
    text.lines().count()
}

#[test]
fn a_service_waits_for_its_job_and_whoever_starts_one_hears_its_end() {
    let engine = Engine::start(
        "[program.migrate]\nkind = \"oneshot\"\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'until [ -e go ]; do sleep 0.01; done; echo done >> order'\"\n\
         [program.site]\nneeds = [{ program = \"migrate\", until = \"completed\" }]\n\
         directory = \"{folder}\"\ncommand = \"sh -c 'echo up >> order; exec sleep 1000'\"\n\
         [program.fails]\nkind = \"oneshot\"\nautostart = false\nstart_retries = 0\ncommand = \"false\"\n",
    );
    wait::until("the job runs", || engine.program_pid("migrate", 0));
    assert_eq!(engine.program_pid("site", 0), None);
    let list = engine.ctl_ok(&["program", "list"]);
    assert!(list.contains("waiting for migrate"), "{list}");
    // Whoever waits, and for what, is nothing that a new master has to be told.
    engine.replace_master();
    assert_eq!(engine.program_pid("site", 0), None);
    fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
    wait::until("the service runs", || engine.program_pid("site", 0));
    assert_eq!(engine.program_state("migrate", 0), "EXITED");
    wait::until("both have said so", || {
        let text = fs::read_to_string(engine.folder.path().join("order")).ok()?;
        (text == "done\nup\n").then_some(())
    });
    let told = engine.ctl_ok(&["program", "start", "migrate"]);
    assert!(told.contains("completed"), "{told}");
    assert_eq!(lines(&engine, "order"), 3);
    let failed = engine.ctl(&["program", "start", "fails"]);
    assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stderr));
}

#[test]
fn a_job_by_the_clock_goes_on_with_the_next_master() {
    let engine = Engine::start(
        "[program.tick]\nschedule = { every = \"200ms\" }\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'echo tick >> ticks'\"\n\
         [program.clock]\nschedule = { every = \"200ms\" }\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'echo tick >> clock'\"\n",
    );
    wait::until("it runs again and again", || (lines(&engine, "ticks") >= 3).then_some(()));
    engine.replace_master();
    let before = lines(&engine, "ticks");
    wait::until("it goes on", || (lines(&engine, "ticks") >= before + 3).then_some(()));
    engine.ctl_ok(&["program", "stop", "tick"]);
    wait::until("the last one has ended", || engine.program_pid("tick", 0).is_none().then_some(()));
    let stopped = lines(&engine, "ticks");
    engine.replace_master();
    let before = lines(&engine, "clock");
    wait::until("time goes on", || (lines(&engine, "clock") >= before + 3).then_some(()));
    assert_eq!(lines(&engine, "ticks"), stopped, "stopped is stopped for the next master, too");
}
