//! Event listeners: what they are told, and what becomes of those that do not play by the protocol.

use super::*;

/// Says on stderr what it is told, answers as the words in `$1` say, and OK from then on.
const LISTENER: &str = r#"
[listener.ear]
command = '''sh -c 'while echo READY; do
    read -r header
    length=$(echo "$header" | sed "s/.*len://")
    payload=$(head -c "$length" | tr "\\n" " ")
    echo "$header: $payload" | sed "s/.*pool:ear //" >&2
    case $1 in
        "") printf "RESULT 2\nOK" ;;
        *) printf "RESULT 4\nFAIL"; shift ;;
    esac
done' ear WORDS'''
start_seconds = "10ms"
"#;

fn listener(events: &str, words: &str) -> String {
    format!("{}events = {events}\n", LISTENER.replace("WORDS", words))
}

/// What the listener was told, without numbers and process ids.
fn told(stage: &mut Stage) -> Vec<String> {
    let lines = stage.log("ear:0").into_iter().filter(|line| line.starts_with("poolserial:"));
    let plain = lines.map(|line| {
        let words = line.split(' ').filter(|word| {
            !["poolserial:", "len:", "pid:"].iter().any(|name| word.starts_with(name))
        });
        words.collect::<Vec<_>>().join(" ").trim().to_owned()
    });
    plain.collect()
}

#[test]
fn a_course_is_told_in_supervisors_words() {
    let text = listener("[\"PROCESS_STATE\", \"PROCESS_GROUP\"]", "")
        + "[program.p]\ncommand = \"sleep 1000\"\nstart_seconds = \"10ms\"\nautostart = false\n";
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.until_state("ear:0", ProgramState::Running).await;
        stage.ask("p", ProgramVerb::Start).await;
        stage.ask("p", ProgramVerb::Stop).await;
        let last = "eventname:PROCESS_STATE_STOPPED processname:p groupname:p from_state:STOPPING";
        stage.until("it was told", |stage| told(stage).contains(&last.to_owned())).await;
        let state = |state: &str, from: &str, name: &str, about: &str| {
            format!(
                "eventname:PROCESS_STATE_{state} processname:{name} groupname:{name} \
                 from_state:{from}{about}"
            )
        };
        let told = told(&mut stage);
        for event in [
            state("STARTING", "STOPPED", "ear", " tries:0"),
            state("RUNNING", "STARTING", "ear", ""),
            state("STARTING", "STOPPED", "p", " tries:0"),
            state("RUNNING", "STARTING", "p", ""),
            state("STOPPING", "RUNNING", "p", ""),
        ] {
            assert!(told.contains(&event), "{event} of {told:#?}");
        }
        let groups = told.iter().filter(|line| line.contains("PROCESS_GROUP_ADDED"));
        assert_eq!(groups.count(), 2, "{told:#?}");
    });
}

#[test]
fn a_crash_is_told_as_an_end_and_a_start() {
    let text = listener("[\"PROCESS_STATE\"]", "")
        + "[program.p]\ncommand = \"sleep 1000\"\nstart_seconds = \"10ms\"\n";
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.until_state("ear:0", ProgramState::Running).await;
        stage.until_state("p:0", ProgramState::Running).await;
        let pid = stage.pid("p:0");
        sys::pidfd::signal_group(pid, sys::signal::KILL).unwrap();
        stage.until("it runs again", |stage| stage.row("p:0").program.restarts == 1).await;
        let exited = format!("processname:p groupname:p from_state:RUNNING expected:0 pid:{pid}");
        stage
            .until("it was told", |stage| {
                let lines = stage.log("ear:0");
                let end = lines.iter().position(|line| line.contains(&exited));
                let start =
                    lines.iter().rposition(|line| line.contains("from_state:EXITED tries:0"));
                end.is_some() && end < start
            })
            .await;
    });
}

#[test]
fn what_is_rejected_comes_again_before_anything_else() {
    let text = listener("[\"REMOTE_COMMUNICATION\"]", "FAIL");
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.programs.announce_remote("one", "a");
        stage.programs.announce_remote("two", "b c");
        stage.until("all was told", |stage| told(stage).len() == 3).await;
        let event = |kind: &str| format!("eventname:REMOTE_COMMUNICATION type:{kind}");
        assert_eq!(told(&mut stage), [event("one a"), event("one a"), event("two b c")]);
    });
}

#[test]
fn one_that_does_not_answer_in_time_is_killed_and_started_anew() {
    let text = "[listener.ear]\ncommand = \"sh -c 'echo READY; exec sleep 1000'\"\n\
        events = [\"REMOTE_COMMUNICATION\"]\ntimeout = \"50ms\"\nstart_seconds = \"10ms\"\n";
    on_stage(async {
        let mut stage = Stage::new(text);
        stage.programs.announce_remote("a", "b");
        stage.until("restarted", |stage| stage.row("ear:0").program.restarts > 0).await;
        let note = "engine listener ear:0: no answer to REMOTE_COMMUNICATION within 50 ms: killed";
        assert!(stage.notes().contains(&note.to_owned()), "{:#?}", stage.notes());
        // Whoever it is given to is lost over it.
        stage
            .until("it is given up", |stage| {
                stage.row("ear:0").program.reason.contains("1 dropped")
            })
            .await;
    });
}

#[test]
fn one_that_breaks_the_protocol_is_killed_within_the_crash_limit() {
    let text = "[listener.ear]\ncommand = \"sh -c 'echo hello; exec sleep 1000'\"\n\
        events = [\"TICK\"]\nstart_retries = 1\nbackoff = { initial = \"10ms\" }\n";
    on_stage(async {
        let mut stage = Stage::new(text);
        stage.until_state("ear:0", ProgramState::Fatal).await;
        let note = r#"engine listener ear:0: said "hello\n" in place of READY: killed"#;
        let count = stage.notes().iter().filter(|line| *line == note).count();
        assert_eq!(count, 2, "{:#?}", stage.notes());
    });
}

#[test]
fn what_nobody_takes_is_dropped_and_counted() {
    let text = "[listener.ear]\ncommand = \"sleep 1000\"\nbuffer = 2\n\
        events = [\"REMOTE_COMMUNICATION\"]\nstart_seconds = \"10ms\"\n";
    on_stage(async {
        let mut stage = Stage::new(text);
        stage.until_state("ear:0", ProgramState::Running).await;
        for number in 0..5 {
            stage.programs.announce_remote("a", &number.to_string());
        }
        let reason = stage.row("ear:0").program.reason;
        assert_eq!(reason, "has not said READY, 2 waiting, 3 dropped");
    });
}

#[test]
fn the_next_master_goes_on_with_the_same_listener() {
    let text = listener("[\"REMOTE_COMMUNICATION\"]", "");
    let mut left = None;
    let mut pid = 0;
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.programs.announce_remote("one", "a");
        stage.until("it was told", |stage| told(stage).len() == 1).await;
        stage
            .until("it waits", |stage| {
                stage.row("ear:0").program.reason.contains("waits for events")
            })
            .await;
        pid = stage.pid("ear:0");
        left = Some(super::changes::left_behind(&mut stage));
        stage.programs.instances.clear();
    });
    on_stage(async {
        let (saved, mut held) = left.take().unwrap();
        let mut stage = Stage::empty();
        stage.programs.adopt(saved, |key| held.remove(key));
        stage.programs.apply_config(&config(&text));
        stage.programs.announce_remote("two", "b");
        stage.until("it was told", |stage| !told(stage).is_empty()).await;
        let lines = stage.log("ear:0");
        assert!(lines.iter().any(|line| line.starts_with("poolserial:1 ")), "{lines:#?}");
        assert_eq!(stage.pid("ear:0"), pid);
    });
}

#[test]
fn what_programs_print_is_told_where_the_file_says_so() {
    let text = listener("[\"PROCESS_LOG\", \"PROCESS_COMMUNICATION\"]", "")
        + r#"
[program.p]
autostart = false
autorestart = false
start_seconds = 0
stdout = { capture_bytes = "1KB", events = true }
stderr = { capture_bytes = "4B" }
command = '''sh -c 'printf "<!--XSUPERVISOR:BEGIN-->hello<!--XSUPERVISOR:END-->plain"
printf "<!--XSUPERVISOR:BEGIN-->123456789<!--XSUPERVISOR:END-->quiet" >&2' '''
"#;
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.until_state("ear:0", ProgramState::Running).await;
        stage.ask("p", ProgramVerb::Start).await;
        stage.until("all was told", |stage| told(stage).len() == 4).await;
        let mut told = told(&mut stage);
        told.sort_unstable();
        let (named, output) = ("processname:p groupname:p", "channel:stdout:");
        let event = |name: &str, text: &str| format!("eventname:PROCESS_{name} {named} {text}");
        assert_eq!(
            told.iter().map(|line| line.replace("channel:stdout ", output)).collect::<Vec<_>>(),
            [
                event("COMMUNICATION_STDERR", "6789"),
                event("COMMUNICATION_STDOUT", "hello"),
                event("LOG_STDOUT", "channel:stdout:hello"),
                event("LOG_STDOUT", "channel:stdout:plain"),
            ]
        );
        let lines = stage.log("p:0");
        assert!(lines.contains(&"plain".to_owned()) && !lines.concat().contains("hello"));
    });
}
