//! What a process is started with, as the process itself sees it.

use super::*;

/// What an instance has said, without our own remarks.
async fn said(text: &str, id: &str, lines: usize) -> Vec<String> {
    let mut stage = Stage::new(text);
    let mut said = Vec::new();
    stage
        .until("it has said everything", |stage| {
            said = stage.log(id);
            said.retain(|line| !line.starts_with("started, pid") && !line.starts_with("exit "));
            said.len() == lines
        })
        .await;
    said
}

#[test]
fn an_instance_knows_its_number_and_its_name_in_supervisors_protocol() {
    on_stage(async {
        let text = r#"
            [program.p]
            command = "sh -c 'echo ${INSTANCE} $SUPERVISOR_ENABLED $SUPERVISOR_PROCESS_NAME; echo $SUPERVISOR_GROUP_NAME $SUPERVISOR_SERVER_URL; exec sleep 100'"
            instances = 2
            first_instance = 5
            "#;
        let lines = said(text, "p:1", 2).await;
        assert_eq!(lines, ["6 1 p_06", "p unix:///run/c.sock"]);
    });
}

#[test]
fn files_of_variables_are_read_at_each_start_and_the_nearer_word_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.env");
    std::fs::write(&file, "A=file\nB=file\nPROGRAM=file\n").unwrap();
    let text = format!(
        r#"
        [program.p]
        command = "sh -c 'echo $A $B $C $PROGRAM; exec sleep 100'"
        env_files = ["{}"]
        environment = {{ B = "own", C = "${{PROGRAM}}-own" }}
        "#,
        folder.path().join("${PROGRAM}.env").display()
    );
    on_stage(async {
        let mut stage = Stage::new(&text);
        let says =
            |line: &'static str| move |stage: &mut Stage| stage.log("p:0").contains(&line.into());
        stage.until("the first start", says("file own p-own p")).await;
        std::fs::write(&file, "A=changed\n").unwrap();
        assert!(stage.ask("p", ProgramVerb::Restart).await.is_done());
        stage.until("the second start", says("changed own p-own p")).await;
        std::fs::write(&file, "A=changed\nnonsense\n").unwrap();
        assert!(!stage.ask("p", ProgramVerb::Restart).await.is_done());
        let row = stage.row("p:0").program;
        let reason = format!("environment of {}, line 2: not NAME=value", file.display());
        assert!(row.reason.contains(&reason), "{}", row.reason);
    });
}

#[test]
fn a_program_of_another_user_finds_that_users_home() {
    if sys::user::own_uid() != 0 {
        return;
    }
    on_stage(async {
        let text = r#"
            [program.p]
            command = "sh -c 'echo $USER $LOGNAME $HOME; exec sleep 100'"
            user = "nobody"
            "#;
        let home = sys::user::identity("nobody").unwrap().home;
        assert_eq!(said(text, "p:0", 1).await, [format!("nobody nobody {home}")]);
    });
}
