//! Programs' lines on the engine's own output, whatever that is and however it is read: a pipe, a
//! socket, a reader that stands still. And that the engine itself never waits for one.

use std::io::{PipeReader, Read as _, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::engine::Engine;
use crate::wait;

/// A configuration with these programs and nothing worth asking behind its listener.
fn with(programs: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [[upstream.u.backend]]\naddress = \"127.0.0.1:1\"\n{programs}"
    )
}

/// A program that counts so far, onto the engine's own output.
fn counting(name: &str, last: u32, rest: &str) -> String {
    format!(
        "[program.{name}]\nautorestart = false\nstart_seconds = 0\ncommand = \"seq 1 {last}\"\n\
         stdout = {{ engine = true, format = \"prefix\"{rest} }}\n"
    )
}

/// What a reader that keeps up has read so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    /// Reads on, in a thread that ends with the engine.
    fn listen(mut pipe: PipeReader) -> Self {
        let heard = Self::default();
        let said = heard.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                said.0.lock().expect("nobody panics here").extend_from_slice(&buffer[..count]);
            }
        });
        heard
    }

    /// The texts of the lines of this program, each of which must be whole.
    fn of(&self, program: &str) -> Vec<String> {
        let text = self.0.lock().expect("nobody panics here").clone();
        let text = String::from_utf8(text).expect("no character is cut");
        let mark = format!("Z {program} stdout | ");
        text.split_inclusive('\n')
            .filter_map(|line| {
                let (time, text) = line.strip_suffix('\n')?.split_once(&mark)?;
                assert_eq!(time.len(), "2026-11-27T01:02:03.000".len(), "{line}");
                Some(text.to_owned())
            })
            .collect()
    }
}

fn numbers(last: u32) -> Vec<String> {
    (1..=last).map(|number| number.to_string()).collect()
}

#[test]
fn a_burst_comes_whole_to_a_reader_that_keeps_up() {
    const LAST: u32 = 100_000;
    let (reader, writer) = pipe().expect("a pipe");
    let stderr = writer.try_clone().expect("a descriptor is free");
    let _engine = Engine::start_into(
        &with(&(counting("one", LAST, "") + &counting("two", LAST, ""))),
        writer.into(),
        stderr.into(),
    );
    let heard = Heard::listen(reader);
    for program in ["one", "two"] {
        wait::until("the last line is there", || {
            (heard.of(program).last()? == &LAST.to_string()).then_some(())
        });
        assert!(heard.of(program) == numbers(LAST), "{}", heard.of(program).len());
    }
}

#[test]
fn a_socket_is_written_to_as_a_service_manager_gives_one() {
    let pair = || UnixStream::pair().expect("a pair of sockets");
    let [(mut out, stdout), (mut err, stderr)] = [pair(), pair()];
    let stdio = |socket: UnixStream| Stdio::from(OwnedFd::from(socket));
    let _engine = Engine::start_into(
        &with(
            "[program.says]\nstart_seconds = 0\ncommand = \"sh -c 'echo one; echo two >&2; exec sleep 1000'\"\n\
             stdout = { engine = true }\nstderr = { file = \"/dev/stderr\" }\n",
        ),
        stdio(stdout),
        stdio(stderr),
    );
    for (socket, expected) in [(&mut out, "one\n"), (&mut err, "two\n")] {
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("it is open");
        let mut text = String::new();
        // The engine's own log is on the second.
        while !text.split_inclusive('\n').any(|line| line == expected) {
            let mut buffer = [0; 1024];
            let count = socket.read(&mut buffer).expect("it comes in time");
            assert!(count > 0, "{text}");
            text += &String::from_utf8_lossy(&buffer[..count]);
        }
    }
}

#[test]
fn a_reader_that_stands_still_stops_nobody_who_is_not_to_wait_for_it() {
    const LAST: u32 = 100_000;
    let (reader, writer) = pipe().expect("a pipe");
    let stderr = writer.try_clone().expect("a descriptor is free");
    // Room for the few lines by which the engine starts.
    let engine = Engine::start_into(
        &with(
            &(counting("waits", LAST, ", overflow = \"block\"") + &counting("goes_on", LAST, "")),
        ),
        writer.into(),
        stderr.into(),
    );
    let row = |name: &str| {
        let status = engine.status();
        let rows = status["programs"].as_array().expect("there are programs").clone();
        rows.into_iter().find(|row| row["name"] == name).expect("it has a row")
    };
    wait::until("one ends all the same, and what it lost is counted", || {
        let row = row("goes_on");
        let is_counted = row["log_lost_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000);
        (is_counted && row["state"] == "EXITED").then_some(())
    });
    let row = row("waits");
    assert_eq!(row["state"], "RUNNING", "the other waits");
    assert_eq!(row["log_degraded"], "write standard output: nobody reads it");
    // What the engine itself says finds no room, and it does not mind.
    for _ in 0..3 {
        engine.ctl_ok(&["reload"]);
    }
    let heard = Heard::listen(reader);
    wait::until("the last line of whoever waited is there", || {
        (heard.of("waits").last()? == &LAST.to_string()).then_some(())
    });
    assert!(heard.of("waits") == numbers(LAST), "{}", heard.of("waits").len());
    let kept = heard.of("goes_on");
    assert!(kept.len() < LAST as usize && numbers(LAST).starts_with(&kept[..1000]));
}
