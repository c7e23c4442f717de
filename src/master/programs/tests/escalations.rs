//! What follows for others once a program has given up, and who takes that over from a master that
//! dies meanwhile.

use super::changes::left_behind;
use super::*;

impl Stage {
    fn has_noted(&self, note: &str) -> usize {
        self.notes().iter().filter(|noted| noted.as_str() == note).count()
    }
}

const GROUP: &str = r#"
[group.site]
programs = ["db", "web"]
[program.web]
command = "sleep 1000"
start_seconds = 0
[program.db]
start_retries = 0
"#;

#[test]
fn its_group_is_stopped() {
    on_stage(async {
        let lines = "command = \"sh -c 'exit 7'\"\non_fatal = \"stop_group\"";
        let mut stage = Stage::new(&format!("{GROUP}{lines}"));
        stage.until_state("web:0", ProgramState::Stopped).await;
        assert_eq!(stage.row("web:0").program.reason, "stopped for db:0 is FATAL");
        assert_eq!(stage.row("db:0").program.state, ProgramState::Fatal);
        assert_eq!(stage.has_noted("engine on_fatal db:0: FATAL: group site is stopped"), 1);
        // Nobody decided that for the next engine, and whoever wants it up again may.
        assert_eq!(*stage.programs.intent(), crate::master::programs::handoff::Intent::default());
        assert!(stage.ask("web", ProgramVerb::Start).await.is_done());
    });
}

#[test]
fn its_group_is_restarted_and_stopped_when_that_never_helps() {
    on_stage(async {
        let lines = "command = \"sh -c 'exit 7'\"\non_fatal = \"restart_group\"";
        let mut stage = Stage::new(&format!("{GROUP}{lines}"));
        let stopped =
            "engine on_fatal db:0: FATAL: group site is stopped, restarted too often for that";
        stage.until("it is stopped at last", |stage| stage.has_noted(stopped) == 1).await;
        stage.until_state("web:0", ProgramState::Stopped).await;
        assert_eq!(stage.has_noted("engine on_fatal db:0: FATAL: group site is restarted"), 5);
        assert_eq!((stage.row("db:0").incarnation, stage.row("web:0").incarnation), (6, 6));
    });
}

#[test]
fn a_command_is_told_who_and_why() {
    on_stage(async {
        let lines = "command = \"sh -c 'exit 7'\"\n\
             on_fatal = { command = \"sh -c 'echo ${PROGRAM}:$INSTANCE of $GROUP: $REASON; exit 3'\" }";
        let mut stage = Stage::new(&format!("{GROUP}{lines}"));
        let failed = "engine hook db:0: on_fatal: exit 3";
        stage.until("its end is told", |stage| stage.has_noted(failed) == 1).await;
        let said = "on_fatal: db:0 of site: gave up after 1 start: exit 7 after";
        let log = stage.log("db:0");
        assert!(log.iter().any(|line| line.starts_with(said)), "{log:?}");
        assert_eq!(stage.row("db:0").program.state, ProgramState::Fatal);
    });
}

#[test]
fn the_engine_is_asked_to_stop_once() {
    on_stage(async {
        let text = "[program.db]\ncommand = \"sh -c 'exit 7'\"\nstart_retries = 0\n\
                    on_fatal = \"shutdown\"";
        let mut stage = Stage::new(text);
        stage.until_state("db:0", ProgramState::Fatal).await;
        let stops = |stage: &Stage| {
            let why = |want: &Want| match want {
                Want::Stop { why } => Some(why.clone()),
                _ => None,
            };
            stage.wants.iter().filter_map(why).collect::<Vec<_>>()
        };
        let why = stops(&stage);
        assert_eq!(why.len(), 1);
        assert!(why[0].starts_with("for db:0 is FATAL: gave up after 1 start: exit 7"), "{why:?}");
        // A program that gives up while the engine stops anyway is no news.
        stage.programs.apply_config(&config(&text.replace("exit 7", "sleep 1; exit 7")));
        stage.programs.shutdown();
        stage.until("it has ended", |stage| stage.programs.is_stopped()).await;
        assert_eq!(stops(&stage).len(), 1);
    });
}

#[test]
fn a_dependent_that_waits_in_vain_gives_up_and_its_group_with_it() {
    on_stage(async {
        let mut stage = Stage::new(
            r#"
            [group.site]
            programs = ["web", "cache"]
            [program.db]
            command = "sh -c 'exit 7'"
            start_retries = 0
            [program.web]
            command = "sleep 1000"
            needs = ["db"]
            on_fatal = "stop_group"
            [program.cache]
            command = "sleep 1000"
            "#,
        );
        stage.until_state("cache:0", ProgramState::Stopped).await;
        assert_eq!(stage.row("web:0").program.state, ProgramState::Fatal);
    });
}

/// The one who died waits for one that takes long to stop, and so does the next master.
fn survives_a_master(on_fatal: &str, strategy: &str, db: &str, end: &[(&str, ProgramState)]) {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let text = format!(
        r#"
        [group.site]
        programs = ["db", "slow"]
        strategy = "{strategy}"
        [program.db]
        command = "{db}"
        start_seconds = 0
        start_retries = 0
        priority = 10
        {on_fatal}
        [program.slow]
        command = "sh -c 'trap \"until [ -e {} ]; do sleep 0.02; done; exit 0\" TERM; echo up; while :; do sleep 0.02; done'"
        start_seconds = 0
        "#,
        go.display()
    );
    let mut left = None;
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.until("it is up", |stage| stage.log("slow:0").contains(&"up".to_owned())).await;
        if let Some(pid) = stage.row("db:0").program.pid {
            sys::pidfd::signal_group(pid, sys::signal::KILL).unwrap();
        }
        stage.until_state("slow:0", ProgramState::Stopping).await;
        left = Some(left_behind(&mut stage));
        std::mem::forget(stage);
    });
    on_stage(async {
        let (saved, mut pipes) = left.take().unwrap();
        let mut stage = Stage::empty();
        stage.programs.adopt(saved, |key| pipes.remove(key));
        stage.programs.apply_config(&config(&text));
        assert_eq!(stage.row("slow:0").program.state, ProgramState::Stopping);
        assert_eq!(stage.row("db:0").incarnation, 1, "it waits on: {:?}", stage.row("db:0"));
        std::fs::write(&go, "").unwrap();
        for (id, state) in end {
            stage.until_state(id, *state).await;
        }
    });
}

#[test]
fn a_group_that_is_restarted_survives_its_master() {
    let end = [("db:0", ProgramState::Running), ("slow:0", ProgramState::Running)];
    survives_a_master("", "one_for_all", "sleep 1000", &end);
}

#[test]
fn a_group_that_is_stopped_survives_its_master() {
    let end = [("slow:0", ProgramState::Stopped), ("db:0", ProgramState::Fatal)];
    survives_a_master(
        "on_fatal = \"stop_group\"\nhooks = { post_stop = \"sh -c 'exit 125'\" }",
        "one_for_one",
        "sleep 1000",
        &end,
    );
}
