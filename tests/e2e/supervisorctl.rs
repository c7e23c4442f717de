//! Supervisor's own command line against Supervisor and against us, over the same programs: what it
//! prints and how it ends is the same, but for process ids and times.
//!
//! Needs Supervisor 4.3: `PILOTHOUSE_SUPERVISOR` names the folder of its commands, else `PATH` does.

pub(crate) mod pair;

use std::fs;
use std::process::Command;

use super::{oracle, wait};
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
    pair.settle(&SETTLED);
    Some(pair)
}

const SETTLED: [(&str, &str); 5] = [
    ("cat", "RUNNING"),
    ("talk", "RUNNING"),
    ("done", "EXITED"),
    ("web:web_00", "RUNNING"),
    ("web:web_01", "RUNNING"),
];

const LOOKING: &[&str] = &[
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
];

const ACTING: &[&str] = &[
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
    "clear cat",
    "clear nosuch",
    "clear",
    "clear all",
    "tail talk",
    "stop all",
    "status",
    "start cat talk",
];

#[test]
fn looking_is_the_same() {
    let Some(pair) = settled() else { return };
    for line in LOOKING {
        pair.same(line);
    }
}

#[test]
fn starting_stopping_and_signalling_is_the_same() {
    let Some(pair) = settled() else { return };
    pair.remove_gone();
    for line in ACTING {
        pair.same(line);
    }
}

/// Every command once: what they mean is held on the sockets.
const OVER_TCP: &[&str] = &[
    "status",
    "status cat nosuch",
    "version",
    "avail",
    "reread",
    "update",
    "pid all",
    "tail -5 talk",
    "tail talk stderr",
    "tail bad",
    "add cat",
    "remove cat",
    "bogus",
    "stop cat",
    "start cat",
    "start bad",
    "restart cat",
    "signal CONT web:*",
    "clear cat",
    "clear all",
    "stop all",
    "status",
    "start cat talk",
];

/// With a user's name and password, as the socket is not for those on other machines.
#[test]
fn over_tcp_everything_is_the_same() {
    let Some(mut pair) = Pair::start_over_tcp(&PROGRAMS) else { return };
    pair.settle(&SETTLED);
    for line in ["tail -f talk", "tail -f nosuch"] {
        pair.same_for_a_while(line);
    }
    for line in OVER_TCP {
        pair.same(line);
    }
    let followed = pair.ours_until("maintail -f", "[notice]");
    assert!(followed.contains("==> Press Ctrl-C to exit <=="), "{followed}");
    sends_input(&pair);
    for login in [["ann", "wrong"], ["bob", "s3cret"], ["", ""]] {
        for line in ["status", "start cat", "shutdown"] {
            pair.same_as(login, line);
        }
    }
    pair.same("reload");
    pair.settle(&SETTLED);
    pair.same("shutdown");
    pair.ended();
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
    assert_eq!(pair.generation(), 1, "programs come and go without a reload");
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
    sends_input(&pair);
}

fn sends_input(pair: &Pair) {
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

const CONFIGURED: &str = r#"
[program.plain]
command = "cat"
stdin = "open"
stdout = { file = "{folder}/out", max_bytes = "1MB", backups = 3 }
stderr = { file = "{folder}/err" }
kill_group = false
[program.full]
command = "sh -c 'exec cat'"
directory = "/"
user = "root"
priority = 7
autostart = false
start_seconds = 2
start_retries = 5
stop_signal = "INT"
stop_seconds = 3
stop_group = true
exit_codes = [0, 2]
redirect_stderr = true
stdout = { file = "{folder}/all", capture_bytes = "64KB", events = true, syslog = true }
[program.web]
command = "cat"
stdin = "open"
instances = 2
kill_group = false
stdout = { file = "{folder}/web" }
stderr = { file = "{folder}/web.err", capture_bytes = "1KB", events = true }
[group.site]
programs = ["web"]
priority = 5
"#;

const CONFIGURED_INI: &str = r"
[program:plain]
command=cat
stdout_logfile={folder}/out
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=3
stderr_logfile={folder}/err
[program:full]
command=sh -c 'exec cat'
directory=/
user=root
priority=7
autostart=false
startsecs=2
startretries=5
stopsignal=INT
stopwaitsecs=3
stopasgroup=true
exitcodes=0,2
redirect_stderr=true
stdout_logfile={folder}/all
stdout_capture_maxbytes=64KB
stdout_events_enabled=true
stdout_syslog=true
[program:web]
command=cat
numprocs=2
process_name=%(program_name)s_%(process_num)02d
stdout_logfile={folder}/web
stderr_logfile={folder}/web.err
stderr_capture_maxbytes=1KB
stderr_events_enabled=true
[group:site]
programs=web
priority=5
";

#[test]
fn configurations_are_told_the_same() {
    let Some(python) = oracle::supervisor("python") else { return };
    let Some(pair) = Pair::start_with(CONFIGURED, CONFIGURED_INI) else { return };
    pair.settle(&[("plain", "RUNNING")]);
    let [ours, theirs] = pair.sockets().map(|url| {
        let output = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/supervisorctl/config_info.py"))
            .arg(url)
            .output()
            .expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    });
    let [ours_folder, theirs_folder] = pair.folders().map(|folder| folder.display().to_string());
    let ours: Vec<&str> = ours.lines().collect();
    let theirs = theirs.replace(&theirs_folder, &ours_folder);
    assert_eq!(ours, theirs.lines().collect::<Vec<_>>(), "(left: ours)");
    assert_eq!(ours.len(), 29 * 4, "{ours:?}");
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
