//! The engine under the programs people really use with it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::engine::Engine;
use crate::origin::Origin;
use crate::proxy::site;
use crate::{drain, oracle};

#[test]
fn rolling_every_instance_under_wrk_fails_no_request() {
    let Some(wrk) = oracle::find("wrk") else { return };
    let engine = drain::three_instances();
    let load = Command::new(wrk)
        .args(["-t2", "-c32", "-d3s", "--timeout", "20s"])
        .arg(format!("http://{}/", engine.listen))
        .stdout(Stdio::piped())
        .spawn()
        .expect("wrk runs");
    engine.ctl_ok(&["program", "roll", "web"]);
    drain::wait_for_three(&engine);
    let said = text(&load.wait_with_output().expect("wrk ends"));
    assert!(said.contains("requests in"), "{said}");
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
}

#[test]
fn curl_reads_the_status_and_a_page() {
    let Some(curl) = oracle::find("curl") else { return };
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let page = Command::new(&curl).arg("-sS").arg(format!("http://{}/", engine.listen)).output();
    assert_eq!(text(&page.expect("curl runs")), "one");
    let status = Command::new(&curl)
        .args(["-sS", "--unix-socket"])
        .arg(engine.socket())
        .arg("http://localhost/v1/status")
        .output();
    let status: Value = serde_json::from_str(&text(&status.expect("curl runs"))).expect("JSON");
    assert_eq!(status["upstreams"][0]["name"], "app");
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
