//! `/metrics` as Prometheus reads it: the format by promtool, the figures by a real server that
//! scrapes, and what the offered dashboard and alerts ask for.

mod dashboard;
mod page;
mod prometheus;

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::client::{self, Load};
use crate::engine::{Engine, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{oracle, ports, wait};
use page::Page;
use prometheus::Prometheus;

/// Requests, a TCP route, a program and an access log: something of every family.
fn everything(origins: &[&Origin], http: &str) -> String {
    let route = ports::address();
    let check = "check = { interval = \"100ms\" }";
    let plain = site(check, origins).replacen(
        "[[server.route]]",
        "access_log = { file = \"access.log\", format = \"combined\" }\n\
         limits = [{ zone = \"ip\", burst = 1000, nodelay = true }, { zone = \"busy\", connections = 100 }]\n\
         [[server.route]]",
        1,
    );
    format!(
        "{plain}\n[[stream]]\nlisten = \"{route}\"\nupstream = \"app\"\n\
         [program.sleeper]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n\
         [limit.ip]\nrate = \"1000r/s\"\n[limit.busy]\n[control]\nhttp = \"{http}\"\n"
    )
}

#[test]
fn promtool_has_nothing_to_say() {
    let Some(promtool) = oracle::find("promtool") else { return };
    let (origin, http) = (Origin::named("one"), ports::address());
    let engine = Engine::start(&everything(&[&origin], &http));
    for _ in 0..20 {
        assert_eq!(client::get(engine.address(), "/").status, 200);
    }
    let page = client::unix_get(&engine.socket(), "/metrics").expect("an answer").body;
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    check.stdin.take().expect("a pipe").write_all(&page).expect("it reads");
    let output = check.wait_with_output().expect("it ends");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(output.status.success() && told.is_empty(), "{told}");
}

#[test]
fn prometheus_scrapes_what_the_load_sent() {
    const REQUESTS: u64 = 50;
    let (one, two) = (Origin::named("one"), Origin::named("two"));
    let http = ports::address();
    let engine = Engine::start(&everything(&[&one, &two], &http));
    let Some(prometheus) = Prometheus::scraping(&http) else { return };
    for _ in 0..REQUESTS {
        assert_eq!(client::get(engine.address(), "/").status, 200);
    }
    prometheus.wait_for("up{job=\"pilothouse\"}", 1.0);
    let sent = REQUESTS as f64;
    for expression in [
        "pilothouse_upstream_requests_total",
        "sum(pilothouse_backend_requests_total)",
        "sum(pilothouse_backend_responses_total{code=\"2xx\"})",
        "sum(pilothouse_worker_requests_total)",
        "pilothouse_upstream_latency_seconds_count",
        "sum(pilothouse_backend_latency_seconds_bucket{le=\"+Inf\"})",
        "sum(pilothouse_worker_access_log_lines_total)",
    ] {
        prometheus.wait_for(expression, sent);
    }
    prometheus.wait_for("sum(pilothouse_backend_state{state=\"up\"})", 2.0);
    prometheus.wait_for("sum(pilothouse_backend_check_passing)", 2.0);
    prometheus.wait_for("pilothouse_program_state{program=\"sleeper\",state=\"RUNNING\"}", 1.0);
    prometheus.wait_for("count(pilothouse_tcp_route_info{upstream=\"app\"})", 1.0);

    let page = Page::of(&engine);
    for expression in dashboard::expressions() {
        if let Err(error) = prometheus.query(&expression) {
            panic!("{expression}: {error}");
        }
        dashboard::check_names(&expression, &page);
    }
    let rules = prometheus.rules();
    assert!(rules.len() >= 14, "the offered rules are loaded: {rules:?}");
    for rule in rules {
        assert_eq!(rule["lastError"].as_str().unwrap_or(""), "", "{rule}");
        assert_ne!(rule["health"], "err", "{rule}");
        dashboard::check_names(rule["query"].as_str().expect("an expression"), &page);
    }

    // What Prometheus calls a reset is a counter that went back.
    signal(engine.worker_pids()[0], "KILL");
    prometheus.wait_for("sum(pilothouse_worker_restarts_total)", 1.0);
    engine.ctl_ok(&["reload"]);
    prometheus.wait_for("pilothouse_config_generation", 2.0);
    for _ in 0..REQUESTS {
        assert_eq!(client::get(engine.address(), "/").status, 200);
    }
    prometheus.wait_for("pilothouse_upstream_requests_total", 2.0 * sent);
    for counter in page.counters() {
        let resets = format!("sum(resets({counter}[10m]))");
        prometheus.wait_for(&resets, 0.0);
    }
}

#[test]
fn the_offered_files_are_good() {
    let Some(promtool) = oracle::find("promtool") else { return };
    for arguments in [
        ["check", "config", "configs/prometheus.yml"],
        ["check", "rules", "configs/prometheus-rules.yml"],
    ] {
        let output = Command::new(&promtool).args(arguments).output().expect("promtool runs");
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && told.contains("SUCCESS"), "{told}");
    }
}

/// Needs no oracle: names and documentation.
#[test]
fn the_dashboard_asks_for_what_there_is_and_every_family_is_explained() {
    let (origin, http) = (Origin::named("one"), ports::address());
    let engine = Engine::start(&everything(&[&origin], &http));
    let page = Page::of(&engine);
    let expressions = dashboard::expressions();
    assert!(expressions.len() > 30, "{}", expressions.len());
    for expression in &expressions {
        dashboard::check_names(expression, &page);
    }
    let rules = std::fs::read_to_string("configs/prometheus-rules.yml").expect("it is offered");
    dashboard::check_names(&rules, &page);
    let explained = std::fs::read_to_string("configs/prometheus.yml").expect("it is offered");
    dashboard::check_names(&explained, &page);
    for family in page.families() {
        assert!(explained.contains(family), "{family} is not explained in prometheus.yml");
    }
}

#[test]
fn no_counter_ever_goes_back() {
    let (one, two) = (Origin::named("one"), Origin::named("two"));
    let log = "access_log = { file = \"access.log\", format = \"combined\" }\n[[server.route]]";
    let logged = |origins: &[&Origin]| site("", origins).replacen("[[server.route]]", log, 1);
    let both = logged(&[&one, &two]);
    let engine = Engine::start(&both);
    let load = Load::start(engine.address(), "/", 4);
    let mut seen = Page::of(&engine);
    let mut look_on = |what: &str, is_reached: &dyn Fn(&Page) -> bool| {
        wait::until(what, || {
            let page = Page::of(&engine);
            page.expect_not_behind(&seen);
            seen = page;
            is_reached(&seen).then_some(())
        });
    };
    let requests = |page: &Page| page.sum("pilothouse_upstream_requests_total");
    let beyond = |count: f64| move |page: &Page| requests(page) > count;
    look_on("traffic", &beyond(100.0));

    let killed = engine.worker_pids()[1];
    signal(killed, "KILL");
    look_on("the worker is replaced", &|page| {
        page.sum("pilothouse_worker_restarts_total") > 0.0
            && page.sum("pilothouse_worker_access_log_lines_total") > 0.0
            && page.sum("pilothouse_worker_state{state=\"running\"}") > 1.0
    });
    for config in [
        both.replace("workers = 2", "workers = 1"),
        both.replace("[upstream.app]\n", "[upstream.app]\nstrategy = \"least_conn\"\n"),
        logged(&[&one]),
        both.clone(),
    ] {
        engine.rewrite_config(&config);
        engine.ctl_ok(&["reload"]);
        let before = requests(&Page::of(&engine));
        look_on("traffic after a reload", &beyond(before + 100.0));
    }
    engine.replace_master();
    let before = requests(&Page::of(&engine));
    look_on("traffic after a master's death", &|page| requests(page) > before + 100.0);
    let _what_the_killed_worker_served_failed = load.stop();
}

#[test]
fn a_backend_that_leaves_takes_its_series_with_it_and_not_its_upstreams() {
    let (one, two) = (Origin::named("one"), Origin::named("two"));
    let engine = Engine::start(&site("", &[&one, &two]));
    for _ in 0..10 {
        client::get(engine.address(), "/");
    }
    let of_two = |page: &Page| page.keys_with(&format!("backend=\"{}\"", two.address));
    assert!(of_two(&Page::of(&engine)) > 20);
    engine.rewrite_config(&site("", &[&one]));
    engine.ctl_ok(&["reload"]);
    let page = Page::of(&engine);
    assert_eq!(of_two(&page), 0);
    let exactly = |name: &str| page.sum(name).to_string();
    assert_eq!(exactly("pilothouse_upstream_requests_total"), "10");
    assert_eq!(exactly("pilothouse_upstream_latency_seconds_count"), "10");
    assert_eq!(exactly("pilothouse_backend_requests_total"), "5");
    assert_eq!(exactly("pilothouse_config_reloads_total{result=\"success\"}"), "1");
    engine.rewrite_config("[nonsense]");
    assert!(!engine.ctl(&["reload"]).status.success());
    let page = Page::of(&engine);
    assert_eq!(page.sum("pilothouse_config_reloads_total{result=\"failure\"}").to_string(), "1");
    assert_eq!(page.sum("pilothouse_config_last_reload_successful").to_string(), "0");
    assert_eq!(page.sum("pilothouse_config_generation").to_string(), "2");
}
