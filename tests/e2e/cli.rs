//! The command line: every exit status, the promised JSON, and words that say what to do next.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::engine::{BINARY, Engine};
use crate::origin::Origin;
use crate::proxy::site;
use crate::wait;

/// Programs that need no serving: one quiet, one with a word to say, two of a kind.
const PROGRAMS: &str = "[program.talk]\n\
    command = \"sh -c 'printf \\\"one\\\\ntwo\\\\n\\\\033[31mthree\\\\n\\\"; exec sleep 1000'\"\nstart_seconds = 0\n\
    [program.pair]\ncommand = \"sleep 1000\"\ninstances = 2\nstart_seconds = 0\n";

/// Runs the binary in a folder where nothing runs; `text` is its `pilothouse.toml`.
pub(crate) fn alone(text: &str, args: &[&str]) -> Output {
    let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("pilothouse.toml"), text).expect("the folder is ours");
    Command::new(BINARY)
        .args(args)
        .env("PILOTHOUSE_RUNTIME_DIR", folder.path().join("run"))
        .env("PILOTHOUSE_STATE_DIR", folder.path().join("state"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the built binary runs")
}

#[track_caller]
pub(crate) fn expect(output: &Output, status: i32, words: &[&str]) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(status), "{text}");
    for word in words {
        assert!(text.contains(word), "says {word:?}:\n{text}");
    }
}

#[test]
fn misuse_is_2_and_says_what_was_meant() {
    expect(&alone("", &["statsu"]), 2, &["similar subcommand", "'status'"]);
    expect(&alone("", &["backend", "drain", "app"]), 2, &["UPSTREAM/BACKEND"]);
    expect(&alone("", &["backend", "drain", "a/b", "--timeout", "30"]), 2, &["such as 30s"]);
    expect(&alone("", &["console", "http://host"]), 2, &["ssh://[user@]host[:port]"]);
    expect(&alone("", &["run", "-s", "/x"]), 2, &["names an engine that runs already", "`name`"]);
    expect(&alone("", &["--help"]), 0, &["Exit status", "shutdown"]);
}

#[test]
fn what_is_wrong_with_a_file_is_json_for_programs() {
    let bad = "[engine]\nname = \"a\"\nworkerz = 2\n";
    let output = alone(bad, &["check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let row = &rows[0];
    assert_eq!(
        (&row["severity"], &row["line"], &row["column"]),
        (&json!("error"), &json!(3), &json!(1))
    );
    assert!(row["file"].as_str().is_some_and(|file| file.ends_with("pilothouse.toml")), "{row}");
    assert_eq!(row["hint"], "did you mean `workers`?");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let output = alone("", &["check", "--json"]);
    assert_eq!((output.status.code(), output.stdout.trim_ascii()), (Some(0), &b"[]"[..]));
}

#[test]
fn no_engine_is_3_and_says_how_to_start_one() {
    let verbs =
        ["status", "reload", "shutdown", "log", "events", "requests"].map(|verb| vec![verb]);
    for verb in verbs.iter().chain([&vec!["backend", "list"]]) {
        let words = ["no engine is running for pilothouse.toml", "pilothouse run"];
        expect(&alone("", verb), 3, &words);
    }
    expect(&alone("", &["-s", "/nowhere", "status"]), 3, &["no engine answers on /nowhere"]);
    // A socket leads to no configuration, so there is nothing to start.
    expect(&alone("", &["-s", "/nowhere"]), 3, &["/nowhere"]);
}

#[test]
fn a_bad_configuration_is_1_with_every_error_and_starts_nothing() {
    let text = "[engine]\nworkerz = 1\n[upstream.app]\nstrateggy = \"ip_hash\"\n";
    for verb in [&["check"][..], &["run"], &[]] {
        expect(&alone(text, verb), 1, &["pilothouse.toml:2", "workers", "pilothouse.toml:4"]);
    }
    expect(&alone("", &["check", "-c", "absent"]), 1, &["read absent"]);
}

#[test]
fn a_good_configuration_is_0_and_says_what_is_in_it() {
    let text = site("", &[]).replace("{listen}", "127.0.0.1:80");
    let text = format!("{text}[[upstream.app.backend]]\naddress = \"127.0.0.1:9\"\n{PROGRAMS}");
    expect(
        &alone(&text, &["check"]),
        0,
        &["pilothouse.toml: ok (1 server, 1 upstream, 2 programs)"],
    );
}

#[test]
fn an_engine_that_can_not_start_in_the_background_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let text = site("", &[]).replace("{listen}", &address);
    let text = format!("{text}[[upstream.app.backend]]\naddress = \"127.0.0.1:9\"\n");
    expect(&alone(&text, &[]), 1, &["did not start", &address, "in use"]);
}

/// The keys of objects, all the way down; an array stands for its first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), shape(value))).collect()
        }
        Value::Array(items) => json!([items.first().map(shape)]),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
    }
}

#[test]
fn the_status_has_the_promised_shape_on_the_socket_and_the_command_line() {
    let origin = Origin::named("one");
    let engine = Engine::start(&format!("{}{PROGRAMS}", site("", &[&origin])));
    let promised = r#"{"name":"","version":"","generation":0,"uptime_ms":0,"config":"","orphans_reaped":0,
        "listeners":[{"address":"","tls":false,"kind":""}],
        "servers":[{"name":"","hosts":[],"listens":[{"address":"","tls":false,"http2":false}],"routes":1,
          "served":{"requests":0,"responses":{"1xx":0,"2xx":0,"3xx":0,"4xx":0,"5xx":0},"bytes_in":0,"bytes_out":0}}],
        "certificates":[],"limits":[],"refused":[{"guard":"","requests":0}],
        "workers":[{"slot":0,"pid":1,"generation":3,"state":"","uptime_ms":0,"cpu_percent":0.0,"rss_bytes":0,
          "connections":{"active":0,"idle":0},"requests":0,"restarts":0,"user":"","lag_us":0}],
        "upstreams":[{"name":"","kind":"","strategy":"","requests":0,"names":[],"differs":[],"queue":null,"sticky":null,"all_down":"","desperate":0,
          "backends":[{"name":"","address":"","state":"","weight":1,"active":0,"requests":0,
            "expected_share":0.33,"actual_share":0.33,"responses":{"1xx":0,"2xx":0,"3xx":0,"4xx":0,"5xx":0},"failures":0,
            "latency_us":{"p50":0,"p90":0,"p99":0,"max":0},"bytes_in":0,"bytes_out":0,"program":null,"host":null,
            "drain":null,"cuts":0,"max_conns":0,"priority":0,"backup":false,"check":null,"reason":""}]}],
        "programs":[{"name":"","instance":0,"state":"","pid":1,"uptime_ms":0,"restarts":0,
          "exit_code":null,"exit_signal":null,"reason":"","cpu_percent":0.0,"rss_bytes":0,"backend":"","differs":"","tracking":"","log_lost_bytes":0}]}"#;
    let promised: Value = serde_json::from_str(promised).expect("JSON");
    let printed: Value =
        serde_json::from_str(&engine.ctl_ok(&["status", "--json"])).expect("status prints JSON");
    for status in [engine.status(), printed] {
        assert_eq!(shape(&status), shape(&promised));
        assert_eq!((&status["name"], &status["generation"]), (&json!("default"), &json!(1)));
        assert_eq!(status["workers"].as_array().map(Vec::len), Some(2));
        assert_eq!(status["programs"].as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn unknown_and_impossible_things_are_1_and_named() {
    let origin = Origin::named("one");
    let engine = Engine::start(&format!("{}{PROGRAMS}", site("", &[&origin])));
    for (args, word) in [
        (&["backend", "drain", "app/1.2.3.4:5"][..], "1.2.3.4:5"),
        (&["backend", "enable", "nope/1.2.3.4:5"], "nope"),
        (&["backend", "list", "nope"], "app"),
        (&["upstream", "strategy", "app", "rondomly"], "rondomly"),
        (&["program", "restart", "nobody"], "nobody"),
        (&["program", "stop", "pair:7"], "7"),
        (&["program", "signal", "pair:0", "BOGUS"], "BOGUS"),
        (&["program", "tail", "nobody"], "nobody"),
    ] {
        expect(&engine.ctl(args), 1, &[word]);
    }
    let name = format!("app/{}", origin.address);
    expect(&engine.ctl(&["backend", "weight", &name, "100000"]), 1, &["1000"]);
    expect(&engine.ctl(&["program", "attach", "pair"]), 2, &["pair:0, pair:1"]);
}

#[test]
fn verbs_do_what_they_say_and_twice_is_not_an_error() {
    let origin = Origin::named("one");
    let engine = Engine::start(&format!("{}{PROGRAMS}", site("", &[&origin])));
    let name = format!("app/{}", origin.address);
    let row = || engine.backend("app", &origin.address.to_string());
    for _ in 0..2 {
        engine.ctl_ok(&["backend", "weight", &name, "7"]);
        engine.ctl_ok(&["upstream", "strategy", "app", "ip_hash"]);
        engine.ctl_ok(&["backend", "drain", &name, "--wait", "--timeout", "10s"]);
        assert_eq!((&row()["state"], &row()["weight"]), (&json!("drained"), &json!(7)));
    }
    assert_eq!(engine.status()["upstreams"][0]["strategy"], "ip_hash");
    engine.ctl_ok(&["backend", "enable", &name]);
    assert_eq!(row()["state"], "up");
    engine.ctl_ok(&["backend", "down", &name]);
    assert_eq!(row()["state"], "down");
    engine.ctl_ok(&["upstream", "reset", "app"]);
    assert_eq!((&row()["state"], &row()["weight"]), (&json!("up"), &json!(1)));

    engine.ctl_ok(&["program", "stop", "pair"]);
    wait::until("both are stopped", || {
        let is_stopped = |instance| engine.program_state("pair", instance) == "STOPPED";
        (is_stopped(0) && is_stopped(1)).then_some(())
    });
    engine.ctl_ok(&["program", "start", "pair:1"]);
    wait::until("one runs", || (engine.program_state("pair", 1) == "RUNNING").then_some(()));
    assert_eq!(engine.program_state("pair", 0), "STOPPED");

    let events = engine.ctl_ok(&["events"]);
    for word in ["drain", &name, "strategy", "stop"] {
        assert!(events.contains(word), "the events hold {word:?}:\n{events}");
    }
    for line in engine.ctl_ok(&["events", "--json"]).lines() {
        serde_json::from_str::<Value>(line).expect("an event a line");
    }
}

#[test]
fn a_tail_shows_the_last_lines_and_no_control_character() {
    let origin = Origin::named("one");
    let engine = Engine::start(&format!("{}{PROGRAMS}", site("", &[&origin])));
    let said = wait::until("it has spoken", || {
        let text = engine.ctl_ok(&["program", "tail", "talk"]);
        text.contains("three").then_some(text)
    });
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let coloured = engine.ctl_ok(&["program", "tail", "talk", "--color", "always"]);
    assert!(coloured.contains("\u{1b}[31mthree\u{1b}[0m"), "{coloured:?}");
    let last = engine.ctl_ok(&["program", "tail", "talk", "-n", "1"]);
    assert_eq!(last.lines().count(), 1, "{last:?}");
}

#[test]
fn lists_and_the_overview_name_everything() {
    let origin = Origin::named("one");
    let engine = Engine::start(&format!("{}{PROGRAMS}", site("", &[&origin])));
    let name = format!("app/{}", origin.address);
    for (args, words) in [
        (&["status"][..], &["default", "talk:0", "pair:1", &name, "WORKER"][..]),
        (&["console", "--once"], &["default", "talk:0", &name]),
        (&["backend", "list"], &["STATE", "up", &name]),
        (&["backend", "list", "app"], &[&name]),
        (&["upstream", "list"], &["app", "round_robin"]),
        (&["program", "list"], &["talk:0", "pair:0", "pair:1"]),
    ] {
        let text = engine.ctl_ok(args);
        for word in words {
            assert!(text.contains(word), "{args:?} names {word:?}:\n{text}");
        }
    }
    for noun in ["backend", "upstream", "program"] {
        let text = engine.ctl_ok(&[noun, "list", "--json"]);
        let rows: Value = serde_json::from_str(&text).expect("a list prints JSON");
        assert!(rows.as_array().is_some_and(|rows| !rows.is_empty()), "{text}");
    }
    // Without a terminal, the plain command tells how to come back and how to stop.
    let plain = engine.ctl_ok(&[]);
    assert!(plain.contains("attach: pilothouse -c ") && plain.contains("pilothouse shutdown -c "));
}

#[test]
fn an_engine_of_the_same_name_is_not_taken_for_ones_own() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let other = engine.folder.path().join("other.toml");
    let text = site("", &[&origin]).replace("{listen}", "127.0.0.1:1");
    std::fs::write(&other, text).expect("the folder is ours");
    let other = other.display().to_string();
    let run = |args: &[&str]| {
        Command::new(BINARY)
            .args(args)
            .args(["-c", &other])
            .env("PILOTHOUSE_RUNTIME_DIR", engine.folder.path().join("run"))
            .env("PILOTHOUSE_STATE_DIR", engine.folder.path().join("state"))
            .stdin(Stdio::null())
            .output()
            .expect("the built binary runs")
    };
    let running = engine.folder.path().join("pilothouse.toml").display().to_string();
    for verb in [&[][..], &["reload"], &["shutdown"], &["upstream", "reset", "app"]] {
        expect(&run(verb), 1, &["`default` runs", &running, &other, "`name`"]);
    }
    expect(&run(&["run"]), 2, &["`default` runs already (pid ", &running]);
    expect(&run(&["status"]), 0, &["note: ", &running, &other]);
    assert_eq!(engine.status()["generation"], 1);
}

#[test]
fn a_closed_output_ends_a_verb_quietly() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let socket = engine.socket();
    let line = format!("{BINARY} status -s {} | true", socket.display());
    let output = Command::new("sh").args(["-c", &line]).output().expect("sh runs");
    expect(&output, 0, &[]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn shutdown_waits_when_asked_to() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    engine.ctl_ok(&["shutdown", "--wait"]);
    assert!(engine.try_status().is_none());
    expect(&engine.ctl(&["status"]), 3, &["no engine is running"]);
}
