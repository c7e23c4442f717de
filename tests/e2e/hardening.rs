//! What a worker has given up: rights, calls, and files that it has no business with.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::wait;

fn status_line(pid: i32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the worker lives");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim().to_owned()
}

fn is_root() -> bool {
    status_line(std::process::id() as i32, "Uid:").starts_with('0')
}

#[test]
fn a_worker_can_gain_no_rights_and_makes_no_forbidden_calls() {
    let origin = Origin::named("one");
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = [\"{{listen}}\"]\n\
         [[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [upstream.u]\n[[upstream.u.backend]]\naddress = \"{}\"\n",
        origin.address
    ));
    assert_eq!(client::get(engine.address(), "/").status, 200);
    let worker = engine.worker_pids()[0];
    assert_eq!(status_line(worker, "NoNewPrivs:"), "1");
    assert_eq!(status_line(worker, "Seccomp:"), "2", "a filter");
    // The master starts programs, so it keeps what that needs.
    assert_eq!(
        status_line(engine.master_pid(), "Seccomp:"),
        status_line(std::process::id() as i32, "Seccomp:")
    );
}

fn greeting(engine_keys: &str) -> String {
    format!(
        "[engine]\nworkers = 1\n{engine_keys}[[server]]\nlisten = [\"{{listen}}\"]\n\
         [[server.route]]\npath = \"/\"\nrespond = {{ status = 200, body = \"hi\" }}\n"
    )
}

fn user_of_worker(engine: &Engine) -> String {
    engine.status()["workers"][0]["user"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn status_says_whose_rights_a_worker_has() {
    let engine = Engine::start(&greeting(""));
    assert_eq!(client::get(engine.address(), "/").text(), "hi");
    let told = user_of_worker(&engine);
    if !is_root() {
        assert!(!told.is_empty());
        return;
    }
    assert_eq!(told, "nobody", "root's rights are not for strangers to talk to");
    for (line, has) in [
        ("Uid:", "65534\t65534\t65534\t65534"),
        ("Groups:", "65534"),
        ("CapEff:", "0000000000000000"),
    ] {
        assert_eq!(status_line(engine.worker_pids()[0], line), has, "{line}");
    }
}

#[test]
fn a_reload_relieves_workers_with_the_rights_of_another_user() {
    if !is_root() {
        return;
    }
    let engine = Engine::start(&greeting(""));
    for (keys, user) in [("user = \"root\"\n", "root"), ("user = \"daemon\"\n", "daemon")] {
        engine.rewrite_config(&greeting(keys));
        engine.ctl_ok(&["reload"]);
        wait::until("its worker is another one", || {
            let is_alone = engine.worker_pids().len() == 1;
            (is_alone && user_of_worker(&engine) == user).then_some(())
        });
        assert_eq!(client::get(engine.address(), "/").text(), "hi");
    }
}

/// A log and a file of users below `private`.
const CLOSED: &str = "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{listen}\"]\n\
    access_log = { file = \"private/logs/access.log\", format = \"$status $uri\" }\n\
    basic_auth = { file = \"private/users\" }\n\
    [[server.route]]\npath = \"/\"\nrespond = { status = 200, body = \"hi\" }\n";

fn users(folder: &Path, name: &str) {
    let file = folder.join("private/users.new");
    fs::write(&file, format!("{name}:{{PLAIN}}secret\n")).expect("the folder is ours");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::rename(file, folder.join("private/users")).expect("the folder is ours");
}

fn status_for(engine: &Engine, credentials: &str) -> u16 {
    let request = format!(
        "GET /x HTTP/1.1\r\nHost: test\r\nAuthorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
    );
    client::exchange(engine.address(), request.as_bytes()).expect("an answer").status
}

#[test]
fn logs_and_users_are_closed_to_the_workers_that_use_them() {
    const ANN: &str = "YW5uOnNlY3JldA==";
    const BOB: &str = "Ym9iOnNlY3JldA==";
    let engine = Engine::start_in(CLOSED, |folder| {
        fs::create_dir_all(folder.join("private/logs")).expect("the folder is ours");
        let closed = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.join("private"), closed).expect("it is ours");
        users(folder, "ann");
    });
    let folder = engine.folder.path().join("private");
    assert_eq!([ANN, BOB].map(|it| status_for(&engine, it)), [200, 401]);
    users(engine.folder.path(), "bob");
    wait::until("the other file of users counts", || {
        (status_for(&engine, BOB) == 200 && status_for(&engine, ANN) == 401).then_some(())
    });
    let lines = |name: &str| fs::read_to_string(folder.join("logs").join(name)).unwrap_or_default();
    wait::until("lines are written", || lines("access.log").contains("401 /x").then_some(()));
    fs::rename(folder.join("logs/access.log"), folder.join("logs/old.log")).expect("it is there");
    engine.ctl_ok(&["reopen"]);
    let before = lines("old.log");
    status_for(&engine, BOB);
    wait::until("the new log is written", || lines("access.log").contains("200 /x").then_some(()));
    assert_eq!(lines("old.log"), before);
    // A folder that went and came back is found again.
    fs::remove_dir_all(folder.join("logs")).expect("it is ours");
    assert_eq!(engine.ctl(&["reopen"]).status.code(), Some(1));
    fs::create_dir(folder.join("logs")).expect("it is ours");
    wait::until("the log is written again", || {
        status_for(&engine, BOB);
        lines("access.log").contains("200 /x").then_some(())
    });
}

#[test]
fn a_root_that_workers_can_not_read_is_named_and_closed() {
    if !is_root() {
        return;
    }
    let config = "[[server]]\nlisten = [\"{listen}\"]\n\
        [[server.route]]\npath = \"/\"\nroot = \"closed\"\n\
        [[server.route]]\npath = \"/open/\"\nalias = \"open\"\n";
    let engine = Engine::start_in(config, |folder| {
        for (name, mode) in [("closed", 0o700), ("open", 0o755)] {
            let folder = folder.join(name);
            fs::create_dir(&folder).expect("the folder is ours");
            fs::write(folder.join("a.txt"), "a").expect("the folder is ours");
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("it is ours");
        }
    });
    let folder = engine.folder.path().display();
    let expected = format!(
        "workers run as nobody, who can not read {folder}/closed, and answer 403 for what is in it"
    );
    assert!(engine.log().contains(&expected), "{}", engine.log());
    let checked = engine.ctl(&["check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success() && said.contains(&expected), "{said}");
    assert!(!said.contains("/open"), "{said}");
    let status = |path: &str| client::get(engine.address(), path).status;
    assert_eq!([status("/a.txt"), status("/open/a.txt")], [403, 200]);
}

/// Kernels without Landlock confine nothing, and say so.
fn has_landlock() -> bool {
    let engine = Engine::start(
        "[engine]\nworkers = 1\nconfine_files = true\n[[server]]\nlisten = [\"{listen}\"]\n\
         [[server.route]]\npath = \"/\"\nrespond = { status = 200, body = \"hi\" }\n",
    );
    assert_eq!(client::get(engine.address(), "/").text(), "hi");
    !engine.log().contains("no Landlock")
}

#[test]
fn confined_workers_open_what_is_served_and_nothing_else() {
    if !has_landlock() {
        eprintln!("skipped: this kernel has no Landlock");
        return;
    }
    let config = |confined: bool, root: &str| {
        format!(
            "[engine]\nworkers = 2\nconfine_files = {confined}\ntemp_folder = \"spool\"\n[[server]]\nlisten = [\"{{listen}}\"]\n\
             access_log = {{ file = \"logs/access.log\" }}\n\
             [[server.route]]\npath = \"/\"\nroot = \"{root}\"\n"
        )
    };
    let engine = Engine::start_in(&config(true, "www"), |folder| {
        for (path, text) in [("www/a.txt", "a"), ("other/b.txt", "b"), ("secret.txt", "secret")] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("in a folder")).expect("the folder is ours");
            fs::write(path, text).expect("the folder is ours");
        }
        for name in ["logs", "spool"] {
            fs::create_dir(folder.join(name)).expect("the folder is ours");
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("ours");
        symlink("../secret.txt", folder.join("www/out.txt")).expect("the folder is ours");
    });
    let folder = engine.folder.path().to_owned();
    assert_eq!(client::get(engine.address(), "/a.txt").text(), "a");
    let answer = client::get(engine.address(), "/out.txt");
    assert_eq!(answer.status, 403, "{}", answer.text());
    // A log that was moved away is made anew.
    let log = folder.join("logs/access.log");
    wait::until("a line is logged", || fs::read(&log).ok().filter(|text| !text.is_empty()));
    fs::rename(&log, folder.join("logs/old.log")).expect("the folder is ours");
    engine.ctl_ok(&["reopen"]);
    assert!(log.exists());
    // What is served anew is served by workers that may read it.
    let before = engine.worker_pids();
    engine.rewrite_config(&config(true, "other"));
    engine.ctl_ok(&["reload"]);
    wait::until("the new folder is served", || {
        (client::get(engine.address(), "/b.txt").text() == "b").then_some(())
    });
    wait::until("both workers are others", || {
        let now = engine.worker_pids();
        (now.len() == 2 && now.iter().all(|pid| !before.contains(pid))).then_some(())
    });
    // A folder that took another's place is another one; the next reload knows it.
    fs::rename(folder.join("other"), folder.join("older")).expect("the folder is ours");
    fs::create_dir(folder.join("other")).expect("the folder is ours");
    fs::write(folder.join("other/c.txt"), "c").expect("the folder is ours");
    engine.ctl_ok(&["reload"]);
    wait::until("the new folder of that name is served", || {
        (client::get(engine.address(), "/c.txt").text() == "c").then_some(())
    });
    // And without, links lead where they lead.
    engine.rewrite_config(&config(false, "www"));
    engine.ctl_ok(&["reload"]);
    wait::until("nothing is confined", || {
        (client::get(engine.address(), "/out.txt").text() == "secret").then_some(())
    });
}
