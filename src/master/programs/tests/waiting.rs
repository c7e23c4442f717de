//! Programs that need others, with real processes.

use super::*;

const READY_SOON: &str =
    "command = \"sh -c 'until [ -e GO ]; do sleep 0.01; done; echo db is up; exec sleep 1000'\"";

struct Pair {
    folder: tempfile::TempDir,
    stage: Stage,
}

impl Pair {
    /// `api` needs `db`, which says that it is up once it may.
    fn new(db: &str, api: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let go = folder.path().join("go").display().to_string();
        let text = format!(
            "[program.db]\n{}\nstart_seconds = \"0s\"\n{db}\n\
             [program.api]\ncommand = \"sleep 1000\"\nstart_seconds = \"0s\"\n{api}",
            READY_SOON.replace("GO", &go)
        );
        Self { folder, stage: Stage::new(&text) }
    }

    fn go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }

    fn api(&self) -> (ProgramState, String) {
        let row = self.stage.row("api:0");
        (row.program.state, row.program.reason)
    }
}

#[test]
fn a_program_waits_until_what_it_needs_is_ready_and_says_for_what() {
    on_stage(async {
        let mut pair = Pair::new("ready = { log = \"is up\" }", "needs = [\"db\"]");
        let waiting = "waiting for db: no line matches /is up/";
        assert_eq!(pair.api(), (ProgramState::Starting, waiting.to_owned()));
        assert_eq!(pair.stage.row("api:0").program.pid, None);
        pair.go();
        pair.stage.until_state("api:0", ProgramState::Running).await;
        assert_eq!(pair.stage.row("db:0").program.state, ProgramState::Running);
    });
}

#[test]
fn a_line_is_waited_for_also_of_one_that_runs_and_when_it_came_before() {
    on_stage(async {
        let mut pair = Pair::new("", "needs = [{ program = \"db\", log = \"is up\" }]");
        let waiting = "waiting for db: no line matches /is up/";
        assert_eq!(pair.api(), (ProgramState::Starting, waiting.to_owned()));
        pair.go();
        pair.stage.until_state("api:0", ProgramState::Running).await;
        let answer = pair.stage.ask("api:0", ProgramVerb::Stop).await;
        assert!(answer.is_done());
        let answer = pair.stage.ask("api:0", ProgramVerb::Start).await;
        assert!(answer.is_done(), "{answer:?}");
    });
}

#[test]
fn an_address_that_nobody_here_answers_for_is_asked() {
    on_stage(async {
        let port = super::serving::free_port();
        let needs = format!("needs = [{{ listening = \"127.0.0.1:{port}\" }}]");
        let mut pair = Pair::new("", &needs);
        let expected = format!("waiting for 127.0.0.1:{port}: probe failed ");
        pair.stage
            .until("it says so", |stage| stage.row("api:0").program.reason.starts_with(&expected))
            .await;
        let _listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        pair.stage.until_state("api:0", ProgramState::Running).await;
    });
}

#[test]
fn what_fails_for_good_fails_those_that_need_it() {
    let cases = [
        (
            "ready",
            "command = \"/nonexistent/x\"\nstart_retries = 0",
            "needs db, which is FATAL: gave up after 1 start: exec /nonexistent/x",
        ),
        (
            "succeeded",
            "command = \"sh -c 'exit 3'\"\nautorestart = false",
            "needs db, which is EXITED: exit 3 after ",
        ),
        (
            "ready",
            "command = \"true\"\nready = { notify = true }\nstart_retries = 0",
            "needs db, which is FATAL: gave up after 1 start: exit 0",
        ),
    ];
    for (until, db, reason) in cases {
        on_stage(async {
            let mut stage = Stage::new(&format!(
                "[program.db]\nstart_seconds = \"0s\"\n{db}\n[program.api]\ncommand = \"sleep 1000\"\n\
                 needs = [{{ program = \"db\", until = \"{until}\" }}]"
            ));
            stage.until_state("api:0", ProgramState::Fatal).await;
            let text = stage.row("api:0").program.reason;
            assert!(text.starts_with(reason), "{text}");
            assert!(stage.row("api:0").incarnation == 0, "it was never spawned");
        });
    }
}

#[test]
fn what_only_has_to_end_is_waited_for() {
    for (until, code) in [("completed", 3), ("succeeded", 0)] {
        on_stage(async {
            let pair = Pair::new(
                "autorestart = false",
                &format!("needs = [{{ program = \"db\", until = \"{until}\" }}]"),
            );
            let waiting = "waiting for db, which is still running";
            assert_eq!(pair.api(), (ProgramState::Starting, waiting.to_owned()));
            let pid = pair.stage.pid("db:0");
            drop(pair);
            let mut stage = Stage::new(&format!(
                "[program.db]\ncommand = \"sh -c 'sleep 0.05; exit {code}'\"\nautorestart = false\n\
                 start_seconds = \"0s\"\n[program.api]\ncommand = \"sleep 1000\"\nstart_seconds = \"0s\"\n\
                 needs = [{{ program = \"db\", until = \"{until}\" }}]"
            ));
            stage.until_state("api:0", ProgramState::Running).await;
            assert_ne!(stage.pid("api:0"), pid);
            assert_eq!(stage.row("db:0").program.exit_code, Some(code));
        });
    }
}

#[test]
fn a_start_starts_what_it_needs_too_and_says_so() {
    on_stage(async {
        let mut pair = Pair::new("autostart = false", "autostart = false\nneeds = [\"db\"]");
        assert_eq!(pair.api().0, ProgramState::Stopped);
        let answer = pair.stage.ask("api", ProgramVerb::Start).await;
        assert!(answer.is_done(), "{answer:?}");
        assert!(answer.message.ends_with("; started because it is needed: db:0"), "{answer:?}");
        assert_eq!(pair.stage.row("db:0").program.state, ProgramState::Running);
    });
}

#[test]
fn at_the_end_a_program_stops_before_what_it_needs() {
    on_stage(async {
        let mut pair = Pair::new("", "needs = [\"db\"]");
        pair.stage.until_state("api:0", ProgramState::Running).await;
        pair.stage.programs.shutdown();
        assert_eq!(pair.stage.row("api:0").program.state, ProgramState::Stopping);
        assert_eq!(pair.stage.row("db:0").program.state, ProgramState::Running);
        pair.stage.until("all is over", |stage| stage.programs.is_stopped()).await;
        assert_eq!(pair.stage.row("db:0").program.exit_signal, Some(15));

        let mut pair = Pair::new("", "needs = [\"db\"]");
        pair.stage.until_state("api:0", ProgramState::Running).await;
        pair.stage.programs.shutdown_now();
        pair.stage.until("all is over", |stage| stage.programs.is_stopped()).await;
        assert_eq!(pair.stage.row("db:0").program.exit_signal, Some(9));
    });
}

#[test]
fn a_stop_cancels_the_wait_and_what_the_operator_stopped_is_waited_for() {
    on_stage(async {
        let mut pair = Pair::new("", "needs = [\"db\"]\nautostart = false");
        let answer = pair.stage.ask("db", ProgramVerb::Stop).await;
        assert!(answer.is_done(), "{answer:?}");
        let text = "[program.db]\ncommand = \"sleep 1000\"\n[program.api]\ncommand = \"sleep 1000\"\nneeds = [\"db\"]";
        pair.stage.programs.apply_config(&config(text));
        let waiting = "waiting for db: stopped by alice";
        assert_eq!(pair.api(), (ProgramState::Starting, waiting.to_owned()));
        let answer = pair.stage.ask("api", ProgramVerb::Stop).await;
        assert!(answer.is_done(), "{answer:?}");
        assert_eq!(pair.api(), (ProgramState::Stopped, "stopped by alice".to_owned()));
        let answer = pair.stage.ask("api", ProgramVerb::Start).await;
        assert!(answer.message.contains("started because it is needed: db:0"), "{answer:?}");
    });
}

#[test]
fn lines_of_earlier_lives_are_not_looked_for() {
    on_stage(async {
        let mut stage = Stage::new(
            "[program.db]\ncommand = \"sh -c 'echo not yet; exit 1'\"\nstart_seconds = 0\n\
             crash_limit = { restarts = 1000, within = \"1s\" }\n\
             [program.api]\ncommand = \"sleep 1000\"\nneeds = [{ program = \"db\", log = \"is up\" }]",
        );
        stage.until("it has lived often", |stage| stage.row("db:0").incarnation > 20).await;
        let db = stage.programs.instances.values().find(|it| it.id.program == "db").unwrap();
        let sought = db.output.borrow().lines_sought();
        assert!(sought <= 2, "{sought} lines are looked for");
    });
}
