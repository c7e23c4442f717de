//! Output that is too much, too long, or has nowhere to go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::engine::{Engine, resident_bytes};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{client, wait};

use super::{BADKID, middle_and_worst, row, timed, until_up};

const MIB: u64 = 1 << 20;

/// A log and the files it was rotated into.
fn written(path: &Path) -> u64 {
    let of = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let rotated = (1..20).map(|number| of(PathBuf::from(format!("{}.{number}", path.display()))));
    rotated.sum::<u64>() + of(path.to_owned())
}

#[test]
fn a_flood_is_written_at_a_pace_in_bounded_memory_while_questions_are_answered() {
    const BYTES: u64 = 128 * MIB;
    let engine = Engine::start(&format!(
        "[program.flood]\nautostart = false\nautorestart = false\nstart_seconds = 0\n\
         command = \"sh -c 'yes 0123456789abcdef | head -c {BYTES}'\"\n\
         stdout = {{ file = \"{{folder}}/flood.log\" }}\n"
    ));
    let path = engine.folder.path().join("flood.log");
    let master = engine.master_pid();
    let before = resident_bytes(master);
    let (mut answers, mut most) = (Vec::new(), 0);
    let (time, ()) = timed(|| {
        let mut start = engine.ctl_begin(&["program", "start", "flood"]);
        wait::within(Duration::from_mins(1), "all of it is written", || {
            let (time, _) = timed(|| engine.status());
            answers.push(time);
            most = most.max(resident_bytes(master));
            (written(&path) >= BYTES).then_some(())
        });
        let _it_may_have_ended_before_it_was_up = start.wait();
    });
    let pace = BYTES as f64 / MIB as f64 / time.as_secs_f64();
    let (middle, worst) = middle_and_worst(answers);
    let growth = most.saturating_sub(before) / MIB;
    eprintln!(
        "13: {pace:.0} MiB/s; answers {middle:?}, at worst {worst:?}; {growth} MiB more memory"
    );
    assert_eq!(written(&path), BYTES);
    assert!(pace > 5.0 && middle < Duration::from_millis(500) && growth < 32);
}

#[test]
fn a_flood_leaves_the_proxy_its_pace_and_takes_little_memory() {
    const REQUESTS: usize = 300;
    let origin = Origin::named("app");
    let engine = Engine::start(
        &(site("", &[&origin])
            + "[program.flood]\nautostart = false\nstart_seconds = 0\ncommand = \"yes 0123456789abcdef\"\n"),
    );
    let p99 = || {
        let get = || assert_eq!(client::get(engine.address(), "/").status, 200);
        let mut times: Vec<Duration> = (0..REQUESTS).map(|_| timed(get).0).collect();
        times.sort();
        times[REQUESTS * 99 / 100]
    };
    let quiet = p99();
    let master = engine.master_pid();
    let before = resident_bytes(master);
    engine.ctl_ok(&["program", "start", "flood"]);
    let flooded = p99();
    let growth = resident_bytes(master).saturating_sub(before) >> 10;
    assert_eq!(engine.program_state("flood", 0), "RUNNING");
    engine.ctl_ok(&["program", "stop", "flood"]);
    eprintln!(
        "13: p99 of requests {quiet:?}, during a flood {flooded:?} (figure: +10 %); {growth} KiB more \
         memory (figure: 1 MiB)"
    );
    assert!(flooded < quiet * 20 + Duration::from_millis(200) && growth < 16 << 10);
}

#[test]
fn an_endless_line_is_written_whole_in_bounded_memory() {
    const BYTES: u64 = 64 * MIB;
    let engine = Engine::start(&format!(
        "[program.long]\nstart_seconds = 0\ncommand = \"{BADKID} long-line {BYTES}\"\n\
         stdout = {{ file = \"{{folder}}/long.log\", max_bytes = \"1GB\" }}\n\
         [program.marked]\nstart_seconds = 0\ncommand = \"{BADKID} long-line {BYTES}\"\n\
         stdout = {{ file = \"{{folder}}/marked.log\", max_bytes = \"1GB\", format = \"prefix\" }}\n"
    ));
    let master = engine.master_pid();
    let before = resident_bytes(master);
    let path = |name: &str| engine.folder.path().join(name);
    let mut most = 0;
    wait::within(Duration::from_mins(1), "all of it is written", || {
        most = most.max(resident_bytes(master));
        let is_whole = written(&path("marked.log")) > BYTES && written(&path("long.log")) > BYTES;
        is_whole.then_some(())
    });
    until_up(&engine, "long");
    until_up(&engine, "marked");
    let growth = most.saturating_sub(before) / MIB;
    eprintln!("14: two lines of 64 MiB take {growth} MiB of memory");
    assert_eq!(written(&path("long.log")), BYTES + "\nup\n".len() as u64);
    assert!(growth < 48, "{growth} MiB");
}

/// A small disk of the engine's own, at `disk` in its folder.
const OWN_DISK: &str = "mkdir disk; exec unshare -m sh -c 'mount -t tmpfs -o size=4m none disk && \
                        exec \"$0\" \"$@\"' \"$0\" \"$@\"";

fn may_mount() -> bool {
    let attempt = ["-m", "sh", "-c", "mount -t tmpfs none /mnt"];
    let tried = Command::new("unshare").args(attempt).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

#[test]
fn what_a_full_disk_loses_is_counted_and_writing_goes_on_when_there_is_room() {
    const BYTES: u64 = 12 * MIB;
    if !may_mount() {
        return eprintln!("skipped: no right to mount a small disk");
    }
    let engine = Engine::start_after(
        OWN_DISK,
        &format!(
            "[program.says]\nstart_seconds = 0\ndirectory = \"{{folder}}\"\n\
             command = \"sh -c 'head -c {BYTES} /dev/zero; until [ -e go ]; do sleep 0.02; done; echo after; exec sleep 1000'\"\n\
             stdout = {{ file = \"{{folder}}/disk/says.log\", max_bytes = \"1GB\" }}\n"
        ),
    );
    let folder = engine.folder.path();
    let inside = PathBuf::from(format!("/proc/{}/root{}", engine.keeper_pid(), folder.display()));
    let log = inside.join("disk/says.log");
    let lost = || row(&engine, "says")["log_lost_bytes"].as_u64().unwrap_or(0);
    wait::until("bytes are lost, and the reason is shown", || {
        let row = row(&engine, "says");
        let is_full = row["log_degraded"].as_str().is_some_and(|why| why.contains("No space left"));
        (is_full && lost() > 0).then_some(())
    });
    assert_eq!(engine.program_state("says", 0), "RUNNING");
    let first = written(&log);
    let file = fs::File::options().write(true).open(&log).expect("it is there");
    file.set_len(0).expect("the file is ours");
    let (time, ()) = timed(|| {
        wait::until("it is written again, and the row says so", || {
            row(&engine, "says")["log_degraded"].is_null().then_some(())
        });
    });
    fs::write(folder.join("go"), "").expect("the folder is ours");
    let text = wait::until("what comes next is written", || {
        fs::read(&log).ok().filter(|text| text.ends_with(b"after\n"))
    });
    let all = first + lost() + text.len() as u64;
    eprintln!(
        "15: {} bytes lost and counted, written again {time:?} after there was room (figure: 1 s)",
        lost()
    );
    assert_eq!(all, BYTES + "after\n".len() as u64, "{first} bytes before, {} after", text.len());
}

#[test]
fn a_logs_folder_that_is_removed_is_made_again_without_a_flood_of_words() {
    let engine = Engine::start_in(
        "[program.says]\nstart_seconds = 0\n\
         command = \"sh -c 'while :; do echo line; sleep 0.02; done'\"\n\
         stdout = { file = \"{folder}/logs/says.log\" }\n",
        |folder| fs::create_dir(folder.join("logs")).expect("the folder is ours"),
    );
    let folder = engine.folder.path().join("logs");
    let is_written = || (written(&folder.join("says.log")) > 20).then_some(());
    wait::until("it is written", is_written);
    fs::remove_dir_all(&folder).expect("the folder is ours");
    let (time, ()) = timed(|| wait::until("it is written again", is_written));
    let said = engine.log().lines().filter(|line| line.contains("says.log")).count();
    eprintln!("16: written again after {time:?}, said {said} times (figures: 1 s, once a minute)");
    assert!(said <= 2, "{}", engine.log());
    assert_eq!(engine.program_state("says", 0), "RUNNING");
}
