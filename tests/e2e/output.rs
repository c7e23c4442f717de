//! What programs print, byte for byte: no byte is lost or doubled, whoever is killed meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::client;
use crate::engine::{self, Engine};
use crate::wait;

/// A configuration with these programs and nothing worth asking behind its listener.
fn with(programs: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [[upstream.u.backend]]\naddress = \"127.0.0.1:1\"\n{programs}"
    )
}

/// A rotated log as one text, oldest file first.
fn rotated(path: &Path) -> Vec<u8> {
    let file = |number: u32| fs::read(format!("{}.{number}", path.display())).ok();
    let mut bytes: Vec<u8> = (1..200).rev().filter_map(file).flatten().collect();
    bytes.extend(fs::read(path).unwrap_or_default());
    bytes
}

/// How far a rotated log reaches, without reading it.
fn rotated_len(path: &Path) -> u64 {
    let len = |path: &str| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let name = path.display();
    (1..200).map(|number| len(&format!("{name}.{number}"))).sum::<u64>() + len(&name.to_string())
}

/// What `seq 1 LAST` prints.
fn numbers(last: u32) -> Vec<u8> {
    let lines: Vec<String> = (1..=last).map(|number| number.to_string()).collect();
    (lines.join("\n") + "\n").into_bytes()
}

/// Says where two texts part instead of printing both.
#[track_caller]
fn assert_same(found: &[u8], expected: &[u8]) {
    let same = found.iter().zip(expected).take_while(|(one, other)| one == other).count();
    let around = |text: &[u8]| {
        let (from, to) = (same.saturating_sub(40), (same + 40).min(text.len()));
        String::from_utf8_lossy(&text[from.min(to)..to]).into_owned()
    };
    assert!(
        found == expected,
        "{} bytes instead of {}, from {same} on other ones:\n{:?}\n{:?}",
        found.len(),
        expected.len(),
        around(found),
        around(expected)
    );
}

#[test]
fn no_byte_is_lost_or_doubled_when_masters_die_in_the_middle_of_a_flood() {
    const LAST: u32 = 2_000_000;
    let engine = Engine::start(&with(&format!(
        "[program.flood]\nautostart = false\nautorestart = false\nstart_seconds = 0\n\
         command = \"sh -c 'seq 1 {LAST} & seq 1 {LAST} >&2; wait; exec sleep 1000'\"\n\
         stdout = {{ file = \"{{folder}}/out.log\", max_bytes = \"300KB\", backups = 190 }}\n\
         stderr = {{ file = \"{{folder}}/err.log\", max_bytes = \"200KB\", backups = 190 }}"
    )));
    let [out, err] = ["out.log", "err.log"].map(|name| engine.folder.path().join(name));
    engine.ctl_ok(&["program", "start", "flood"]);
    let expected = numbers(LAST);
    for round in 1..=8 {
        // Each time a good way further on, at a moment that nobody chose.
        let least = expected.len() as u64 * round / 12;
        wait::until("it writes", || {
            (rotated_len(&err).min(rotated_len(&out)) >= least).then_some(())
        });
        std::thread::park_timeout(Duration::from_micros(round * 700));
        let master = engine.master_pid();
        engine::signal(master, "KILL");
        wait::until("another master writes", || {
            engine.masters().first().is_some_and(|pid| *pid != master).then_some(())
        });
    }
    for path in [&out, &err] {
        wait::until("it is written to the end", || {
            (rotated_len(path) >= expected.len() as u64).then_some(())
        });
        assert_same(&rotated(path), &expected);
    }
}

#[test]
fn a_file_cut_short_or_moved_away_by_others_goes_on_without_a_hole() {
    let engine = Engine::start(&with(
        "[program.say]\nstart_seconds = 0\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'for i in 1 2 3; do until [ -e go$i ]; do sleep 0.01; done; echo line $i; done; exec sleep 1000'\"\n\
         stdout = { file = \"{folder}/say.log\" }",
    ));
    let file = |name: &str| engine.folder.path().join(name);
    let go = |number: u32| fs::write(file(&format!("go{number}")), "").expect("the folder is ours");
    let reads = |text: &str| {
        wait::until("the line is there", || {
            (fs::read_to_string(file("say.log")).ok()? == text).then_some(())
        });
    };
    go(1);
    reads("line 1\n");
    fs::write(file("say.log"), "").expect("the file is ours");
    go(2);
    reads("line 2\n");
    fs::rename(file("say.log"), file("moved.log")).expect("the file is ours");
    engine.ctl_ok(&["reopen"]);
    go(3);
    reads("line 3\n");
}

#[test]
fn a_program_waits_for_its_file_when_told_to_and_loses_nothing() {
    const LAST: u32 = 200_000;
    let engine = Engine::start_in(
        &with(&format!(
            "[program.waits]\nautorestart = false\nstart_seconds = 0\ncommand = \"seq 1 {LAST}\"\n\
             stdout = {{ file = \"{{folder}}/waits.log\", overflow = \"block\" }}"
        )),
        // A folder in the file's place fails for root as well.
        |folder| fs::create_dir(folder.join("waits.log")).expect("the folder is ours"),
    );
    let path = engine.folder.path().join("waits.log");
    wait::until("it runs", || engine.program_pid("waits", 0));
    wait::until("the engine says why nothing is written", || {
        engine.log().contains("waits.log: Is a directory").then_some(())
    });
    engine.replace_master();
    assert_eq!(engine.program_state("waits", 0), "RUNNING", "it waits");
    fs::remove_dir(&path).expect("it is empty");
    wait::until("everything is written", || {
        (engine.program_state("waits", 0) == "EXITED").then_some(())
    });
    assert_same(&fs::read(&path).expect("it was made"), &numbers(LAST));
}

#[test]
fn lines_take_their_form_and_both_streams_share_a_file_in_the_order_written() {
    let say = "echo one; printf '\\\\033[31mred\\\\033[0m\\\\n' >&2; printf begun; sleep 0.4; echo ' and ended'; printf last";
    let program = |name: &str, rest: &str| {
        format!(
            "[program.{name}]\nautorestart = false\nstart_seconds = 0\ncommand = '''sh -c \"{say}\"'''\n{rest}\n"
        )
    };
    let text = program(
        "pre",
        "redirect_stderr = true\nstdout = { file = \"{folder}/pre.log\", format = \"prefix\", strip_ansi = true }",
    ) + &program(
        "obj",
        "stdout = { file = \"{folder}/obj.log\", format = \"json\", engine = true }\n\
         stderr = { file = \"{folder}/obj.log\", format = \"json\" }",
    ) + &program(
        "raw",
        "redirect_stderr = true\nstdout = { file = \"{folder}/raw.log\" }",
    );
    let engine = Engine::start(&with(&text));
    let text = |name: &str| {
        let path = engine.folder.path().join(name);
        fs::read_to_string(path).unwrap_or_default()
    };
    wait::until("all is written", || {
        ["pre.log", "obj.log", "raw.log"]
            .iter()
            .all(|name| text(name).contains("last"))
            .then_some(())
    });
    assert_eq!(text("raw.log"), "one\n\u{1b}[31mred\u{1b}[0m\nbegun and ended\nlast");
    let lines: Vec<String> = text("pre.log").lines().map(|line| line[25..].to_owned()).collect();
    let expected = ["one", "red", "begun and ended", "last"];
    assert_eq!(lines, expected.map(|line| format!("pre stdout | {line}")));
    let objects: Vec<serde_json::Value> = text("obj.log")
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is an object"))
        .collect();
    let of = |stream: &str| -> Vec<&str> {
        objects
            .iter()
            .filter(|object| object["stream"] == stream && object["program"] == "obj")
            .filter_map(|object| object["text"].as_str())
            .collect()
    };
    assert_eq!(of("stdout"), ["one", "begun and ended", "last"]);
    assert_eq!(of("stderr"), ["\u{1b}[31mred\u{1b}[0m"]);
    wait::until("the engine says it, too", || {
        engine.log().contains("\"text\":\"begun and ended\"").then_some(())
    });
}

#[test]
fn a_last_line_without_an_end_is_written_once_its_output_is_closed() {
    let engine = Engine::start(&with(
        "[program.says]\nstart_seconds = 0\n\
         command = \"sh -c 'printf last; exec >&- 2>&-; exec sleep 1000'\"\n\
         stdout = { file = \"{folder}/says.log\", format = \"prefix\" }",
    ));
    let path = engine.folder.path().join("says.log");
    wait::until("it is written", || {
        let text = fs::read_to_string(&path).ok()?;
        text.ends_with("says stdout | last\n").then_some(())
    });
    assert_eq!(engine.program_state("says", 0), "RUNNING");
}

#[test]
fn a_log_that_can_not_be_written_is_shown_and_recovers() {
    let engine = Engine::start_in(
        &with(
            "[program.says]\nstart_seconds = 0\ncommand = \"sh -c 'while :; do echo line; sleep 0.05; done'\"\n\
             stdout = { file = \"{folder}/says.log\" }\n\
             [program.floods]\nautorestart = false\nstart_seconds = 0\ncommand = \"seq 1 400000\"\n\
             stdout = { file = \"/dev/full\" }",
        ),
        |folder| fs::create_dir(folder.join("says.log")).expect("the folder is ours"),
    );
    let row = |name: &str| {
        let status = engine.status();
        let rows = status["programs"].as_array().expect("there are programs").clone();
        rows.into_iter().find(|row| row["name"] == name).expect("it has a row")
    };
    let why = |name: &str| row(name)["log_degraded"].as_str().unwrap_or("").to_owned();
    wait::until("the row says why", || why("says").contains("Is a directory").then_some(()));
    wait::until("lost bytes are counted, and the program ends all the same", || {
        let row = row("floods");
        let is_counted = row["log_lost_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000);
        (is_counted && row["state"] == "EXITED").then_some(())
    });
    assert!(why("floods").contains("No space left on device"), "{}", why("floods"));
    assert!(engine.ctl_ok(&["program", "list"]).contains("No space left on device"));
    let path = engine.folder.path().join("says.log");
    fs::remove_dir(&path).expect("it is empty");
    wait::until("it is written again", || (why("says").is_empty() && path.is_file()).then_some(()));
}

#[test]
fn a_cleared_log_begins_anew() {
    let engine = Engine::start(&with(
        "[program.says]\nstart_seconds = 0\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'echo before; until [ -e go ]; do sleep 0.01; done; echo after; exec sleep 1000'\"\n\
         stdout = { file = \"{folder}/says.log\" }",
    ));
    let file = |name: &str| engine.folder.path().join(name);
    let is = |text: &str| {
        let read = || fs::read_to_string(file("says.log")).is_ok_and(|found| found == text);
        wait::until("the log is as expected", || read().then_some(()));
    };
    is("before\n");
    engine.ctl_ok(&["program", "clear", "says"]);
    is("");
    fs::write(file("go"), "").expect("the folder is ours");
    is("after\n");
    let tail = engine.ctl_ok(&["program", "tail", "says"]);
    assert!(
        tail.contains("after") && tail.contains("cleared") && !tail.contains("before"),
        "{tail}"
    );
}

/// `GET /v1/log`, as JSON lines.
fn log_of(engine: &Engine, target: &str) -> Vec<Value> {
    let text = client::unix_get(&engine.socket(), target).expect("an answer").text();
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn the_output_of_all_programs_is_one_log_by_time() {
    let engine = Engine::start(&with(
        "[program.first]\nstart_seconds = 0\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'echo one; until [ -e go ]; do sleep 0.01; done; echo three; echo bad >&2; exec sleep 1000'\"\n\
         [program.second]\nstart_seconds = 0\ndirectory = \"{folder}\"\n\
         command = \"sh -c 'echo two; exec sleep 1000'\"\nneeds = [{ program = \"first\", log = \"^one\" }]\n",
    ));
    let texts = |target: &str, streams: &[&str]| -> Vec<String> {
        let lines = log_of(&engine, target);
        let of = lines.iter().filter(|line| streams.contains(&line["stream"].as_str().unwrap()));
        of.map(|line| {
            let word = |key: &str| line[key].as_str().unwrap().to_owned();
            format!("{} {}", word("program"), word("text"))
        })
        .collect()
    };
    // What two programs say at the same time has no order, so the last waits for the others.
    let said = ["first:0 one", "second:0 two", "first:0 three"];
    let begins = |count| (texts("/v1/log", &["stdout"]) == said[..count]).then_some(());
    wait::until("two are said", || begins(2));
    fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
    wait::until("all was said", || {
        (texts("/v1/log", &["stdout"]) == said && texts("/v1/log", &["stderr"]).len() == 1)
            .then_some(())
    });
    assert_eq!(texts("/v1/log?stream=stderr", &["stdout", "stderr"]), ["first:0 bad"]);
    let last = log_of(&engine, "/v1/log?tail=2");
    assert_eq!(last.len(), 2, "{last:?}");
    let all = log_of(&engine, "/v1/log");
    let times: Vec<u64> = all.iter().map(|line| line["wall_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times.len() >= 6, "{all:?}");
    let one = log_of(&engine, "/v1/programs/first/log");
    assert!(one.iter().all(|line| line["text"] != "two"), "{one:?}");
    assert_eq!(
        client::unix_get(&engine.socket(), "/v1/log?tail=x").expect("an answer").status,
        400
    );
    assert!(engine.ctl_ok(&["program", "tail", "all"]).contains("two"));
}

/// A line longer than may be kept comes in parts that say so, in every form.
#[test]
fn a_line_that_is_too_long_says_where_it_was_cut() {
    let engine = Engine::start(&with(
        "[program.long]\nautorestart = false\nstart_seconds = 0\n\
         command = \"sh -c 'printf %0150000d 0; echo end'\"\n\
         stdout = { file = \"{folder}/long\", format = \"prefix\" }",
    ));
    let goes_on = " [the line goes on]";
    let kept = || -> Vec<String> {
        let lines = log_of(&engine, "/v1/programs/long/log?stream=stdout");
        let of = lines.iter().filter(|line| line["stream"] == "stdout");
        of.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    wait::until("the line has ended", || kept().last()?.ends_with("end").then_some(()));
    let text = fs::read_to_string(engine.folder.path().join("long")).expect("a log");
    let written = text.lines().map(|line| line.split("stdout | ").last().unwrap().to_owned());
    for parts in [kept(), written.collect()] {
        let (last, cut) = parts.split_last().expect("parts");
        assert_eq!(cut.len(), 2);
        assert!(cut.iter().all(|part| part.ends_with(goes_on)) && !last.contains(goes_on));
        let whole: String = parts.iter().map(|part| part.trim_end_matches(goes_on)).collect();
        assert!(whole == "0".repeat(150_000) + "end", "nothing else is cut");
    }
}
