//! Programs that serve an upstream. The child only sleeps; the test itself listens in its place, so
//! that it decides when the instance is ready.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

static NEXT: AtomicU32 = AtomicU32::new(0);
static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// Whether no other test has the port, in this process or in another one. The name lasts as long as
/// this process does (as `tests/e2e/ports.rs` has it, too).
fn reserve(port: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("pilothouse-test-port-{port}")).unwrap();
    UnixListener::bind_addr(&name).is_ok_and(|held| {
        RESERVED.lock().unwrap().push(held);
        true
    })
}

/// The first of `count` free ports in a row. Those that the kernel gives to clients are not asked for:
/// any of them may be taken by a connection, or wait after one.
fn free_ports(count: u16) -> u16 {
    let is_free = |port| reserve(port) && TcpListener::bind(("127.0.0.1", port)).is_ok();
    (0..1000)
        .map(|_| {
            let n = NEXT.fetch_add(u32::from(count), Ordering::Relaxed);
            12_000 + ((std::process::id() * 61 + n) % 18_000) as u16
        })
        .find(|first| (*first..first + count).all(is_free))
        .expect("that many ports are never taken")
}

pub(super) fn free_port() -> u16 {
    free_ports(1)
}

fn text(port: u16, instances: u32) -> String {
    format!(
        r#"
        [upstream.web]
        drain_timeout = "30s"
        [program.web]
        command = "sleep 1000"
        instances = {instances}
        serves = {{ upstream = "web", port = {port} }}
        "#
    )
}

/// Listens where the next instance is to serve, once its process is there.
async fn make_ready(stage: &mut Stage, id: &str, port: u16) -> TcpListener {
    stage.until("it starts", |stage| stage.row(id).program.pid.is_some()).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    stage.until_state(id, ProgramState::Running).await;
    listener
}

fn is_draining(stage: &Stage) -> bool {
    stage.wants.iter().any(|want| matches!(want, Want::Drain { .. }))
}

#[test]
fn an_instance_joins_when_it_is_ready_and_drains_before_it_restarts() {
    on_stage(async {
        let port = free_port();
        let mut stage = Stage::new(&text(port, 1));
        stage
            .until("it says why not", |stage| {
                let reason = stage.row("web:0").program.reason;
                reason.starts_with("probe failed ")
                    && reason.ends_with(&format!("x: connection refused (127.0.0.1:{port})"))
            })
            .await;
        assert!(stage.joins().is_empty());
        let listener = make_ready(&mut stage, "web:0", port).await;
        let address = format!("127.0.0.1:{port}");
        let join = &stage.joins()[0];
        assert_eq!((join.upstream.as_str(), join.address.to_string()), ("web", address.clone()));
        assert_eq!(stage.row("web:0").program.backend, Some(format!("web/{address}")));

        let pid = stage.pid("web:0");
        let mut answer = stage.command("web:0", &ProgramVerb::Restart);
        assert!(is_draining(&stage));
        assert_eq!(stage.row("web:0").program.state, ProgramState::Stopping);
        assert_eq!(stage.pid("web:0"), pid, "nothing happens to it before it is drained");
        drop(listener);
        stage.programs.on_drained("web", &address);
        stage
            .until("it is another", |stage| {
                stage.row("web:0").program.pid.is_some_and(|new| new != pid)
            })
            .await;
        let left = stage.wants.iter().position(|want| matches!(want, Want::Leave { .. }));
        assert!(left.is_some());
        assert!(answer.try_recv().is_err(), "not answered before it runs");
        let _listener = make_ready(&mut stage, "web:0", port).await;
        assert_eq!(stage.joins().len(), 2);
        assert!(answer.try_recv().unwrap().is_done());
    });
}

#[test]
fn a_crash_leaves_the_upstream_at_once() {
    on_stage(async {
        let port = free_port();
        let mut stage = Stage::new(&text(port, 1));
        let listener = make_ready(&mut stage, "web:0", port).await;
        drop(listener);
        sys::pidfd::signal_group(stage.pid("web:0"), sys::signal::KILL).unwrap();
        stage.until_state("web:0", ProgramState::Starting).await;
        assert!(stage.wants.iter().any(|want| matches!(want, Want::Leave { .. })));
        assert_eq!(stage.row("web:0").program.backend, None);
    });
}

#[test]
fn a_taken_port_is_said_with_its_holder() {
    on_stage(async {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let mut stage = Stage::new(&text(port, 1));
        stage.until_state("web:0", ProgramState::Backoff).await;
        let reason = stage.row("web:0").program.reason;
        let expected = format!("bind 127.0.0.1:{port}: address in use, held by ");
        assert!(reason.starts_with(&expected), "{reason}");
    });
}

#[test]
fn the_embedded_default_takes_the_next_free_port() {
    on_stage(async {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let mut config = config(&text(port, 1));
        config.is_embedded = true;
        let mut stage = Stage::empty();
        stage.programs.apply_config(&config);
        stage.until("it starts", |stage| stage.row("web:0").program.pid.is_some()).await;
        stage
            .until("it waits elsewhere", |stage| {
                let reason = stage.row("web:0").program.reason;
                reason.contains("x: connection refused (127.0.0.1:")
                    && !reason.contains(&format!(":{port})"))
            })
            .await;
    });
}

#[test]
fn a_roll_takes_one_instance_after_another() {
    on_stage(async {
        let port = free_ports(2);
        let mut stage = Stage::new(&text(port, 2));
        let mut listeners = [
            Some(make_ready(&mut stage, "web:0", port).await),
            Some(make_ready(&mut stage, "web:1", port + 1).await),
        ];
        let pids = [stage.pid("web:0"), stage.pid("web:1")];
        let mut answer = stage.command("web", &ProgramVerb::Roll(Pace::default()));
        let second = stage.ask("web", ProgramVerb::Roll(Pace::default())).await;
        assert_eq!(second.message, "a roll of web is under way");
        for (index, id) in ["web:0", "web:1"].into_iter().enumerate() {
            let port = port + index as u16;
            assert_eq!(stage.row(id).program.state, ProgramState::Stopping);
            if index == 0 {
                assert_eq!(stage.pid("web:1"), pids[1], "its turn comes later");
                assert_eq!(stage.row("web:1").program.state, ProgramState::Running);
            }
            listeners[index] = None;
            stage.programs.on_drained("web", &format!("127.0.0.1:{port}"));
            stage
                .until("it is another", |stage| {
                    stage.row(id).program.pid.is_some_and(|pid| pid != pids[index])
                })
                .await;
            listeners[index] = Some(make_ready(&mut stage, id, port).await);
        }
        let answer = answer.try_recv().unwrap();
        assert_eq!(answer.message, "2 of 2 restarted: web:0, web:1");
    });
}
