//! One file of users as a worker knows it: read again when it has changed, with the answers to who
//! asked lately.
//!
//! The file's state is looked at for each request, as nginx reads it for each; only reading it and
//! hashing, which take long, are done on another thread, a few at a time and the rest in a bounded
//! line. A file that is closed to the worker's user is read where it was opened for the worker.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use ring::digest::{Context, SHA256};

use super::aside::Aside;
use super::basic::Question;
use super::{Shared, hash};
use crate::config::limits;
use crate::config::users::Users;
use crate::sys;
use crate::sys::file::Stamp;

type Digest = [u8; 32];

/// Files of users that were opened for this worker.
#[derive(Default)]
pub(crate) struct Opened(RefCell<BTreeMap<PathBuf, Arc<File>>>);

impl Opened {
    pub(crate) fn hand(&self, path: PathBuf, file: File) {
        self.0.borrow_mut().insert(path, Arc::new(file));
    }
}

pub(super) struct Book {
    path: CString,
    verifying: Rc<Aside>,
    opened: Rc<Opened>,
    /// As read at that state of the file.
    users: RefCell<Option<(Stamp, Arc<Users>)>>,
    answers: RefCell<Answers>,
    secret: Digest,
}

/// Whether pairs were right, by their digests; the oldest leave first.
#[derive(Default)]
struct Answers {
    known: HashMap<Digest, bool>,
    order: VecDeque<Digest>,
}

impl Book {
    pub(super) fn new(path: &Path, shared: &Shared) -> Self {
        Self {
            // The configuration holds no path with a zero byte.
            path: CString::new(path.as_os_str().as_bytes()).unwrap_or_default(),
            verifying: Rc::clone(&shared.verifying),
            opened: Rc::clone(&shared.users),
            users: RefCell::default(),
            answers: RefCell::default(),
            // Without one that nobody can guess, the answers are as good as none.
            secret: sys::random::secret()
                .unwrap_or_else(|_| std::array::from_fn(|_| sys::random::seed() as u8)),
        }
    }

    pub(super) fn path(&self) -> std::borrow::Cow<'_, str> {
        self.path.to_string_lossy()
    }

    fn handed(&self) -> Option<Arc<File>> {
        self.opened.0.borrow().get(path_of(&self.path)).map(Arc::clone)
    }

    /// Whether a pair is right, if that is known; an error is of the file.
    pub(super) fn known(&self, pair: &[u8]) -> io::Result<Option<bool>> {
        let stamp = match (sys::file::stamp(&self.path), self.handed()) {
            (Err(error), Some(handed)) if is_closed(&error) => sys::file::stamp_of(&*handed),
            (stamp, _) => stamp,
        }?;
        let users = self.users.borrow();
        let is_current = users.as_ref().is_some_and(|(read, _)| *read == stamp);
        if !is_current {
            return Ok(None);
        }
        Ok(self.answers.borrow().known.get(&self.digest(pair)).copied())
    }

    fn digest(&self, pair: &[u8]) -> Digest {
        let mut context = Context::new(&SHA256);
        context.update(&self.secret);
        context.update(pair);
        let mut digest = Digest::default();
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    fn learn(&self, read: (Stamp, Arc<Users>), pair: &[u8], is_right: bool) {
        let mut users = self.users.borrow_mut();
        let mut answers = self.answers.borrow_mut();
        if users.as_ref().is_none_or(|(stamp, _)| *stamp != read.0) {
            *answers = Answers::default();
        }
        *users = Some(read);
        let digest = self.digest(pair);
        if answers.known.insert(digest, is_right).is_none() {
            answers.order.push_back(digest);
        }
        if answers.order.len() > limits::guards::VERIFIED_KEPT_MAX
            && let Some(oldest) = answers.order.pop_front()
        {
            answers.known.remove(&oldest);
        }
    }
}

/// Looks a pair up and verifies it; `None` when too many wait for that, or nothing could be read.
pub(super) async fn verify(question: &Question) -> Option<bool> {
    let Question { book, pair, colon } = question;
    let turn = book.verifying.turn().await?;
    // Somebody before in the line may have asked the same.
    if let Ok(Some(is_right)) = book.known(pair) {
        return Some(is_right);
    }
    let (path, handed) = (book.path.clone(), book.handed());
    let known = book.users.borrow().clone();
    let (pair, colon) = (pair.clone(), *colon);
    let job = tokio::task::spawn_blocking(move || {
        // Of a client that left, too, the work is done to its end.
        let _turn = turn;
        let read = current(&path, handed, known)?;
        let (name, password) = (&pair[..colon], &pair[colon + 1..]);
        let is_right = is_right(&read.1, name, password);
        Ok((read, pair, is_right))
    });
    let done: io::Result<_> = job.await.map_err(io::Error::other).flatten();
    match done {
        Ok((read, pair, is_right)) => {
            book.learn(read, &pair, is_right);
            Some(is_right)
        }
        Err(error) => {
            sys::log::error!("worker", "read {}: {error}", book.path());
            None
        }
    }
}

/// Who does not exist takes as long as who does, whatever kinds of hashes the file has.
fn is_right(users: &Users, name: &[u8], password: &[u8]) -> bool {
    let (known, hardest) = (users.find(name), users.hardest());
    let is_right = known.is_some_and(|hash| hash::verifies(hash, password));
    if let Some(hardest) = hardest
        && known.is_none_or(|hash| hash.work() < hardest.work())
    {
        let _only_for_its_time = std::hint::black_box(hash::verifies(hardest, password));
    }
    is_right
}

fn path_of(path: &CString) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()))
}

fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// The users as the file has them. One that became unreadable as such leaves those there were.
fn current(
    path: &CString,
    handed: Option<Arc<File>>,
    known: Option<(Stamp, Arc<Users>)>,
) -> io::Result<(Stamp, Arc<Users>)> {
    let file = match (File::open(path_of(path)), handed) {
        (Err(error), Some(handed)) if is_closed(&error) => handed,
        (file, _) => Arc::new(file?),
    };
    let stamp = sys::file::stamp_of(&*file)?;
    if let Some((read, users)) = &known
        && *read == stamp
    {
        return Ok((stamp, Arc::clone(users)));
    }
    let text = sys::file::text(&file, limits::guards::USERS_FILE_BYTES_MAX)?;
    match Users::parse(&text) {
        Ok(users) => Ok((stamp, Arc::new(users))),
        Err(bad) => {
            let path = path.to_string_lossy();
            let left = match &known {
                Some(_) => "the users before it stay",
                None => "it lets nobody in",
            };
            sys::log::error!("worker", "{path}, {bad}: {left}");
            Ok((stamp, known.map(|(_, users)| users).unwrap_or_default()))
        }
    }
}
