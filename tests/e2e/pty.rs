//! A real terminal for the console: a pseudo terminal, and what a terminal would show of the bytes.
//!
//! Reads in a thread of its own, so that the console is never held up by a test that looks away.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::wait;

/// Columns and rows, unless a test asks for others.
pub(crate) const SIZE: (u16, u16) = (100, 30);
pub(crate) const FRAME_BEGIN: &[u8] = b"\x1b[?2026h";
pub(crate) const FRAME_END: &[u8] = b"\x1b[?2026l";

pub(crate) struct Screen {
    /// The line settings the console found.
    pub(crate) settings_found: String,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Running,
    shown: Arc<Mutex<Shown>>,
    reading: Arc<Reading>,
    reader: JoinHandle<()>,
}

/// Ends with the test, however that ends.
struct Running(Option<Box<dyn Child + Send + Sync>>);

impl Running {
    fn process(&mut self) -> &mut (dyn Child + Send + Sync) {
        self.0.as_deref_mut().expect("only a lost line takes it away")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _it_may_have_ended = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// What the reading thread is asked to do.
#[derive(Default)]
struct Reading {
    is_closing: AtomicBool,
    is_held: AtomicBool,
}

struct Shown {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
}

impl Screen {
    /// Starts `binary args` on a terminal of its own, in a folder, with these variables; an empty one
    /// is none. Files of whoever runs the tests stay out of it, and who was here before is not greeted.
    pub(crate) fn open(
        binary: &str,
        args: &[&str],
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        Self::open_sized(binary, args, folder, variables, SIZE)
    }

    /// The same, with so many columns and rows.
    pub(crate) fn open_sized(
        binary: &str,
        args: &[&str],
        folder: &Path,
        variables: &[(&str, &str)],
        size: (u16, u16),
    ) -> Self {
        let path = |name: &str| folder.join(name).display().to_string();
        let (configs, memory) = (path("settings"), path("remembered"));
        let been = Path::new(&memory).join("pilothouse");
        fs::create_dir_all(&been).expect("the folder is ours");
        fs::write(been.join("console-welcomed"), "").expect("the folder is ours");
        let own = [
            ("TERM", "xterm-256color"),
            ("NO_COLOR", ""),
            ("XDG_CONFIG_HOME", configs.as_str()),
            ("XDG_STATE_HOME", &memory),
            ("LC_ALL", "C.UTF-8"),
            ("TMUX", ""),
            ("STY", ""),
        ];
        let pair = native_pty_system().openpty(pty_size(size)).expect("a pseudo terminal is free");
        let mut command = CommandBuilder::new(binary);
        command.args(args);
        command.cwd(folder);
        for (name, value) in own.iter().chain(variables) {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        let settings_found = settings(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("the built binary runs");
        drop(pair.slave);
        let terminal = vt100::Parser::new(cells(size.1), cells(size.0), 0);
        let shown = Arc::new(Mutex::new(Shown { terminal, bytes: Vec::new() }));
        let reading = Arc::new(Reading::default());
        let source = pair.master.try_clone_reader().expect("a descriptor is free");
        let reader = std::thread::spawn({
            let (shown, reading) = (Arc::clone(&shown), Arc::clone(&reading));
            move || read(source, &shown, &reading)
        });
        let keys = pair.master.take_writer().expect("taken once");
        Self {
            settings_found,
            master: pair.master,
            keys,
            child: Running(Some(child)),
            shown,
            reading,
            reader,
        }
    }

    pub(crate) fn text(&self) -> String {
        self.shown.lock().expect("the reader does not panic").terminal.screen().contents()
    }

    /// Everything that was ever written to the terminal.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shown.lock().expect("the reader does not panic").bytes.clone()
    }

    /// What was written as single frames, oldest first, without their brackets.
    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        frames(&self.bytes())
    }

    /// Asks something of the cells as they are.
    pub(crate) fn look<T>(&self, ask: impl FnOnce(&vt100::Screen) -> T) -> T {
        ask(self.shown.lock().expect("the reader does not panic").terminal.screen())
    }

    /// Another size of the window; nothing is shown of a size without cells.
    pub(crate) fn resize(&self, size: (u16, u16)) {
        let mut shown = self.shown.lock().expect("the reader does not panic");
        shown.terminal.set_size(cells(size.1), cells(size.0));
        self.master.resize(pty_size(size)).expect("a terminal can be resized");
    }

    /// From here on nobody reads what the console writes; what is being read still is.
    pub(crate) fn hold(&self) {
        self.reading.is_held.store(true, Ordering::Release);
    }

    pub(crate) fn let_go(&self) {
        self.reading.is_held.store(false, Ordering::Release);
        self.reader.thread().unpark();
    }

    pub(crate) fn is_alternate(&self) -> bool {
        let shown = self.shown.lock().expect("the reader does not panic");
        shown.terminal.screen().alternate_screen()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    pub(crate) fn press_bytes(&mut self, bytes: &[u8]) {
        self.keys.write_all(bytes).expect("the terminal takes keys");
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
        let child = self.child.0.as_ref().expect("only a lost line takes it away");
        let pid = child.process_id().expect("started");
        i32::try_from(pid).expect("pids are small")
    }

    /// The line settings as they are.
    pub(crate) fn settings(&self) -> String {
        settings(&*self.master)
    }

    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let status = wait::until("the console ends", || {
            self.child.process().try_wait().expect("our own child")
        });
        // What it has written last is shown once the reader, if it reads, has met the terminal's end.
        if !self.reading.is_held.load(Ordering::Acquire) {
            wait::until("all was read", || self.reader.is_finished().then_some(()));
        }
        status
    }

    /// The first half of `hang_up`, for several at once.
    pub(crate) fn begin_to_hang_up(&self) {
        self.reading.is_closing.store(true, Ordering::Release);
    }

    /// Closes the terminal under the console, as a lost line does, and gives the child to wait for.
    pub(crate) fn hang_up(self) -> Box<dyn Child + Send + Sync> {
        self.begin_to_hang_up();
        let Self { master, keys, mut child, reader, .. } = self;
        let child = child.0.take().expect("taken once");
        // The reader holds the terminal too; it looks up at the console's next byte.
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

const HELD_LOOK: Duration = Duration::from_millis(20);

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap_or(NonZero::<u16>::MIN)
}

/// What stands between the marks of a synchronised update; the last one may still be on its way.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while let Some(begin) = find(rest, FRAME_BEGIN) {
        rest = &rest[begin + FRAME_BEGIN.len()..];
        let Some(end) = find(rest, FRAME_END) else { break };
        frames.push(rest[..end].to_vec());
        rest = &rest[end + FRAME_END.len()..];
    }
    frames
}

pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Behind the input and the output flags.
const CONTROL_FLAGS: usize = 2;

fn read(mut source: Box<dyn Read + Send>, shown: &Mutex<Shown>, reading: &Reading) {
    let mut buffer = [0; 16 * 1024];
    while !reading.is_closing.load(Ordering::Acquire) {
        if reading.is_held.load(Ordering::Acquire) {
            std::thread::park_timeout(HELD_LOOK);
            continue;
        }
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
