//! TCP routes from outside: whatever bytes, every strategy, checks, drains, reloads and crashes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;

use serde_json::Value;

use crate::client::{self, connect};
use crate::engine::{Engine, descriptors, resident_bytes, signal};
use crate::origin::Origin;
use crate::{oracle, ports, wait};

/// One TCP route to an upstream with `keys` and these backends.
fn route(keys: &str, backends: &[String]) -> String {
    let backends: Vec<String> = backends
        .iter()
        .map(|address| format!("[[upstream.app.backend]]\naddress = \"{address}\"\n"))
        .collect();
    let backends = backends.concat();
    format!(
        "[engine]\nworkers = 2\n[[stream]]\nlisten = [\"{{listen}}\"]\nupstream = \"app\"\n\
         [upstream.app]\n{keys}\n{backends}"
    )
}

fn to(keys: &str, origins: &[&Origin]) -> String {
    let addresses: Vec<String> = origins.iter().map(|origin| origin.address.to_string()).collect();
    route(keys, &addresses)
}

/// Says its name, then sends back whatever comes.
fn echo(name: &'static str) -> Origin {
    Origin::by_hand(move |stream| mirror(name, stream))
}

fn mirror(name: &str, mut stream: TcpStream) {
    let mut back = stream.try_clone().expect("a descriptor is free");
    let _the_client_may_leave = back.write_all(name.as_bytes());
    let _the_client_may_leave = std::io::copy(&mut stream, &mut back);
    let _it_may_be_over = back.shutdown(Shutdown::Write);
}

/// A connection through the route, and who is at its other end.
fn through(address: SocketAddr) -> (TcpStream, char) {
    let mut stream = connect(address).expect("the listener accepts");
    let mut name = [0];
    stream.read_exact(&mut name).expect("the backend speaks first");
    (stream, char::from(name[0]))
}

/// Whether the connection still carries bytes.
#[track_caller]
fn assert_carries(stream: &mut TcpStream) {
    stream.write_all(b"ping").expect("open");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).expect("open");
    assert_eq!(&answer, b"ping");
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let _reset_is_an_end_too = stream.read_to_string(&mut text);
    text
}

fn active(engine: &Engine, origin: &Origin) -> Value {
    engine.backend("app", &origin.address.to_string())["active"].clone()
}

#[test]
fn what_goes_in_comes_out_in_flat_memory() {
    const BYTES: usize = 64 << 20;
    let origin = echo("1");
    let engine = Engine::start(&to("", &[&origin]).replacen("workers = 2", "workers = 1", 1));
    let worker = engine.worker_pids()[0];
    let before = resident_bytes(worker);
    let (mut reader, _) = through(engine.address());
    let mut writer = reader.try_clone().expect("a descriptor is free");
    let byte_at = |at: usize| (at * 31 + at / 8191) as u8;
    let sending = std::thread::spawn(move || {
        for start in (0..BYTES).step_by(1 << 16) {
            let piece: Vec<u8> = (start..start + (1 << 16)).map(byte_at).collect();
            writer.write_all(&piece).expect("the route goes on");
        }
        writer.shutdown(Shutdown::Write).expect("open");
    });
    let (mut piece, mut at) = (vec![0; 1 << 16], 0);
    loop {
        let read = reader.read(&mut piece).expect("the route goes on");
        if read == 0 {
            break;
        }
        assert!(piece[..read].iter().zip(at..).all(|(byte, at)| *byte == byte_at(at)), "at {at}");
        at += read;
    }
    sending.join().expect("all is sent");
    assert_eq!(at, BYTES, "every byte, and the end after them");
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < 8 << 20, "{growth} bytes more after 64 MiB each way");
    let row = wait::until("it is counted", || {
        let row = engine.backend("app", &origin.address.to_string());
        (row["requests"] == 1).then_some(row)
    });
    let bytes = BYTES as u64;
    assert_eq!(
        (row["bytes_in"].as_u64(), row["bytes_out"].as_u64()),
        (Some(bytes), Some(bytes + 1))
    );
}

#[test]
fn connections_take_turns_by_weight_across_workers() {
    let origins = [echo("1"), echo("2"), echo("3")];
    let config = to("", &[&origins[0], &origins[1], &origins[2]])
        .replacen("workers = 2", "workers = 3", 1)
        .replacen("backend]]\n", "backend]]\nweight = 3\n", 1);
    let engine = Engine::start(&config);
    let connections: Vec<_> = (0..40).map(|_| through(engine.address())).collect();
    let sequence: String = connections.iter().map(|(_, name)| name).collect();
    assert_eq!(sequence, "12131".repeat(8));
    let row = engine.backend("app", &origins[0].address.to_string());
    assert_eq!((row["active"].as_u64(), row["requests"].as_u64()), (Some(24), Some(0)), "{row}");
    assert_eq!(row["actual_share"], 0.6);
}

#[test]
fn the_backend_with_the_fewest_connections_gets_the_next() {
    let origins = [echo("1"), echo("2")];
    let engine = Engine::start(&to("strategy = \"least_conn\"", &[&origins[0], &origins[1]]));
    let mut open: Vec<_> = (0..6).map(|_| through(engine.address())).collect();
    assert_eq!((active(&engine, &origins[0]), active(&engine, &origins[1])), (3.into(), 3.into()));
    open.retain(|(_, name)| *name == '2');
    wait::until("three have left", || (active(&engine, &origins[0]) == 0).then_some(()));
    let next: String = (0..3)
        .map(|_| through(engine.address()))
        .map(|(stream, name)| {
            open.push((stream, name));
            name
        })
        .collect();
    assert_eq!(next, "111");
}

#[test]
fn a_dead_backend_costs_no_connection_and_is_taken_back() {
    let port = ports::consecutive(1);
    let dead = format!("127.0.0.1:{port}");
    let alive = echo("1");
    let keys = "check = { interval = \"20ms\", fall = 1, rise = 1 }";
    let engine = Engine::start(&route(keys, &[dead.clone(), alive.address.to_string()]));
    for _ in 0..10 {
        assert_eq!(through(engine.address()).1, '1');
    }
    let row = wait::until("the check says so", || {
        let row = engine.backend("app", &dead);
        (row["state"] == "failed").then_some(row)
    });
    assert_eq!(row["requests"], 0, "{row}");
    let listener = TcpListener::bind(&dead).expect("nobody took it");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || mirror("2", stream));
        }
    });
    wait::until("it is back", || (engine.backend("app", &dead)["state"] == "up").then_some(()));
    wait::until("it gets connections", || (through(engine.address()).1 == '2').then_some(()));
}

#[test]
fn nobody_to_connect_to_is_an_end_that_is_counted_and_shown() {
    let dead = format!("127.0.0.1:{}", ports::consecutive(1));
    let engine = Engine::start(&route("", &[dead]));
    assert_eq!(client::raw(engine.address(), b"hello"), "");
    let shown = wait::until("it is shown", || {
        let shown = engine.ctl_ok(&["requests", "--json"]);
        shown.contains("\"TCP\"").then_some(shown)
    });
    let record: Value = serde_json::from_str(shown.lines().next().unwrap_or("")).expect("JSON");
    assert_eq!((record["method"].as_str(), record["status"].as_u64()), (Some("TCP"), Some(502)));
    assert_eq!(record["path"], engine.listen.as_str());
}

#[test]
fn a_drain_waits_for_the_connections_there_are() {
    let (leaving, staying) = (echo("1"), echo("2"));
    let engine = Engine::start(&to("", &[&leaving, &staying]));
    let name = leaving.address.to_string();
    let (mut held, whose) = through(engine.address());
    assert_eq!(whose, '1');
    engine.ctl_ok(&["backend", "drain", &format!("app/{name}")]);
    for _ in 0..10 {
        assert_eq!(through(engine.address()).1, '2');
    }
    assert_carries(&mut held);
    let row = engine.backend("app", &name);
    assert_eq!((row["state"].as_str(), row["active"].as_u64()), (Some("draining"), Some(1)));
    held.shutdown(Shutdown::Write).expect("open");
    assert_eq!(read_all(&mut held), "");
    wait::until("drained", || (engine.backend("app", &name)["state"] == "drained").then_some(()));
}

#[test]
fn silence_is_limited() {
    let origin = echo("1");
    let config =
        to("", &[&origin]).replacen("upstream = ", "idle_timeout = \"100ms\"\nupstream = ", 1);
    let engine = Engine::start(&config);
    let (mut silent, _) = through(engine.address());
    assert_eq!(read_all(&mut silent), "");
    wait::until("nothing is left of it", || (active(&engine, &origin) == 0).then_some(()));
}

#[test]
fn a_reload_keeps_connections_whatever_becomes_of_their_route() {
    let (old, new) = (echo("1"), echo("2"));
    let engine = Engine::start(&to("", &[&old]));
    let workers = engine.worker_pids();
    let (mut held, _) = through(engine.address());
    engine.rewrite_config(&to("", &[&new]));
    engine.ctl_ok(&["reload"]);
    assert_eq!(through(engine.address()).1, '2');
    assert_carries(&mut held);
    let other = ports::address();
    engine.rewrite_config(&to("", &[&new]).replace("{listen}", &other));
    engine.ctl_ok(&["reload"]);
    wait::until("the address is free", || connect(engine.address()).is_err().then_some(()));
    assert_eq!(through(other.parse().expect("an address")).1, '2');
    assert_carries(&mut held);
    assert_eq!(engine.worker_pids(), workers, "a reload restarts no worker");
}

#[test]
fn a_killed_worker_loses_only_its_own() {
    let origin = echo("1");
    let engine = Engine::start(&to("", &[&origin]));
    let mut open: Vec<_> = (0..16).map(|_| through(engine.address()).0).collect();
    let workers = engine.worker_pids();
    signal(workers[0], "KILL");
    wait::until("another one serves", || {
        let status = engine.try_status()?;
        let workers_now = status["workers"].as_array()?;
        let is_running = |row: &Value| row["state"] == "running" && row["pid"] != workers[0];
        (workers_now.len() == 2 && workers_now.iter().all(is_running)).then_some(())
    });
    open.retain_mut(|stream| {
        let sent = stream.write_all(b"x");
        sent.is_ok() && stream.read(&mut [0]).is_ok_and(|read| read == 1)
    });
    wait::until("the lost ones are not in flight any more", || {
        (active(&engine, &origin) == open.len()).then_some(())
    });
    for _ in 0..16 {
        assert_carries(&mut through(engine.address()).0);
    }
}

#[test]
fn a_program_serves_a_route_and_comes_back() {
    let port = ports::consecutive(1);
    let engine = Engine::start(&format!(
        "{}[program.db]\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name db\"\n\
         start_seconds = 0\nserves = {{ upstream = \"app\", port = {port} }}\n",
        route("check = {}", &[])
    ));
    let name = format!("127.0.0.1:{port}");
    let is_up = || (engine.backend("app", &name)["state"] == "up").then_some(());
    wait::until("the program is ready", is_up);
    assert_eq!(client::get(engine.address(), "/").status, 200);
    let before = engine.program_pid("db", 0).expect("it runs");
    signal(before, "KILL");
    wait::until("another life of it", || {
        engine.program_pid("db", 0).filter(|pid| *pid != before)?;
        is_up()
    });
    assert_eq!(client::get(engine.address(), "/").status, 200);
}

#[test]
fn a_backend_may_be_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("db.sock");
    let listener = UnixListener::bind(&path).expect("the folder is ours");
    for (path, mode) in [(folder.path(), 0o755), (&*path, 0o666)] {
        let open_to_workers = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, open_to_workers).expect("the folder is ours");
    }
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut back = stream.try_clone().expect("a descriptor is free");
            let _the_client_may_leave = std::io::copy(&mut stream, &mut back);
            let _it_may_be_over = back.shutdown(Shutdown::Write);
        }
    });
    let engine = Engine::start(&route("", &[format!("unix:{}", path.display())]));
    for _ in 0..4 {
        let mut stream = connect(engine.address()).expect("the listener accepts");
        assert_carries(&mut stream);
        stream.shutdown(Shutdown::Write).expect("open");
        assert_eq!(read_all(&mut stream), "");
    }
}

#[test]
fn the_status_tells_routes_from_servers() {
    let origin = Origin::named("web");
    let extra = ports::address();
    let engine = Engine::start(&format!(
        "{}[[server]]\nlisten = [\"{extra}\"]\nroute = [{{ path = \"/\", upstream = \"web\" }}]\n\
         [upstream.web]\nbackend = [{{ address = \"{}\" }}]\n",
        to("", &[&origin]),
        origin.address
    ));
    let status = engine.status();
    let listeners = status["listeners"].as_array().expect("an array");
    let kind = |address: &str| {
        let row = listeners.iter().find(|row| row["address"] == address).expect("it is listed");
        row["kind"].clone()
    };
    assert_eq!((kind(&engine.listen), kind(&extra)), ("tcp".into(), "http".into()));
    let kinds: Vec<&Value> =
        status["upstreams"].as_array().expect("an array").iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, ["tcp", "http"]);
    let text = engine.ctl_ok(&["status"]);
    assert!(text.contains(&format!("{} (tcp)", engine.listen)), "{text}");
}

#[test]
fn a_stop_waits_for_connections_and_cuts_what_is_left() {
    let origin = echo("1");
    let config = to("", &[&origin]);
    let mut engine = Engine::start(&config);
    let (mut held, _) = through(engine.address());
    signal(engine.keeper_pid(), "TERM");
    wait::until("nobody listens", || connect(engine.address()).is_err().then_some(()));
    assert_carries(&mut held);
    drop(held);
    assert_eq!(engine.ended().code(), Some(0), "{}", engine.log());

    let limit = "[engine]\nshutdown_timeout = \"300ms\"\n";
    let mut engine = Engine::start(&config.replacen("[engine]\n", limit, 1));
    let (mut held, _) = through(engine.address());
    assert_eq!(engine.stop().code(), Some(0), "{}", engine.log());
    assert_eq!(read_all(&mut held), "");
}

#[test]
fn however_connections_end_nothing_is_left_behind() {
    let origin = echo("1");
    let engine = Engine::start(&to("", &[&origin]).replacen("workers = 2", "workers = 1", 1));
    let worker = engine.worker_pids()[0];
    let round = |count: usize| {
        for n in 0..count {
            let mut stream = connect(engine.address()).expect("the listener accepts");
            match n % 4 {
                // Says nothing and leaves, before or after it was answered.
                0 => {}
                // Leaves bytes unread, which makes a reset of the close.
                1 => stream.write_all(&[b'x'; 5000]).expect("open"),
                2 => {
                    stream.shutdown(Shutdown::Write).expect("open");
                    assert_eq!(read_all(&mut stream), "1");
                }
                _ => assert_carries(&mut through(engine.address()).0),
            }
        }
        wait::until("everyone has left", || {
            let connections = &engine.status()["workers"][0]["connections"];
            let is_empty = connections["active"] == 0 && connections["idle"] == 0;
            (is_empty && active(&engine, &origin) == 0).then_some(())
        });
    };
    round(200);
    let (memory, open) = (resident_bytes(worker), descriptors(worker));
    round(1000);
    let growth = resident_bytes(worker).saturating_sub(memory);
    assert!(growth < 2 << 20, "{growth} bytes more");
    assert!(descriptors(worker) <= open, "{} descriptors after {open}", descriptors(worker));
    let row = engine.backend("app", &origin.address.to_string());
    assert_eq!((row["failures"].as_u64(), row["state"].as_str()), (Some(0), Some("up")), "{row}");
}

#[test]
fn curl_speaks_through_a_route() {
    let Some(curl) = oracle::find("curl") else { return };
    let origin = Origin::named("one");
    let engine = Engine::start(&to("", &[&origin]));
    let url = format!("http://{}/a", engine.address());
    let output = Command::new(curl).args(["-sS", "--max-time", "20", &url, &url]).output();
    let output = output.expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "oneone");
    assert_eq!(origin.accepted(), 1, "one connection for both, since curl kept it");
    assert_eq!(origin.seen()[0].header("x-forwarded-for"), None, "nobody looked inside");
}
