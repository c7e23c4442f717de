//! A real terminal for the console: a pseudo terminal, and what a terminal would show of the bytes.
//!
//! Reads in a thread of its own, so that the console is never held up by a test that looks away.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::wait;

const ROWS: NonZero<u16> = NonZero::new(30).expect("not zero");
const COLS: NonZero<u16> = NonZero::new(100).expect("not zero");

pub(crate) struct Screen {
    /// The line settings the console found.
    pub(crate) settings_found: String,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Mutex<Shown>>,
    is_closing: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

struct Shown {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
}

impl Screen {
    /// Starts `binary args` on a terminal of its own, in a folder, with these variables.
    pub(crate) fn open(
        binary: &str,
        args: &[&str],
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows: ROWS.get(), cols: COLS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo terminal is free");
        let mut command = CommandBuilder::new(binary);
        command.args(args);
        command.cwd(folder);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            command.env(name, value);
        }
        let settings_found = settings(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("the built binary runs");
        drop(pair.slave);
        let terminal = vt100::Parser::new(ROWS, COLS, 0);
        let shown = Arc::new(Mutex::new(Shown { terminal, bytes: Vec::new() }));
        let is_closing = Arc::new(AtomicBool::new(false));
        let source = pair.master.try_clone_reader().expect("a descriptor is free");
        let reader = std::thread::spawn({
            let (shown, is_closing) = (Arc::clone(&shown), Arc::clone(&is_closing));
            move || read(source, &shown, &is_closing)
        });
        let keys = pair.master.take_writer().expect("taken once");
        Self { settings_found, master: pair.master, keys, child, shown, is_closing, reader }
    }

    pub(crate) fn text(&self) -> String {
        self.shown.lock().expect("the reader does not panic").terminal.screen().contents()
    }

    /// Everything that was ever written to the terminal.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shown.lock().expect("the reader does not panic").bytes.clone()
    }

    pub(crate) fn is_alternate(&self) -> bool {
        let shown = self.shown.lock().expect("the reader does not panic");
        shown.terminal.screen().alternate_screen()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until the screen says so, and shows it when it never does.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, says: impl Fn(&str) -> bool) -> String {
        let deadline_text = std::cell::RefCell::new(String::new());
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait::until(what, || {
                let text = self.text();
                let is_so = says(&text);
                deadline_text.replace(text.clone());
                is_so.then_some(text)
            })
        }));
        found.unwrap_or_else(|_| panic!("{what}; the screen:\n{}", deadline_text.borrow()))
    }

    pub(crate) fn pid(&self) -> i32 {
        let pid = self.child.process_id().expect("started");
        i32::try_from(pid).expect("pids are small")
    }

    /// The line settings as they are.
    pub(crate) fn settings(&self) -> String {
        settings(&*self.master)
    }

    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        wait::until("the console ends", || self.child.try_wait().expect("our own child"))
    }

    /// Closes the terminal under the console, as a lost line does, and gives the child to wait for.
    pub(crate) fn hang_up(self) -> Box<dyn Child + Send + Sync> {
        let Self { master, keys, child, is_closing, reader, .. } = self;
        // The reader holds the terminal too; it looks up at the console's next byte.
        is_closing.store(true, Ordering::Release);
        reader.join().expect("the reader does not panic");
        drop(keys);
        drop(master);
        child
    }
}

/// As `stty -g` writes them, without the control flags: whoever sets anything writes out the line's
/// speed there, as the kernel assumed it.
fn settings(master: &dyn MasterPty) -> String {
    let name = master.tty_name().expect("a pseudo terminal has a name");
    let output = Command::new("stty").arg("-F").arg(name).arg("-g").output();
    let written = String::from_utf8_lossy(&output.expect("stty runs").stdout).into_owned();
    let fields = written.split(':').enumerate().filter(|(at, _)| *at != CONTROL_FLAGS);
    fields.map(|(_, field)| field).collect::<Vec<_>>().join(":")
}

/// Behind the input and the output flags.
const CONTROL_FLAGS: usize = 2;

fn read(mut source: Box<dyn Read + Send>, shown: &Mutex<Shown>, is_closing: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while !is_closing.load(Ordering::Acquire) {
        match source.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let mut shown = shown.lock().expect("only readers of plain values hold it");
                shown.terminal.process(&buffer[..count]);
                shown.bytes.extend_from_slice(&buffer[..count]);
            }
        }
    }
}
