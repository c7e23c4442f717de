//! The control API as an outside program meets it: plain HTTP on the socket, answers as JSON.

use serde_json::Value;

use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::proxy::site;
use crate::wait;

fn document(response: &client::Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("JSON: {}", response.text()))
}

#[test]
fn what_can_not_be_answered_is_an_error_in_json() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let weight = format!("/v1/upstreams/app/backends/{}/weight", origin.address);
    for (method, path, body, status, allow) in [
        ("GET", "/", "", 404, None),
        ("GET", "/v1/nothing", "", 404, None),
        ("POST", "/v1/upstreams/app/dance", "", 404, None),
        ("POST", "/v1/status", "", 405, Some("GET")),
        ("GET", "/v1/reload", "", 405, Some("POST")),
        ("DELETE", weight.as_str(), "", 405, Some("POST")),
        ("POST", &weight, "", 400, None),
        ("POST", &weight, "{not json", 400, None),
        ("POST", &weight, r#"{"weight":"3"}"#, 400, None),
        ("POST", &weight, r#"{"weight":3,"colour":"red"}"#, 400, None),
        ("POST", "/v1/programs/web/x/restart", "", 400, None),
        ("GET", "/v1/programs/web/0/log?colour=red", "", 400, None),
        ("GET", "/v1/programs/web/0/log", "", 404, None),
        ("GET", "/v1/requests?status=teapot", "", 400, None),
        ("GET", "/v1/requests?stream=stdout", "", 400, None),
        ("GET", "/v1/requests?path=%ff", "", 400, None),
        ("POST", "/v1/requests", "", 405, Some("GET")),
    ] {
        let response = client::unix(&engine.socket(), method, path, body).expect("an answer");
        let told = format!("{method} {path} {body}: {}", response.text());
        assert_eq!((response.status, response.header("allow")), (status, allow), "{told}");
        assert_eq!(response.header("content-type"), Some("application/json"), "{told}");
        assert!(document(&response)["error"].is_string(), "{told}");
    }
}

#[test]
fn an_action_answers_with_what_was_done_and_twice_is_no_error() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let backend = format!("/v1/upstreams/app/backends/{}", origin.address);
    for (path, body, status, outcome) in [
        (format!("{backend}/weight"), r#"{"weight":3}"#, 200, "changed"),
        (format!("{backend}/weight"), r#"{"weight":3}"#, 200, "unchanged"),
        (format!("{backend}/weight"), r#"{"weight":0}"#, 409, "refused"),
        (format!("{backend}/drain"), r#"{"key":4095}"#, 409, "refused"),
        (format!("{backend}/drain"), "", 200, "changed"),
        (format!("{backend}/drain"), "{}", 200, "unchanged"),
        (format!("{backend}/enable"), "", 200, "changed"),
        ("/v1/upstreams/app/strategy".to_owned(), r#"{"strategy":"dice"}"#, 409, "refused"),
        ("/v1/upstreams/nobody/reset".to_owned(), "", 404, "unknown"),
        ("/v1/programs/nobody/start".to_owned(), "", 404, "unknown"),
    ] {
        let response = client::unix(&engine.socket(), "POST", &path, body).expect("an answer");
        let told = format!("{path} {body}: {}", response.text());
        assert_eq!(response.status, status, "{told}");
        assert_eq!(document(&response)["outcome"], outcome, "{told}");
    }
    let events = client::unix_get(&engine.socket(), "/v1/events").expect("an answer").text();
    let done: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect();
    let drain = done.iter().find(|event| event["verb"] == "drain" && event["severity"] == "good");
    let who = drain.expect("the drain is written down")["who"].as_str().unwrap_or("").to_owned();
    assert!(who.contains("(uid ") && !who.starts_with("engine"), "{who}");
}

#[test]
fn what_the_worker_answers_itself_is_counted_by_class() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    engine.ctl_ok(&["backend", "down", &format!("app/{}", origin.address)]);
    for _ in 0..5 {
        assert!(client::get(engine.address(), "/").status >= 500);
    }
    wait::until("the samples hold five server errors", || {
        let history = document(&client::unix_get(&engine.socket(), "/v1/history")?);
        let count = |key: &str| -> u64 {
            let samples = history.as_array().into_iter().flatten();
            samples.filter_map(|sample| sample[key].as_u64()).sum()
        };
        ((count("server_errors"), count("requests")) == (5, 5)).then_some(())
    });
}
