//! Connections to backends of every kind, and who each side is told the other is.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use crate::client;
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};
use crate::{oracle, ports, wait};

/// Whom requests come from, in these tests.
const CLIENT: &str = "127.0.0.99";

#[test]
fn backends_on_unix_sockets_and_ipv6_are_served_and_kept() {
    let plain = Origin::named("four");
    let six = TcpListener::bind("[::1]:0").expect("this machine has IPv6");
    let six_address = six.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in six.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while origin::read_request(&mut reader).is_some() {
                    let _either_way = reader.get_mut().write_all(&origin::ok("six"));
                }
            });
        }
    });
    let config = site("", &[&plain])
        + &format!("[[upstream.app.backend]]\naddress = \"{six_address}\"\n")
        + "[[upstream.app.backend]]\naddress = \"unix:{folder}/origin.sock\"\n";
    let (told, connections) = std::sync::mpsc::channel();
    let engine = Engine::start_in(&config.replacen("workers = 2", "workers = 1", 1), |folder| {
        let path = folder.join("origin.sock");
        let listener = UnixListener::bind(&path).expect("the folder is ours");
        let open_to_workers = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(path, open_to_workers).expect("the folder is ours");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _test_may_be_over = told.send(());
                std::thread::spawn(move || serve_unix(&stream));
            }
        });
    });
    let texts: Vec<String> = (0..9).map(|_| client::get(engine.address(), "/").text()).collect();
    for name in ["four", "six", "unix"] {
        assert_eq!(texts.iter().filter(|text| *text == name).count(), 3, "{texts:?}");
    }
    assert_eq!(connections.try_iter().count(), 1, "one connection served them all");
    let names: Vec<String> = engine.status()["upstreams"][0]["backends"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let socket = engine.folder.path().join("origin.sock");
    assert_eq!(names[1..], [six_address.to_string(), format!("unix:{}", socket.display())]);
}

/// Answers requests without bodies.
fn serve_unix(mut stream: &std::os::unix::net::UnixStream) {
    use std::io::Read as _;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(&origin::ok("unix")).is_err() {
                return;
            }
        }
    }
}

#[test]
fn wrk_sees_no_error_of_backends_that_close_without_a_word() {
    let Some(wrk) = oracle::find("wrk") else { return };
    // One at once, one behind every seventh response; both promise to go on.
    let origins = [1, 7].map(|kept| {
        Origin::by_hand(move |stream| {
            let mut reader = BufReader::new(stream);
            for _ in 0..kept {
                let is_asked = origin::read_request(&mut reader).is_some();
                if !is_asked || reader.get_mut().write_all(&origin::ok("once")).is_err() {
                    return;
                }
            }
        })
    });
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    let output = Command::new(wrk)
        .args(["-t1", "-c16", "-d2s", "--timeout", "20s"])
        .arg(format!("http://{}/", engine.listen))
        .output()
        .expect("wrk runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("requests in"), "{said}");
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    for origin in &origins {
        let row = engine.backend("app", &origin.address.to_string());
        assert_eq!((row["state"].as_str(), row["failures"].as_u64()), (Some("up"), Some(0)));
    }
}

/// What a client at `CLIENT` gets there.
fn get_as_client(address: SocketAddr) -> Option<String> {
    let output = Command::new(oracle::find("curl")?)
        .args(["-sS", "--max-time", "20", "--interface", CLIENT])
        .arg(format!("http://{address}/"))
        .stdin(Stdio::null())
        .output()
        .expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A configuration whose only listener expects an introduction.
fn introduced(config: &str) -> String {
    config.replacen(
        "listen = [\"{listen}\"]",
        "listen = [{ address = \"{listen}\", proxy_protocol = true }]",
        1,
    )
}

fn address() -> SocketAddr {
    ports::address().parse().expect("an address")
}

#[test]
fn haproxy_tells_us_who_the_client_is() {
    let origin = Origin::named("one");
    let engine = Engine::start(&introduced(&one_worker("", "", &[&origin])));
    for word in ["send-proxy", "send-proxy-v2"] {
        let front = address();
        let text = format!(
            "listen front\n  mode http\n  bind {front}\n  server s {} {word}\n",
            engine.listen
        );
        let Some(_haproxy) = Foreign::haproxy(&text, front) else { return };
        let Some(body) = get_as_client(front) else { return };
        assert_eq!(body, "one");
        let seen = origin.seen();
        let head = &seen.last().expect("a request").head;
        assert!(head.contains(&format!("X-Forwarded-For: {CLIENT}\r\n")), "{head}");
    }
    // Who comes without an introduction is not let in.
    assert_eq!(client::raw(engine.address(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
    let log = engine.log();
    assert!(log.contains("PROXY header on"), "{log}");
}

/// HAProxy that says who it was told the client is.
fn witness(at: SocketAddr) -> Option<Foreign> {
    let text = format!(
        "frontend witness\n  mode http\n  bind {at} accept-proxy\n  http-request return status 200 \
         content-type text/plain lf-string \"%[src] asked %[dst_port]\"\n"
    );
    Foreign::haproxy(&text, at)
}

#[test]
fn haproxy_is_told_who_the_client_is() {
    let behind = address();
    let Some(_haproxy) = witness(behind) else { return };
    for version in ["v1", "v2"] {
        let engine = Engine::start(&format!(
            "[engine]\nworkers = 1\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\n\
             path = \"/\"\nupstream = \"app\"\n[upstream.app]\nproxy_protocol = \"{version}\"\n\
             check = {{ path = \"/\", interval = \"50ms\", rise = 1 }}\n\
             [[upstream.app.backend]]\naddress = \"{behind}\"\n"
        ));
        wait::until("its checks pass, which introduce themselves, too", || {
            let row = engine.backend("app", &behind.to_string());
            (row["state"] == "up").then_some(())
        });
        let port = engine.address().port();
        for _ in 0..3 {
            let Some(body) = get_as_client(engine.address()) else { return };
            assert_eq!(body, format!("{CLIENT} asked {port}"));
        }
    }
}

#[test]
fn a_tcp_route_passes_an_introduction_on() {
    let (front, behind) = (address(), address());
    let Some(_witness) = witness(behind) else { return };
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 1\n[[stream]]\nlisten = [{{ address = \"{{listen}}\", proxy_protocol = true }}]\n\
         upstream = \"app\"\n[upstream.app]\nproxy_protocol = \"v2\"\n\
         [[upstream.app.backend]]\naddress = \"{behind}\"\n"
    ));
    let text = format!(
        "listen front\n  mode tcp\n  bind {front}\n  server s {} send-proxy\n",
        engine.listen
    );
    let Some(_front) = Foreign::haproxy(&text, front) else { return };
    let Some(body) = get_as_client(front) else { return };
    assert_eq!(body, format!("{CLIENT} asked {}", front.port()));
}
