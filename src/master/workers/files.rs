//! Files that workers use and need no right to open: access logs, and files of users. They are opened
//! here, with the engine's rights, and handed over.
//!
//! A log that can not be opened is tried again until it can. A file of users that was replaced is
//! handed over again; one that is written in place is the same file, and workers see it. One whose file
//! system does not answer is one that can not be opened yet.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use super::process::Process;
use super::{Place, Stage, WHO, Workers};
use crate::config::model::Config;
use crate::config::reach::{self, Handed};
use crate::order::worker::{FILES_A_MESSAGE, ToWorker};
use crate::sys::blocking::{self, Begun, PATIENCE, Pool};
use crate::sys::file::Stamp;
use crate::sys::{append, file, log};

#[derive(Default)]
pub(super) struct Files {
    /// In the order that workers know them by.
    list: Vec<Known>,
    pool: Pool,
}

struct Known {
    what: Handed,
    /// Which file was handed over last.
    last: Option<Stamp>,
    /// It could not be opened, so there are workers that lack it.
    is_owed: bool,
}

/// Who gets what is opened.
enum To<'p> {
    All(Vec<&'p Process>),
    /// One that has nothing yet.
    One(&'p Process),
}

impl Files {
    pub(super) fn of(config: &Config) -> Self {
        let known = |what| Known { what, last: None, is_owed: false };
        let list = reach::handed(&config.servers).into_iter().map(known).collect();
        Self { list, pool: Pool::default() }
    }

    /// Opens what is wanted and hands it over; whether there was anything to hand over.
    fn hand(&mut self, to: &To<'_>, is_wanted: impl Fn(&Known, &Pool) -> bool) -> bool {
        let mut has_any = false;
        let Self { list, pool } = self;
        for (number, run) in list.chunks_mut(FILES_A_MESSAGE).enumerate() {
            let wanted = run.iter_mut().enumerate().filter(|(_, known)| is_wanted(known, pool));
            let (bits, files): (Vec<usize>, Vec<File>) =
                wanted.filter_map(|(bit, known)| Some((bit, known.open(to, pool)?))).unzip();
            let opened = bits.into_iter().fold(0, |opened, bit| opened | 1 << bit);
            let files: Vec<BorrowedFd<'_>> = files.iter().map(|file| file.as_fd()).collect();
            // The configuration bounds how many there are.
            if let (Ok(first), false) = (u16::try_from(number * FILES_A_MESSAGE), files.is_empty())
            {
                has_any = true;
                let order = ToWorker::Files { first, opened };
                match to {
                    To::All(all) => all.iter().for_each(|one| one.tell_with(&order, &files)),
                    To::One(one) => one.tell_with(&order, &files),
                }
            }
        }
        has_any
    }
}

impl Known {
    fn path(&self) -> &Path {
        match &self.what {
            Handed::Log(path) | Handed::Users(path) => path,
        }
    }

    fn open(&mut self, to: &To<'_>, pool: &Pool) -> Option<File> {
        let what = self.what.clone();
        let opened = beside(pool, self.path(), move || {
            let opened = match &what {
                Handed::Log(path) => append::open(path),
                Handed::Users(path) => file::open_for_reading(path),
            };
            opened.and_then(|opened| Ok((file::stamp_of(&opened)?, opened)))
        });
        let path = self.path().display();
        match opened {
            Ok((stamp, opened)) => {
                match to {
                    To::All(_) => {
                        if self.is_owed {
                            log::notice!(WHO, "{path} is open for workers");
                        }
                        self.is_owed = false;
                        self.last = Some(stamp);
                    }
                    // What the others have is another matter.
                    To::One(_) => self.last = self.last.or(Some(stamp)),
                }
                Some(opened)
            }
            Err(error) => {
                if !self.is_owed {
                    log::error!(WHO, "open {path} for workers: {error}; trying again");
                }
                self.is_owed = true;
                None
            }
        }
    }

    /// Whether it should be handed to everybody again.
    fn is_due(&self, pool: &Pool) -> bool {
        self.is_owed
            || match &self.what {
                Handed::Log(_) => false,
                // While there is none of that name, the last one stays.
                Handed::Users(path) => {
                    let looked_at = path.clone();
                    beside(pool, path, move || file::stamp_of_path(&looked_at))
                        .is_ok_and(|stamp| self.last.is_none_or(|last| !last.is_same_file(&stamp)))
                }
            }
    }
}

/// What a thread finds out, unless that would hold up everybody: then it is tried again.
fn beside<T: Send + 'static>(
    pool: &Pool,
    path: &Path,
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match pool.call_at(blocking::Place::named(path), PATIENCE, call)? {
        Begun::Done(found) => found,
        Begun::Late(_) => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "its file system does not answer"))
        }
    }
}

impl Workers {
    /// To one that is about to be given its configuration.
    pub(super) fn hand_files_to(&mut self, process: &Process) {
        self.fit.files.hand(&To::One(process), |_, _| true);
    }

    /// To every worker that serves, for the order that follows.
    pub(in crate::master) fn hand_files(&mut self) {
        self.fit.files.hand(&To::All(up(&self.places)), |_, _| true);
    }

    /// What could not be opened may be there; what is there may be another one.
    pub(in crate::master) fn look_at_files(&mut self) {
        if self.fit.files.hand(&To::All(up(&self.places)), Known::is_due) {
            self.tell_all(&ToWorker::TakeFiles, None);
        }
    }
}

fn up(places: &[Place]) -> Vec<&Process> {
    let up = places.iter().filter_map(|place| match &place.stage {
        Stage::Up(process) => Some(process),
        Stage::Leaving(_) | Stage::Empty => None,
    });
    up.collect()
}
