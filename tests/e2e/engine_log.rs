//! What the engine's own processes log: one source beside the programs, whoever of them says it.

use serde_json::Value;

use crate::client;
use crate::engine::Engine;
use crate::wait;

/// Its only worker complains of clients that bring no PROXY header.
const CONFIG: &str = "[engine]\nworkers = 1\n[[server]]\n\
     listen = [{ address = \"{listen}\", proxy_protocol = true }]\n[[server.route]]\npath = \"/\"\n\
     upstream = \"app\"\n[upstream.app]\n[[upstream.app.backend]]\naddress = \"127.0.0.1:9\"\n\
     [program.hello]\ncommand = \"sh -c 'echo hello; exec sleep 1000'\"\nstart_seconds = 0\n";

fn log_of(engine: &Engine, target: &str) -> Vec<Value> {
    let text = client::unix_get(&engine.socket(), target).expect("an answer").text();
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// The stream of the line that holds these words.
fn stream_of(engine: &Engine, words: &str) -> Option<String> {
    let lines = log_of(engine, "/v1/engine/log");
    let text = |line: &Value| line["text"].as_str().map(str::to_owned);
    let found = lines.iter().find(|line| text(line).is_some_and(|text| text.contains(words)));
    found.and_then(|line| line["stream"].as_str().map(str::to_owned))
}

#[test]
fn keeper_master_and_workers_are_one_source_that_outlives_the_master() {
    let engine = Engine::start(CONFIG);
    let mut screen = engine.console(&[]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    screen.press("7");
    screen.wait("the engine beside the programs", |text| {
        let has = |parts: [&str; 2]| {
            text.lines().any(|line| parts.iter().all(|part| line.contains(part)))
        };
        has(["engine", "master: start"]) && has(["hello:0", "hello"]) && has(["events", "start"])
    });
    let _refused = client::raw(engine.address(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    screen.wait("a worker's line", |text| text.contains("worker: PROXY header"));
    assert_eq!(stream_of(&engine, "worker: PROXY header").as_deref(), Some("stderr"));
    assert_eq!(stream_of(&engine, "master: start").as_deref(), Some("stdout"));
    assert_eq!(log_of(&engine, "/v1/engine/log?tail=1").len(), 1);

    // The same lines as in the file, but for those of before a master was there to hear.
    let file = engine.log();
    let shown = engine.ctl_ok(&["log", "-n", "1000"]);
    assert!(shown.contains("PROXY header"), "{shown}");
    for line in shown.lines() {
        assert!(file.contains(line), "{line}\nis not in\n{file}");
    }
    assert_eq!(engine.ctl_ok(&["log", "-n", "1", "--json"]).lines().count(), 1);

    engine.replace_master();
    wait::until("what the keeper said meanwhile was heard", || {
        let (keeper, master) = (stream_of(&engine, "keeper: master "), "master: recover");
        (keeper? == "stderr" && stream_of(&engine, master)? == "stdout").then_some(())
    });
    // It complains once a second at most.
    wait::until("a worker of before is heard", || {
        let _refused = client::raw(engine.address(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        stream_of(&engine, "worker: PROXY header")
    });
    screen.wait("so does who looks on", |text| text.contains("keeper: master "));

    engine.replace_keeper();
    wait::until("whoever takes the keeper's place", || stream_of(&engine, "keeper: goes on"));
}
