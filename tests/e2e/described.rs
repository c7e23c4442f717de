//! The API is as it is described: schemathesis makes requests from the description, good and bad ones,
//! and looks at every answer. And the README's examples do what they are there for.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::engine::Engine;
use crate::{client, oracle, ports};

/// Left out: `shutdown` and `upgrade` would leave no engine to ask, `watch` and what follows have no end.
const SETTINGS: &str = "\
[[operations]]
include-path-regex = '/v1/(events|requests|log|engine/log|programs/.*/log)$'
parameters = { 'query.follow' = '0' }
";
/// Then for what is there. Left out, too: a `roll` is answered when it is over, which may be asked to
/// take for years.
const KNOWN: &str = "\
[parameters]
'path.program' = 'web'
'path.instance' = 0
'path.upstream' = 'app'
'path.backend' = '127.0.0.1:1'
";

fn config(api: &str) -> String {
    format!(
        "[control]\nhttp = \"{api}\"\ntoken_file = \"{{folder}}/token\"\n\
         [[server]]\nlisten = [\"{{listen}}\"]\nroute = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\nhash_key = \"$request_uri\"\nbackend = [{{ address = \"127.0.0.1:1\" }}]\n\
         [program.web]\ncommand = \"cat\"\nstdin = \"open\"\nreload = \"HUP\"\nstop_seconds = 1\n\
         start_seconds = 0\n"
    )
}

#[test]
fn a_maker_of_requests_finds_no_answer_that_is_not_described() {
    let Some(program) = oracle::schemathesis() else { return };
    let api = ports::address();
    let mut engine = Engine::start_in(&config(&api), |folder| {
        let token = folder.join("token");
        fs::write(&token, "word\n").expect("the folder is ours");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("it is ours");
    });
    let left_out = ["^/v1/(shutdown|upgrade|watch)$", "^/v1/(shutdown|upgrade|watch)$|/roll$"];
    for (settings, left_out) in [String::new(), KNOWN.to_owned()].into_iter().zip(left_out) {
        let file = engine.folder.path().join("schemathesis.toml");
        fs::write(file, settings + SETTINGS).expect("the folder is ours");
        let output = Command::new(&program)
            .args(["--config-file", "schemathesis.toml", "run"])
            .arg(format!("http://{api}/v1/openapi.json"))
            .args(["--header", "Authorization: Bearer word", "--exclude-path-regex", left_out])
            .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1"])
            .args(["--request-timeout", "10", "--continue-on-failure", "--no-color"])
            .current_dir(engine.folder.path())
            .output()
            .expect("an installed program runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(engine.try_status().is_some(), "it still answers");
    assert!(engine.stop().success());
}

#[test]
fn the_description_is_served_on_the_socket_and_over_tcp() {
    let api = ports::address();
    let text = config(&api).replace("token_file = \"{folder}/token\"\n", "");
    let engine = Engine::start(&text);
    let told = client::unix_get(&engine.socket(), "/v1/openapi.json").expect("it answers");
    assert_eq!(told.header("content-type"), Some("application/json"));
    let document: serde_json::Value = serde_json::from_slice(&told.body).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/v1/status"]["get"].is_object());
    let request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let over_tcp = client::exchange(api.parse().expect("an address"), request).expect("an answer");
    assert!(over_tcp.body == told.body, "{}", over_tcp.status);
    let wrong = client::unix(&engine.socket(), "POST", "/v1/openapi.json", "").expect("it answers");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET")));
}

/// Each line of the README that asks by curl, with its engine's ports in place of those there.
#[test]
fn the_examples_with_curl_work() {
    let Some(_) = oracle::find("curl") else { return };
    let readme = include_str!("../../README.md");
    let block = readme.split("<!-- curl -->\n```sh\n").nth(1).expect("the examples");
    let block = block.split("```").next().expect("it ends");
    let port = ports::consecutive(2);
    let engine = Engine::start(&format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\nroute = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\n[program.app]\ninstances = 2\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name app\"\n\
         serves = {{ upstream = \"app\", port = {port} }}\n"
    ));
    let folder = engine.folder.path();
    symlink(folder.join("run"), folder.join("pilothouse")).expect("the folder is ours");
    let examples = block.replace("9001", &port.to_string());
    let (first, rest) = examples.split_once('\n').expect("where the socket is");
    let mut count = 0;
    for example in rest.lines().filter(|line| line.starts_with("curl ")) {
        let output = Command::new("sh")
            .args(["-ec", &format!("{first}\n{example}")])
            .env("XDG_RUNTIME_DIR", folder)
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{example}: {said}");
        let is_text = said.starts_with("# HELP");
        let first: Option<serde_json::Value> = said
            .lines()
            .next()
            .and_then(|_| serde_json::Deserializer::from_str(&said).into_iter().next()?.ok());
        assert!(is_text || first.is_some_and(|it| it.get("error").is_none()), "{example}: {said}");
        count += 1;
    }
    assert!(count >= 6, "only {count} examples");
}
