//! `POST /RPC2` itself: Python's `xmlrpc.client` over Supervisor's transport calls all 41 methods,
//! and what is no call is answered as Supervisor answers it.

use std::fs;
use std::process::Command;

use super::engine::Engine;
use super::{client, oracle, wait};

const PROGRAMS: &str = r#"
[program.cat]
command = "cat"
stdin = "open"
stdout = { file = "{folder}/cat.out" }
[program.colour]
command = "sh -c 'printf \"\\033[31mred\\000 \\377 \\303\\251\\n\"; exec sleep 1000'"
[program.idle]
command = "sleep 1000"
autostart = false
[program.quick]
command = "sh -c 'exit 3'"
autostart = false
start_retries = 0
[program.web]
command = "sleep 1000"
instances = 2
"#;

#[test]
fn python_calls_every_method() {
    let Some(python) = oracle::supervisor("python") else { return };
    let engine = Engine::start(PROGRAMS);
    wait::until("all run", || {
        let states = [("cat", 0), ("colour", 0), ("web", 0), ("web", 1)];
        let is_up = |(name, instance)| engine.program_state(name, instance) == "RUNNING";
        states.into_iter().all(is_up).then_some(())
    });
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/rpc/every_method.py"))
        .arg(format!("unix://{}", engine.socket().display()))
        .arg(engine.folder.path().join("pilothouse.toml"))
        .output()
        .expect("Python runs");
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    assert_eq!(text.trim(), "41 methods");
}

fn call(name: &str) -> String {
    format!("<?xml version='1.0'?><methodCall><methodName>{name}</methodName></methodCall>")
}

#[test]
fn what_is_no_call_is_400_and_what_fails_is_a_fault() {
    let engine = Engine::start(PROGRAMS);
    let ask = |method: &str, path: &str, body: &str| {
        client::unix(&engine.socket(), method, path, body).expect("an answer")
    };
    let version = ask("POST", "/RPC2", &call("supervisor.getVersion"));
    assert_eq!(version.status, 200);
    assert_eq!(version.header("content-type"), Some("text/xml"));
    assert!(version.text().contains("<value><string>3.0</string></value>"), "{}", version.text());
    assert_eq!(ask("POST", "/RPC2/more?x", &call("supervisor.getVersion")).status, 200);
    for body in ["", "rubbish", "<methodCall/>", &call(""), &call("a").replace("</methodName>", "")]
    {
        assert_eq!(ask("POST", "/RPC2", body).status, 400, "{body}");
    }
    assert_eq!(ask("GET", "/RPC2", "").status, 400);
    let laughs =
        "<!DOCTYPE x [<!ENTITY a 'ha'>]><methodCall><methodName>&a;</methodName></methodCall>";
    assert_eq!(ask("POST", "/RPC2", laughs).status, 400);
    assert_eq!(ask("POST", "/RPC2", &" ".repeat((1 << 20) + 1)).status, 413);
    for (name, number) in [
        ("supervisor.nosuch", 1),
        ("supervisor._update", 1),
        ("nosuch.getVersion", 1),
        ("getVersion", 1),
        ("a.b.c", 1),
        ("system.nosuch", 1),
        ("supervisor.getProcessInfo", 2),
        ("system.methodHelp", 2),
        ("system.multicall", 2),
    ] {
        let answer = ask("POST", "/RPC2", &call(name));
        assert_eq!(answer.status, 200, "{name}");
        let code = format!("<name>faultCode</name>\n<value><int>{number}</int>");
        assert!(answer.text().contains(&code), "{name}: {}", answer.text());
    }
}

#[test]
fn what_supervisors_clients_do_is_written_down_and_survives_a_new_master() {
    let engine = Engine::start(PROGRAMS);
    wait::until("it runs", || engine.program_pid("cat", 0));
    let parameter = |name: &str, text: &str| {
        let value = format!("<params><param><value>{text}</value></param></params></methodCall>");
        let body = call(name).replace("</methodCall>", &value);
        client::unix(&engine.socket(), "POST", "/RPC2", &body).expect("an answer").text()
    };
    assert!(parameter("supervisor.stopProcess", "cat").contains("<boolean>1</boolean>"));
    let events = engine.ctl_ok(&["events"]);
    assert!(events.contains("stop") && events.contains("cat"), "{events}");
    let before = parameter("supervisor.getProcessInfo", "cat");
    assert!(before.contains("STOPPED"), "{before}");
    assert!(parameter("supervisor.removeProcessGroup", "cat").contains("<boolean>1</boolean>"));
    engine.replace_master();
    assert!(parameter("supervisor.getProcessInfo", "cat").contains("BAD_NAME: cat"));
    engine.ctl_ok(&["reload"]);
    wait::until("the file has it still", || engine.program_pid("cat", 0));
    fs::write(engine.folder.path().join("pilothouse.toml"), "[program.x").expect("ours");
    let refused = client::unix(&engine.socket(), "POST", "/RPC2", &call("supervisor.reloadConfig"));
    let text = refused.expect("an answer").text();
    assert!(text.contains("CANT_REREAD: ") && text.contains("pilothouse.toml:1"), "{text}");
    assert!(engine.program_pid("cat", 0).is_some());
}
