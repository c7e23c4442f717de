//! Ends in order: ladders, side commands, groups, and the end of all.

use super::*;

/// A shell that says when it is there, and what it hears.
fn listens(name: &str, lines: &str) -> String {
    let script = "for s in TERM INT; do trap \\\"echo $s\\\" $s; done; echo up; \
                  while :; do sleep 0.02; done";
    format!("[program.{name}]\ncommand = \"sh -c '{script}'\"\nstart_seconds = \"10ms\"\n{lines}\n")
}

impl Stage {
    async fn until_said(&mut self, id: &str, line: &str) {
        let what = format!("{id} says {line}");
        self.until(&what, |stage| stage.log(id).iter().any(|said| said.contains(line))).await;
    }

    async fn until_running(&mut self, ids: &[&str]) {
        for id in ids {
            self.until_state(id, ProgramState::Running).await;
        }
    }

    /// The programs in the order in which these were noted of them.
    fn order(&self, verb: &str) -> Vec<String> {
        let note = |want: &Want| match want {
            Want::Audit(note) if note.verb == verb => Some(note.target.clone()),
            _ => None,
        };
        self.wants.iter().filter_map(note).collect()
    }
}

#[test]
fn a_ladder_of_signals_ends_in_a_kill() {
    on_stage(async {
        let mut stage = Stage::new(&listens("deaf", "stop_signal = \"TERM:0 INT:1 KILL\""));
        stage.until_said("deaf:0", "up").await;
        stage.until_running(&["deaf:0"]).await;
        let began_us = sys::clock::monotonic_us();
        assert!(stage.ask("deaf:0", ProgramVerb::Stop).await.is_done());
        assert!(sys::clock::monotonic_us() - began_us >= 1_000_000, "each step has its time");
        let log = stage.log("deaf:0");
        assert!(log.iter().any(|line| line == "INT"), "{log:?}");
        assert_eq!(stage.row("deaf:0").program.exit_signal, Some(9));
    });
}

#[test]
fn a_stopped_one_can_end() {
    on_stage(async {
        let mut stage = Stage::new(&listens("still", "stop_seconds = 600").replace("INT;", ";"));
        stage.until_running(&["still:0"]).await;
        let signal = |signal: &str| ProgramVerb::Signal { signal: signal.into() };
        stage.ask("still:0", signal("STOP")).await;
        let mut answer = stage.command("still:0", &ProgramVerb::Stop);
        stage.until_said("still:0", "TERM").await;
        stage.ask("still:0", ProgramVerb::Kill).await;
        stage.until("it is answered", |_| answer.try_recv().is_ok()).await;
    });
}

#[test]
fn the_group_is_signalled_where_that_is_said() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.parent]
            command = "sh -c 'sh -c \"trap \\\"echo heard; exit\\\" USR1; echo up; while :; do sleep 0.02; done\" & trap : USR1; wait; wait; sleep 600'"
            stop_signal = "USR1:600"
            stop_group = true
            start_seconds = "10ms"
            "#,
        );
        stage.until_said("parent:0", "up").await;
        stage.until_running(&["parent:0"]).await;
        let _answer = stage.command("parent:0", &ProgramVerb::Stop);
        stage.until_said("parent:0", "heard").await;
        stage.ask("parent:0", ProgramVerb::Kill).await;
        stage.until_state("parent:0", ProgramState::Stopped).await;
    });
}

#[test]
fn hooks_surround_a_life() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.p]
            command = "sh -c 'echo lives; exec sleep 1000'"
            start_seconds = "10ms"
            stop_command = "sh -c 'echo quit $PROGRAM; exit 1'"
            hooks = { pre_start = "echo first", post_start = "echo begun", pre_stop = "echo last", post_stop = "sh -c 'echo over $PILOTHOUSE_EXIT_SIGNAL'" }
            "#,
        );
        stage.until_running(&["p:0"]).await;
        stage.until_said("p:0", "post_start: begun").await;
        let answer = stage.ask("p", ProgramVerb::Stop).await;
        assert!(answer.is_done(), "{answer:?}");
        let log = stage.log("p:0");
        let place = |line: &str| {
            log.iter().position(|said| said == line).unwrap_or_else(|| panic!("{line}: {log:?}"))
        };
        let places = ["pre_start: first", "lives", "pre_stop: last", "stop_command: quit p"];
        let places = places.map(place);
        assert!(places.is_sorted(), "{log:?}");
        assert!(place("post_stop: over 15") > places[3], "the signal followed the failed command");
    });
}

#[test]
fn nothing_starts_without_pre_start_and_125_of_post_stop_is_final() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.never]
            command = "sh -c 'echo lives; exec sleep 1000'"
            start_retries = 0
            hooks = { pre_start = "sh -c 'exit 3'" }
            [program.once]
            command = "sleep 1000"
            start_seconds = "10ms"
            hooks = { post_stop = "sh -c 'exit 125'" }
            "#,
        );
        stage.until_state("never:0", ProgramState::Fatal).await;
        let reason = stage.row("never:0").program.reason;
        assert!(reason.ends_with("pre_start: exit 3"), "{reason}");
        assert!(!stage.log("never:0").contains(&"lives".to_owned()));
        stage.until_running(&["once:0"]).await;
        stage.ask("once:0", ProgramVerb::Kill).await;
        stage.until_state("once:0", ProgramState::Fatal).await;
    });
}

#[test]
fn a_stop_does_not_wait_for_a_pre_start_that_hangs() {
    on_stage(async {
        let mut stage = Stage::new(
            "[program.p]\ncommand = \"sleep 1000\"\nhooks = { pre_start = \"sleep 1000\" }",
        );
        stage.until_state("p:0", ProgramState::Starting).await;
        assert_eq!(stage.row("p:0").program.reason, "pre_start runs, 30 s at most");
        assert!(stage.ask("p:0", ProgramVerb::Stop).await.is_done());
    });
}

#[test]
fn a_program_is_told_to_reload() {
    on_stage(async {
        let text = listens("a", "reload = \"INT\"")
            + &listens("b", "reload = { command = \"sh -c 'echo again; exit 4'\" }")
            + &listens("c", "");
        let mut stage = Stage::new(&text);
        for id in ["a:0", "b:0", "c:0"] {
            stage.until_said(id, "up").await;
        }
        assert!(stage.ask("a", ProgramVerb::Reload).await.is_done());
        stage.until_said("a:0", "INT").await;
        let answer = stage.ask("b", ProgramVerb::Reload).await;
        assert_eq!((answer.is_done(), answer.message.as_str()), (false, "b:0 reload: exit 4"));
        let answer = stage.ask("c", ProgramVerb::Reload).await;
        assert_eq!(answer.message, "c has no `reload` in the configuration");
    });
}

const GROUP: &str = r#"
[program.db]
command = "sleep 1000"
priority = 1
start_seconds = "10ms"
[program.app]
command = "sleep 1000"
priority = 2
start_seconds = "10ms"
[program.web]
command = "sleep 1000"
priority = 3
start_seconds = "10ms"
[program.other]
command = "sleep 1000"
start_seconds = "10ms"
[group.site]
programs = ["db", "app", "web"]
"#;

#[test]
fn groups_are_named_as_supervisors_users_do() {
    on_stage(async {
        let mut stage = Stage::new(GROUP);
        stage.until_running(&["db:0", "app:0", "web:0", "other:0"]).await;
        assert!(stage.ask("site:web", ProgramVerb::Stop).await.is_done());
        assert_eq!(stage.row("db:0").program.state, ProgramState::Running);
        assert!(stage.ask("site:*", ProgramVerb::Stop).await.is_done());
        assert_eq!(stage.row("db:0").program.state, ProgramState::Stopped);
        assert_eq!(stage.row("other:0").program.state, ProgramState::Running);
        assert!(stage.ask("other:*", ProgramVerb::Stop).await.is_done());
        let answer = stage.ask("sit:*", ProgramVerb::Stop).await;
        assert!(answer.message.starts_with("no program is called sit:*"), "{answer:?}");
    });
}

#[test]
fn a_group_restarts_as_its_strategy_says() {
    for (strategy, again) in [
        ("one_for_one", vec!["app:0"]),
        ("rest_for_one", vec!["app:0", "web:0"]),
        ("one_for_all", vec!["db:0", "app:0", "web:0"]),
    ] {
        on_stage(async {
            let mut stage = Stage::new(&format!("{GROUP}strategy = \"{strategy}\"\n"));
            let ids = ["db:0", "app:0", "web:0", "other:0"];
            stage.until_running(&ids).await;
            let pids = ids.map(|id| stage.pid(id));
            stage.wants.clear();
            sys::pidfd::signal_group(pids[1], sys::signal::KILL).unwrap();
            stage
                .until("they run again", |stage| stage.order("running").len() >= again.len())
                .await;
            stage.until_running(&ids).await;
            let new: Vec<&str> = ids
                .into_iter()
                .zip(pids)
                .filter(|(id, pid)| stage.pid(id) != *pid)
                .map(|(id, _)| id)
                .collect();
            assert_eq!(new, again, "{strategy}");
        });
    }
}

#[test]
fn all_stop_tier_by_tier_and_each_tier_at_once() {
    on_stage(async {
        let mut text = String::new();
        for number in 0..20 {
            let priority = if number < 10 { 1 } else { 2 };
            let lines = format!("priority = {priority}\nstop_seconds = 1");
            text += &listens(&format!("p{number}"), &lines);
        }
        let mut stage = Stage::new(&text);
        for number in 0..20 {
            stage.until_said(&format!("p{number}:0"), "up").await;
        }
        let began_us = sys::clock::monotonic_us();
        stage.programs.shutdown();
        let is_running = |stage: &Stage, number: u32| {
            let row = stage.row(&format!("p{number}:0"));
            row.program.pid.is_some() && row.program.state != ProgramState::Stopping
        };
        assert!((0..10).all(|number| is_running(&stage, number)));
        assert!((10..20).all(|number| !is_running(&stage, number)));
        stage.until("all is stopped", |stage| stage.programs.is_stopped()).await;
        let took_us = sys::clock::monotonic_us() - began_us;
        assert!((2_000_000..10_000_000).contains(&took_us), "two stop times, not twenty");
    });
}

#[test]
fn a_side_command_that_hangs_is_ended_after_its_own_time() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [program.p]
            command = "sleep 1000"
            start_retries = 0
            hooks = { pre_start = { command = "sleep 1000", timeout = "50ms" } }
            [program.q]
            command = "sleep 1000"
            start_seconds = 0
            hook_timeout = "50ms"
            hooks = { pre_stop = { command = "sleep 1000", timeout = "200s" }, post_stop = "sleep 1000" }
            "#,
        );
        stage.until_state("p:0", ProgramState::Fatal).await;
        let reason = stage.row("p:0").program.reason;
        assert!(reason.ends_with("pre_start: not done after 0.05 s"), "{reason}");
        let _answered_when_it_has_stopped = stage.command("q", &ProgramVerb::Stop);
        assert_eq!(stage.row("q:0").program.reason, "pre_stop runs, 4 min at most");
        // Whoever can not wait for it says so.
        stage.ask("q", ProgramVerb::Kill).await;
        stage.until_state("q:0", ProgramState::Stopped).await;
        let notes = stage.notes();
        let is_told = |note: &String| note == "engine hook q:0: post_stop: not done after 0.05 s";
        assert!(notes.iter().any(is_told), "{notes:?}");
    });
}
