//! Standard input that is open: who may write what, and what outlives a master.

use super::changes::{Left, left_behind};
use super::*;
use crate::config::limits::PROGRAM_STDIN_BYTES_MAX;

const CAT: &str = "[program.p]\ncommand = \"cat\"\nstdin = \"open\"\nstart_seconds = \"10ms\"";

fn input(text: &str) -> ProgramVerb {
    ProgramVerb::Input { bytes: text.as_bytes().to_vec() }
}

#[test]
fn what_is_written_comes_back_and_its_answer_counts_it() {
    on_stage(async {
        let mut stage = Stage::new(CAT);
        stage.until_state("p:0", ProgramState::Running).await;
        let answer = stage.ask("p:0", input("hello\n")).await;
        assert_eq!((answer.is_done(), answer.message.as_str()), (true, "6 bytes to p:0"));
        stage.until("it came back", |stage| stage.log("p:0").contains(&"hello".into())).await;
    });
}

#[test]
fn what_can_not_be_written_says_why() {
    let text = "[program.null]\ncommand = \"sleep 1000\"\n\
        [program.down]\ncommand = \"sleep 1000\"\nautostart = false\nstdin = \"open\"\n\
        [program.deaf]\ncommand = \"sleep 1000\"\nstdin = \"open\"\n\
        [program.shut]\ncommand = \"sh -c 'exec <&-; echo shut; exec sleep 1000'\"\nstdin = \"open\"";
    on_stage(async {
        let mut stage = Stage::new(text);
        stage.until("it has shut", |stage| stage.log("shut:0").contains(&"shut".into())).await;
        let full = "x".repeat(PROGRAM_STDIN_BYTES_MAX);
        assert!(stage.ask("deaf", input(&full)).await.is_done());
        for (target, text, error) in [
            ("null", "x", "null:0 has no open standard input: it needs `stdin = \"open\"`"),
            ("down", "x", "down:0 does not run"),
            ("deaf", "xyz", "deaf:0 took 0 of 3 bytes, its standard input is full"),
            ("shut", "x", "shut:0 has closed its standard input"),
        ] {
            let answer = stage.ask(target, input(text)).await;
            assert_eq!((answer.is_done(), answer.message.as_str()), (false, error));
        }
        let answer = stage.ask("deaf", input(&format!("{full}x"))).await;
        assert_eq!(answer.message, "65537 bytes at once are more than 65536");
    });
}

#[test]
fn it_does_not_end_with_the_master_and_the_next_one_writes_on() {
    let mut left: Option<Left> = None;
    let mut pid = 0;
    on_stage(async {
        let mut stage = Stage::new(CAT);
        stage.until_state("p:0", ProgramState::Running).await;
        pid = stage.pid("p:0");
        left = Some(left_behind(&mut stage));
        // Closes this master's own end, as its death would, and leaves the process alone.
        stage.programs.instances.clear();
    });
    on_stage(async {
        let (saved, mut held) = left.take().unwrap();
        let mut stage = Stage::empty();
        stage.programs.adopt(saved, |key| held.remove(key));
        stage.programs.apply_config(&config(CAT));
        assert!(stage.ask("p", input("still here\n")).await.is_done());
        stage.until("it came back", |stage| stage.log("p:0").contains(&"still here".into())).await;
        assert_eq!(stage.pid("p:0"), pid);
    });
}
