//! The thread that writes the logs of one worker, and the line to it.
//!
//! A disk may take its time, and the worker has none: it hands over batches and never waits. The
//! thread hands the emptied buffers back, so that a busy log allocates nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use super::output::{Output, Written};
use crate::config::limits::LOG_BATCHES_WAITING_MAX;
use crate::scoreboard::access_log::Figures;

/// A file's number between the worker and its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(pub(super) u32);

/// In the order they were given.
enum Job {
    Open {
        file: FileId,
        path: PathBuf,
        opened: Option<File>,
    },
    /// It was opened anew elsewhere.
    Take {
        file: FileId,
        opened: File,
    },
    Write {
        file: FileId,
        batch: Vec<u8>,
        lines: u64,
    },
    Close {
        file: FileId,
    },
    /// All files anew: those that were opened elsewhere, the others by their names.
    Reopen {
        opened: BTreeMap<FileId, File>,
    },
    /// Everything before this is done.
    Settled(oneshot::Sender<()>),
}

/// Written by both sides, read by the worker's sweep.
#[derive(Default)]
struct Tally {
    lines: AtomicU64,
    dropped: AtomicU64,
    errors: AtomicU64,
    failing: AtomicI32,
    last_error: AtomicI32,
    /// Batches handed over and not yet written.
    waiting: AtomicUsize,
}

pub(super) struct Writer {
    jobs: Sender<Job>,
    emptied: Receiver<Vec<u8>>,
    tally: Arc<Tally>,
}

impl Writer {
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, todo) = channel();
        let (give, emptied) = channel();
        let tally = Arc::new(Tally::default());
        let of_thread = Arc::clone(&tally);
        std::thread::Builder::new().name("access log".to_owned()).spawn(move || {
            Thread { tally: of_thread, outputs: BTreeMap::new(), give }.run(&todo);
        })?;
        Ok(Self { jobs, emptied, tally })
    }

    pub(super) fn open(&self, file: FileId, path: PathBuf, opened: Option<File>) {
        self.order(Job::Open { file, path, opened });
    }

    pub(super) fn take(&self, file: FileId, opened: File) {
        self.order(Job::Take { file, opened });
    }

    pub(super) fn close(&self, file: FileId) {
        self.order(Job::Close { file });
    }

    pub(super) fn reopen(&self, opened: BTreeMap<FileId, File>) {
        self.order(Job::Reopen { opened });
    }

    /// Takes the batch in exchange for an empty buffer; when too many wait, its lines are dropped.
    pub(super) fn write(&self, file: FileId, batch: &mut Vec<u8>, lines: u64) {
        if self.tally.waiting.load(Ordering::Relaxed) >= LOG_BATCHES_WAITING_MAX {
            self.tally.dropped.fetch_add(lines, Ordering::Relaxed);
            batch.clear();
            return;
        }
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        let empty = self.emptied.try_recv().unwrap_or_default();
        let batch = std::mem::replace(batch, empty);
        self.order(Job::Write { file, batch, lines });
    }

    /// Resolves when everything handed over so far is written or lost.
    pub(super) fn settled(&self) -> oneshot::Receiver<()> {
        let (settled, is_settled) = oneshot::channel();
        self.order(Job::Settled(settled));
        is_settled
    }

    pub(super) fn figures(&self) -> Figures {
        let tally = &self.tally;
        let number = |word: &AtomicI32| word.load(Ordering::Relaxed).unsigned_abs();
        Figures {
            lines: tally.lines.load(Ordering::Relaxed),
            dropped: tally.dropped.load(Ordering::Relaxed),
            errors: tally.errors.load(Ordering::Relaxed),
            failing: number(&tally.failing),
            last_error: number(&tally.last_error),
        }
    }

    fn order(&self, job: Job) {
        // The thread ends only with this sender; should it have panicked, the process has too.
        let _it_listens_as_long_as_we_live = self.jobs.send(job);
    }
}

struct Thread {
    tally: Arc<Tally>,
    outputs: BTreeMap<FileId, Output>,
    give: Sender<Vec<u8>>,
}

impl Thread {
    fn run(mut self, todo: &Receiver<Job>) {
        while let Ok(job) = todo.recv() {
            self.carry_out(job);
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Open { file, path, opened } => {
                let mut output = Output::new(path);
                let written = output.reopen(opened);
                self.outputs.insert(file, output);
                self.count(written);
            }
            Job::Take { file, opened } => {
                let output = self.outputs.get_mut(&file);
                let written = output.map(|output| output.reopen(Some(opened)));
                self.count(written.unwrap_or_default());
            }
            Job::Write { file, mut batch, lines } => {
                let output = self.outputs.get_mut(&file);
                let lost = Written { lost: lines, ..Written::default() };
                let written = output.map_or(lost, |output| output.write(&batch, lines));
                self.count(written);
                self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
                batch.clear();
                // Only a worker that is about to end does not want it.
                let _nobody_wants_it = self.give.send(batch);
            }
            Job::Close { file } => {
                self.outputs.remove(&file);
                self.count(Written::default());
            }
            Job::Reopen { mut opened } => {
                let outputs = self.outputs.iter_mut();
                let written: Vec<Written> =
                    outputs.map(|(file, output)| output.reopen(opened.remove(file))).collect();
                for written in written {
                    self.count(written);
                }
            }
            Job::Settled(settled) => {
                // Who asked may have stopped waiting.
                let _nobody_waits = settled.send(());
            }
        }
    }

    fn count(&self, written: Written) {
        let tally = &self.tally;
        tally.lines.fetch_add(written.lines, Ordering::Relaxed);
        tally.dropped.fetch_add(written.lost, Ordering::Relaxed);
        if let Some(number) = written.error {
            tally.errors.fetch_add(1, Ordering::Relaxed);
            tally.last_error.store(number, Ordering::Relaxed);
        }
        let failing = self.outputs.values().find_map(Output::failing);
        tally.failing.store(failing.unwrap_or(0), Ordering::Relaxed);
    }
}
