//! Every value of a program as Supervisor's own parser reads it is what the translation says.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{import, text};
use crate::oracle;

/// What `supervisord -c FILE` would run, as JSON.
const READER: &str = r#"
import json, sys
from supervisor.options import ServerOptions
from supervisor import datatypes

options = ServerOptions()
options.realize(["-c", sys.argv[1]])

def plain(value):
    if value is datatypes.RestartUnconditionally: return True
    if value is datatypes.RestartWhenExitUnexpected: return "unexpected"
    if value is datatypes.Automatic: return "AUTO"
    if value is datatypes.Syslog: return "SYSLOG"
    return value

names = ["command", "directory", "umask", "priority", "autostart", "autorestart", "startsecs",
         "startretries", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup", "exitcodes",
         "redirect_stderr", "environment", "stdout_logfile", "stdout_logfile_maxbytes",
         "stdout_logfile_backups", "stdout_capture_maxbytes", "stdout_events_enabled",
         "stdout_syslog", "stderr_logfile", "stderr_logfile_maxbytes", "stderr_logfile_backups",
         "stderr_capture_maxbytes", "stderr_events_enabled", "stderr_syslog"]
found = {}
for group in options.process_group_configs:
    for process in group.process_configs:
        values = {name: plain(getattr(process, name)) for name in names}
        values["group_priority"] = group.priority
        found[process.name] = values
print(json.dumps(found))
"#;

/// One program for each value that is not the usual one, and one with the usual ones.
const INI: &str = r#"
[supervisord]
[program:usual]
command=cat
[program:told]
command=sh -c "echo %(program_name)s %%"  ; a remark
directory=/tmp
umask=027
priority=7
autostart=off
autorestart=Yes
startsecs=0
startretries=9
stopsignal=sigint
stopwaitsecs=3
stopasgroup=true
exitcodes=0, 2,17
environment=A="1,2",B='x y',C=z/w
stdout_logfile=/tmp/told.log
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=3
stdout_capture_maxbytes=64KB
stdout_events_enabled=1
stderr_logfile=NONE
stderr_logfile_maxbytes=3KB
stderr_logfile_backups=0
stderr_syslog=true
[program:never]
command=cat
autorestart=false
killasgroup=true
redirect_stderr=true
stdout_logfile=syslog
[program:many]
command=cat %(process_num)d
numprocs=2
numprocs_start=4
process_name=%(program_name)s_%(process_num)02d
[group:site]
programs=many
priority=12
"#;

/// A value of ours, or what holds without it.
fn of<'a>(table: &'a Value, path: &str, usual: &'a Value) -> &'a Value {
    path.split('/').try_fold(table, |table, key| table.get(key)).unwrap_or(usual)
}

/// `50MB` in bytes.
fn bytes(size: &Value) -> Value {
    let text = size.as_str().expect("a text");
    let at = text.find(|c: char| c.is_ascii_alphabetic()).expect("a unit");
    let number: u64 = text[..at].parse().expect("a number");
    let shift = match &text[at..] {
        "B" => 0,
        "KB" => 10,
        "MB" => 20,
        unit => panic!("{unit}"),
    };
    json!(number << shift)
}

/// A program of ours in the words of Supervisor.
fn said(table: &Value, group_priority: &Value) -> BTreeMap<&'static str, Value> {
    let take = |path: &str, usual: Value| of(table, path, &usual).clone();
    let mut said = BTreeMap::from([
        ("directory", take("directory", Value::Null)),
        ("priority", take("priority", json!(999))),
        ("autostart", take("autostart", json!(true))),
        ("autorestart", take("autorestart", json!("unexpected"))),
        ("startsecs", take("start_seconds", json!(1))),
        ("startretries", take("start_retries", json!(3))),
        ("stopwaitsecs", take("stop_seconds", json!(10))),
        ("stopasgroup", take("stop_group", json!(false))),
        ("exitcodes", take("exit_codes", json!([0]))),
        ("redirect_stderr", take("redirect_stderr", json!(false))),
        ("environment", take("environment", json!({}))),
        ("group_priority", group_priority.clone()),
    ]);
    let umask = take("umask", Value::Null);
    let octal = |text: &str| i64::from_str_radix(text, 8).expect("octal digits");
    said.insert("umask", umask.as_str().map_or(Value::Null, |text| json!(octal(text))));
    // Whoever is told to stop as a group is killed as one.
    let usual = of(table, "stop_group", &json!(false)).clone();
    said.insert("killasgroup", take("kill_group", usual));
    for (channel, names) in [
        (
            "stdout",
            ["stdout_logfile_maxbytes", "stdout_logfile_backups", "stdout_capture_maxbytes"],
        ),
        (
            "stderr",
            ["stderr_logfile_maxbytes", "stderr_logfile_backups", "stderr_capture_maxbytes"],
        ),
    ] {
        let [most, backups, capture] = names;
        said.insert(most, bytes(&take(&format!("{channel}/max_bytes"), json!("50MB"))));
        said.insert(backups, take(&format!("{channel}/backups"), json!(10)));
        said.insert(capture, bytes(&take(&format!("{channel}/capture_bytes"), json!("0B"))));
    }
    said.insert("stdout_events_enabled", take("stdout/events", json!(false)));
    said.insert("stderr_events_enabled", take("stderr/events", json!(false)));
    said
}

#[test]
fn supervisors_own_parser_agrees_on_every_value() {
    let Some(client) = oracle::supervisor("supervisord") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("supervisord.conf");
    fs::write(&file, INI).expect("the folder is ours");
    let python = client.with_file_name("python");
    let output = Command::new(python).args(["-c", READER]).arg(&file).output().expect("it runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let imported = import("supervisor", &[], &file);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let ours: toml::Table = text(&imported.stdout).parse().expect("TOML");
    let ours = serde_json::to_value(ours).expect("plain data");
    for (process, program, signal) in [
        ("usual", "usual", 15),
        ("told", "told", 2),
        ("never", "never", 15),
        ("many_04", "many", 15),
        ("many_05", "many", 15),
    ] {
        let table = &ours["program"][program];
        let usual = json!(999);
        let own = of(table, "priority", &usual).clone();
        let priority =
            if program == "many" { ours["group"]["site"]["priority"].clone() } else { own };
        let theirs = &theirs[process];
        for (name, value) in said(table, &priority) {
            // What it fills in itself.
            let found = match (name, &theirs[name]) {
                ("environment", Value::Null) => json!({}),
                (_, found) => found.clone(),
            };
            assert_eq!(value, found, "{process}: {name}");
        }
        assert_eq!(theirs["stopsignal"], json!(signal), "{process}");
        let word = of(table, "stop_signal", &json!("TERM")).clone();
        assert_eq!(word, json!(if signal == 2 { "INT" } else { "TERM" }), "{process}");
    }
    let told = &theirs["told"];
    let table = &ours["program"]["told"];
    assert_eq!(told["command"], table["command"]);
    assert_eq!(told["stdout_logfile"], table["stdout"]["file"]);
    assert_eq!((&told["stderr_logfile"], &told["stderr_syslog"]), (&Value::Null, &json!(true)));
    assert_eq!(table["stderr"]["syslog"], json!(true));
    assert!(table["stderr"].get("file").is_none());
    assert_eq!(theirs["never"]["stdout_syslog"], json!(true));
    assert_eq!(ours["program"]["never"]["stdout"]["syslog"], json!(true));
    assert_eq!(theirs["many_05"]["command"], json!("cat 5"));
    let many = &ours["program"]["many"];
    assert_eq!(many["command"], json!("cat ${INSTANCE}"));
    assert_eq!((&many["instances"], &many["first_instance"]), (&json!(2), &json!(4)));
}
