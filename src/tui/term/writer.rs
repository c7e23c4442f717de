//! Frames to the terminal, from a thread of their own: a terminal that reads slowly delays the
//! picture, never the console.
//!
//! At most one frame is in flight. While it is, nothing is drawn, so what follows is the newest
//! state and nothing piles up.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::mpsc as wake;

use crate::sys;

/// How long leaving waits for a frame in flight.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

pub(crate) struct Writer {
    frames: Option<mpsc::SyncSender<Vec<u8>>>,
    written: wake::Receiver<io::Result<()>>,
    closed: mpsc::Receiver<()>,
    is_writing: bool,
}

impl Writer {
    pub(crate) fn start() -> io::Result<Self> {
        let (frames, taken) = mpsc::sync_channel::<Vec<u8>>(1);
        let (done, written) = wake::channel(2);
        let (closing, closed) = mpsc::sync_channel(1);
        std::thread::Builder::new().name("frames".to_owned()).spawn(move || {
            for frame in taken {
                let result = sys::tty::write_all(sys::tty::stdout(), &frame);
                if done.blocking_send(result).is_err() {
                    break;
                }
            }
            drop(closing);
        })?;
        Ok(Self { frames: Some(frames), written, closed, is_writing: false })
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.is_writing
    }

    /// Must not be called while a frame is in flight.
    pub(crate) fn write(&mut self, frame: Vec<u8>) {
        assert!(!self.is_writing, "one frame in flight at most");
        let Some(frames) = &self.frames else { return };
        // The thread only ends after an error, which `written` has told or will tell.
        self.is_writing = frames.try_send(frame).is_ok();
    }

    /// Resolves when the frame in flight is with the terminal; for ever pending without one.
    pub(crate) async fn written(&mut self) -> io::Result<()> {
        if !self.is_writing {
            return std::future::pending().await;
        }
        let result = self.written.recv().await;
        self.is_writing = false;
        result.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Lets the frame in flight finish; an error when the terminal does not take it.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.frames = None;
        match self.closed.recv_timeout(CLOSE_TIMEOUT) {
            Err(mpsc::RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => Ok(()),
        }
    }
}
