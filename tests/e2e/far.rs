//! The console on an engine of another machine: through a real sshd, on loopback.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::{self, Load};
use crate::engine::{BINARY, Engine};
use crate::origin::Origin;
use crate::proxy::site;
use crate::pty::Screen;
use crate::sshd::Sshd;
use crate::{engine, wait};

const ENTER: &str = "\r";

fn sshd(engine: &Engine) -> Option<Sshd> {
    Sshd::start(&engine.folder.path().join("run"))
}

/// `pilothouse console TARGET`, as on a machine that has no engine of its own.
fn console(engine: &Engine, sshd: &Sshd, arguments: &[&str]) -> Screen {
    let nowhere = engine.folder.path().join("nowhere").display().to_string();
    let variables = [("PILOTHOUSE_SSH", sshd.ssh()), ("PILOTHOUSE_RUNTIME_DIR", nowhere)];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let arguments = [&["console"], arguments].concat();
    Screen::open(BINARY, &arguments, engine.folder.path(), &variables)
}

#[test]
fn an_engine_elsewhere_is_steered_through_ssh() {
    let origins = [Origin::named("one"), Origin::named("two")];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    let Some(sshd) = sshd(&engine) else { return };
    let mut screen = console(&engine, &sshd, &[&sshd.target("/default")]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    let name = origins[0].address.to_string();
    screen.press("2");
    screen.wait("its backends", |text| text.contains(&name));
    screen.press("j");
    screen.wait("the cursor is on the first", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    screen.press("d");
    wait::until("drained", || (engine.backend("app", &name)["state"] == "drained").then_some(()));
    screen.wait("the screen says so", |text| {
        text.lines().any(|line| line.contains(&name) && line.contains("DRAINED"))
    });
    let helpers = engine::descendants(screen.pid());
    screen.press("q");
    assert!(screen.wait_exit().success());
    screen.wait("it says that the engine goes on", |text| text.contains("the engine goes on"));
    assert_ne!(helpers, Vec::<i32>::new(), "ssh ran below the console");
    for helper in helpers {
        wait::until("nothing of it is left", || (!engine::is_alive(helper)).then_some(()));
    }
}

#[test]
fn a_line_that_is_lost_is_stale_refuses_orders_and_comes_back() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let Some(mut sshd) = sshd(&engine) else { return };
    let mut screen = console(&engine, &sshd, &[&sshd.target("/default")]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    let name = origin.address.to_string();
    screen.press("2");
    screen.wait("its backends", |text| text.contains(&name));
    screen.press("j");
    sshd.cut();
    screen.wait("stale, with its age", |text| text.contains("STALE "));
    screen.press("d");
    screen.wait("refused with the reason", |text| text.contains("does not answer"));
    screen.press("1");
    screen.wait("ssh's own reason", |text| text.contains("Connection refused"));
    assert_eq!(engine.backend("app", &name)["state"], "up");
    sshd.mend();
    screen.wait("back by itself", |text| text.contains("LIVE"));
    screen.press("2");
    screen.press("d");
    // The last backend there is: its name is asked for.
    screen.wait("orders are taken again", |text| text.contains("is the last backend"));
}

/// A kill of the console ends its ssh as well, and a line that is not needed any more.
#[test]
fn a_killed_console_leaves_no_ssh_behind() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let Some(sshd) = sshd(&engine) else { return };
    let screen = console(&engine, &sshd, &[&sshd.target("/default")]);
    screen.wait("attached", |text| text.contains("LIVE"));
    let helpers = engine::descendants(screen.pid());
    assert_ne!(helpers, Vec::<i32>::new(), "ssh runs below the console");
    engine::signal(screen.pid(), "KILL");
    for helper in helpers {
        wait::until("ssh is gone", || (!engine::is_alive(helper)).then_some(()));
    }
}

#[test]
fn what_ssh_says_is_said_before_there_is_a_screen() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let Some(mut sshd) = sshd(&engine) else { return };
    let once = |target: &str, words: &str| {
        let mut screen = console(&engine, &sshd, &[target, "--once"]);
        let status = screen.wait_exit().exit_code();
        screen.wait("it says so", |text| text.contains(words));
        status
    };
    assert_eq!(once(&sshd.target(""), "engine default"), 0);
    let socket = engine.socket().display().to_string();
    assert_eq!(once(&sshd.target(&socket), "engine default"), 0);
    assert_eq!(once(&sshd.target("/another"), "no engine answers on ssh://"), 3);
    let nobody = format!("ssh://nobody-of-that-name@127.0.0.1:{}", sshd.port);
    assert_eq!(once(&nobody, "Permission denied"), 3);
    sshd.cut();
    let mut screen = console(&engine, &sshd, &[&sshd.target("/default"), "--once"]);
    assert_eq!(screen.wait_exit().exit_code(), 3);
    screen.wait("why", |text| text.contains("Connection refused"));
}

/// What a busy engine costs on the line: everything after the first screen, both ways.
#[test]
fn a_watched_engine_costs_hundreds_of_bytes_a_second() {
    let origins = ["a", "b", "c", "d"].map(Origin::named);
    let engine = Engine::start(&site("", &origins.each_ref()));
    let Some(sshd) = sshd(&engine) else { return };
    let counter = Counter::start(sshd.port);
    let target = format!("ssh://127.0.0.1:{}/default", counter.port);
    let load = Load::start(engine.address(), "/", 2);
    let screen = console(&engine, &sshd, &[&target]);
    screen.wait("attached", |text| text.contains("LIVE"));
    let seconds = || {
        let history = client::unix_get(&engine.socket(), "/v1/history")?.text();
        serde_json::from_str::<serde_json::Value>(&history).ok()?.as_array().map(Vec::len)
    };
    let first = wait::until("the engine counts seconds", || seconds().filter(|count| *count > 1));
    let settled =
        wait::until("the first screen is through", || seconds().filter(|now| *now > first + 1));
    let before = counter.bytes();
    let after = wait::until("six seconds", || seconds().filter(|now| *now >= settled + 6));
    let a_second = (counter.bytes() - before) / (after - settled) as u64;
    assert!((1..1_000).contains(&a_second), "{a_second} bytes a second");
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

/// Stands between ssh and sshd, and counts.
struct Counter {
    port: u16,
    bytes: Arc<AtomicU64>,
}

impl Counter {
    fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("bound").port();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(("127.0.0.1", to)).expect("sshd listens");
                let clone = |stream: &TcpStream| stream.try_clone().expect("a descriptor is free");
                pass(clone(&near), clone(&far), Arc::clone(&counted));
                pass(far, near, Arc::clone(&counted));
            }
        });
        Self { port, bytes }
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, counted: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            counted.fetch_add(count as u64, Ordering::Relaxed);
            if to.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
        // The other side may be gone already.
        let _gone = to.shutdown(std::net::Shutdown::Both);
    });
}

/// One through ssh and one by its socket: their rows are listed together, and orders find their way.
#[test]
fn several_engines_are_steered_in_one_console() {
    let (origin, other) = (Origin::named("one"), Origin::named("two"));
    let far = Engine::start(&site("", &[&origin]));
    let near = Engine::start(&site("", &[&other, &origin]));
    let Some(mut sshd) = sshd(&far) else { return };
    let socket = near.socket().display().to_string();
    let mut screen = console(&near, &sshd, &[&sshd.target("/default"), &socket]);
    screen.wait("both are there", |text| text.contains("2/2 LIVE"));
    screen.press("2");
    let name = origin.address.to_string();
    // A long name is cut in its middle, where the column of nodes takes its room.
    let port = format!(":{} ", origin.address.port());
    let is_of = |line: &str, node: &str| line.contains(node) && line.contains(&port);
    screen.wait("each row says whose it is", |text| {
        text.lines().any(|line| is_of(line, "127.0.0.1 ")) && text.contains("default")
    });
    // The near one's has another beside it, so that a drain of it is not asked about.
    screen.press(&format!("/node=default {name}{ENTER}"));
    screen.press("jj");
    screen.wait("the cursor is on the row of the near one", |text| {
        text.lines().any(|line| line.starts_with('▌') && is_of(line, "default"))
    });
    screen.press("d");
    wait::until("drained", || (near.backend("app", &name)["state"] == "drained").then_some(()));
    assert_eq!(far.backend("app", &name)["state"], "up");

    sshd.cut();
    screen.wait("the far one is stale, with its age", |text| {
        text.contains("1/2 LIVE") && text.contains("STALE")
    });
    // A lone Esc and the key after it must not arrive as one.
    screen.press("\x1b");
    screen.wait("without the filter", |text| !text.contains("/node="));
    screen.press(&format!("/node=127.0.0.1{ENTER}"));
    screen.press("jj");
    screen.press("x");
    screen.wait("refused with the reason", |text| text.contains("127.0.0.1 does not answer"));
    screen.press("\x1b");
    screen.wait("without the filter", |text| !text.contains("/node="));
    screen.press("u");
    wait::until("the near one takes orders", || {
        (near.backend("app", &name)["state"] == "up").then_some(())
    });
    sshd.mend();
    screen.wait("back by itself", |text| text.contains("2/2 LIVE"));
    screen.press("@");
    screen.wait("the picker", |text| text.contains("all nodes"));
    screen.press("jj");
    screen.press(ENTER);
    screen.wait("one alone", |text| text.contains("LIVE") && !text.contains("2/2 LIVE"));
    screen.press("q");
    assert!(screen.wait_exit().success());
}
