//! Starting, ending, restarting and stopping, without an upstream.

use super::*;

#[test]
fn a_program_gets_its_variables_and_what_it_prints_is_kept() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.echo]
            command = "sh -c 'echo $MODE $PROGRAM ${INSTANCE} $PILOTHOUSE_SOCKET; echo oops >&2; exec sleep 100'"
            instances = 2
            start_seconds = "10ms"
            environment = { MODE = "m-${INSTANCE}" }
            "#,
        );
        stage.until_state("echo:1", ProgramState::Running).await;
        stage.until("both lines are there", |stage| stage.log("echo:1").len() == 3).await;
        let pid = stage.pid("echo:1");
        let mut log = stage.log("echo:1");
        log.sort();
        assert_eq!(log, ["m-1 echo 1 /run/c.sock", "oops", &format!("started, pid {pid}")]);
    });
}

#[test]
fn a_killed_program_is_started_again_in_the_same_turn() {
    on_stage(async {
        let mut stage =
            Stage::new("[program.p]\ncommand = \"sleep 1000\"\nstart_seconds = \"10ms\"");
        stage.until_state("p:0", ProgramState::Running).await;
        let pid = stage.pid("p:0");
        sys::pidfd::signal_group(pid, sys::signal::KILL).unwrap();
        stage.until("another process", |stage| stage.row("p:0").program.pid != Some(pid)).await;
        let row = stage.row("p:0");
        assert_eq!(row.program.state, ProgramState::Starting);
        assert_eq!((row.program.exit_signal, row.program.restarts), (Some(9), 1));
        assert!(row.program.pid.is_some() && row.incarnation == 2);
        assert!(
            stage
                .notes()
                .iter()
                .any(|note| note.starts_with("engine exit p:0: killed by SIGKILL after"))
        );
    });
}

#[test]
fn early_exits_back_off_then_give_up_and_a_restart_tries_again() {
    on_stage(async {
        let mut stage =
            Stage::new("[program.bad]\ncommand = \"sh -c 'exit 7'\"\nstart_retries = 1");
        stage.until_state("bad:0", ProgramState::Backoff).await;
        let row = stage.row("bad:0");
        assert_eq!((row.program.exit_code, row.start_failures), (Some(7), 1));
        assert!(row.retry_at_ms > row.since_ms, "{row:?}");
        stage.until_state("bad:0", ProgramState::Fatal).await;
        let reason = stage.row("bad:0").program.reason;
        assert!(reason.starts_with("gave up after 2 starts: exit 7 after 0.0"), "{reason}");
        let log = stage.log("bad:0");
        assert!(log[1].ends_with(", start 2 of 2 in 1 s"), "{log:?}");
        assert!(log[3].ends_with(", gave up after 2 starts"), "{log:?}");

        let answer = stage.ask("bad:0", ProgramVerb::Restart).await;
        assert!(!answer.is_done() && answer.message.contains("BACKOFF: exit 7"), "{answer:?}");
        let answer = stage.ask("bad", ProgramVerb::Stop).await;
        assert!(answer.is_done(), "{answer:?}");
        assert_eq!(stage.row("bad:0").program.reason, "stopped by alice");
    });
}

#[test]
fn what_can_not_be_spawned_says_why() {
    let cases = [
        ("command = \"/nonexistent/x\"", "exec /nonexistent/x: No such file"),
        ("command = \"/etc/passwd\"", "exec /etc/passwd: Permission denied"),
        ("command = \"sleep 1\"\nuser = \"no-such-user\"", "no such user"),
        ("command = \"sleep 1\"\ndirectory = \"/nonexistent\"", "change directory for sleep"),
    ];
    for (lines, reason) in cases {
        on_stage(async {
            let mut stage = Stage::new(&format!("[program.bad]\n{lines}\nstart_retries = 0"));
            stage.until_state("bad:0", ProgramState::Fatal).await;
            let row = stage.row("bad:0");
            assert!(row.program.reason.contains(reason), "{}", row.program.reason);
            assert_eq!(row.program.pid, None);
        });
    }
}

#[test]
fn who_ignores_the_stop_signal_is_killed_with_the_whole_group() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.deaf]
            command = "sh -c 'trap \"\" TERM; sleep 1000 & echo up; wait; wait; sleep 1000'"
            start_seconds = "10ms"
            stop_seconds = "100ms"
            "#,
        );
        stage.until("it is deaf", |stage| stage.log("deaf:0").contains(&"up".to_owned())).await;
        stage.until_state("deaf:0", ProgramState::Running).await;
        let pid = stage.pid("deaf:0");
        let answer = stage.ask("deaf:0", ProgramVerb::Stop).await;
        assert!(answer.is_done(), "{answer:?}");
        assert_eq!(stage.row("deaf:0").program.exit_signal, Some(9));
        stage.until("nobody of it is left", |_| is_group_gone(pid)).await;
        let answer = stage.ask("deaf:0", ProgramVerb::Stop).await;
        assert!(answer.message.starts_with("already so"), "{answer:?}");
    });
}

#[test]
fn left_overs_of_the_group_are_swept_before_the_next_life() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.forks]
            command = "sh -c 'sleep 1000 & exit 0'"
            start_seconds = "0s"
            autorestart = false
            "#,
        );
        stage.until_state("forks:0", ProgramState::Exited).await;
        assert_eq!(stage.row("forks:0").program.exit_code, Some(0));
        let pid: u32 = stage.log("forks:0")[0].rsplit(' ').next().unwrap().parse().unwrap();
        stage.until("nobody of it is left", |_| is_group_gone(pid)).await;
    });
}

#[test]
fn a_grandchild_that_keeps_the_pipe_holds_up_nothing() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.leaks]
            command = "sh -c 'setsid sleep 5 & echo -n last words; exit 3'"
            start_seconds = "0s"
            autorestart = false
            "#,
        );
        let begun_us = sys::clock::monotonic_us();
        stage.until_state("leaks:0", ProgramState::Exited).await;
        assert!(sys::clock::monotonic_us() - begun_us < 4_000_000);
        // The line without an end is shown once nobody may finish it.
        stage
            .until("the last words", |stage| stage.log("leaks:0").contains(&"last words".into()))
            .await;
    });
}

#[test]
fn followers_get_every_line_and_the_marks_in_order() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.talks]
            command = "sh -c 'for i in 1 2 3; do echo line $i; done; exit 4'"
            autostart = false
            start_retries = 0
            "#,
        );
        let mut lines = stage.programs.log(&named("talks"), None, None, Follow::Yes).unwrap();
        assert!(lines.recv().await.unwrap().is_empty(), "nothing is kept yet");
        let answer = stage.ask("talks", ProgramVerb::Start).await;
        assert!(answer.message.contains("FATAL"), "{answer:?}");
        let mut seen = Vec::new();
        while let Ok(line) = lines.try_recv() {
            seen.extend(texts(&line));
        }
        assert!(seen[0].starts_with("started, pid "));
        assert_eq!(seen[1..4], ["line 1", "line 2", "line 3"]);
        assert!(seen[4].ends_with(", gave up after 1 start"), "{seen:?}");
        assert_eq!(stage.row("talks:0").last_line, "line 3");
    });
}

#[test]
fn answers_name_what_is_not_there_or_not_running() {
    on_stage(async {
        let mut stage =
            Stage::new("[program.web]\ncommand = \"sleep 1000\"\nautostart = false\ninstances = 2");
        let cases = [
            (
                "wep",
                ProgramVerb::Start,
                "no program is called wep (did you mean `web`?); there is web",
            ),
            ("web:7", ProgramVerb::Stop, "web has no instance 7, the last is 1"),
            ("web", ProgramVerb::Kill, "not running: web:0 is STOPPED, web:1 is STOPPED"),
            (
                "web:0",
                ProgramVerb::Signal { signal: "SIGHPU".into() },
                "no signal is called SIGHPU (did you mean `HUP`?); there are HUP, INT, QUIT, TERM, KILL, USR1, USR2, \
                 STOP, CONT, WINCH and others, and numbers from 1 to 64",
            ),
        ];
        for (target, verb, message) in cases {
            let answer = stage.ask(target, verb).await;
            assert_eq!((answer.is_done(), answer.message.as_str()), (false, message));
        }
        let stale = ProgramTarget { incarnation: Some(9), ..named("web:0") };
        let (reply, mut answer) = oneshot::channel();
        stage.programs.command(&stale, &ProgramVerb::Start, "alice", reply);
        assert!(!answer.try_recv().unwrap().is_done());
    });
}

#[test]
fn a_signal_reaches_the_process() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.listens]
            command = "sh -c 'trap \"echo hup\" HUP; echo up; while :; do sleep 0.02; done'"
            start_seconds = "0s"
            "#,
        );
        stage.until("it listens", |stage| stage.log("listens:0").contains(&"up".into())).await;
        let answer = stage.ask("all", ProgramVerb::Signal { signal: "hup".into() }).await;
        assert!(answer.message.starts_with("SIGHUP sent to listens:0"), "{answer:?}");
        stage.until("it heard", |stage| stage.log("listens:0").contains(&"hup".into())).await;
        let is_told = |want: &Want| match want {
            Want::Audit(note) => note.cli == "pilothouse program signal all hup",
            _ => false,
        };
        assert!(stage.wants.iter().any(is_told), "the trail has the whole command line");
    });
}

#[test]
fn shutdown_stops_everything_and_starts_nothing() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.a]
            command = "sleep 1000"
            [program.b]
            command = "sh -c 'exit 1'"
            "#,
        );
        stage.until_state("b:0", ProgramState::Backoff).await;
        stage.programs.shutdown();
        stage.until("all is stopped", |stage| stage.programs.is_stopped()).await;
        assert_eq!(stage.row("b:0").program.state, ProgramState::Stopped);
        let answer = stage.ask("all", ProgramVerb::Start).await;
        assert_eq!(answer.message, "the engine is stopping");
    });
}
