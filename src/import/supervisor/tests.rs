//! What Supervisor's words become; that both run the same is shown by `tests/e2e/import.rs`.

use proptest::prelude::*;

use super::*;
use crate::config::model::Config;

const HEAD: &str = "[supervisord]\n";

fn translated(text: &str) -> Translation {
    translate_text(&format!("{HEAD}{text}"), "supervisord.conf").expect("it is translated")
}

fn config(text: &str) -> Config {
    let toml = translated(text).toml;
    config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"))
}

/// The lines without comments and without what every program has.
fn lines(text: &str) -> Vec<String> {
    let toml = translated(text).toml;
    let own = |line: &&str| {
        let is_usual = ["kill_group = false", "reap_leftovers = false", "stdin = \"open\""];
        !line.starts_with('#')
            && !line.is_empty()
            && !is_usual.iter().any(|it| line.starts_with(it))
    };
    let bare = |line: &str| line.rsplit_once("  # ").map_or(line, |(line, _)| line).to_owned();
    toml.lines().filter(own).map(bare).collect()
}

fn check(options: &str, expected: &[&str]) {
    let text = format!("[program:x]\ncommand=x\n{options}\n");
    let found = lines(&text);
    assert_eq!(found[..2], ["[program.x]", "command = \"x\""]);
    assert_eq!(found[2..], *expected, "{options}");
    config(&text);
}

#[test]
fn every_option_of_a_program_has_its_word() {
    check("", &[]);
    check("process_name=%(program_name)s", &[]);
    check("numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d", &["instances = 2"]);
    check(
        "numprocs=2\nnumprocs_start=5\nprocess_name=w%(process_num)s",
        &["instances = 2", "first_instance = 5", "process_name = \"w${INSTANCE}\""],
    );
    check("priority=5\nautostart=off", &["priority = 5", "autostart = false"]);
    check("autorestart=true", &["autorestart = true"]);
    check("autorestart=Unexpected", &["autorestart = \"unexpected\""]);
    check("exitcodes=0, 2", &["exit_codes = [0, 2]"]);
    check("startsecs=0\nstartretries=9", &["start_seconds = 0", "start_retries = 9"]);
    check("stopsignal=sigint\nstopwaitsecs=3", &["stop_signal = \"INT\"", "stop_seconds = 3"]);
    check("stopsignal=15", &["stop_signal = \"15\""]);
    check("umask=22\ndirectory=/tmp", &["directory = \"/tmp\"", "umask = \"022\""]);
    check("redirect_stderr=yes", &["redirect_stderr = true"]);
    check(
        "environment=A=\"1,2\",B='x y',C=z",
        &["environment = { A = \"1,2\", B = \"x y\", C = \"z\" }"],
    );
    check(
        "stdout_logfile=/tmp/x-%(process_num)02d.log\nstdout_logfile_maxbytes=1MB\n\
         stdout_logfile_backups=0\nstdout_events_enabled=1\nstdout_capture_maxbytes=64KB",
        &["stdout = { file = \"/tmp/x-${INSTANCE:02}.log\", max_bytes = \"1MB\", backups = 0, \
           capture_bytes = \"64KB\", events = true }"],
    );
    check("stderr_logfile=syslog", &["stderr = { syslog = true }"]);
    check("stdout_logfile=NONE\nstderr_logfile=AUTO", &[]);
}

#[test]
fn groups_that_are_told_to_end_are_written_as_such() {
    let toml = |options: &str| translated(&format!("[program:x]\ncommand=x\n{options}")).toml;
    assert!(toml("").contains("kill_group = false  # as `killasgroup` is unset"));
    assert!(toml("killasgroup=true").contains("kill_group = true"));
    let whole = toml("stopasgroup=true");
    assert!(whole.contains("stop_group = true") && !whole.contains("kill_group = "), "{whole}");
}

#[test]
fn what_belongs_together_stays_together() {
    let text = "environment=A=\"1\",B=\"2\"\nuser=root\numask=027\nidentifier=site\n\
        [program:a]\ncommand=a\nenvironment=B=3\n[fcgi-program:b]\ncommand=b\n\
        socket=unix:///run/%(program_name)s.sock\nsocket_mode=0770\n\
        [eventlistener:c]\ncommand=c\nevents=process_state,TICK_5\nbuffer_size=3\n\
        [group:all]\nprograms=a,b\npriority=7\n";
    let found = lines(text);
    for line in [
        "name = \"site\"",
        "programs = [\"a\", \"b\"]",
        "environment = { A = \"1\", B = \"3\" }",
        "user = \"root\"",
        "umask = \"027\"",
        "sockets = [{ address = \"unix:/run/b.sock\", owner = \"root\", mode = \"770\" }]",
        "stdin = \"socket\"",
        "events = [\"PROCESS_STATE\", \"TICK_5\"]",
        "buffer = 3",
    ] {
        assert!(found.iter().any(|found| found == line), "{line} is not in {found:#?}");
    }
    let config = config(text);
    assert_eq!(config.programs.len(), 3);
    assert_eq!(config.groups[0].priority, 7);
}

#[test]
fn names_are_replaced_now_or_at_the_start() {
    let found = lines(
        "environment=WORD=\"w\"\n[program:x]\ncommand=x %(here)s %(group_name)s %(numprocs)03d 5%% \
         %(ENV_WORD)s ${HOME} $HOME '%(process_num)d'\n",
    );
    let here = "";
    assert_eq!(
        found[1],
        format!("command = \"x {here} x 001 5% w $${{HOME}} $HOME '${{INSTANCE}}'\"")
    );
}

#[test]
fn what_has_no_equal_is_said_with_its_line() {
    let text = "logfile=/x\n[program:x]\ncommand=x\ncolour=red\n[rpcinterface:own]\n\
        supervisor.rpcinterface_factory=own:make\n[web]\n[unix_http_server]\nfile=/x\nchmod=0700\n";
    let remarks: Vec<String> = translated(text).warnings.iter().map(Remark::to_string).collect();
    let expected = [
        "supervisord.conf:2: `logfile` has no equal",
        "supervisord.conf:5: `colour` is no key of [program:x] there",
        "supervisord.conf:6: [rpcinterface:own] has no equal: it is Python",
        "supervisord.conf:8: [web] is no section there",
        "supervisord.conf:10: Supervisor's clients find the engine elsewhere",
        "supervisord.conf:11: `chmod` has no equal",
    ];
    assert_eq!(remarks.len(), expected.len(), "{remarks:#?}");
    for (remark, expected) in remarks.iter().zip(expected) {
        assert!(remark.starts_with(expected), "{remark} is not {expected}");
    }
}

#[test]
fn what_supervisor_refuses_is_refused_with_its_line() {
    for (text, expected) in [
        ("[program:x]\n", ":2: [program:x] without `command`"),
        ("[program:x]\ncommand=x\nstartsecs=soon", ":4: `startsecs` is `soon`"),
        ("[program:x]\ncommand=x\nautostart=maybe", ":4: `autostart` is `maybe`"),
        ("[program:x]\ncommand=x\nnumprocs=2", ":4: `process_name` must hold"),
        ("[program:x]\ncommand=%(nobody)s", ":3: `command`: `%(nobody)` is not known here"),
        ("[program:x]\ncommand=100%", ":3: `command`: `%` must be"),
        ("[program:x]\ncommand=x\nstopasgroup=1\nkillasgroup=0", ":4: `stopasgroup` is true"),
        ("[program:x]\ncommand=x\nexitcodes=256", ":4: `exitcodes` is `256`"),
        ("[program:x]\ncommand=x\nenvironment=A", ":4: `environment`: the pairs end early"),
        ("[program:x]\ncommand=x\nstopsignal=NONE", ":4: `stopsignal` is `NONE`"),
        ("[program:a b]\ncommand=x", ":2: `a b` is no name"),
        ("[group:g]\nprograms=x", ":3: there is no program `x`"),
        ("[eventlistener:x]\ncommand=x", ":2: [eventlistener:x] without `events`"),
        ("nonsense", ":2: expected `key=value`"),
        ("[include]\n", ""),
    ] {
        let result = translate_text(&format!("{HEAD}{text}"), "supervisord.conf");
        match (result, expected) {
            (Ok(_), "") => {}
            (Ok(translation), _) => panic!("{text}: {}", translation.toml),
            (Err(mistakes), _) => {
                let found = mistakes.to_string();
                assert!(found.contains(expected) && !expected.is_empty(), "{text}: {found}");
            }
        }
    }
}

#[test]
fn lines_are_taken_as_python_takes_them() {
    let found = lines(
        "[program:x]\nCommand : x ; and a remark\n  -a #no\n\n; whole\n  -b;kept\nautostart=no\n\
         AutoStart=yes\n",
    );
    assert_eq!(found[1], "command = \"x\\n-a\\n\\n-b;kept\"");
    assert_eq!(found[2], "autostart = true");
}

#[test]
fn the_corpus_keeps_every_promise() {
    let folder = Path::new("tests/corpus/supervisor_ini");
    let files = std::fs::read_dir(folder).expect("the corpus is there");
    let mut count = 0;
    for file in files {
        holds_for(&std::fs::read(file.expect("listed").path()).expect("readable"));
        count += 1;
    }
    assert!(count >= 3);
}

proptest! {
    #[test]
    fn any_text_is_refused_or_becomes_toml(text in ".{0,200}") {
        holds_for(text.as_bytes());
    }

    #[test]
    fn any_options_are_refused_or_become_toml(
        options in proptest::collection::vec((
            proptest::sample::select(&[
                "command", "environment", "stdout_logfile", "numprocs", "process_name", "priority",
                "exitcodes", "stopsignal", "umask", "directory", "stderr_logfile_maxbytes",
            ][..]),
            "([%()$a-z0-9_=,\"' /.-]|%\\(process_num\\)[0-9]{0,2}[ds]|%\\(ENV_HOME\\)s){0,12}",
        ), 0..6),
    ) {
        let options: Vec<String> =
            options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        holds_for(format!("{HEAD}[program:x]\n{}\n", options.join("\n")).as_bytes());
    }
}

/// `configs/MIGRATION.md` lists what is known, by section.
#[test]
fn the_migration_page_has_every_key_that_is_known() {
    let page = include_str!("../../../configs/MIGRATION.md");
    let whole = page.split("\n## ").find(|part| part.starts_with("From Supervisor")).unwrap();
    let listed = |start: &str| -> Vec<&str> {
        let part = whole.split("\n### ").find(|part| part.starts_with(start)).unwrap();
        let cells = part.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        let names = cells.flat_map(|cell| cell.split(['`', ',', ' ']));
        let mut names: Vec<&str> =
            names.filter(|name| !name.is_empty() && !name.starts_with('[')).collect();
        names.sort_unstable();
        names
    };
    let sorted = |parts: &[&[&'static str]]| {
        let mut names = parts.concat();
        names.sort_unstable();
        names
    };
    assert_eq!(listed("`[supervisord]`"), sorted(&[known::SUPERVISORD]));
    assert_eq!(listed("`[program:x]`"), sorted(&[known::PROGRAM]));
    assert_eq!(listed("`[fcgi-program:x]`"), sorted(&[known::FCGI]));
    assert_eq!(listed("`[eventlistener:x]`"), sorted(&[known::LISTENER]));
    let others = [known::GROUP, known::INCLUDE, known::UNIX_SERVER, known::INET_SERVER];
    assert_eq!(listed("Other sections"), sorted(&others));
}
