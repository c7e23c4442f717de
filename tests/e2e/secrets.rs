//! What is nobody's business: an engine whose configuration, users and clients are full of secrets, and
//! everything that it tells of itself, in every place where it tells something.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::ports;
use crate::wait;

/// In the command of the program that is full of them.
const TOLD: &str = "false --password=";
/// In each secret.
const MARK: &str = "hush";

fn config(origin: &Origin, [api, rpc]: &[String; 2], mark: &str) -> String {
    format!(
        "[engine]\nworkers = 1\n\
         [[server]]\nlisten = [\"{{listen}}\"]\n\
         access_log = {{ file = \"access.log\", format = \"$status $uri $remote_user\" }}\n\
         firewall = {{ mode = \"detect\" }}\n\
         [[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         request_headers = {{ set = {{ X-Api-Key = \"{mark}-header\" }} }}\n\
         [[server.route]]\npath = \"/staff/\"\nupstream = \"app\"\n\
         basic_auth = {{ file = \"users\" }}\n\
         [upstream.app]\nbackend = [{{ address = \"{origin}\" }}]\n\
         check = {{ path = \"/ready?key={mark}-query\", headers = {{ Authorization = \"Bearer {mark}-check\" }} }}\n\
         [program.app]\n\
         command = \"${{PILOTHOUSE}} __origin --port ${{PORT}} --name app\"\n\
         environment = {{ DB = \"{mark}-environment\" }}\nenv_files = [\"app.env\"]\n\
         serves = {{ upstream = \"app\", port = {port} }}\n\
         [program.ailing]\nautostart = false\n\
         command = \"false --password={mark}-argument --url=http://ann:{mark}-address@db\"\n\
         hooks = {{ pre_stop = \"true --token {mark}-hook\" }}\n\
         [control]\nhttp = \"{api}\"\ntoken_file = \"token\"\n\
         supervisor = {{ listen = \"{rpc}\", username = \"ann\", password_file = \"password\" }}\n",
        origin = origin.address,
        port = ports::consecutive(1),
    )
}

fn furnish(folder: &Path) {
    for (name, text) in [
        ("users", format!("ann:{{PLAIN}}{MARK}-basic\n")),
        ("app.env", format!("DB_TWO={MARK}-file\n")),
        ("token", format!("{MARK}-token\n")),
        ("password", format!("{MARK}-password\n")),
    ] {
        let file = folder.join(name);
        fs::write(&file, text).expect("the folder is ours");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
}

/// Requests that bring secrets along, most of them where an attack is, too.
fn bring_secrets(engine: &Engine) {
    let attack = "'%20union%20select%201,2,3%20from%20users--";
    let form = format!("password=' union select 1,2,3 from users--{MARK}-form");
    let json = format!("{{\"password\":\"' union select 1,2,3 from users--{MARK}-json\"}}");
    let post = |kind: &str, body: &str| {
        format!(
            "POST /login HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
            body.len()
        )
    };
    // `ann:hush-basic` and `ann:hush-wrong`.
    let [right, wrong] = ["YW5uOmh1c2gtYmFzaWM=", "YW5uOmh1c2gtd3Jvbmc="];
    for (head, body) in [
        (format!("GET /a?token={MARK}-argument HTTP/1.1\r\n"), ""),
        (format!("GET /b?token={attack}{MARK}-argument HTTP/1.1\r\n"), ""),
        (format!("GET /c HTTP/1.1\r\nAuthorization: Bearer {MARK}-bearer\r\n"), ""),
        (format!("GET /d HTTP/1.1\r\nX-Api-Key: <script>alert(1)</script>{MARK}-key\r\n"), ""),
        (format!("GET /e HTTP/1.1\r\nCookie: s=<script>alert(1)</script>{MARK}-cookie\r\n"), ""),
        (format!("GET /staff/ HTTP/1.1\r\nAuthorization: Basic {right}\r\n"), ""),
        (format!("GET /staff/ HTTP/1.1\r\nAuthorization: Basic {wrong}\r\n"), ""),
        (format!("GET http://ann:{MARK}-user@test/f HTTP/1.1\r\n"), ""),
        (post("application/x-www-form-urlencoded", &form), form.as_str()),
        (post("application/json", &json), &json),
    ] {
        let request = format!("{head}Host: test\r\nConnection: close\r\n\r\n{body}");
        client::exchange(engine.address(), request.as_bytes()).expect("an answer");
    }
}

/// The beginning of what watchers are told.
fn watched(engine: &Engine) -> String {
    let mut stream = UnixStream::connect(engine.socket()).expect("it listens");
    stream.write_all(b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is read");
    let (mut told, mut piece) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = stream.read(&mut piece).expect("it goes on");
        assert!(count > 0, "{}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&told).into_owned();
        if text.contains(TOLD) && text.contains("sql-injection") {
            return text;
        }
    }
}

fn check(place: &str, text: &str) {
    let near = text.find(MARK).map(|at| {
        let start = text.floor_char_boundary(at.saturating_sub(80));
        &text[start..text.ceil_char_boundary((at + 40).min(text.len()))]
    });
    assert_eq!(near, None, "told by {place}");
}

/// Every address of the API that only tells.
fn check_api(engine: &Engine) {
    let document = client::unix_get(&engine.socket(), "/v1/openapi.json").expect("it answers");
    let document: serde_json::Value = serde_json::from_slice(&document.body).expect("JSON");
    let paths = document["paths"].as_object().expect("there are paths");
    let mut count = 0;
    for (path, _) in
        paths.iter().filter(|(path, has)| has["get"].is_object() && *path != "/v1/watch")
    {
        for program in ["app", "ailing"] {
            let path = path.replace("{program}", program).replace("{instance}", "0");
            let path = path.replace("{upstream}", "app");
            let answer = client::unix_get(&engine.socket(), &path).expect("it answers");
            assert!([200, 404].contains(&answer.status), "{path}: {}", answer.text());
            check(&path, &answer.text());
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
    check("/v1/watch", &watched(engine));
    let call = "<?xml version=\"1.0\"?><methodCall><methodName>supervisor.METHOD</methodName></methodCall>";
    for (method, told) in [("getAllConfigInfo", "--password=*"), ("getAllProcessInfo", "ailing")] {
        let call = call.replace("METHOD", method);
        let answer = client::unix(&engine.socket(), "POST", "/RPC2", &call).expect("it answers");
        assert!(answer.text().contains(told), "{}", answer.text());
        check(method, &answer.text());
    }
}

fn check_commands(engine: &Engine) {
    for words in [
        "status",
        "status --json",
        "events",
        "events --json",
        "requests",
        "requests --json",
        "log",
        "log --json",
        "upstream explain app",
        "upstream list --json",
        "backend list --json",
        "program list --json",
        "reload --dry-run",
        "reload --dry-run --lines",
        "reload --dry-run --json",
        "check",
        "check --json",
        "doctor",
        "doctor --json",
        "reload",
    ] {
        let output = engine.ctl(&words.split(' ').collect::<Vec<_>>());
        let told =
            [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
        assert!(!told.concat().contains("unexpected argument"), "{words}: {}", told[1]);
        check(words, &told.concat());
    }
}

/// The program that is full of secrets is in trouble, and the first by name: its row is the first.
fn check_screens(engine: &Engine) {
    let mut screen = engine.console(&[]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    for (view, shown) in [
        ("1", "Attention"),
        ("2", "─ Backends"),
        ("3", "What if"),
        ("4", TOLD),
        ("5", "─ Workers"),
        ("6", "─ Firewall"),
        ("7", "Programs and engine"),
        ("8", "─ Events"),
        ("9", "─ Config"),
    ] {
        screen.press(view);
        check(view, &screen.wait(view, |text| text.contains(shown)));
    }
    check("a console", &String::from_utf8_lossy(&screen.bytes()));
}

fn check_all(engine: &Engine) {
    check_api(engine);
    check_commands(engine);
    check_screens(engine);
    check("the engine's log", &engine.log());
    let log = fs::read_to_string(engine.folder.path().join("access.log")).unwrap_or_default();
    assert!(log.contains("401 /staff/"), "{log}");
    check("an access log of this format", &log);
    for file in walkdir(&engine.folder.path().join("state")) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        check(&file.display().to_string(), &text);
    }
}

fn walkdir(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => walkdir(&path),
            path => vec![path],
        })
        .collect()
}

#[test]
fn secrets_are_told_nowhere() {
    let (origin, doors) = (Origin::named("one"), [ports::address(), ports::address()]);
    let text = config(&origin, &doors, MARK);
    let engine = Engine::start_in(&text, furnish);
    bring_secrets(&engine);
    let detected = || {
        let status = engine.status().to_string();
        ["form:password", "json:password", "query:token"].iter().all(|it| status.contains(it))
    };
    wait::until("the attacks are told", || detected().then_some(()));
    // It ends at once, which is told, too.
    let _failed = engine.ctl(&["program", "start", "ailing"]);
    check_all(&engine);

    // Every secret is about to be another one.
    engine.rewrite_config(&config(&origin, &doors, &format!("{MARK}-other")));
    check_all(&engine);

    // And the file is broken beside each of them.
    for (whole, broken) in [
        ("-environment\" }", "-environment\", X = 3 }"),
        ("-environment\" }", "-environment }"),
        ("environment = {", "environment = ["),
        ("-check\" } }", "-check\", Other = 5 } }"),
        ("X-Api-Key =", "X-Api-Key = 3 ="),
        ("--password=", "--password=${NOBODY}"),
        ("DB =", "DB = 1\nenvironment ="),
    ] {
        let text = config(&origin, &doors, MARK);
        assert!(text.contains(whole), "{whole}");
        engine.rewrite_config(&text.replace(whole, broken));
        for words in [&["reload"][..], &["check"], &["reload", "--dry-run"], &["events"]] {
            let output = engine.ctl(words);
            check(broken, &String::from_utf8_lossy(&output.stdout));
            check(broken, &String::from_utf8_lossy(&output.stderr));
        }
        check(broken, &engine.log());
    }
    check_screens(&engine);
}
