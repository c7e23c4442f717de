//! Supervisor's own command line against Supervisor and against us, over the same programs: what it
//! prints and how it ends is the same, but for process ids and times.
//!
//! Needs Supervisor 4.3: `PILOTHOUSE_SUPERVISOR` names the folder of its commands, else `PATH` does.

mod pair;

use std::fs;

use super::wait;
use pair::{Pair, Programs};

/// The same programs in both languages. `{folder}`: each side's own.
const PROGRAMS: Programs = Programs {
    toml: r#"
[program.bad]
command = "sh -c 'exit 1'"
autostart = false
start_retries = 0
[program.cat]
command = "cat"
stdin = "open"
stdout = { file = "{folder}/cat.out" }
stderr = { file = "{folder}/cat.err" }
[program.done]
command = "true"
start_seconds = 0
[program.gone]
command = "{folder}/gone"
autostart = false
[program.talk]
command = "sh -c 'echo one; echo two; printf three; echo oops >&2; exec sleep 1000'"
stdout = { file = "{folder}/talk.out" }
stderr = { file = "{folder}/talk.err" }
[program.web]
command = "sleep 1000"
instances = 2
"#,
    ini: r"
[program:bad]
command=sh -c 'exit 1'
autostart=false
startretries=0
[program:cat]
command=cat
stdout_logfile={folder}/cat.out
stderr_logfile={folder}/cat.err
[program:done]
command=true
startsecs=0
[program:gone]
command={folder}/gone
autostart=false
[program:talk]
command=sh -c 'echo one; echo two; printf three; echo oops >&2; exec sleep 1000'
stdout_logfile={folder}/talk.out
stderr_logfile={folder}/talk.err
[program:web]
command=sleep 1000
numprocs=2
process_name=%(program_name)s_%(process_num)02d
",
};

/// Both sides have every program where it stays.
fn settled() -> Option<Pair> {
    let pair = Pair::start(&PROGRAMS)?;
    pair.settle(&[
        ("cat", "RUNNING"),
        ("talk", "RUNNING"),
        ("done", "EXITED"),
        ("web:web_00", "RUNNING"),
        ("web:web_01", "RUNNING"),
    ]);
    Some(pair)
}

#[test]
fn looking_is_the_same() {
    let Some(pair) = settled() else { return };
    for line in [
        "status",
        "status all",
        "status cat",
        "status cat done",
        "status web:*",
        "status web:web_00",
        "status web",
        "status nosuch",
        "status nosuch:*",
        "status cat nosuch",
        "version",
        "version x",
        "avail",
        "avail x",
        "reread",
        "reread x",
        "update",
        "update nosuch",
        "pid cat",
        "pid bad",
        "pid nosuch",
        "pid all",
        "tail talk",
        "tail -5 talk",
        "tail talk stderr",
        "tail talk stdwhat",
        "tail bad",
        "tail nosuch",
        "tail web:*",
        "tail",
        "fg",
        "fg bad",
        "fg nosuch",
        "bogus",
        "help",
        "maintail x",
        "add",
        "add cat",
        "add nosuch",
        "remove cat",
        "remove nosuch",
        "shutdown x",
        "reload x",
    ] {
        pair.same(line);
    }
}

#[test]
fn starting_stopping_and_signalling_is_the_same() {
    let Some(pair) = settled() else { return };
    pair.remove_gone();
    for line in [
        "start cat",
        "start bad",
        "status bad",
        "start gone",
        "start nosuch",
        "start nosuch:*",
        "start",
        "stop cat",
        "stop cat",
        "status cat",
        "start cat",
        "stop bad",
        "stop nosuch",
        "stop nosuch:*",
        "stop",
        "restart cat",
        "restart bad",
        "restart nosuch",
        "restart",
        "signal HUP bad",
        "signal BOGUS cat",
        "signal 0x cat",
        "signal HUP nosuch",
        "signal HUP nosuch:*",
        "signal",
        "signal CONT cat",
        "signal SIGCONT cat talk",
        "signal 18 web:*",
        "signal CONT all",
        "start web:web_00",
        "stop web:web_00 nosuch",
        "start web:*",
        "stop web:*",
        "start web:web_00 web:web_01",
        "restart web:*",
        "start done",
        "clear cat",
        "clear nosuch",
        "clear",
        "clear all",
        "tail talk",
        "stop all",
        "status",
        "start cat talk",
    ] {
        pair.same(line);
    }
}

#[test]
fn files_read_again_are_taken_group_by_group_the_same() {
    let Some(mut pair) = settled() else { return };
    pair.rewrite(&Programs {
        toml: r#"
[program.cat]
command = "sleep 999"
[program.done]
command = "true"
start_seconds = 0
[program.late]
command = "sleep 1000"
autostart = false
[program.new]
command = "sleep 1000"
[program.web]
command = "sleep 1000"
instances = 3
"#,
        ini: r"
[program:cat]
command=sleep 999
[program:done]
command=true
startsecs=0
[program:late]
command=sleep 1000
autostart=false
[program:new]
command=sleep 1000
[program:web]
command=sleep 1000
numprocs=3
process_name=%(program_name)s_%(process_num)02d
",
    });
    for line in [
        "reread",
        "avail",
        "status",
        "add new",
        "add new",
        "reread",
        "remove talk",
        "stop talk",
        "remove talk",
        "remove talk",
        "status talk",
        "update late",
        "update",
        "reread",
    ] {
        pair.same(line);
    }
    pair.settle(&[("cat", "RUNNING"), ("web:web_02", "RUNNING"), ("new", "RUNNING")]);
    for line in ["status", "avail", "stop new", "remove new", "avail", "add new", "status late"] {
        pair.same(line);
    }
}

#[test]
fn a_file_with_errors_changes_nothing() {
    let Some(mut pair) = settled() else { return };
    pair.rewrite(&Programs { toml: "[program.cat\n", ini: "[program:cat]\n" });
    let [ours, theirs] = pair.both("reread", "");
    assert_eq!(ours.status, theirs.status);
    assert!(ours.text.starts_with("ERROR: CANT_REREAD: "), "{}", ours.text);
    assert!(theirs.text.starts_with("ERROR: CANT_REREAD: "), "{}", theirs.text);
    let [ours, _theirs] = pair.both("update", "");
    assert_eq!(ours.status, 1, "{}", ours.text);
    for line in ["status", "status cat", "start cat"] {
        pair.same(line);
    }
}

#[test]
fn logs_are_followed_the_same() {
    let Some(pair) = settled() else { return };
    for line in ["tail -f talk", "tail -f talk stderr", "tail -f nosuch", "tail -f talk stdwhat"] {
        pair.same_for_a_while(line);
    }
    let [ours, theirs] = pair.both("maintail", "");
    assert_eq!((ours.status, theirs.status), (0, 0), "{}", ours.text);
    let followed = pair.ours_until("maintail -f", "[notice]");
    assert!(followed.contains("==> Press Ctrl-C to exit <=="), "{followed}");
}

#[test]
fn input_is_sent_the_same() {
    let Some(pair) = settled() else { return };
    // The end of the input is what Ctrl-D is: back to the shell.
    let [ours, theirs] = pair.both("fg cat", "to the cat\nmore\n");
    assert_eq!(ours.status, theirs.status);
    for told in [&ours, &theirs] {
        assert!(told.text.starts_with("==> Press Ctrl-C to exit <==\n"), "{}", told.text);
        assert!(told.text.contains("Exiting foreground\n"), "{}", told.text);
    }
    for folder in pair.folders() {
        let file = folder.join("cat.out");
        wait::until("it was all sent", || {
            (fs::read_to_string(&file).ok()? == "to the cat\nmore\n").then_some(())
        });
    }
    pair.same("tail cat");
}

#[test]
fn a_start_that_finds_the_file_gone_says_so_the_same() {
    let Some(pair) = settled() else { return };
    pair.remove_gone();
    pair.same("start gone");
    for folder in pair.folders() {
        fs::write(folder.join("gone"), "#!/bin/sh\n").expect("the folder is ours");
    }
    pair.same("start gone");
}

#[test]
fn the_end_is_the_same() {
    let Some(mut pair) = settled() else { return };
    pair.same("shutdown");
    pair.ended();
    for line in ["status", "shutdown", "start cat"] {
        pair.same_but_for_the_socket(line);
    }
}

/// Supervisor stops everything and begins again; we take the file and start programs anew.
#[test]
fn a_reload_starts_every_program_anew() {
    let Some(mut pair) = settled() else { return };
    let before = pair.engine().program_pid("cat", 0);
    pair.same("stop web:web_00");
    pair.same("reload");
    pair.settle(&[("cat", "RUNNING"), ("talk", "RUNNING"), ("web:web_00", "RUNNING")]);
    assert_ne!(pair.engine().program_pid("cat", 0), before);
    pair.same("status");
    pair.rewrite(&Programs { toml: "[program.cat\n", ini: "[program:cat]\n" });
    let ours = pair.ours("reload");
    assert_eq!(ours.status, 1, "{}", ours.text);
    assert!(ours.text.contains("CANT_REREAD"), "{}", ours.text);
}
