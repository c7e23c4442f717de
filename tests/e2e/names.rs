//! Backends behind names: dead name servers, answers that change under load, answers that are none.

use serde_json::Value;

use crate::client::{self, Load};
use crate::engine::{Engine, signal};
use crate::name_server::{A, Data, Manners, NameServer, SRV};
use crate::origin::Origin;
use crate::wait;

/// One upstream whose one backend is `address`, asked for at this name server.
fn site(server: &NameServer, keys: &str, address: &str) -> String {
    format!(
        "[engine]\nworkers = 2\nresolver = [\"{}\"]\nresolve_timeout = \"300ms\"\n\
         [[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n{keys}\n[[upstream.app.backend]]\naddress = \"{address}\"\n",
        server.address
    )
}

/// Origins on one port of several addresses, named by them.
fn on_one_port<const COUNT: usize>() -> ([Origin; COUNT], u16) {
    let port = crate::ports::everywhere();
    let origins = std::array::from_fn(|index| {
        let address = format!("127.0.0.{}:{port}", index + 1);
        Origin::named_at(&address)
    });
    (origins, port)
}

fn upstream(engine: &Engine) -> Value {
    engine.status()["upstreams"][0].clone()
}

/// The addresses of the members, in their order.
fn members(engine: &Engine) -> Vec<String> {
    let rows = upstream(engine)["backends"].clone();
    let rows = rows.as_array().expect("backends is an array");
    rows.iter().map(|row| row["address"].as_str().expect("a text").to_owned()).collect()
}

#[track_caller]
fn wait_for_members(engine: &Engine, expected: &[String]) {
    wait::until("the members expected", || (members(engine) == expected).then_some(()));
}

fn events(engine: &Engine, target: &str) -> Vec<(String, String)> {
    let output = engine.ctl_ok(&["events", "--json"]);
    let rows = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.filter(|row| row["target"] == target)
        .map(|row| (text(&row, "verb"), text(&row, "result")))
        .collect()
}

#[test]
fn an_engine_starts_with_a_dead_name_server_and_heals() {
    let server = NameServer::start();
    server.behave(Manners::Silent);
    let ([one, two], port) = on_one_port();
    let address = format!("app.internal:{port}");
    let engine = Engine::start(&site(&server, "", &address));
    assert_eq!(client::get(engine.address(), "/").status, 502);
    let failing = wait::until("the failure is shown", || {
        let name = upstream(&engine)["names"][0].clone();
        (name["error"] != "").then_some(name)
    });
    assert_eq!(failing["name"], address.as_str());
    assert_eq!(failing["error"], "no answer within 300 ms");
    assert_eq!(failing["addresses"], Value::Array(Vec::new()));

    server.lead("app.internal", 60, &["127.0.0.2", "127.0.0.1"]);
    server.behave(Manners::Answers);
    let expected = [one.address.to_string(), two.address.to_string()];
    wait_for_members(&engine, &expected);
    let answers =
        [client::get(engine.address(), "/").text(), client::get(engine.address(), "/").text()];
    assert_eq!(answers, expected, "each address serves, in the order of addresses");
    let row = engine.backend("app", &expected[0]);
    assert_eq!(row["host"], address.as_str());
    let name = upstream(&engine)["names"][0].clone();
    assert_eq!((&name["error"], &name["ttl_ms"]), (&"".into(), &60_000.into()));
    assert_eq!(
        events(&engine, &format!("app/{address}")),
        [
            ("unresolved".to_owned(), "no answer within 300 ms".to_owned()),
            ("resolved".to_owned(), format!("+{} +{}", expected[0], expected[1])),
        ]
    );
}

#[test]
fn an_answer_is_good_for_its_time_and_no_longer() {
    let server = NameServer::start();
    server.lead("slow.internal", 3600, &["127.0.0.1"]);
    server.lead("fast.internal", 1, &["127.0.0.2"]);
    let backends = "slow.internal:9\"\n[[upstream.app.backend]]\naddress = \"fast.internal:9";
    let engine = Engine::start(&site(&server, "", backends));
    wait::until("the third question", || (server.asked("fast.internal", A) >= 3).then_some(()));
    assert_eq!(server.asked("slow.internal", A), 1);
    engine.ctl_ok(&["reload"]);
    wait::until("a reload asks", || (server.asked("slow.internal", A) == 2).then_some(()));
}

#[test]
fn addresses_come_and_go_under_load_without_a_failed_request() {
    let server = NameServer::start();
    let ([one, two, three], port) = on_one_port();
    let name = |origin: &Origin| origin.address.to_string();
    server.lead("app.internal", 1, &["127.0.0.1", "127.0.0.2"]);
    let keys = "retries = 0\nresolve_valid = \"20ms\"";
    let engine = Engine::start(&site(&server, keys, &format!("app.internal:{port}")));
    wait_for_members(&engine, &[name(&one), name(&two)]);
    engine.ctl_ok(&["backend", "weight", &format!("app/{}", two.address), "3"]);
    let load = Load::start(engine.address(), "/", 8);
    for _ in 0..3 {
        server.lead("app.internal", 1, &["127.0.0.3", "127.0.0.2"]);
        wait_for_members(&engine, &[name(&two), name(&three)]);
        let served = three.served();
        wait::until("the new one serves", || (three.served() > served + 50).then_some(()));
        server.lead("app.internal", 1, &["127.0.0.1", "127.0.0.2"]);
        wait_for_members(&engine, &[name(&one), name(&two)]);
        let served = one.served();
        wait::until("the old one serves", || (one.served() > served + 50).then_some(()));
    }
    // Whatever a failing name server says changes nothing.
    for manners in [Manners::Silent, Manners::Refuses(2), Manners::Refuses(3)] {
        server.behave(manners);
        wait::until("the failure is shown", || {
            (upstream(&engine)["names"][0]["error"] != "").then_some(())
        });
        assert_eq!(members(&engine), [name(&one), name(&two)]);
        server.behave(Manners::Answers);
        wait::until("it heals", || (upstream(&engine)["names"][0]["error"] == "").then_some(()));
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
    assert_eq!(engine.backend("app", &name(&two))["weight"], 3, "what was decided stays");
}

#[test]
fn what_is_no_answer_hurts_nobody() {
    let server = NameServer::start();
    let ([one], port) = on_one_port();
    server.lead("app.internal", 60, &["127.0.0.1"]);
    let endless_name = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
    let garbage = [vec![0xff; 600], vec![0; 10], endless_name.to_vec(), (0..=255).collect()];
    let cuts = (0..44).map(Manners::Cut);
    let mut addresses = vec![format!("app.internal:{port}")];
    let mut bad = Vec::new();
    for (number, manners) in garbage.map(Manners::Garbage).into_iter().chain(cuts).enumerate() {
        let name = format!("n{number}.internal");
        server.lead(&name, 60, &["127.0.0.1"]);
        server.behave_for(&name, manners);
        addresses.push(format!("{name}:{port}"));
        bad.push(name);
    }
    let address = addresses.join("\"\n[[upstream.app.backend]]\naddress = \"");
    let engine = Engine::start(&site(&server, "", &address));
    let errors = || {
        let names = upstream(&engine)["names"].clone();
        let names = names.as_array().expect("names is an array").clone();
        names.iter().filter(|name| name["error"] != "").count()
    };
    wait::until("each has failed", || (errors() == bad.len()).then_some(()));
    assert_eq!(members(&engine), [one.address.to_string()]);
    assert_eq!(client::get(engine.address(), "/").status, 200);
    for name in &bad {
        server.behave_for(name, Manners::Answers);
    }
    wait::until("all heal", || (errors() == 0).then_some(()));
}

#[test]
fn aliases_are_followed_and_expire_with_the_shortest() {
    let server = NameServer::start();
    let ([one], port) = on_one_port();
    server.set("www.internal", 2, &[Data::Alias("app.internal")]);
    server.lead("app.internal", 600, &["127.0.0.1"]);
    let engine = Engine::start(&site(&server, "", &format!("www.internal:{port}")));
    wait_for_members(&engine, &[one.address.to_string()]);
    assert_eq!(upstream(&engine)["names"][0]["ttl_ms"], 2000);
}

#[test]
fn services_bring_ports_weights_and_backups() {
    let server = NameServer::start();
    let [heavy, light, backup] = ["heavy", "light", "backup"].map(Origin::named);
    let offer = |origin: &Origin, priority, weight| Data::Service {
        priority,
        weight,
        port: origin.address.port(),
        target: "host.internal",
    };
    server.lead("host.internal", 60, &["127.0.0.1"]);
    let all = [offer(&backup, 20, 1), offer(&heavy, 10, 3), offer(&light, 10, 1)];
    server.set("_http._tcp.app.internal", 60, &all);
    let keys = "resolve_valid = \"20ms\"";
    let engine = Engine::start(&site(&server, keys, "srv:_http._tcp.app.internal"));
    wait::until("all three", || (members(&engine).len() == 3).then_some(()));
    for _ in 0..8 {
        client::get(engine.address(), "/");
    }
    assert_eq!((heavy.served(), light.served(), backup.served()), (6, 2, 0));
    // Without the first priority the next is the first.
    server.set("_http._tcp.app.internal", 60, &all[..1]);
    wait_for_members(&engine, &[backup.address.to_string()]);
    assert_eq!(client::get(engine.address(), "/").text(), "backup");
    assert!(server.asked("_http._tcp.app.internal", SRV) > 0);
}

#[test]
fn a_name_for_an_address_costs_no_request_at_reload() {
    let server = NameServer::start();
    let ([one], port) = on_one_port();
    server.lead("app.internal", 60, &["127.0.0.1"]);
    let fixed = site(&server, "", &one.address.to_string());
    let engine = Engine::start(&fixed);
    let load = Load::start(engine.address(), "/", 4);
    for _ in 0..5 {
        let served = one.served();
        engine.rewrite_config(&site(&server, "", &format!("app.internal:{port}")));
        signal(engine.keeper_pid(), "HUP");
        wait::until("the name leads there", || {
            let row = engine.backend("app", &one.address.to_string());
            (row["host"] != Value::Null && one.served() > served + 50).then_some(())
        });
        engine.rewrite_config(&fixed);
        engine.ctl_ok(&["reload"]);
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn a_new_master_goes_on_with_what_the_dead_one_knew() {
    let server = NameServer::start();
    let ([one, two], port) = on_one_port();
    server.lead("app.internal", 1, &["127.0.0.1", "127.0.0.2"]);
    let engine = Engine::start(&site(&server, "", &format!("app.internal:{port}")));
    let both = [one.address.to_string(), two.address.to_string()];
    wait_for_members(&engine, &both);
    server.behave(Manners::Silent);
    let load = Load::start(engine.address(), "/", 4);
    engine.replace_master();
    wait::until("the new one asks in vain", || {
        (upstream(&engine)["names"][0]["error"] != "").then_some(())
    });
    assert_eq!(members(&engine), both);
    assert_eq!(engine.backend("app", &both[0])["host"], format!("app.internal:{port}").as_str());
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn two_names_for_one_address_are_one_backend() {
    let server = NameServer::start();
    let ([one, two], port) = on_one_port();
    server.lead("a.internal", 1, &["127.0.0.1"]);
    server.lead("b.internal", 1, &["127.0.0.1", "127.0.0.2"]);
    let keys = "resolve_valid = \"20ms\"";
    let backends =
        format!("a.internal:{port}\"\n[[upstream.app.backend]]\naddress = \"b.internal:{port}");
    let engine = Engine::start(&site(&server, keys, &backends));
    let both = [one.address.to_string(), two.address.to_string()];
    wait_for_members(&engine, &both);
    let host = |name: &str| engine.backend("app", name)["host"].clone();
    assert_eq!(host(&both[0]), format!("a.internal:{port}").as_str());
    server.lead("a.internal", 1, &["127.0.0.2"]);
    wait::until("the other name holds it", || {
        (host(&both[0]) == format!("b.internal:{port}").as_str()).then_some(())
    });
    let mut left = members(&engine);
    left.sort();
    assert_eq!(left, both);
}

#[test]
fn checks_follow_the_addresses() {
    let server = NameServer::start();
    let ([one, two], port) = on_one_port();
    server.lead("app.internal", 1, &["127.0.0.1", "127.0.0.2"]);
    let keys = "resolve_valid = \"20ms\"\n\
        check = { path = \"/up\", interval = \"20ms\", timeout = \"1s\", fall = 1, rise = 1 }";
    let engine = Engine::start(&site(&server, keys, &format!("app.internal:{port}")));
    let is_checked = |origin: &Origin| {
        let asked = origin.accepted();
        wait::until("a check", || (origin.accepted() > asked).then_some(()));
    };
    is_checked(&one);
    is_checked(&two);
    server.lead("app.internal", 1, &["127.0.0.2"]);
    wait_for_members(&engine, &[two.address.to_string()]);
    is_checked(&two);
    let asked = one.accepted();
    is_checked(&two);
    assert_eq!(one.accepted(), asked, "who left is not checked");
}

#[test]
fn a_list_is_followed_and_a_bad_one_changes_nothing() {
    let server = NameServer::start();
    let ([one, two, three], _) = on_one_port();
    let [a, b, c] = [&one, &two, &three].map(|origin| origin.address.to_string());
    let list = format!("{a} weight=3 # the big one\n{c} backup\n");
    let engine = Engine::start_in(&site(&server, "", "file:app.list"), |folder| {
        std::fs::write(folder.join("app.list"), list).expect("the folder is ours");
    });
    let path = engine.folder.path().join("app.list");
    let write = |text: &str| std::fs::write(&path, text).expect("the folder is ours");
    let error = || upstream(&engine)["names"][0]["error"].as_str().unwrap_or("").to_owned();
    wait_for_members(&engine, &[a.clone(), c.clone()]);
    assert_eq!(engine.backend("app", &a)["weight"], 3);
    let load = Load::start(engine.address(), "/", 4);
    write(&format!("{b}\n{a}\n"));
    wait_for_members(&engine, &[a.clone(), b.clone()]);
    assert_eq!(engine.backend("app", &b)["host"], format!("file:{}", path.display()).as_str());
    for (text, expected) in [("", "lists no backend"), ("10.0.0", "line 1: expected ip:port first")]
    {
        write(text);
        wait::until("the failure is shown", || (error() == expected).then_some(()));
        assert_eq!(members(&engine), [a.clone(), b.clone()]);
    }
    std::fs::remove_file(&path).expect("it is there");
    wait::until("the failure is shown", || error().contains("No such file").then_some(()));
    write(&b);
    wait_for_members(&engine, &[b]);
    assert_eq!(error(), "");
    assert_eq!(load.stop().failed, Vec::<String>::new());
    assert_eq!(three.served(), 0, "a backup serves when nobody else does");
}

#[test]
fn the_check_of_a_configuration_asks_no_name_server() {
    let server = NameServer::start();
    let engine = Engine::start(&site(&server, "", "127.0.0.1:9"));
    engine.rewrite_config(&site(&server, "", "app.internal:9"));
    engine.ctl_ok(&["check"]);
    assert_eq!(server.asked("app.internal", A), 0);
}
