//! Jobs, schedules and ages with real processes.

use super::*;

fn instance_of(stage: &Stage) -> &super::super::instance::Instance {
    stage.programs.instances.values().next().expect("there is one program")
}

#[test]
fn who_starts_a_job_hears_how_it_ended() {
    on_stage(async {
        let folder = tempfile::tempdir().unwrap();
        let go = folder.path().join("go");
        let mut stage = Stage::new(&format!(
            "[program.job]\ncommand = \"sh -c 'while [ ! -e {go} ]; do sleep 0.02; done; exit $STATUS'\"\n\
             kind = \"oneshot\"\nautostart = false\nautorestart = false\nexit_codes = [0, 4]\n\
             environment = {{ STATUS = \"4\" }}",
            go = go.display()
        ));
        let mut answer = stage.command("job", &ProgramVerb::Start);
        stage.until_state("job:0", ProgramState::Running).await;
        assert!(answer.try_recv().is_err(), "it is not answered before the end");
        std::fs::write(&go, "").unwrap();
        stage.until_state("job:0", ProgramState::Exited).await;
        let answer = answer.try_recv().unwrap();
        assert_eq!((answer.is_done(), &*answer.message), (true, "job:0 is EXITED: completed"));
        assert!(stage.log("job:0").last().unwrap().ends_with(", completed"));
        assert!(instance_of(&stage).has_succeeded());
    });
}

#[test]
fn a_failed_job_is_tried_again_and_whoever_started_it_hears_of_the_first_failure() {
    on_stage(async {
        let mut stage = Stage::new(
            "[program.job]\ncommand = \"sh -c 'exit 3'\"\nkind = \"oneshot\"\nautostart = false\n\
             start_retries = 1\nbackoff = { initial = \"10ms\" }",
        );
        let answer = stage.ask("job", ProgramVerb::Start).await;
        assert!(!answer.is_done() && answer.message.contains("exit 3"), "{answer:?}");
        stage.until_state("job:0", ProgramState::Fatal).await;
        assert!(!instance_of(&stage).has_succeeded());
        assert_eq!(stage.row("job:0").incarnation, 2);
    });
}

#[test]
fn a_scheduled_job_waits_for_its_time_and_says_when_that_is() {
    on_stage(async {
        let mut stage = Stage::new(
            "[program.job]\ncommand = \"true\"\nschedule = { cron = \"0 3 1 1 *\", zone = \"UTC\" }",
        );
        let row = stage.row("job:0");
        assert_eq!((row.program.state, row.incarnation), (ProgramState::Stopped, 0));
        let reason = &row.program.reason;
        assert!(reason.starts_with("next run at ") && reason.contains("03:00 (in "), "{reason}");
        assert!(row.next_run_ms > sys::clock::wall_ms());

        let answer = stage.ask("job", ProgramVerb::Start).await;
        assert!(
            answer.message.starts_with("job:0 is EXITED: completed; next run at"),
            "{answer:?}"
        );
        assert_eq!(stage.row("job:0").next_run_ms / 1000, row.next_run_ms / 1000);
        assert!(stage.ask("job", ProgramVerb::Stop).await.is_done());
        assert_eq!(stage.row("job:0").next_run_ms, 0, "nobody wants it any more");
    });
}

#[test]
fn an_interval_runs_again_and_again_and_never_twice_at_once() {
    on_stage(async {
        let mut stage =
            Stage::new("[program.job]\ncommand = \"sleep 0.15\"\nschedule = { every = \"100ms\" }");
        assert_eq!(stage.row("job:0").incarnation, 0, "the first run is a period away");
        stage.until("it ran three times", |stage| stage.row("job:0").incarnation >= 3).await;
        let notes = stage.notes();
        let note =
            |text: &str| notes.iter().any(|note| note == &format!("engine schedule job:0: {text}"));
        assert!(
            note("due, started") && note("due, skipped: the last run is not over"),
            "{notes:?}"
        );
    });
}

#[test]
fn a_reload_runs_no_job_out_of_its_time_and_stops_none() {
    let text = |command: &str, every: &str| {
        config(&format!(
            "[program.job]\ncommand = \"{command}\"\nschedule = {{ every = \"{every}\" }}"
        ))
    };
    on_stage(async {
        let mut stage = Stage::empty();
        stage.programs.apply_config(&text("sleep 1000", "1h"));
        let next_ms = stage.row("job:0").next_run_ms;
        stage.programs.apply_config(&text("sleep 1001", "1h"));
        assert_eq!(stage.row("job:0").next_run_ms / 1000, next_ms / 1000);
        assert_eq!(stage.row("job:0").incarnation, 0);

        let _waits = stage.command("job", &ProgramVerb::Start);
        stage.until_state("job:0", ProgramState::Running).await;
        let pid = stage.pid("job:0");
        stage.programs.apply_config(&text("sleep 1002", "2h"));
        assert_eq!(stage.pid("job:0"), pid, "what runs is let run");
        assert!(stage.row("job:0").next_run_ms > next_ms + 1_800_000);
    });
}

#[test]
fn a_successor_neither_loses_nor_repeats_a_run() {
    let text = "[program.job]\ncommand = \"true\"\nschedule = { every = \"1h\", jitter = \"30m\" }";
    let mut saved = String::new();
    let mut next_ms = 0;
    on_stage(async {
        let stage = Stage::new(text);
        next_ms = stage.row("job:0").next_run_ms;
        saved = serde_json::to_string(&stage.programs.handoff()).unwrap();
    });
    on_stage(async {
        let mut stage = Stage::empty();
        stage.programs.adopt(serde_json::from_str(&saved).unwrap(), |_| None);
        stage.programs.apply_config(&config(text));
        let row = stage.row("job:0");
        assert!(row.next_run_ms.abs_diff(next_ms) < 100, "neither the period nor its jitter anew");
        assert_eq!(row.incarnation, 0);
    });
}

#[test]
fn an_old_service_is_started_anew() {
    on_stage(async {
        let mut stage = Stage::new(
            "[program.old]\ncommand = \"sleep 1000\"\nstart_seconds = \"0s\"\nmax_age = { after = \"100ms\" }",
        );
        let pid = stage.pid("old:0");
        stage
            .until("it is another", |stage| {
                stage.row("old:0").program.pid.is_some_and(|new| new != pid)
            })
            .await;
        let note = "engine max_age old:0: as old as it may get, started anew".to_owned();
        assert!(stage.notes().contains(&note));
    });
}
