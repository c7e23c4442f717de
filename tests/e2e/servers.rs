//! Servers as `status` tells of them: where they listen, what became of their requests, over reloads.

use serde_json::{Value, json};

use crate::client;
use crate::engine::Engine;
use crate::wait;

const CONFIG: &str = "[engine]\nworkers = 2\n[limit.per_ip]\nrate = \"30r/m\"\n[limit.at_once]\n\
     [[server]]\nlisten = [\"{listen}\"]\nhosts = [\"one.test\", \"*.one.test\"]\n\
     [[server.route]]\npath = \"/\"\nrespond = { status = 204 }\n\
     limits = [{ zone = \"at_once\", connections = 40 }, { zone = \"per_ip\", burst = 90, nodelay = true }]\n\
     [[server.route]]\npath = \"/broken\"\nrespond = { status = 503 }\n\
     [[server]]\nlisten = [\"{listen}\"]\n[[server.route]]\npath = \"/\"\nrespond = { status = 404 }\n";

fn ask(engine: &Engine, host: &str, path: &str, times: usize) {
    for _ in 0..times {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        client::raw(engine.address(), request.as_bytes());
    }
}

/// Requests by class of what became of them, of each server.
fn served(engine: &Engine) -> Vec<Value> {
    let servers = engine.status()["servers"].as_array().cloned().unwrap_or_default();
    servers.iter().map(|server| server["served"]["responses"].clone()).collect()
}

#[test]
fn requests_are_counted_for_their_server_and_outlive_a_reload() {
    let engine = Engine::start(CONFIG);
    ask(&engine, "one.test", "/", 3);
    ask(&engine, "a.one.test", "/broken", 2);
    ask(&engine, "other.test", "/", 4);
    let classes = |success: u32, client_error: u32, server_error: u32| json!({ "1xx": 0, "2xx": success, "3xx": 0, "4xx": client_error, "5xx": server_error });
    let until_served = |expected: [Value; 2]| {
        wait::until("all are counted", || (served(&engine) == expected).then_some(()));
    };
    until_served([classes(3, 0, 2), classes(0, 4, 0)]);
    let server = engine.status()["servers"][0].clone();
    assert_eq!((&server["name"], &server["routes"]), (&json!("one.test"), &json!(2)));
    assert_eq!(server["listens"][0]["address"], engine.listen);
    assert!(server["served"]["bytes_out"].as_u64() > Some(0), "{server}");

    // The first one answers otherwise then; it is the same server.
    let path = engine.folder.path().join("pilothouse.toml");
    let text = std::fs::read_to_string(path).expect("the file is there");
    engine.rewrite_config(&text.replacen("status = 204", "status = 200", 1));
    engine.ctl_ok(&["reload"]);
    ask(&engine, "one.test", "/", 1);
    until_served([classes(4, 0, 2), classes(0, 4, 0)]);
    engine.replace_master();
    until_served([classes(4, 0, 2), classes(0, 4, 0)]);
}

#[test]
fn a_limit_says_what_would_give_it_more_room() {
    let engine = Engine::start(CONFIG);
    let limits = engine.status()["limits"].as_array().cloned().unwrap_or_default();
    let relief = |name: &str| {
        let limit = limits.iter().find(|limit| limit["name"] == name);
        limit.and_then(|limit| limit["relief"].as_str()).unwrap_or_default().to_owned()
    };
    let rate = relief("per_ip");
    assert!(rate.contains("[limit.per_ip]\nrate = \"1r/s\"  # 30r/m so far"), "{rate}");
    let connections = relief("at_once");
    let raised = "limits = [{ zone = \"at_once\", connections = 80 }]  # 40 so far";
    assert!(connections.contains(raised), "{connections}");
    // What it says is a file's text: the first of them stands by itself.
    let text = CONFIG.replacen("[limit.per_ip]\nrate = \"30r/m\"\n", &rate, 1);
    engine.rewrite_config(&text.replace("{listen}", &engine.listen));
    assert!(engine.ctl_ok(&["check"]).contains("ok"), "{text}");
}
