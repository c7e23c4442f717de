//! Readiness, liveness and what programs say of themselves, with real processes.

use std::os::unix::net::UnixDatagram;

use super::*;
use crate::master::programs::notices;

fn listener() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn reason(stage: &mut Stage, id: &str, part: &str) {
    let what = format!("{id} says {part:?}");
    stage.until(&what, |stage| stage.row(id).program.reason.contains(part)).await;
}

#[test]
fn a_line_or_a_newline_on_a_descriptor_makes_it_ready() {
    let cases = [
        ("ready = { log = \"^listening on [0-9]+$\" }", "echo listening on 9", "no line matches"),
        ("ready = { descriptor = 5 }", "echo >&5", "no newline on descriptor 5"),
    ];
    for (line, sign, before) in cases {
        on_stage(async {
            let folder = tempfile::tempdir().unwrap();
            let go = folder.path().join("go");
            let mut stage = Stage::new(&format!(
                "[program.p]\n{line}\ncommand = \"sh -c 'echo listening soon; until [ -e {} ]; do \
                 sleep 0.01; done; {sign}; exec sleep 1000'\"",
                go.display()
            ));
            stage.until("it spoke", |stage| stage.log("p:0").len() == 2).await;
            assert_eq!(stage.row("p:0").program.state, ProgramState::Starting);
            assert!(stage.row("p:0").program.reason.contains(before));
            std::fs::write(&go, "").unwrap();
            stage.until_state("p:0", ProgramState::Running).await;
            assert_eq!(stage.row("p:0").program.reason, "");
        });
    }
}

#[test]
fn who_is_late_fails_to_start_and_says_why() {
    on_stage(async {
        let (listener, port) = listener();
        drop(listener);
        let mut stage = Stage::new(&format!(
            "[program.p]\ncommand = \"sleep 1000\"\nstart_timeout = \"50ms\"\nstart_retries = 0\n\
             ready = {{ listening = \"127.0.0.1:{port}\" }}"
        ));
        stage.until_state("p:0", ProgramState::Fatal).await;
        let row = stage.row("p:0");
        let text = row.program.reason;
        assert!(
            text.starts_with("gave up after 1 start: not ready within 0.05 s: probe failed "),
            "{text}"
        );
        assert!(text.contains("connection refused (127.0.0.1:"), "{text}");
        assert!(text.contains(", killed by SIGTERM after "), "{text}");
        assert_eq!(row.program.exit_signal, Some(15));
        assert!(stage.notes().iter().any(|note| note.starts_with("engine unfit p:0: not ready")));
    });
}

#[test]
fn readiness_may_go_and_come_back() {
    on_stage(async {
        let (listener, port) = listener();
        let mut stage = Stage::new(&format!(
            "[upstream.u]\n[program.p]\ncommand = \"sleep 1000\"\nserves = {{ upstream = \"u\", port = {} }}\n\
             ready = {{ check = {{ kind = \"tcp\" }}, address = \"127.0.0.1:{port}\", interval = \"10ms\", fall = 2 }}",
            super::serving::free_port(),
        ));
        stage.until_state("p:0", ProgramState::Running).await;
        assert!(stage.row("p:0").program.backend.is_some());
        drop(listener);
        reason(&mut stage, "p:0", "not ready: probe failed ").await;
        let row = stage.row("p:0");
        assert_eq!((row.program.state, row.program.backend), (ProgramState::Running, None));
        assert!(stage.wants.iter().any(|want| matches!(want, Want::Shut { .. })));
        let _again = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        stage.until("it is back", |stage| stage.row("p:0").program.backend.is_some()).await;
        assert_eq!(stage.joins().len(), 2);
    });
}

#[test]
fn what_an_unready_one_still_works_on_is_waited_for() {
    on_stage(async {
        let (listener, port) = listener();
        let own = super::serving::free_port();
        let mut stage = Stage::new(&format!(
            "[upstream.u]\n[program.p]\ncommand = \"sleep 1000\"\nserves = {{ upstream = \"u\", port = {own} }}\n\
             ready = {{ check = {{ kind = \"tcp\" }}, address = \"127.0.0.1:{port}\", interval = \"10ms\", fall = 2 }}"
        ));
        stage.until_state("p:0", ProgramState::Running).await;
        drop(listener);
        reason(&mut stage, "p:0", "not ready: probe failed ").await;
        let pid = stage.pid("p:0");
        let mut answer = stage.command("p", &ProgramVerb::Stop);
        let drains = stage.wants.iter().filter(|want| matches!(want, Want::Drain { .. }));
        assert_eq!(drains.count(), 1);
        assert_eq!((stage.pid("p:0"), answer.try_recv().is_err()), (pid, true), "not before");
        stage.programs.on_drained("u", &format!("127.0.0.1:{own}"));
        stage.until_state("p:0", ProgramState::Stopped).await;
        assert!(answer.try_recv().unwrap().is_done());
    });
}

#[test]
fn who_does_not_answer_alive_is_started_again() {
    on_stage(async {
        let (listener, port) = listener();
        let mut stage = Stage::new(&format!(
            "[program.p]\ncommand = \"sleep 1000\"\nstart_seconds = \"0s\"\n\
             live = {{ check = {{ kind = \"tcp\" }}, address = \"127.0.0.1:{port}\", interval = \"10ms\" }}"
        ));
        let pid = stage.pid("p:0");
        let mut turns = 0;
        stage
            .until("it was asked", |_| {
                turns += 1;
                turns > 10
            })
            .await;
        assert_eq!(stage.pid("p:0"), pid);
        drop(listener);
        stage
            .until("another one", |stage| {
                stage.row("p:0").program.pid.is_some_and(|new| new != pid)
            })
            .await;
        let notes = stage.notes();
        let is_said = |note: &String| {
            note.starts_with("engine unfit p:0: liveness failed 3x: connection refused")
        };
        assert!(notes.iter().any(is_said), "{notes:?}");
        assert_eq!(stage.row("p:0").program.restarts, 1);
    });
}

#[test]
fn a_command_can_be_asked() {
    on_stage(async {
        let folder = tempfile::tempdir().unwrap();
        let sign = folder.path().join("sign");
        let mut stage = Stage::new(&format!(
            "[program.p]\ncommand = \"sleep 1000\"\nenvironment = {{ SIGN = \"{}\" }}\n\
             ready = {{ command = \"sh -c 'test -e $SIGN'\" }}\n\
             live = {{ command = \"test -e ${{SIGN}}\", interval = \"10ms\", timeout = \"10s\" }}",
            sign.display()
        ));
        reason(&mut stage, "p:0", "x: exit 1 (sh -c test -e $SIGN)").await;
        std::fs::write(&sign, "").unwrap();
        stage.until_state("p:0", ProgramState::Running).await;
        let pid = stage.pid("p:0");
        std::fs::remove_file(&sign).unwrap();
        let is_another =
            |stage: &mut Stage| stage.row("p:0").program.pid.is_some_and(|new| new != pid);
        stage.until("another one", is_another).await;
        let notes = stage.notes();
        let is_said =
            |note: &String| note.starts_with("engine unfit p:0: liveness failed 3x: exit 1");
        assert!(notes.iter().any(is_said), "{notes:?}");
    });
}

/// A stage whose programs can be told of by a socket.
fn heard(folder: &std::path::Path, lines: &str) -> Stage {
    let (post, inbox) = mpsc::channel(EVENTS_WAITING_MAX);
    let socket = folder.join("control.sock");
    let notify = sys::notify::bind(&notices::path(&socket)).unwrap();
    notices::listen(notify, post.clone()).unwrap();
    let surroundings = launch::Surroundings {
        binary: "/bin/pilothouse".into(),
        socket,
        ladder: tree::ladder::Ladder::of_groups("test"),
    };
    let mut stage = Stage { programs: Programs::new(post, surroundings), inbox, wants: Vec::new() };
    let text = format!("[program.p]\ncommand = \"sleep 1000\"\n{lines}");
    stage.programs.apply_config(&config(&text));
    stage
}

impl Stage {
    /// As if the process itself said so.
    fn hear(&mut self, id: &str, words: &str) {
        let sender = self.pid(id);
        self.programs.on_notice(notices::Notice::new(sender, words.as_bytes()));
        self.wants.extend(self.programs.take_wants());
    }
}

#[test]
fn a_program_says_how_it_is() {
    on_stage(async {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = heard(folder.path(), "ready = { notify = true }");
        let stranger = UnixDatagram::unbound().unwrap();
        stranger.send_to(b"READY=1", folder.path().join("notify.sock")).unwrap();
        stage.hear("p:0", "STATUS=Loading 3 of 4\nJUNK\n");
        let text = stage.row("p:0").program.reason;
        assert_eq!(text, "it has not said READY=1; Loading 3 of 4");
        let mut turns = 0;
        stage
            .until("the stranger was heard", |_| {
                turns += 1;
                turns > 5
            })
            .await;
        assert_eq!(stage.row("p:0").program.state, ProgramState::Starting);
        stage.hear("p:0", "READY=1\nSTATUS=Serving");
        let row = stage.row("p:0");
        assert_eq!(
            (row.program.state, row.program.reason.as_str()),
            (ProgramState::Running, "Serving")
        );
        stage.hear("p:0", "RELOADING=1\nSTATUS=");
        assert_eq!(stage.row("p:0").program.reason, "reloading");
        stage.hear("p:0", "READY=1");
        assert_eq!(stage.row("p:0").program.reason, "");
        stage.hear("p:0", "STOPPING=1");
        assert_eq!(stage.row("p:0").program.reason, "not ready: about to stop by itself");
        assert_eq!(stage.row("p:0").program.state, ProgramState::Running);
    });
}

#[test]
fn a_word_counts_though_who_said_it_for_the_program_is_gone_by_then() {
    on_stage(async {
        let folder = tempfile::tempdir().unwrap();
        // With a helper for a while, as `systemd-notify` in a script is one.
        let mut stage = heard(
            folder.path(),
            "[program.q]\nready = { notify = true }\n\
             command = \"sh -c 'sleep 999; exec sleep 1000'\"",
        );
        let main = stage.pid("q:0");
        let helpers = || sys::proc::children_of(main).unwrap_or_default();
        stage.until("it has a helper", |_| !helpers().is_empty()).await;
        let helper = helpers()[0];
        let notice = notices::Notice::new(helper, b"READY=1");
        let killed = std::process::Command::new("kill").args(["-9", &helper.to_string()]).status();
        assert!(killed.unwrap().success());
        stage.until("the helper is gone", |_| sys::proc::kin(helper).is_none()).await;
        stage.programs.on_notice(notice);
        stage.until_state("q:0", ProgramState::Running).await;
    });
}

#[test]
fn a_silent_program_is_aborted_and_started_again() {
    on_stage(async {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = heard(folder.path(), "start_seconds = 0\nwatchdog = \"100ms\"");
        let pid = stage.pid("p:0");
        stage.hear("p:0", "WATCHDOG=1");
        stage
            .until("another one", |stage| {
                stage.row("p:0").program.pid.is_some_and(|new| new != pid)
            })
            .await;
        assert_eq!(stage.row("p:0").program.exit_signal, Some(6));
        let notes = stage.notes();
        assert!(
            notes.contains(&"engine unfit p:0: no WATCHDOG=1 for 0.10 s".to_owned()),
            "{notes:?}"
        );
    });
}

#[test]
fn who_says_which_process_is_its_main_one_is_believed_of_its_own() {
    on_stage(async {
        let folder = tempfile::tempdir().unwrap();
        let next = folder.path().join("next");
        let mut stage = heard(folder.path(), "autostart = false");
        let script = format!("sleep 1000 & echo $! > {}; sleep 1001", next.display());
        stage.programs.apply_config(&config(&format!(
            "[program.p]\ncommand = \"sh -c '{script}; exit 5'\"\nready = {{ notify = true }}"
        )));
        let started = stage.pid("p:0");
        let mut other = None;
        stage
            .until("it has a child", |_| {
                other = std::fs::read_to_string(&next).ok().and_then(|pid| pid.trim().parse().ok());
                other.is_some()
            })
            .await;
        let other: u32 = other.unwrap();

        stage.hear("p:0", "MAINPID=1");
        assert_eq!(stage.pid("p:0"), started);
        let stranger = "engine notify p:0: says that its main process is pid 1, which is not of it";
        assert!(stage.notes().contains(&stranger.to_owned()), "{:?}", stage.notes());

        stage.hear("p:0", &format!("MAINPID={other}\nREADY=1"));
        let row = stage.row("p:0");
        assert_eq!((row.program.pid, row.program.state), (Some(other), ProgramState::Running));
        // The one that was started is one of many now: its end is nothing.
        let leader = sys::pidfd::open(started).unwrap();
        sys::pidfd::signal(&leader, sys::signal::KILL).unwrap();
        stage.until("it is gone", |_| sys::pidfd::try_wait(&leader).unwrap().is_some()).await;
        let mut turns = 0;
        stage
            .until("that was noticed", |_| {
                turns += 1;
                turns > 5
            })
            .await;
        assert_eq!((stage.pid("p:0"), stage.row("p:0").incarnation), (other, 1));
        // Who is left of its tree is heard, too.
        stage.hear("p:0", "STATUS=alone");
        assert_eq!(stage.row("p:0").program.reason, "alone");
        let _answered_once_all_are_gone = stage.command("p", &ProgramVerb::Stop);
        stage.until("its end is seen", |stage| stage.row("p:0").program.pid.is_none()).await;
        // Nobody here inherits its orphans.
        let _already_gone = sys::pidfd::signal_group(started, sys::signal::KILL);
    });
}
