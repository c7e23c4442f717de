//! The engine's own log, where its standard error is a file: in the background it is, in the
//! foreground only if whoever started it made it so.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::logs;
use crate::config::limits::{RPC_TAIL_BYTES_MAX, RPC_TAIL_LOOK_MS, RPC_TAIL_QUEUE_MAX};
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::method::Stretch;
use crate::control::rpc::value::Value;

const HEAD_BYTES: u64 = 1024;
/// What a follower reads when the log was emptied: Supervisor's words.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// The file behind standard error; nothing when that is a terminal or a pipe.
fn path() -> Option<PathBuf> {
    let path = std::fs::read_link("/proc/self/fd/2").ok()?;
    path.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(path)
}

pub(super) fn read(stretch: Stretch) -> Result<Value, Fault> {
    let path = path().ok_or_else(|| Code::NoFile.alone())?;
    logs::read_file(&path, stretch)
}

/// Emptied in place: every process of the engine goes on appending to it.
pub(super) fn clear() -> Result<Value, Fault> {
    let path = path().ok_or_else(|| Code::NoFile.alone())?;
    let emptied = OpenOptions::new().write(true).truncate(true).open(path);
    emptied.map(|_| true.into()).map_err(|_| Code::Failed.alone())
}

/// Its end, and then what comes. Every process of the engine writes to it, so it is looked at now
/// and then, while somebody reads.
pub(super) fn follow() -> Option<mpsc::Receiver<Bytes>> {
    let path = path()?;
    let mut following = Following::open(&path).ok()?;
    following.at = following.size().ok()?.saturating_sub(HEAD_BYTES);
    let (pieces, receiver) = mpsc::channel(RPC_TAIL_QUEUE_MAX);
    let look = Duration::from_millis(RPC_TAIL_LOOK_MS);
    tokio::task::spawn_local(async move {
        while let Ok(more) = following.next(&path) {
            if !more.is_empty() {
                if pieces.send(more.into()).await.is_err() {
                    return;
                }
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(look) => {}
                () = pieces.closed() => return,
            }
        }
    });
    Some(logs::readable(Vec::new(), receiver))
}

struct Following {
    file: File,
    at: u64,
}

impl Following {
    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::open(path)?, at: 0 })
    }

    fn size(&self) -> std::io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// What has come; of another file when that has taken the path's place.
    fn next(&mut self, path: &Path) -> std::io::Result<Vec<u8>> {
        let size = self.size()?;
        if size < self.at {
            self.at = 0;
            return Ok(TRUNCATED.to_vec());
        }
        if size == self.at {
            let is_same = |found: std::fs::Metadata| {
                self.file.metadata().is_ok_and(|ours| ours.ino() == found.ino())
            };
            if path.metadata().is_ok_and(|found| !is_same(found)) {
                *self = Self::open(path)?;
            }
        }
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.at))?;
        (&self.file).take(RPC_TAIL_BYTES_MAX as u64).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }
}
