//! The terminal's bytes, from a thread of their own: a terminal that says half of something, or nothing,
//! keeps nobody waiting but this thread.

use std::io;

use tokio::sync::mpsc;

use crate::sys;

/// Pieces that wait for the console. When it is that late, the terminal has to wait, too.
const PIECES_MAX: usize = 16;
const PIECE_BYTES: usize = 4 * 1024;

/// Ends when there is nothing more to come: the terminal is gone.
pub(crate) fn start() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (pieces, received) = mpsc::channel(PIECES_MAX);
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let mut buffer = vec![0; PIECE_BYTES];
        while let Ok(count @ 1..) = sys::tty::read(sys::tty::stdin(), &mut buffer) {
            if pieces.blocking_send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    })?;
    Ok(received)
}
