//! The real nginx and this, side by side: who gets the next request while others are held, and when
//! nobody does. Three workers against nginx's one, which counts alone.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::capacity::begin;
use crate::client;
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::{oracle, ports, wait};

const CASES: u64 = 12;
const HELD: usize = 8;

/// One backend of a case.
#[derive(Clone, Copy, Debug)]
struct Server {
    weight: u64,
    max_conns: u64,
    is_backup: bool,
}

/// Numbers that are the same at every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The strategy's name in nginx, empty for its default, and the backends.
fn case(number: u64) -> (&'static str, Vec<Server>) {
    let mut dice = Dice(number);
    let strategy = ["", "least_conn"][dice.below(2) as usize];
    let count = 1 + dice.below(4);
    let mut servers: Vec<Server> = (0..count)
        .map(|_| Server { weight: 1 + dice.below(3), max_conns: dice.below(4), is_backup: false })
        .collect();
    if let [_, .., last] = &mut servers[..] {
        last.is_backup = dice.below(2) == 0;
    }
    (strategy, servers)
}

/// Backends that answer nothing until they are let.
fn origins(count: usize) -> (Vec<Origin>, Arc<AtomicBool>) {
    let is_over = Arc::<AtomicBool>::default();
    let origin = || {
        let is_over = Arc::clone(&is_over);
        Origin::scripted(move |_| {
            while !is_over.load(Ordering::Relaxed) {
                thread::park_timeout(Duration::from_millis(2));
            }
            origin::ok("held")
        })
    };
    ((0..count).map(|_| origin()).collect(), is_over)
}

/// Who gets each of some requests that stay: by number, `-` for nobody.
fn sequence(address: SocketAddr, origins: &[Origin], is_over: &AtomicBool) -> String {
    let mut requests = Vec::new();
    let sequence = (0..HELD).map(|_| {
        let before: Vec<u64> = origins.iter().map(Origin::served).collect();
        let request = begin(address, "/");
        let who = wait::until("it is held or turned away", || {
            let now = origins.iter().map(Origin::served);
            let at = now.zip(&before).position(|(now, before)| now > *before);
            at.map(|at| at.to_string()).or(request.is_finished().then(|| "-".to_owned()))
        });
        requests.push(request);
        who
    });
    let sequence = sequence.collect();
    is_over.store(true, Ordering::Relaxed);
    let statuses: Vec<u16> =
        requests.into_iter().map(|it| it.join().expect("answered").status).collect();
    let turned_away = |(status, who): (&u16, char)| *status == if who == '-' { 502 } else { 200 };
    let sequence: String = sequence;
    assert!(statuses.iter().zip(sequence.chars()).all(turned_away), "{statuses:?} {sequence}");
    sequence
}

fn ours(strategy: &str, servers: &[Server]) -> String {
    let (origins, is_over) = origins(servers.len());
    let name = if strategy.is_empty() { "round_robin" } else { strategy };
    let backends: Vec<&Origin> = origins.iter().collect();
    let mut config = site(&format!("strategy = \"{name}\""), &backends);
    for (origin, server) in origins.iter().zip(servers) {
        let address = format!("address = \"{}\"", origin.address);
        let Server { weight, max_conns, is_backup } = server;
        let keys =
            format!("{address}\nweight = {weight}\nmax_conns = {max_conns}\nbackup = {is_backup}");
        config = config.replace(&address, &keys);
    }
    let engine = Engine::start(&config.replacen("workers = 2", "workers = 3", 1));
    sequence(engine.address(), &origins, &is_over)
}

struct Nginx {
    process: Child,
    listen: SocketAddr,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _it_may_be_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn nginx(program: &std::path::Path, upstream: &str) -> Nginx {
    let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
    let (path, listen) = (folder.path().display().to_string(), ports::address());
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: Vec<String> =
        kinds.iter().map(|kind| format!("{kind}_temp_path {path}/{kind};\n")).collect();
    let text = format!(
        "daemon off; master_process off; pid {path}/pid; error_log {path}/error.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; {}\nupstream u {{ {upstream} }}\n\
         server {{ listen {listen}; location / {{ proxy_pass http://u; }} }} }}\n",
        temporary.concat()
    );
    let config = folder.path().join("nginx.conf");
    std::fs::write(&config, text).expect("the folder is ours");
    let process = Command::new(program)
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx runs");
    let listen = listen.parse().expect("an address");
    let nginx = Nginx { process, listen, _folder: folder };
    wait::until("nginx listens", || client::connect(listen).ok());
    nginx
}

fn theirs(program: &std::path::Path, strategy: &str, servers: &[Server]) -> String {
    let (origins, is_over) = origins(servers.len());
    let line = |(origin, server): (&Origin, &Server)| {
        let Server { weight, max_conns, is_backup } = server;
        let backup = if *is_backup { " backup" } else { "" };
        format!("server {} weight={weight} max_conns={max_conns}{backup};", origin.address)
    };
    let lines: Vec<String> = origins.iter().zip(servers).map(line).collect();
    let strategy = if strategy.is_empty() { String::new() } else { format!("{strategy};") };
    let nginx = nginx(program, &format!("{strategy} {}", lines.concat()));
    sequence(nginx.listen, &origins, &is_over)
}

#[test]
fn full_backends_are_passed_over_as_nginx_does() {
    let Some(program) = oracle::find("nginx") else { return };
    let mut turned_away = 0;
    for number in 0..CASES {
        let (strategy, servers) = case(number);
        let expected = theirs(&program, strategy, &servers);
        assert_eq!(ours(strategy, &servers), expected, "{number}: {strategy} {servers:?}");
        turned_away += expected.matches('-').count();
    }
    assert!(turned_away > 0, "no case ever had nobody");
}
