//! Who the client is: files of users, and upstreams that are asked; beside nginx's `auth_basic`,
//! `auth_request` and `satisfy`.

use std::collections::BTreeSet;
use std::process::Command;

use super::{Asker, Pair};
use crate::client::{self, Load};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::{ports, wait};

/// `openssl passwd` for those that it knows; the others' words are of their own tests.
fn hashed(option: &str, password: &str) -> String {
    let output = Command::new("openssl").args(["passwd", option, password]).output();
    let output = output.expect("openssl is installed");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("a word").trim().to_owned()
}

/// Each with the password that is its name in capitals, but for the bcrypt one's, which is `U*U`.
fn users() -> String {
    let mut text = "# users\nplain:{PLAIN}PLAIN:the first\nplain:{PLAIN}other\n".to_owned();
    text += "sha:{SHA}n67ZZP74AZBpa7KwuY7UXLcSDJM=\n";
    for (name, option) in [("apr", "-apr1"), ("md", "-1"), ("five", "-5"), ("six", "-6")] {
        text += &[name, ":", &hashed(option, &name.to_uppercase()), "\n"].concat();
    }
    text += "blow:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";
    text
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        let digit = |place: usize| char::from(DIGITS[(word >> (18 - 6 * place) & 63) as usize]);
        (0..4)
            .map(|place| if place <= group.len() { digit(place) } else { '=' })
            .collect::<String>()
    };
    text.as_bytes().chunks(3).map(digits).collect()
}

fn login(asker: &mut Asker, path: &str, pair: &str, client: &str) -> (u16, Option<String>) {
    let line = match pair {
        "" => String::new(),
        pair => format!("Authorization: Basic {}\r\n", base64(pair)),
    };
    let answer = asker.ask(&format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {client}\r\n{line}\r\n"
    ));
    (answer.status, answer.header("www-authenticate").map(str::to_owned))
}

const OURS: &str = "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{listen}\"]\n\
    real_ip = { from = [\"127.0.0.1\"] }\n\
    basic_auth = { realm = \"the inner rooms\", file = \"USERS\" }\n\
    [[server.route]]\npath = \"/\"\nrespond = 404\n\
    [[server.route]]\npath = \"/open\"\nbasic_auth = \"off\"\nrespond = 404\n\
    [[server.route]]\npath = \"/any\"\nsatisfy = \"any\"\nrespond = 404\n\
    access = [\"allow 192.0.2.0/24\", \"deny all\"]\n\
    [[server.route]]\npath = \"/all\"\nrespond = 404\n\
    access = [\"allow 192.0.2.0/24\", \"deny all\"]\n\
    [[server.route]]\npath = \"/some\"\nsatisfy = \"any\"\nrespond = 404\n\
    access = [\"deny 192.0.2.0/24\"]\n";

const NGINX: &str = "server { listen {listen}; \
    auth_basic \"the inner rooms\"; auth_basic_user_file USERS; \
    location / { } location /open { auth_basic off; } \
    location /any { satisfy any; allow 192.0.2.0/24; deny all; } \
    location /all { allow 192.0.2.0/24; deny all; } \
    location /some { satisfy any; deny 192.0.2.0/24; } }";

#[test]
fn the_same_users_are_let_in_as_by_nginx() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    std::fs::write(&file, users()).expect("the folder is ours");
    let [theirs, ours] = [NGINX, OURS].map(|it| it.replace("USERS", &file.display().to_string()));
    let Some(pair) = Pair::start(&theirs, &ours) else { return };
    let (mut ours, mut theirs) = (Asker::new(pair.ours), Asker::new(pair.theirs));
    let mut seen = BTreeSet::new();
    let right = ["plain:PLAIN", "sha:SHA", "apr:APR", "md:MD", "five:FIVE", "six:SIX"];
    let wrong = ["", "plain:other", "sha:sha", "apr:", "nobody:NOBODY", "six:six", "nocolon"];
    for path in ["/x", "/open/x", "/any/x", "/all/x", "/some/x"] {
        for client in ["192.0.2.1", "198.51.100.1"] {
            for pair in right.iter().chain(&wrong) {
                let asked = login(&mut ours, path, pair, client);
                assert_eq!(asked, login(&mut theirs, path, pair, client), "{path} {pair} {client}");
                seen.insert(asked.0);
                // Once more, from what is remembered.
                assert_eq!(asked, login(&mut ours, path, pair, client));
            }
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [401, 403, 404]);
    // Not all of nginx's machines know this one.
    assert_eq!(login(&mut ours, "/x", "blow:U*U", "192.0.2.1").0, 404);
    assert_eq!(login(&mut ours, "/x", "blow:U*V", "192.0.2.1").0, 401);
}

#[test]
fn a_changed_file_counts_for_the_next_request_and_a_bad_one_changes_nothing() {
    // Each worker keeps the users that it has read itself.
    let ours = OURS.replace("USERS", "users").replace("workers = 2", "workers = 1");
    let engine = Engine::start_in(&ours, |folder| {
        std::fs::write(folder.join("users"), "ann:{PLAIN}one\n").expect("the folder is ours");
    });
    let file = engine.folder.path().join("users");
    let ask = |pair: &str| login(&mut Asker::new(engine.address()), "/x", pair, "192.0.2.1").0;
    assert_eq!((ask("ann:one"), ask("ann:two"), ask("bob:one")), (404, 401, 401));
    std::fs::write(&file, "ann:{PLAIN}two\nbob:{PLAIN}one\n").expect("the folder is ours");
    assert_eq!((ask("ann:one"), ask("ann:two"), ask("bob:one")), (401, 404, 404));
    std::fs::write(&file, "ann:{PLAIN}three\nbob\n").expect("the folder is ours");
    assert_eq!((ask("ann:three"), ask("ann:two"), ask("bob:one")), (401, 404, 404));
    assert!(engine.log().contains("line 2: no colon behind a name: the users before it stay"));
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(ask("ann:two"), 403, "there is nothing to look into");
    std::fs::write(&file, "ann:{PLAIN}four\n").expect("the folder is ours");
    assert_eq!((ask("ann:two"), ask("ann:four")), (401, 404));
}

#[test]
fn a_bad_line_is_told_when_the_configuration_is_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("users"), "ann:{PLAIN}one\n\nbob:crypt\n").expect("ours");
    let config = folder.path().join("pilothouse.toml");
    let text = OURS.replace("USERS", "users").replace("{listen}", &ports::address());
    std::fs::write(&config, text).expect("the folder is ours");
    let output = Command::new(crate::engine::BINARY).arg("check").arg("-c").arg(&config).output();
    let output = output.expect("the built binary runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("users, line 3: no hash known here"), "{told}");
    assert!(told.contains("pilothouse.toml:6:"), "{told}");
}

#[test]
fn slow_hashes_hold_up_nobody_else() {
    // Some tenths of a second each.
    let word = "ann:$2a$13$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";
    let config = OURS.replace("USERS", "users").replace("workers = 2", "workers = 1");
    let engine = Engine::start_in(&config, |folder| {
        std::fs::write(folder.join("users"), word).expect("the folder is ours");
    });
    let address = engine.address();
    std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..4)
            .map(|number| {
                let pair = format!("ann:guess-{number}");
                scope.spawn(move || login(&mut Asker::new(address), "/x", &pair, "192.0.2.1").0)
            })
            .collect();
        let load = Load::start(address, "/open/x", 2);
        for guess in guesses {
            assert_eq!(guess.join().expect("an answer"), 401);
        }
        let tally = load.stop();
        assert!(tally.answered > 100, "others were answered meanwhile");
    });
}

/// Answers by the token that the request brings.
fn judge() -> Origin {
    Origin::scripted(|request| {
        let token = request.header("x-token").unwrap_or_default();
        let asked = request.head.lines().next().unwrap_or_default();
        assert!(asked.starts_with("GET /check"), "{asked}");
        assert_eq!(request.body, b"");
        match token.as_str() {
            "good" => format!(
                "HTTP/1.1 204 No Content\r\nX-User: ann\r\nX-Saw: {} {}\r\n\r\n",
                request.header("x-original-method").unwrap_or_default(),
                request.header("x-original-uri").unwrap_or_default(),
            )
            .into_bytes(),
            "shut" => b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_vec(),
            "broken" => b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "gone" => Vec::new(),
            _ => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"
                .to_vec(),
        }
    })
}

#[test]
fn an_upstreams_word_lets_in_as_nginxs_subrequest() {
    let judge = judge();
    let backend = Origin::scripted(|request| {
        let user = request.header("x-user").unwrap_or_default();
        let saw = request.header("x-saw").unwrap_or_default();
        origin::ok(&format!("{user}|{saw}|{}", String::from_utf8_lossy(&request.body)))
    });
    let nginx = format!(
        "server {{ listen {{listen}}; location / {{ auth_request /auth; \
         auth_request_set $user $upstream_http_x_user; auth_request_set $saw $upstream_http_x_saw; \
         proxy_set_header X-User $user; proxy_set_header X-Saw $saw; proxy_pass http://{}; }} \
         location = /auth {{ internal; proxy_pass http://{}/check; proxy_pass_request_body off; \
         proxy_set_header Content-Length \"\"; proxy_set_header X-Original-URI $request_uri; \
         proxy_set_header X-Original-Method $request_method; }} }}",
        backend.address, judge.address
    );
    let ours = format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         auth_request = {{ upstream = \"judge\", path = \"/check\", set = {{ \
         X-User = \"$upstream_http_x_user\", X-Saw = \"$upstream_http_x_saw\" }} }}\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n\
         [upstream.judge]\nbackend = [{{ address = \"{}\", max_fails = 0 }}]\n",
        backend.address, judge.address
    );
    let Some(pair) = Pair::start(&nginx, &ours) else { return };
    let mut ours = Asker::new(pair.ours);
    for token in ["good", "none", "shut", "broken", "good", "gone", "good"] {
        let text = format!(
            "POST /a/b?c=d HTTP/1.1\r\nHost: test\r\nX-Token: {token}\r\nX-User: root\r\n\
             X-Original-URI: /open\r\nX_Original_Method: HEAD\r\nContent-Length: 4\r\n\r\nbody"
        );
        // nginx keeps no connection on which it said 500.
        let theirs = Asker::new(pair.theirs).ask(&text);
        let [ours, theirs] = [ours.ask(&text), theirs].map(|answer| {
            let body = if answer.status == 200 { answer.text() } else { String::new() };
            (answer.status, answer.header("www-authenticate").map(str::to_owned), body)
        });
        assert_eq!(ours, theirs, "{token}");
        if token == "good" {
            assert_eq!(ours, (200, None, "ann|POST /a/b?c=d|body".to_owned()));
        }
    }
    assert!(
        backend.seen().iter().all(|request| request.header("x-user").as_deref() == Some("ann"))
    );
    // What a client says in our name is not said to who is asked.
    let is_forged = |line: &str| line.contains("/open") || line.contains("HEAD");
    assert!(!judge.seen().iter().any(|request| request.head.lines().any(is_forged)));
    wait::until("nobody is in flight any more", || {
        let row = &pair.engine.status()["upstreams"];
        let active = |at: usize| row[at]["backends"][0]["active"].as_u64();
        (active(0) == Some(0) && active(1) == Some(0)).then_some(())
    });
    let _closes = client::raw(pair.ours, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

#[test]
fn a_name_that_is_taken_from_the_answer_is_never_the_clients() {
    let judge = judge();
    let backend = Origin::scripted(|request| {
        let said = ["x-user", "x_user", "x-other"].map(|it| request.header(it).unwrap_or_default());
        origin::ok(&said.join("|"))
    });
    let ours = format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         satisfy = \"any\"\naccess = [\"allow 127.0.0.1\", \"deny all\"]\n\
         auth_request = {{ upstream = \"judge\", path = \"/check\", set = {{ \
         X-User = \"$upstream_http_x_user\" }} }}\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n\
         [upstream.judge]\nbackend = [{{ address = \"{}\" }}]\n",
        backend.address, judge.address
    );
    let engine = Engine::start(&ours);
    let answer = Asker::new(engine.address()).ask(
        "GET / HTTP/1.1\r\nHost: test\r\nX-User: root\r\nX_User: root\r\nX-Other: kept\r\n\r\n",
    );
    assert_eq!((answer.status, answer.text()), (200, "||kept".to_owned()));
    assert!(judge.seen().is_empty(), "the address is enough");
}

#[test]
fn nobody_says_of_itself_what_others_are_asked_about_and_clients_hear_of_it() {
    let judge = Origin::scripted(|_| {
        b"HTTP/1.1 204 No Content\r\nX-User: ann\r\nSet-Cookie: seen=1\r\n\r\n".to_vec()
    });
    let backend = Origin::scripted(|request| {
        origin::ok(&format!("user={}", request.header("x-user").unwrap_or_default()))
    });
    let engine = Engine::start(&format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n\
         auth_request = {{ upstream = \"judge\", set = {{ X-User = \"$upstream_http_x_user\" }}, \
         response = {{ Set-Cookie = \"$upstream_http_set_cookie\" }} }}\n\
         route = [{{ path = \"/\", upstream = \"app\" }}, \
         {{ path = \"/own\", respond = {{ body = \"own\" }} }}, \
         {{ path = \"/open\", upstream = \"app\", auth_request = \"off\" }}]\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n\
         [upstream.judge]\nbackend = [{{ address = \"{}\" }}]\n",
        backend.address, judge.address
    ));
    let mut asker = Asker::new(engine.address());
    for (path, body, cookie) in [
        ("/", "user=ann", Some("seen=1")),
        ("/own", "own", Some("seen=1")),
        ("/open", "user=", None),
        ("/", "user=ann", Some("seen=1")),
    ] {
        let answer =
            asker.ask(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nX-User: root\r\n\r\n"));
        assert_eq!((answer.text().as_str(), answer.header("set-cookie")), (body, cookie), "{path}");
    }
}
