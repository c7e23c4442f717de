//! Side commands: what they are told, how they end, and that nothing of them stays.

use super::super::definition::Definition;
use super::super::errand::{Errand, Outcome};
use super::super::event::InstanceId;
use super::*;
use crate::sys::pidfd::Exit;

const PROGRAM: &str = r#"
[program.p]
command = "sleep 1000"
autostart = false
directory = "/tmp"
environment = { MODE = "m-${INSTANCE}" }
"#;

impl Stage {
    fn errand(&mut self, script: &str, timeout_ms: u64) -> Errand {
        let id = InstanceId { program: "p".to_owned(), instance: 0 };
        let command = ["sh", "-c", script].map(str::to_owned);
        let instance = self.programs.instances.get_mut(&id).unwrap();
        let mut definition = Definition::clone(&instance.definition);
        definition.program.hooks.timeout_ms = timeout_ms;
        instance.definition = definition.into();
        instance.errand("hook", &command, &self.programs.desk)
    }

    /// The one word that the script said.
    async fn said(&mut self) -> String {
        self.until("it says something", |stage| !stage.log("p:0").is_empty()).await;
        let log = self.log("p:0");
        log[0].strip_prefix("hook: ").expect("a marked line").to_owned()
    }
}

#[test]
fn it_has_what_the_program_has_and_speaks_into_its_log() {
    on_stage(async {
        let mut stage = Stage::new(PROGRAM);
        let errand = stage.errand("echo ${MODE} $PROGRAM; pwd >&2; printf end; exit 3", 20_000);
        let outcome = errand.outcome().await;
        assert_eq!(outcome, Outcome::Ended(Exit::Code(3)));
        assert_eq!(outcome.to_string(), "exit 3");
        let mut log = stage.log("p:0");
        log.sort();
        assert_eq!(log, ["hook: /tmp", "hook: end", "hook: m-0 p"]);
    });
}

#[test]
fn its_time_is_bounded_and_its_group_goes_with_it() {
    on_stage(async {
        let mut stage = Stage::new(PROGRAM);
        let errand = stage.errand("trap '' TERM; echo $$; sleep 1000 & sleep 1000", 300);
        let outcome = errand.outcome().await;
        assert_eq!(outcome.to_string(), "not done after 0.30 s");
        let pid: u32 = stage.said().await.parse().unwrap();
        stage.until("the group is gone", |_| sys::pidfd::is_group_empty(pid)).await;
    });
}

#[test]
fn one_that_nobody_waits_for_is_ended_and_collected() {
    on_stage(async {
        let mut stage = Stage::new(PROGRAM);
        let errand = stage.errand("echo $$; sleep 1000 & sleep 1000", 600_000);
        let pid: u32 = stage.said().await.parse().unwrap();
        drop(errand);
        // Zombies count as left, too.
        stage.until("the group is gone", |_| sys::pidfd::is_group_empty(pid)).await;
    });
}

#[test]
fn what_can_not_be_started_says_why() {
    on_stage(async {
        let stage = Stage::new(PROGRAM);
        let id = InstanceId { program: "p".to_owned(), instance: 0 };
        let command = ["/nonexistent/x".to_owned()];
        let errand = stage.programs.instances[&id].errand("hook", &command, &stage.programs.desk);
        let outcome = errand.outcome().await;
        assert!(!outcome.is_success());
        assert!(outcome.to_string().starts_with("exec /nonexistent/x: No such file"), "{outcome}");
    });
}
