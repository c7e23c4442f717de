//! `POST /RPC2` itself: Python's `xmlrpc.client` over Supervisor's transport calls all 41 methods,
//! and what is no call is answered as Supervisor answers it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::engine::Engine;
use super::{client, oracle, ports, wait};

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
    call_every_method(&python, PROGRAMS, |engine| format!("unix://{}", engine.socket().display()));
    let address = ports::address();
    let control = login(&address);
    call_every_method(&python, &format!("{PROGRAMS}{control}"), |_| {
        format!("http://ann:s3cret@{address}")
    });
}

/// The keys that let Supervisor's clients in over TCP.
fn login(address: &str) -> String {
    format!(
        "[control]\nsupervisor = {{ listen = \"{address}\", username = \"ann\", \
        password_file = \"password\" }}\n"
    )
}

fn call_every_method(python: &Path, config: &str, url: impl Fn(&Engine) -> String) {
    let engine =
        Engine::start_in(config, |folder| write_secret(&folder.join("password"), "s3cret"));
    wait::until("all run", || {
        let states = [("cat", 0), ("colour", 0), ("web", 0), ("web", 1)];
        let is_up = |(name, instance)| engine.program_state(name, instance) == "RUNNING";
        states.into_iter().all(is_up).then_some(())
    });
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/rpc/every_method.py"))
        .arg(url(&engine))
        .arg(engine.folder.path().join("pilothouse.toml"))
        .output()
        .expect("Python runs");
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    assert_eq!(text.trim(), "41 methods");
}

fn write_secret(path: &Path, secret: &str) {
    fs::write(path, secret).expect("the folder is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
}

/// The status that a call over TCP is answered with.
fn over_tcp(address: &str, authorization: &str, name: &str) -> client::Response {
    let (address, body): (SocketAddr, _) = (address.parse().expect("an address"), call(name));
    let length = body.len();
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}\
        Content-Length: {length}\r\n\r\n{body}"
    );
    client::exchange(address, request.as_bytes()).expect("an answer")
}

#[test]
fn a_login_is_asked_for_read_again_and_shown_to_nobody() {
    let address = ports::address();
    let engine = Engine::start_in(&login(&address), |folder| {
        write_secret(&folder.join("password"), "s3cret\n");
    });
    let (first, second) = ("YW5uOnMzY3JldA==", "YW5uOnRoZXBhc3N3b3Jk");
    let ask = |login: &str, name: &str| {
        over_tcp(&address, &format!("Authorization: Basic {login}\r\n"), name)
    };
    assert_eq!(ask(first, "supervisor.getPID").status, 200);
    let refused = ask(second, "supervisor.shutdown");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"default\""));
    assert_eq!(over_tcp(&address, "", "supervisor.getPID").status, 401);

    // As Supervisor's files hold it: the SHA-1 of `thepassword`.
    let password = engine.folder.path().join("password");
    write_secret(&password, "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1");
    let told = String::from_utf8_lossy(&engine.ctl(&["reload"]).stderr).into_owned();
    assert!(told.contains("without its 40 hexadecimal digits") && !told.contains("82ab"), "{told}");
    assert_eq!(ask(first, "supervisor.getPID").status, 200, "a bad file changes nothing");
    write_secret(&password, "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d");
    engine.ctl_ok(&["reload"]);
    assert_eq!(ask(first, "supervisor.getPID").status, 401);
    assert_eq!(ask(second, "supervisor.getPID").status, 200);
    engine.replace_master();
    wait::until("the next master listens, too", || {
        client::connect(address.parse().expect("an address")).ok()
    });
    assert_eq!(ask(second, "supervisor.getPID").status, 200);

    let moved = ports::address();
    let looking = format!("[control]\nsupervisor = {{ listen = \"{moved}\" }}\n");
    engine.rewrite_config(&looking);
    engine.ctl_ok(&["reload"]);
    assert_eq!(over_tcp(&moved, "", "supervisor.getPID").status, 200);
    assert_eq!(over_tcp(&moved, "", "supervisor.shutdown").status, 403);
    wait::until("the old one is closed", || {
        client::connect(address.parse().expect("an address")).is_err().then_some(())
    });
    let taken = TcpListener::bind(ports::address()).expect("a free port");
    let taken_address = taken.local_addr().expect("it is bound");
    engine.rewrite_config(&looking.replace(&moved, &taken_address.to_string()));
    let told = String::from_utf8_lossy(&engine.ctl(&["reload"]).stderr).into_owned();
    let expected = format!("Supervisor's protocol: bind {taken_address}: address in use");
    assert!(told.contains(&expected), "{told}");
    assert_eq!(over_tcp(&moved, "", "supervisor.getPID").status, 200);
    let events = client::unix_get(&engine.socket(), "/v1/events").expect("an answer").text();
    let status = client::unix_get(&engine.socket(), "/v1/status").expect("an answer").text();
    let shown = engine.log() + &events + &status;
    for secret in ["s3cret", "thepassword", "82ab", first, second] {
        assert!(!shown.contains(secret), "{shown}");
    }
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
        let code = format!("<name>faultCode</name><value><int>{number}</int>");
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
    for (method, done) in [
        ("clearProcessLogs", "pilothouse program clear cat:0"),
        ("sendProcessStdin", "pilothouse program attach cat:0"),
    ] {
        let text = match method {
            "sendProcessStdin" => "cat</value></param><param><value>hello",
            _ => "cat",
        };
        let told = parameter(&format!("supervisor.{method}"), text);
        assert!(told.contains("<boolean>1</boolean>"), "{told}");
        let events = engine.ctl_ok(&["events", "--json"]);
        assert!(events.contains(done), "{done}: {events}");
    }
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
