//! What is told about the machine and about the binary, with no engine running.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::cli::{alone, expect};

/// The rows of a subject, as `(state, found)`.
fn rows(json: &[u8], subject: &str) -> Vec<(String, String)> {
    let rows: Vec<Value> = serde_json::from_slice(json).expect("a list of rows");
    let of_subject = rows.iter().filter(|row| row["subject"] == subject);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    of_subject.map(|row| (text(&row["state"]), text(&row["found"]))).collect()
}

#[test]
fn the_doctor_names_who_has_the_port_and_what_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket");
    let text = format!(
        "[[server]]\nlisten = [\"{address}\", \"127.0.0.1:0\"]\n\
         [[server.route]]\npath = \"/\"\nrespond = {{ status = 204 }}\n"
    );
    let told = alone(&text, &["doctor", "--json"]);
    assert_eq!(told.status.code(), Some(1), "{}", String::from_utf8_lossy(&told.stdout));
    let listeners = rows(&told.stdout, "listener");
    let holder = format!("(pid {})", std::process::id());
    let of = |state: &str, text: &str| {
        listeners.iter().any(|(is, found)| is == state && found.contains(text))
    };
    assert!(of("broken", &holder) && of("ok", "127.0.0.1:0 is free"), "{listeners:?}");
    assert_eq!(rows(&told.stdout, "pidfd")[0].0, "ok");
    drop(taken);
    expect(&alone(&text, &["doctor"]), 0, &["listener", "is free", "0 broken"]);
}

#[test]
fn a_configuration_with_an_error_is_one_of_the_findings() {
    let told = alone("[engine]\nnmae = \"x\"\n", &["doctor"]);
    expect(&told, 1, &["broken", "unknown key `nmae`", "fix: see every error"]);
}

#[test]
fn completions_and_manual_know_every_verb() {
    // Even beside a file that nobody could read a configuration from.
    let script = alone("no toml", &["completions", "bash"]);
    expect(&script, 0, &["completions", "doctor", "backend", "drain"]);
    expect(&alone("", &["completions", "dos"]), 2, &["zsh"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("a plain path");
    expect(&alone("no toml", &["man", path]), 0, &["the pages are in"]);
    for page in ["pilothouse", "pilothouse-backend-drain", "pilothouse-program-restart"] {
        let page = folder.path().join(format!("{page}.1"));
        let text = std::fs::read_to_string(&page).expect("the page is written");
        assert!(text.contains(".SH SYNOPSIS"), "{}:\n{text}", page.display());
    }
    expect(&alone("", &["man", "/nowhere"]), 1, &["/nowhere"]);
}

/// The shell itself is asked, where it is installed.
#[test]
fn bash_takes_the_completions() {
    let script = alone("", &["completions", "bash"]).stdout;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("pilothouse.bash");
    std::fs::write(&path, script).expect("the folder is ours");
    let ask = "source \"$0\"; COMP_WORDS=(pilothouse back); COMP_CWORD=1; \
               _pilothouse pilothouse back pilothouse; echo \"${COMPREPLY[@]}\"";
    let Some(bash) = crate::oracle::find("bash") else { return };
    let answer = Command::new(bash).args(["-c", ask]).arg(&path).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "backend");
}
