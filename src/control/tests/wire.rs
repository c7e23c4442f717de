//! The promised JSON, key for key, and the frames as a console receives them.

use serde_json::{Value, json};

use crate::control::capacity::Capacity;
use crate::control::delta::{self, Delta, Table};
use crate::control::listener::Listener;
use crate::control::sample::BackendSample;
use crate::control::tape::Tape;
use crate::control::wire::{
    Backend, BackendRow, BackendState, Connections, Frame, Head, Latency, Program, ProgramRow,
    ProgramState, Responses, Role, Snapshot, Status, UpstreamRow, Worker,
};

/// `GET /v1/status` as the design document prints it.
fn promised() -> Value {
    json!({"name":"default","version":"0.1.0","generation":3,"uptime_ms":0,"config":"pilothouse.toml",
     "listeners":[{"address":"127.0.0.1:8080","tls":false,"kind":"http"}],
     "servers":[],"certificates":[],"workers":[{"slot":0,"pid":1,"generation":3,"state":"running","uptime_ms":0,"cpu_percent":0.0,"rss_bytes":0,
       "connections":{"active":0,"idle":0},"requests":0,"restarts":0,"user":"","lag_us":0}],
     "upstreams":[{"name":"api","kind":"http","strategy":"least_conn","requests":0,
       "backends":[{"name":"10.0.3.1:8080","address":"10.0.3.1:8080","state":"up","weight":1,"active":0,"requests":0,
         "expected_share":0.33,"actual_share":0.33,"responses":{"1xx":0,"2xx":0,"3xx":0,"4xx":0,"5xx":0},"failures":0,
         "latency_us":{"p50":0,"p90":0,"p99":0,"max":0},"bytes_in":0,"bytes_out":0,"program":null,"host":null,
         "check":null,"reason":"","drain":null,"cuts":0,"max_conns":0,"priority":0,"backup":false}],
       "names":[],"all_down":"","desperate":0,"differs":[],"queue":null,"sticky":null}],
     "programs":[{"name":"api","instance":0,"state":"RUNNING","pid":1,"uptime_ms":0,"restarts":0,
       "exit_code":null,"exit_signal":null,"reason":"","cpu_percent":0.0,"rss_bytes":0,"backend":"api/127.0.0.1:9001",
       "differs":"","tracking":"cgroup","log_lost_bytes":0}],
     "limits":[],"refused":[],"orphans_reaped":0})
}

pub(crate) fn backend_row(upstream: &str, name: &str, key: u32) -> BackendRow {
    BackendRow {
        upstream: upstream.to_owned(),
        backend: Backend {
            name: name.to_owned(),
            address: name.to_owned(),
            state: BackendState::Up,
            weight: 1,
            active: 0,
            requests: 0,
            expected_share: 0.33,
            actual_share: 0.33,
            responses: Responses::default(),
            failures: 0,
            latency_us: Latency::default(),
            bytes_in: 0,
            bytes_out: 0,
            program: None,
            host: None,
            capacity: Capacity::default(),
            check: None,
            reason: String::new(),
            drain: None,
            cuts: 0,
        },
        key,
        file_weight: 1,
        since_ms: 0,
        reason: String::new(),
        window_picks: 0,
        window_weight_start: 0,
        current_weight: 0,
        active_by_worker: vec![0],
        check: String::new(),
    }
}

pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        head: Head {
            name: "default".to_owned(),
            version: "0.1.0".to_owned(),
            generation: 3,
            config: "pilothouse.toml".to_owned(),
            listeners: vec![Listener {
                address: "127.0.0.1:8080".to_owned(),
                ..Listener::default()
            }],
            ..Head::default()
        },
        workers: vec![Worker {
            slot: 0,
            pid: 1,
            generation: 3,
            state: "running".to_owned(),
            connections: Connections::default(),
            ..Worker::default()
        }],
        upstreams: vec![UpstreamRow {
            name: "api".to_owned(),
            strategy: "least_conn".to_owned(),
            ..UpstreamRow::default()
        }],
        backends: vec![backend_row("api", "10.0.3.1:8080", 65_536)],
        programs: vec![ProgramRow {
            program: Program {
                name: "api".to_owned(),
                state: ProgramState::Running,
                pid: Some(1),
                backend: Some("api/127.0.0.1:9001".to_owned()),
                tracking: "cgroup".to_owned(),
                ..Program::default()
            },
            ..ProgramRow::default()
        }],
        firewall: None,
    }
}

#[test]
fn the_status_has_exactly_the_promised_shape() {
    let status = delta::status(&snapshot());
    assert_eq!(serde_json::to_value(&status).unwrap(), promised());
    assert_eq!(serde_json::from_value::<Status>(promised()).unwrap(), status);
}

#[test]
fn the_status_keeps_the_promised_order_of_keys() {
    let text = serde_json::to_string(&delta::status(&snapshot())).unwrap();
    let mut at = 0;
    for key in ["name", "version", "generation", "listeners", "workers", "upstreams", "programs"] {
        let found = text[at..].find(&format!("\"{key}\":")).expect(key);
        at += found;
    }
}

#[test]
fn backends_of_other_upstreams_stay_apart() {
    let mut snapshot = snapshot();
    snapshot.upstreams.push(UpstreamRow { name: "web".to_owned(), ..UpstreamRow::default() });
    snapshot.backends.insert(0, backend_row("web", "b", 1));
    let status = delta::status(&snapshot);
    let names: Vec<(&str, Vec<&str>)> = status
        .upstreams
        .iter()
        .map(|row| (&*row.name, row.backends.iter().map(|row| &*row.name).collect()))
        .collect();
    assert_eq!(names, [("api", vec!["10.0.3.1:8080"]), ("web", vec!["b"])]);
}

#[test]
fn every_state_has_its_public_word() {
    let words = |states: &[BackendState]| serde_json::to_value(states).unwrap();
    assert_eq!(
        words(&[
            BackendState::Up,
            BackendState::Starting,
            BackendState::Draining,
            BackendState::Drained,
            BackendState::Down,
            BackendState::Failed,
        ]),
        json!(["up", "starting", "draining", "drained", "down", "failed"])
    );
    assert_eq!(
        serde_json::to_value([
            ProgramState::Stopped,
            ProgramState::Starting,
            ProgramState::Running,
            ProgramState::Backoff,
            ProgramState::Stopping,
            ProgramState::Exited,
            ProgramState::Fatal,
            ProgramState::Unknown,
        ])
        .unwrap(),
        json!([
            "STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN"
        ])
    );
}

#[test]
fn frames_come_back_as_they_went() {
    let history = vec![crate::control::sample::Sample {
        wall_ms: 1,
        backends: vec![BackendSample {
            key: 1,
            requests: 2,
            active: 3,
            failures: 4,
            p95_us: 5,
            server_errors: 6,
        }],
        ..crate::control::sample::Sample::default()
    }];
    let frames = [
        Frame::Snapshot {
            role: Role::Operate,
            snapshot: Box::new(snapshot()),
            history,
            events: Vec::new(),
            tape: Tape::default(),
        },
        Frame::Delta { delta: Box::new(Delta::default()) },
        Frame::Delta {
            delta: Box::new(Delta {
                backends: Table::Changed(snapshot().backends),
                programs: Table::All(Vec::new()),
                ..Delta::default()
            }),
        },
    ];
    for frame in frames {
        let text = serde_json::to_string(&frame).unwrap();
        assert_eq!(serde_json::from_str::<Frame>(&text).unwrap(), frame, "{text}");
    }
}
