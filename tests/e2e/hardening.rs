//! What a worker has given up: rights, calls, and files that it has no business with.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

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

#[test]
fn status_says_whose_rights_a_worker_has() {
    let own = is_root();
    let user = if own { "user = \"nobody\"\n" } else { "" };
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 1\n{user}[[server]]\nlisten = [\"{{listen}}\"]\n\
         [[server.route]]\npath = \"/\"\nrespond = {{ status = 200, body = \"hi\" }}\n"
    ));
    assert_eq!(client::get(engine.address(), "/").text(), "hi");
    let told = engine.status()["workers"][0]["user"].as_str().unwrap_or_default().to_owned();
    let uid = status_line(engine.worker_pids()[0], "Uid:");
    if own {
        assert_eq!(told, "nobody");
        assert!(!uid.starts_with("0\t"), "{uid}");
        assert_eq!(status_line(engine.worker_pids()[0], "CapEff:"), "0000000000000000");
    } else {
        assert!(!told.is_empty());
    }
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
