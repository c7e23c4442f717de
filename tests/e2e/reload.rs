//! A configuration is swapped in place under load; a bad one changes nothing.

use std::sync::{Arc, Barrier};

use crate::client::{self, Load};
use crate::engine::{Engine, signal};
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

#[test]
fn hup_swaps_the_generation_under_load_without_a_failed_request() {
    let (old, new) = (Origin::named("old"), Origin::named("new"));
    let engine = Engine::start(&site("", &[&old]));
    let workers = engine.worker_pids();
    let load = Load::start(engine.address(), "/", 8);
    wait::until("traffic", || (old.served() > 100).then_some(()));
    engine.rewrite_config(&site("", &[&new]));
    signal(engine.keeper_pid(), "HUP");
    wait::until("traffic at the new backend", || (new.served() > 100).then_some(()));
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert_eq!(engine.status()["generation"], 2);
    assert_eq!(engine.worker_pids(), workers, "a reload restarts no worker");
}

#[test]
fn a_bad_file_leaves_the_running_one_untouched_and_says_why() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    engine.rewrite_config(&site("strateggy = \"round_robin\"", &[&origin]));
    let output = engine.ctl(&["reload"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("strateggy") && text.contains("strategy"), "{text}");
    assert!(text.contains("pilothouse.toml:"), "names file and line: {text}");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    assert_eq!(engine.status()["generation"], 1);
}

#[test]
fn what_a_reload_would_do_is_said_without_doing_it_and_what_it_did_is_taken_back() {
    let (old, new) = (Origin::named("old"), Origin::named("new"));
    let program = |command: &str| {
        format!(
            "\n[program.side]\ncommand = \"{command}\"\nenvironment = {{ PASS = \"{command}\" }}\n"
        )
    };
    let engine = Engine::start(&(site("", &[&old]) + &program("sleep 1000")));
    let pid = wait::until("it runs", || engine.program_pid("side", 0));
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let same = engine.ctl(&["reload", "--dry-run"]);
    assert!(said(&same).contains("the file is what runs"), "{}", said(&same));

    engine.rewrite_config(&(site("", &[&old, &new]) + &program("sleep 2000")));
    let plan = said(&engine.ctl(&["reload", "--dry-run", "--lines"]));
    for words in [
        "~ upstream app",
        &format!("+ backend {}", new.address),
        "~ program side  restarts 1 instance",
        "~ command  sleep 1000 -> sleep 2000",
        "environment.PASS  *** (changed)",
        "2 changes",
        "- command = \"sleep 1000\"",
    ] {
        assert!(plan.contains(words), "{words} is missing in\n{plan}");
    }
    assert_eq!(engine.status()["generation"], 1, "nothing was done");
    assert_eq!(engine.program_pid("side", 0), Some(pid));

    engine.ctl_ok(&["reload"]);
    wait::until("restarted", || engine.program_pid("side", 0).filter(|now| *now != pid));
    assert_eq!(engine.ctl(&["reload", "--dry-run"]).status.code(), Some(0));
    // Which was before is known to a later master, too.
    engine.replace_master();
    engine.ctl_ok(&["revert"]);
    assert_eq!(engine.status()["generation"], 3);
    let plan = said(&engine.ctl(&["reload", "--dry-run"]));
    assert!(plan.contains("~ command  sleep 1000 -> sleep 2000"), "{plan}");

    engine.rewrite_config(&site("strateggy = \"round_robin\"", &[&old]));
    let refused = engine.ctl(&["reload", "--dry-run"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{why}");
    assert!(why.contains("strateggy") && why.contains("pilothouse.toml:"), "{why}");
}

#[test]
fn a_listener_can_come_and_go() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let extra = crate::ports::address();
    let second = format!("listen = [\"{{listen}}\", \"{extra}\"]");
    engine.rewrite_config(&site("", &[&origin]).replacen("listen = [\"{listen}\"]", &second, 1));
    engine.ctl_ok(&["reload"]);
    let extra = extra.parse().expect("an address");
    assert_eq!(client::get(extra, "/").text(), "one");
    engine.rewrite_config(&site("", &[&origin]));
    engine.ctl_ok(&["reload"]);
    wait::until("the listener is closed", || client::connect(extra).is_err().then_some(()));
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn a_worker_that_leaves_keeps_no_client_waiting_and_can_be_asked_back() {
    const HELD: usize = 8;
    let gate = Arc::new(Barrier::new(HELD + 1));
    let hold = Arc::clone(&gate);
    let origin = Origin::scripted(move |request| {
        if request.head.starts_with("GET /hold") {
            hold.wait();
        }
        origin::ok("one")
    });
    let two = site("", &[&origin]);
    let engine = Engine::start(&two);
    let address = engine.address();
    let ask = move || client::get(address, "/hold").text();
    let held: Vec<_> = (0..HELD).map(|_| std::thread::spawn(ask)).collect();
    wait::until("all are held", || (origin.served() == HELD as u64).then_some(()));

    engine.rewrite_config(&two.replace("workers = 2", "workers = 1"));
    engine.ctl_ok(&["reload"]);
    for _ in 0..50 {
        assert_eq!(client::get(address, "/").text(), "one");
    }
    engine.rewrite_config(&two);
    engine.ctl_ok(&["reload"]);
    gate.wait();
    for held in held {
        assert_eq!(held.join().expect("the held request is answered"), "one");
    }
    wait::until("two workers", || {
        let status = engine.try_status()?;
        let workers = status["workers"].as_array()?;
        let is_running = |row: &serde_json::Value| row["state"] == "running";
        (workers.len() == 2 && workers.iter().all(is_running)).then_some(())
    });
    for _ in 0..50 {
        assert_eq!(client::get(address, "/").text(), "one");
    }
}

#[test]
fn workers_come_and_go_under_load_without_a_failed_request() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let load = Load::start(engine.address(), "/", 16);
    for count in [4, 1, 3, 2] {
        let workers = format!("workers = {count}");
        engine.rewrite_config(&site("", &[&origin]).replacen("workers = 2", &workers, 1));
        engine.ctl_ok(&["reload"]);
        let served = origin.served();
        wait::until("as many workers as asked for", || {
            let status = engine.status();
            let workers = status["workers"].as_array().expect("workers is an array");
            let is_settled = workers.iter().all(|worker| worker["state"] == "running");
            (is_settled && workers.len() == count && origin.served() > served + 100).then_some(())
        });
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn what_the_file_changes_takes_effect_under_load_without_a_failed_request() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    let [one, two, three] = &origins;
    let engine = Engine::start(&site("", &[one, two]));
    let load = Load::start(engine.address(), "/", 8);
    let ask = |path: &str, host: &str, client: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Client: {client}\r\nConnection: close\r\n\r\n"
        );
        client::exchange(engine.address(), request.as_bytes()).expect("an answer").text()
    };
    let reload = |config: String| {
        engine.rewrite_config(&config);
        engine.ctl_ok(&["reload"]);
    };
    let state = |origin: &Origin| engine.backend("app", &origin.address.to_string());

    reload(site("strategy = \"least_conn\"", &[one, two, three]).replacen(
        "backend]]\n",
        "backend]]\nweight = 5\n",
        1,
    ));
    assert_eq!(engine.status()["upstreams"][0]["strategy"], "least_conn");
    assert_eq!((&state(one)["weight"], &state(three)["state"]), (&5.into(), &"up".into()));

    let by_client =
        "real_ip = { from = [\"127.0.0.0/8\"], header = \"X-Client\" }\n[[server.route]]";
    reload(site("strategy = \"ip_hash\"", &[one, two]).replacen("[[server.route]]", by_client, 1));
    assert!(state(three).is_null(), "a backend that left the file left the upstream");
    let answers: Vec<String> =
        (0..16).map(|network| ask("/", "test", &format!("10.0.{network}.1"))).collect();
    assert!(answers.contains(&"1".to_owned()) && answers.contains(&"2".to_owned()), "{answers:?}");

    let other =
        format!("[upstream.other]\n[[upstream.other.backend]]\naddress = \"{}\"\n", three.address);
    let route = "[[server.route]]\npath = \"/other/\"\nupstream = \"other\"\n[[server.route]]";
    reload(site("", &[one]).replacen("[[server.route]]", route, 1) + &other);
    assert_eq!((ask("/other/", "test", ""), ask("/", "test", "")), ("3".into(), "1".into()));

    let server = "[[server]]\nlisten = [\"{listen}\"]\nhosts = [\"other.test\"]\n\
        [[server.route]]\npath = \"/\"\nupstream = \"other\"\n";
    reload(site("", &[one]) + &other + server);
    assert_eq!((ask("/", "other.test", ""), ask("/", "test", "")), ("3".into(), "1".into()));

    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn what_the_operator_decided_outlives_reloads_and_engines_until_it_is_reset() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    let name = |index: usize| format!("app/{}", origins[index].address);
    let config = site("", &[&origins[0], &origins[1], &origins[2]])
        + "[program.quiet]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n";
    let mut engine = Engine::start(&config);
    let standing = |engine: &Engine| {
        let state = |index: usize| {
            let row = engine.backend("app", &origins[index].address.to_string());
            (row["state"].as_str().unwrap_or("").to_owned(), row["weight"].as_u64().unwrap_or(0))
        };
        let strategy = engine.status()["upstreams"][0]["strategy"].clone();
        (strategy, [state(0), state(1), state(2)], engine.program_state("quiet", 0))
    };
    engine.ctl_ok(&["backend", "drain", &name(0), "--wait"]);
    engine.ctl_ok(&["backend", "down", &name(1)]);
    engine.ctl_ok(&["backend", "weight", &name(2), "7"]);
    engine.ctl_ok(&["upstream", "strategy", "app", "ip_hash"]);
    engine.ctl_ok(&["program", "stop", "quiet"]);
    let decided = standing(&engine);
    let of = |state: &str, weight| (state.to_owned(), weight);
    let states = [of("drained", 1), of("down", 1), of("up", 7)];
    assert_eq!(decided, ("ip_hash".into(), states, "STOPPED".to_owned()));

    engine.ctl_ok(&["reload"]);
    assert_eq!(standing(&engine), decided);
    engine.restart();
    assert_eq!(standing(&engine), decided);

    engine.ctl_ok(&["upstream", "reset", "app"]);
    let states = [of("up", 1), of("up", 1), of("up", 1)];
    let reset = ("round_robin".into(), states, "STOPPED".to_owned());
    assert_eq!(standing(&engine), reset);
    engine.restart();
    assert_eq!(standing(&engine), reset);
}

#[test]
fn who_has_said_nothing_yet_when_its_listener_goes_is_served() {
    let origin = Origin::named("one");
    let extra = crate::ports::address();
    let second = format!("listen = [\"{{listen}}\", \"{extra}\"]");
    let one = site("", &[&origin]);
    let engine = Engine::start(&one.replacen("listen = [\"{listen}\"]", &second, 1));
    let mut silent = client::connect(extra.parse().expect("an address")).expect("it listens");
    engine.rewrite_config(&one);
    engine.ctl_ok(&["reload"]);
    std::io::Write::write_all(&mut silent, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .expect("the kernel takes it");
    let answer = client::read_response(&mut std::io::BufReader::new(silent));
    assert_eq!(answer.expect("it is not reset").text(), "one");
}
