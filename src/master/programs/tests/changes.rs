//! What survives: a new configuration, a master's death, the operator's decisions.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::*;
use crate::master::programs::handoff::{Intent, Saved};

#[test]
fn only_what_changed_restarts() {
    let text = |mode: &str, instances: u32, rest: &str| {
        format!(
            r#"
            [program.same]
            command = "sleep 1000"
            instances = {instances}
            [program.changed]
            command = "sleep 1000"
            environment = {{ MODE = "{mode}" }}
            {rest}
            "#
        )
    };
    on_stage(async {
        let old = text("a", 2, "[program.removed]\ncommand = \"sleep 1000\"");
        let mut stage = Stage::new(&old);
        let ids = ["same:0", "same:1", "changed:0", "removed:0"];
        let pids = ids.map(|id| stage.pid(id));

        stage.programs.apply_config(&config(&text("b", 3, "")));
        stage.until("the removed one is gone", |stage| stage.programs.rows().len() == 4).await;
        stage
            .until("the changed one is another", |stage| {
                stage.row("changed:0").program.pid.is_some_and(|pid| pid != pids[2])
            })
            .await;
        assert_eq!([stage.pid("same:0"), stage.pid("same:1")], pids[..2]);
        assert!(is_group_gone(pids[3]));
        let added = stage.pid("same:2");

        stage.programs.apply_config(&config(&text("b", 1, "")));
        stage.until("two more are gone", |stage| stage.programs.rows().len() == 2).await;
        assert_eq!(stage.pid("same:0"), pids[0]);
        assert!(is_group_gone(added));
    });
}

#[test]
fn a_roll_or_restart_leaves_those_alone_that_leave() {
    let text = |instances: u32| {
        format!(
            r#"
            [program.web]
            command = 'sh -c "test $INSTANCE = 1 && trap : TERM; while :; do sleep 0.1; done"'
            stop_seconds = 5
            start_seconds = 0
            instances = {instances}
            "#
        )
    };
    on_stage(async {
        let mut stage = Stage::new(&text(2));
        let leaving = stage.pid("web:1");
        stage.until_state("web:1", ProgramState::Running).await;
        stage.programs.apply_config(&config(&text(1)));
        stage.until_state("web:1", ProgramState::Stopping).await;
        let refused = stage.ask("web:1", ProgramVerb::Restart).await;
        assert!(!refused.is_done() && refused.message.contains("is leaving"), "{refused:?}");
        for verb in [ProgramVerb::Roll(Pace::default()), ProgramVerb::Restart] {
            let before = stage.pid("web:0");
            let answer = stage.ask("web", verb).await;
            assert!(answer.is_done() && !answer.message.contains("web:1"), "{answer:?}");
            assert_ne!(stage.pid("web:0"), before);
        }
        stage.until("it is gone", |stage| stage.programs.rows().len() == 1).await;
        stage.until("all of it is gone", |_| is_group_gone(leaving)).await;
    });
}

#[test]
fn settings_that_need_no_restart_apply_live() {
    on_stage(async {
        let mut stage = Stage::new("[program.p]\ncommand = \"sleep 1000\"");
        let pid = stage.pid("p:0");
        let text = "[program.p]\ncommand = \"sleep 1000\"\nstart_retries = 9\nautorestart = true";
        stage.programs.apply_config(&config(text));
        assert_eq!((stage.pid("p:0"), stage.row("p:0").start_retries), (pid, Some(9)));
    });
}

/// What the keeper and the state memory hold when a master dies.
pub(super) type Left = (Vec<Saved>, BTreeMap<String, Vec<OwnedFd>>);

pub(super) fn left_behind(stage: &mut Stage) -> Left {
    let mut pipes = BTreeMap::new();
    for want in std::mem::take(&mut stage.wants) {
        match want {
            Want::Hold { key, descriptors } => {
                pipes.insert(key, descriptors);
            }
            Want::Release { key } => {
                pipes.remove(&key);
            }
            _ => {}
        }
    }
    let saved = serde_json::to_string(&stage.programs.handoff()).unwrap();
    (serde_json::from_str(&saved).unwrap(), pipes)
}

#[test]
fn a_new_master_goes_on_with_the_same_processes_and_their_output() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let text = format!(
        r#"
        [program.p]
        command = "sh -c 'echo before; until [ -e {} ]; do sleep 0.02; done; echo after; exec sleep 1000'"
        start_seconds = "10ms"
        "#,
        go.display()
    );
    let mut left = None;
    let mut pid = 0;
    on_stage(async {
        let mut stage = Stage::new(&text);
        stage.until_state("p:0", ProgramState::Running).await;
        stage.until("it spoke", |stage| stage.log("p:0").contains(&"before".into())).await;
        pid = stage.pid("p:0");
        left = Some(left_behind(&mut stage));
        // A master that dies runs no destructor.
        std::mem::forget(stage);
    });
    std::fs::write(&go, "").unwrap();
    on_stage(async {
        let (saved, mut pipes) = left.take().unwrap();
        let mut stage = Stage::empty();
        stage.programs.adopt(saved, |key| pipes.remove(key));
        stage.programs.apply_config(&config(&text));
        assert_eq!(
            (stage.pid("p:0"), stage.row("p:0").program.state),
            (pid, ProgramState::Running)
        );
        stage.until("its output goes on", |stage| stage.log("p:0").contains(&"after".into())).await;
        assert_eq!(stage.programs.rows().len(), 1);
        sys::pidfd::signal_group(pid, sys::signal::KILL).unwrap();
        stage.until("its end is seen", |stage| stage.row("p:0").program.pid != Some(pid)).await;
        assert_eq!(stage.row("p:0").program.exit_signal, Some(9));
    });
}

#[test]
fn the_keeper_tells_how_a_process_ended_meanwhile() {
    let text = "[program.p]\ncommand = \"sleep 1000\"\nautorestart = false\nstart_seconds = \"0s\"";
    for is_told in [true, false] {
        let mut left = None;
        let mut pid = 0;
        on_stage(async {
            let mut stage = Stage::new(text);
            pid = stage.pid("p:0");
            left = Some(left_behind(&mut stage));
            sys::pidfd::signal_group(pid, sys::signal::KILL).unwrap();
            // Its status is collected here, as the keeper would.
            stage.until_state("p:0", ProgramState::Exited).await;
            reap(pid);
        });
        on_stage(async {
            let (saved, mut pipes) = left.take().unwrap();
            let mut stage = Stage::empty();
            stage.programs.adopt(saved, |key| pipes.remove(key));
            stage.programs.apply_config(&config(text));
            if is_told {
                stage.programs.on_keeper_exited(pid, sys::pidfd::Exit::Signal(9));
            }
            stage.until_state("p:0", ProgramState::Exited).await;
            assert_eq!(stage.row("p:0").program.exit_signal, is_told.then_some(9));
        });
    }
}

#[test]
fn what_the_operator_stopped_stays_stopped_in_the_next_engine() {
    let text = "[program.p]\ncommand = \"sleep 1000\"\ninstances = 2";
    let mut intent = String::new();
    on_stage(async {
        let mut stage = Stage::new(text);
        assert!(stage.ask("p:1", ProgramVerb::Stop).await.is_done());
        assert!(stage.notes().contains(&"alice stop p:1: p:1 is STOPPED: stopped by alice".into()));
        intent = serde_json::to_string(stage.programs.intent()).unwrap();
    });
    on_stage(async {
        let mut stage = Stage::empty();
        stage.programs.restore_intent(serde_json::from_str::<Intent>(&intent).unwrap());
        stage.programs.apply_config(&config(text));
        assert_eq!(stage.row("p:1").program.state, ProgramState::Stopped);
        assert!(stage.row("p:0").program.pid.is_some());
        assert!(stage.ask("p:1", ProgramVerb::Start).await.is_done());
        assert_eq!(*stage.programs.intent(), Intent::default());
    });
}
