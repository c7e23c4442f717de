//! Access logs: what a worker writes down of each request.
//!
//! A request appends its line to the batch of its file, in memory; full batches, and all of them at
//! every sweep, go to a thread that writes them. So a slow or full disk costs lines, which are
//! counted, and never a request. Files are opened by the master, with the engine's rights, and handed
//! over; one that was not is tried here, as the worker's own user. Each file is shared by all workers,
//! whose batches are whole lines. A server without a log pays for none of this.

mod format;
mod output;
mod writer;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::variables::Facts;
use crate::config::limits::{LOG_BATCH_BYTES, LOG_SETTLE_MS};
use crate::config::model::access_log::{AccessLog, LogChoice};
use crate::config::template::Variable;
use crate::scoreboard::access_log::Figures;
use crate::sys;
use format::Format;
use writer::{FileId, Writer};

/// One log of a generation: a file and what its lines look like.
pub(crate) struct Log {
    file: Rc<File>,
    format: Format,
}

impl Log {
    /// Appends the request's line to its file's batch.
    pub(crate) fn write(&self, facts: &Facts<'_>) {
        self.file.append(|batch| self.format.write(batch, facts));
    }

    pub(crate) fn names(&self, is_it: impl Fn(&Variable) -> bool) -> bool {
        self.format.variables().any(is_it)
    }
}

/// A file, by its path: generations that name the same share it.
struct File {
    id: FileId,
    path: PathBuf,
    writer: Rc<Writer>,
    batch: RefCell<Vec<u8>>,
    lines: Cell<u64>,
}

impl File {
    fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut batch = self.batch.borrow_mut();
        write(&mut batch);
        self.lines.set(self.lines.get() + 1);
        if batch.len() >= LOG_BATCH_BYTES {
            self.writer.write(self.id, &mut batch, self.lines.take());
        }
    }

    fn flush(&self) {
        let mut batch = self.batch.borrow_mut();
        if !batch.is_empty() {
            self.writer.write(self.id, &mut batch, self.lines.take());
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.flush();
        self.writer.close(self.id);
    }
}

/// All files of a worker. The thread is started with the first of them.
#[derive(Default)]
pub(crate) struct Logs {
    writer: RefCell<Option<Rc<Writer>>>,
    files: RefCell<Vec<Weak<File>>>,
    /// Opened for us, and not in use yet.
    handed: RefCell<BTreeMap<PathBuf, std::fs::File>>,
    opened: Cell<u32>,
}

impl Logs {
    /// `None` when its thread cannot be started; that is said in the engine's log.
    pub(crate) fn compile(&self, choice: Option<&LogChoice>) -> Option<Rc<Log>> {
        match choice {
            None | Some(LogChoice::Off) => None,
            Some(LogChoice::To(AccessLog { file, format })) => {
                let file = self.file(file)?;
                Some(Rc::new(Log { file, format: Format::compile(format) }))
            }
        }
    }

    fn file(&self, path: &Path) -> Option<Rc<File>> {
        let known = |file: Rc<File>| (file.path == path).then_some(file);
        if let Some(file) = self.living().into_iter().find_map(known) {
            return Some(file);
        }
        let writer = self.writer()?;
        let id = FileId(self.opened.replace(self.opened.get() + 1));
        writer.open(id, path.to_owned(), self.handed.borrow_mut().remove(path));
        let (path, batch, lines) = (path.to_owned(), RefCell::default(), Cell::new(0));
        let file = Rc::new(File { id, path, writer, batch, lines });
        let mut files = self.files.borrow_mut();
        files.retain(|file| file.strong_count() > 0);
        files.push(Rc::downgrade(&file));
        Some(file)
    }

    fn living(&self) -> Vec<Rc<File>> {
        self.files.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    fn writer(&self) -> Option<Rc<Writer>> {
        let mut writer = self.writer.borrow_mut();
        if writer.is_none() {
            match Writer::start() {
                Ok(started) => *writer = Some(Rc::new(started)),
                Err(error) => {
                    sys::log::error!("worker", "start the thread that writes access logs: {error}");
                }
            }
        }
        writer.clone()
    }

    /// Hands over what there is; what writing has come to so far, if anything is logged.
    pub(crate) fn sweep(&self) -> Option<Figures> {
        self.files.borrow().iter().filter_map(Weak::upgrade).for_each(|file| file.flush());
        self.writer.borrow().as_ref().map(|writer| writer.figures())
    }

    /// A file that was opened for us.
    pub(crate) fn hand(&self, path: PathBuf, file: std::fs::File) {
        self.handed.borrow_mut().insert(path, file);
    }

    /// Writes to what was handed over from here on.
    pub(crate) fn take(&self) {
        self.sweep();
        let taken = self.taken();
        if let Some(writer) = self.writer.borrow().as_ref() {
            for (id, file) in taken {
                writer.take(id, file);
            }
        }
    }

    /// By the files that are in use; the rest is nobody's.
    fn taken(&self) -> BTreeMap<FileId, std::fs::File> {
        let mut handed = std::mem::take(&mut *self.handed.borrow_mut());
        let files = self.living().into_iter();
        files.filter_map(|file| Some((file.id, handed.remove(&file.path)?))).collect()
    }

    /// All files anew, those that were handed over or else by their names: what is written from here
    /// on is in those. Waits until it is so, but not for a disk that takes too long. Why there is a
    /// file that nothing can be written to, the kernel's number, or 0.
    pub(crate) async fn reopen(&self) -> u32 {
        self.sweep();
        let writer = self.writer.borrow().clone();
        let Some(writer) = writer else { return 0 };
        writer.reopen(self.taken());
        settle(&writer).await;
        writer.figures().failing
    }

    /// Before the process ends: the last lines.
    pub(crate) async fn finish(&self) {
        self.sweep();
        let writer = self.writer.borrow().clone();
        if let Some(writer) = writer {
            settle(&writer).await;
        }
    }
}

async fn settle(writer: &Writer) {
    let limit = Duration::from_millis(LOG_SETTLE_MS);
    // A disk that takes longer keeps what it was given; the figures say what became of it.
    let _in_time_or_not = tokio::time::timeout(limit, writer.settled()).await;
}
