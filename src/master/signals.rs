//! Signals sent to the master itself; those to the keeper come over its line.
//!
//! Read from a descriptor, so that no handler ever runs. With the keeper gone, this is the only way
//! left to stop the engine from outside.

use std::io;
use std::os::fd::OwnedFd;

use super::WHO;
use super::event::{Event, Post};
use crate::sys::watched::Watched;
use crate::sys::{log, signal};

const OBEYED: [i32; 7] = [
    signal::TERM,
    signal::INT,
    signal::QUIT,
    signal::HUP,
    signal::USR1,
    signal::USR2,
    signal::CHLD,
];

/// Blocks the signals and gives the descriptor they come on; before any thread is started.
pub(super) fn block() -> io::Result<OwnedFd> {
    signal::descriptor(&OBEYED)
}

/// Posts each signal as it comes.
pub(super) fn listen(descriptor: OwnedFd, post: Post) -> io::Result<()> {
    let signals = Watched::new(descriptor)?;
    tokio::task::spawn_local(async move {
        loop {
            let next = signals.read(|descriptor| {
                signal::next(descriptor)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            match next.await {
                Ok(number) => {
                    if post.send(Event::Signal { number }).await.is_err() {
                        return;
                    }
                }
                Err(error) => return log::alert!(WHO, "read signals: {error}"),
            }
        }
    });
    Ok(())
}
