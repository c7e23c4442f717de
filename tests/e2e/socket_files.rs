//! Servers and TCP routes that listen on sockets in the file system: who comes by them, and that the
//! files are there exactly as long as somebody serves them.

use std::fs;
use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crate::client::{self, Response, read_response};
use crate::engine::{BINARY, COPY, Engine, signal};
use crate::origin::{self, Origin};
use crate::takeover::install_copy;
use crate::{executable, oracle, wait};

fn config(origin: &Origin, listen: &str) -> String {
    format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\", {listen}]\n\
         access_log = {{ file = \"access.log\", format = \"$remote_addr|$remote_port|$server_addr|$server_port|$status\" }}\n\
         real_ip = {{ from = [\"unix:\"] }}\n\
         [[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [[server.route]]\npath = \"/files\"\naccess = [\"allow unix:\", \"deny all\"]\nrespond = 204\n\
         [[server.route]]\npath = \"/tcp\"\naccess = [\"deny unix:\", \"allow all\"]\nrespond = 204\n\
         [[stream]]\nlisten = \"unix:{{folder}}/tcp.sock\"\nupstream = \"raw\"\n\
         [upstream.app]\nbackend = [{{ address = \"{0}\" }}]\n\
         [upstream.raw]\nbackend = [{{ address = \"{0}\" }}]\n",
        origin.address
    )
}

const SITE: &str = "{ address = \"unix:{folder}/site.sock\", mode = \"660\" }";

fn told() -> Origin {
    Origin::scripted(|request| {
        let line = |name| request.header(name).unwrap_or_default();
        origin::ok(&format!("{}|{}", line("x-forwarded-for"), line("host")))
    })
}

fn ask(path: &Path, target: &str, lines: &str) -> Response {
    try_ask(path, target, lines).expect("an answer")
}

fn try_ask(path: &Path, target: &str, lines: &str) -> io::Result<Response> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n")?;
    read_response(&mut BufReader::new(stream))
}

/// One visitor after the other, each on a connection of its own, until told to stop.
struct Visitors {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<String>>,
}

impl Visitors {
    fn start(path: &Path) -> Self {
        let (is_over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (path, ends, counts) = (path.to_owned(), Arc::clone(&is_over), Arc::clone(&answered));
        let thread = std::thread::spawn(move || {
            let mut failed = Vec::new();
            while !ends.load(Ordering::Relaxed) && failed.len() < 8 {
                match try_ask(&path, "/files", "") {
                    Ok(answer) if answer.status == 204 => {
                        counts.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(answer) => failed.push(format!("status {}", answer.status)),
                    Err(error) => failed.push(error.to_string()),
                }
            }
            failed
        });
        Self { is_over, answered, thread }
    }

    /// Some came before, and some come after this.
    fn go_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        wait::until("more visitors are answered", || {
            let is_done = self.thread.is_finished();
            (is_done || self.answered.load(Ordering::Relaxed) > before + 20).then_some(())
        });
    }

    #[track_caller]
    fn were_all_answered(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let failed = self.thread.join().expect("it counts what fails");
        assert_eq!(failed, Vec::<String>::new());
    }
}

fn rewrite(engine: &Engine, config: &str) {
    let folder = engine.folder.path().display().to_string();
    engine.rewrite_config(&config.replace("{folder}", &folder));
}

fn files(engine: &Engine) -> [PathBuf; 2] {
    ["site.sock", "tcp.sock"].map(|name| engine.folder.path().join(name))
}

#[test]
fn who_comes_by_a_file_is_known_as_such() {
    let origin = told();
    let mut engine = Engine::start(&config(&origin, SITE));
    let [site, tcp] = files(&engine);
    assert_eq!(fs::metadata(&site).expect("it is there").permissions().mode() & 0o777, 0o660);
    assert_eq!(fs::metadata(&tcp).expect("it is there").permissions().mode() & 0o777, 0o666);
    assert_eq!(ask(&site, "/", "").text(), "unix:|a");
    let forwarded = "X-Forwarded-For: 192.0.2.9\r\n";
    assert_eq!(ask(&site, "/", forwarded).text(), "192.0.2.9, unix:|a");
    assert_eq!(ask(&site, "/", "X-Forwarded-For: 0.0.0.0\r\n").status, 200);
    assert_eq!([ask(&site, "/files", ""), ask(&site, "/tcp", "")].map(|it| it.status), [204, 403]);
    let paths = ["/files", "/tcp"];
    let by_tcp = paths.map(|path| client::get(engine.address(), path).status);
    assert_eq!(by_tcp, [403, 204]);
    assert_eq!(ask(&tcp, "/", "").text(), "|a", "a TCP route says nothing of its own");
    let addresses = engine.status()["listeners"].to_string();
    assert!(addresses.contains("/site.sock") && addresses.contains("/tcp.sock"), "{addresses}");
    engine.stop();
    assert_eq!([site.exists(), tcp.exists()], [false, false], "they went with the engine");
    let log = fs::read_to_string(engine.folder.path().join("access.log")).expect("the log");
    let own = format!("unix:||unix:{}||200", site.display());
    assert!(log.lines().any(|line| line == own), "{log}");
    let named = format!("192.0.2.9||unix:{}||200", site.display());
    assert!(log.lines().any(|line| line == named), "{log}");
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let (came, seen) = std::sync::mpsc::channel();
    let came = std::sync::Mutex::new(came);
    let origin = Origin::by_hand(move |mut stream| {
        let mut bytes = [0; 4096];
        let _asked = stream.read(&mut bytes).expect("a request");
        let left = stream.read(&mut bytes).unwrap_or(0);
        came.lock().expect("nobody panics").send(left).expect("the test waits");
    });
    let engine = Engine::start(&config(&origin, SITE));
    let [site, _] = files(&engine);
    let mut stream = UnixStream::connect(&site).expect("somebody listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
    wait::until("it is asked", || (origin.accepted() == 1).then_some(()));
    drop(stream);
    assert_eq!(seen.recv_timeout(std::time::Duration::from_secs(10)), Ok(0));
}

#[test]
fn files_outlast_every_process_but_their_use() {
    let origin = told();
    let mut engine = Engine::start(&config(&origin, SITE));
    let [site, tcp] = files(&engine);
    let inode = |path: &Path| {
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).expect("it is there"))
    };
    let before = inode(&site);
    engine.replace_master();
    assert_eq!(ask(&site, "/", "").status, 200);
    for pid in engine.worker_pids() {
        signal(pid, "KILL");
    }
    assert_eq!(ask(&site, "/", "").status, 200, "whoever comes next waits for the next worker");
    engine.replace_keeper();
    assert_eq!(ask(&site, "/", "").status, 200);
    assert_eq!(inode(&site), before, "it is the same socket");

    let other = config(&origin, "\"unix:{folder}/other.sock\"");
    rewrite(&engine, &other);
    engine.ctl_ok(&["reload"]);
    let third = engine.folder.path().join("other.sock");
    assert_eq!(ask(&third, "/", "").status, 200);
    assert!(!site.exists(), "nobody serves it any more");
    rewrite(&engine, &config(&origin, &SITE.replace("660", "600")));
    engine.ctl_ok(&["reload"]);
    assert_eq!(fs::metadata(&site).expect("it is there").permissions().mode() & 0o777, 0o600);
    rewrite(&engine, &config(&origin, &SITE.replace("660", "666")));
    engine.ctl_ok(&["reload"]);
    assert_eq!(fs::metadata(&site).expect("it is there").permissions().mode() & 0o777, 0o666);

    engine.replace_all();
    assert_eq!([ask(&site, "/", ""), ask(&tcp, "/", "")].map(|it| it.status), [200, 200]);
    engine.stop();
    assert!(!site.exists() && !tcp.exists());
}

#[test]
fn nobody_is_refused_while_master_keeper_binary_and_configuration_change() {
    let origin = told();
    let mut engine = Engine::start_in(&config(&origin, SITE), |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
    });
    let [site, tcp] = files(&engine);
    let inode = |path: &Path| {
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).expect("it is there"))
    };
    let before = [inode(&site), inode(&tcp)];
    let visitors = Visitors::start(&site);
    visitors.go_on();
    rewrite(&engine, &config(&origin, &SITE.replace("660", "640")));
    engine.ctl_ok(&["reload"]);
    visitors.go_on();
    let workers = engine.worker_pids();
    install_copy(&engine);
    engine.ctl_ok(&["upgrade"]);
    visitors.go_on();
    wait::until("other workers", || {
        let status = engine.try_status()?;
        let rows = status["workers"].as_array()?.clone();
        let is_new = |row: &serde_json::Value| {
            row["pid"].as_i64().is_some_and(|pid| workers.iter().all(|old| i64::from(*old) != pid))
        };
        (!rows.is_empty() && rows.iter().all(is_new)).then_some(())
    });
    visitors.go_on();
    assert!(!engine.log().contains("did not hand on"), "nobody is left over: {}", engine.log());
    engine.replace_master();
    visitors.go_on();
    engine.replace_keeper();
    visitors.go_on();
    engine.ctl_ok(&["reload"]);
    visitors.go_on();
    visitors.were_all_answered();
    assert_eq!([inode(&site), inode(&tcp)], before, "they are the same sockets");
    assert_eq!(ask(&tcp, "/", "").text(), "|a");
    engine.stop();
    assert_eq!([site.exists(), tcp.exists()], [false, false]);
}

#[test]
fn what_a_dead_engine_has_left_is_replaced() {
    let origin = told();
    let mut engine = Engine::start_in(&config(&origin, SITE), |folder| {
        let stale = std::os::unix::net::UnixListener::bind(folder.join("site.sock"));
        drop(stale.expect("the folder is ours"));
    });
    let [site, _] = files(&engine);
    assert_eq!(ask(&site, "/", "").status, 200);
    engine.stop();
    assert!(!site.exists());
}

/// systemd's own starter makes the socket, and the engine with the first connection.
#[test]
fn a_socket_of_the_service_manager_is_taken_and_left_to_it() {
    let Some(starter) = oracle::find("systemd-socket-activate") else { return };
    let mut early = None;
    let mut engine = Engine::start_by(|folder| {
        let site = folder.join("site.sock");
        let text = format!(
            "[[server]]\nlisten = {{ address = \"unix:{}\", mode = \"600\" }}\n\
             route = [{{ path = \"/\", respond = {{ body = \"here\" }} }}]\n",
            site.display()
        );
        let file = folder.join("pilothouse.toml");
        fs::write(&file, text).expect("the folder is ours");
        let mut command = Command::new(starter);
        command.arg("-l").arg(&site).args(["--fdname", "web"]);
        for (name, below) in [("PILOTHOUSE_RUNTIME_DIR", "run"), ("PILOTHOUSE_STATE_DIR", "state")]
        {
            command.arg("-E").arg(format!("{name}={}", folder.join(below).display()));
        }
        command.args([BINARY, "run", "-c"]).arg(file);
        early = Some(std::thread::spawn(move || {
            wait::until("somebody listens", || UnixStream::connect(&site).ok().map(|_| ()));
            ask(&site, "/", "").text()
        }));
        command
    });
    let early = early.expect("the command was made").join();
    assert_eq!(early.expect("no panic"), "here", "who came before the engine is answered");
    let site = engine.folder.path().join("site.sock");
    let mode = fs::metadata(&site).expect("it is there").permissions().mode() & 0o777;
    engine.replace_master();
    assert_eq!(ask(&site, "/", "").text(), "here");
    engine.ctl_ok(&["reload"]);
    let after = fs::metadata(&site).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(after, mode, "what the manager has said of it holds");
    assert!(!engine.log().contains("[warn] "), "{}", engine.log());
    let listeners = engine.status()["listeners"].to_string();
    assert!(listeners.contains("site.sock"), "{listeners}");
    engine.stop();
    assert!(site.exists(), "the manager goes on to listen there");
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let origin = told();
    let engine = Engine::start(&config(&origin, SITE));
    let foreign = engine.folder.path().join("foreign.sock");
    let _stranger = std::os::unix::net::UnixListener::bind(&foreign).expect("the folder is ours");
    rewrite(&engine, &config(&origin, "\"unix:{folder}/foreign.sock\""));
    let refused = engine.ctl(&["reload"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("foreign.sock"), "{told}");
    let [site, _] = files(&engine);
    assert_eq!(ask(&site, "/", "").status, 200, "what ran goes on");
    assert_eq!(client::get(engine.address(), "/").status, 200);
}
