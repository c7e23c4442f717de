//! The two streams of a listener: what it answers becomes reports, what it is told is written as
//! there is room. Understands nothing of either.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use tokio::task::JoinHandle;

use super::super::event::Report;
use super::super::process::Reporter;
use crate::config::limits::LISTENER_READ_BYTES;
use crate::sys;
use crate::sys::watched::{Watched, Writable};

/// Reads until the end, or until it is dropped.
pub(in crate::master::programs) struct Reader(JoinHandle<()>);

impl Reader {
    pub(in crate::master::programs) fn follow(
        stdout: OwnedFd,
        reporter: Reporter,
    ) -> io::Result<Self> {
        let stdout = Watched::new(stdout)?;
        Ok(Self(tokio::task::spawn_local(async move {
            let mut buffer = vec![0; LISTENER_READ_BYTES];
            loop {
                let read = stdout.read(|stdout| sys::pipe::read(stdout, &mut buffer)).await;
                match read {
                    // Its end is the process's to report.
                    Ok(0) | Err(_) => return,
                    Ok(count) => reporter.report(Report::Answered(buffer[..count].to_vec())).await,
                }
            }
        })))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes what there was no room for; dropped, it leaves the rest.
pub(super) struct Writer(JoinHandle<()>);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes all of it, at once or by and by.
pub(super) fn write(stdin: &OwnedFd, text: String) -> io::Result<Option<Writer>> {
    let taken = match sys::pipe::write(stdin, text.as_bytes()) {
        Ok(taken) if taken == text.len() => return Ok(None),
        Ok(taken) => taken,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    let stdin = Writable::new(stdin.try_clone()?)?;
    Ok(Some(Writer(tokio::task::spawn_local(write_on(stdin, text, taken)))))
}

async fn write_on(stdin: Writable, text: String, mut taken: usize) {
    while taken < text.len() {
        let rest = &text.as_bytes()[taken..];
        match stdin.write(|stdin| sys::pipe::write(stdin.as_fd(), rest)).await {
            Ok(count) => taken += count,
            // It has closed its input, so its answer will not come in time.
            Err(_) => return,
        }
    }
}
