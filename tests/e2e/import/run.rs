//! Files of other programs run as they are, and are read again.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::client;
use crate::engine::{BINARY, Engine, signal};
use crate::{ports, wait};

fn write(folder: &Path, listen: &str, body: &str, program: &str) {
    let nginx = format!(
        "worker_processes 1;\nevents {{}}\nhttp {{\n    server {{\n        listen {listen};\n        \
         return 200 \"{body}\";\n    }}\n}}\n"
    );
    fs::write(folder.join("nginx.conf"), nginx).expect("the folder is ours");
    let supervisor = format!("[supervisord]\n[program:{program}]\ncommand=cat\n");
    fs::write(folder.join("supervisord.conf"), supervisor).expect("the folder is ours");
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(arguments)
        .arg("--nginx")
        .arg(folder.join("nginx.conf"))
        .arg("--supervisor")
        .arg(folder.join("supervisord.conf"))
        .env("PILOTHOUSE_RUNTIME_DIR", folder.join("run"))
        .env("PILOTHOUSE_STATE_DIR", folder.join("state"));
    command
}

#[test]
fn both_programs_files_run_at_once_and_are_read_again_on_hup() {
    let listen = ports::address();
    let address = listen.parse().expect("an address");
    let engine = Engine::start_by(|folder| {
        write(folder, &listen, "one", "first");
        command(folder, &["run"])
    });
    let folder = engine.folder.path();
    let answer = || client::get(address, "/").text();
    wait::until("it serves", || client::connect(address).ok());
    assert_eq!(answer(), "one");
    let state = |name: &str| {
        let status = engine.try_status()?;
        let rows = status["programs"].as_array()?.clone();
        let row = rows.into_iter().find(|row| row["name"] == name)?;
        Some(row["state"].as_str()?.to_owned())
    };
    wait::until("the program runs", || (state("first")? == "RUNNING").then_some(()));
    write(folder, &listen, "two", "second");
    signal(engine.keeper_pid(), "HUP");
    wait::until("the other answer", || (answer() == "two").then_some(()));
    wait::until("the other program", || (state("second")? == "RUNNING").then_some(()));
    fs::write(folder.join("nginx.conf"), "http {").expect("the folder is ours");
    let reload = command(folder, &["reload"]).output().expect("the built binary runs");
    let said = String::from_utf8_lossy(&reload.stderr).into_owned();
    assert_eq!(reload.status.code(), Some(1), "{said}");
    assert!(said.contains("nginx.conf:1: `{` of line 1 is not closed"), "{said}");
    assert_eq!(answer(), "two");
    write(folder, &listen, "three", "second");
    engine.replace_master();
    let reload = command(folder, &["reload"]).output().expect("the built binary runs");
    assert!(reload.status.success(), "{}", String::from_utf8_lossy(&reload.stderr));
    assert_eq!(answer(), "three");
}
