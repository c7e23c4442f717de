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
