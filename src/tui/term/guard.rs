//! Takes the terminal over and gives it back whatever happens: return, panic, suspension.
//!
//! The cursor is hidden once for the whole stay; focus reporting stays off, and so does the mouse until
//! the operator takes it, so that the terminal's own selection works.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::{cursor, event, execute, queue, terminal};

use crate::sys;

/// Whether the terminal is ours; one console per process.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// While this lives the terminal is raw and shows the alternate screen.
pub(crate) struct Guard {
    terminal: BorrowedFd<'static>,
}

impl Guard {
    pub(crate) fn enter() -> io::Result<Self> {
        let terminal = sys::tty::stdout();
        take(terminal)?;
        Ok(Self { terminal })
    }

    /// Only the line settings go back: for a terminal that takes no more bytes.
    pub(crate) fn abandon(self) {
        if IS_TAKEN.swap(false, Ordering::AcqRel) {
            let _the_terminal_may_be_gone = terminal::disable_raw_mode();
        }
        drop(self);
    }

    /// Gives the terminal to the shell until the console is continued.
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        give_back(self.terminal);
        sys::tty::suspend();
        take(self.terminal)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back(self.terminal);
    }
}

/// A panic's message is printed on a terminal that can be read, and the process ends: a console
/// that lost one of its threads shows things that are not so.
pub(crate) fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back(sys::tty::stdout());
        report(panic);
        std::process::exit(101);
    }));
}

fn take(terminal: BorrowedFd<'static>) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::Release);
    let mut bytes = Vec::new();
    execute!(
        bytes,
        terminal::EnterAlternateScreen,
        terminal::DisableLineWrap,
        event::EnableBracketedPaste,
        cursor::Hide
    )?;
    bytes.extend_from_slice(TITLE_KEPT);
    sys::tty::write_all(terminal, &bytes)
}

/// The title of the terminal's window is put aside and taken back, by terminals that can.
const TITLE_KEPT: &[u8] = b"\x1b[22;2t";
const TITLE_BACK: &[u8] = b"\x1b[23;2t";

/// Clicks and the wheel, in coordinates of any size; not where the pointer moves (1003), which would
/// be a packet for each cell.
pub(crate) const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
pub(crate) const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Everything that was taken, in reverse; a second call does nothing. A terminal that takes no
/// more bytes has nothing to be restored to.
fn give_back(terminal: BorrowedFd<'static>) {
    if !IS_TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    let mut bytes = b"\x1b[?2026l\x1b[0m".to_vec();
    bytes.extend_from_slice(MOUSE_OFF);
    bytes.extend_from_slice(TITLE_BACK);
    let _a_vector_takes_everything = queue!(
        bytes,
        event::DisableBracketedPaste,
        terminal::EnableLineWrap,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    let _the_terminal_may_be_gone = sys::tty::write_all(terminal, &bytes);
    let _the_terminal_may_be_gone = terminal::disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::{Guard, restore_on_panic};

    #[test]
    #[ignore = "runs on a terminal of its own, as the child of the test below"]
    fn panics_while_the_terminal_is_taken() {
        restore_on_panic();
        let _guard = Guard::enter().unwrap();
        // In another thread: the one that holds the guard does not unwind.
        let lost = std::thread::spawn(|| panic!("a thread is lost")).join();
        unreachable!("the process ended before its thread did: {lost:?}");
    }

    #[test]
    fn a_panic_in_any_thread_gives_the_terminal_back() {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        // All but the line's speed: whoever sets anything writes out the speed the kernel assumed.
        let settings = || {
            let settings = pair.master.get_termios().expect("a terminal has settings");
            let flags = (settings.input_flags, settings.output_flags, settings.local_flags);
            (flags, settings.control_chars)
        };
        let found = settings();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture"]);
        command.arg("tui::term::guard::tests::panics_while_the_terminal_is_taken");
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut bytes = Vec::new();
        // A terminal whose other end is closed ends in an error.
        let _closed = pair.master.try_clone_reader().unwrap().read_to_end(&mut bytes);
        assert_eq!(child.wait().unwrap().exit_code(), 101);
        let shown = String::from_utf8_lossy(&bytes);
        let place = |part: &str| shown.rfind(part).unwrap_or_else(|| panic!("{part:?}: {shown:?}"));
        assert!(place("\x1b[?1049h") < place("\x1b[?1049l"), "the shell's screen is back");
        assert!(place("\x1b[?25l") < place("\x1b[?25h"), "so is the cursor");
        assert!(place("\x1b[?1049l") < place("a thread is lost"), "and the message can be read");
        assert_eq!(settings(), found);
    }
}
