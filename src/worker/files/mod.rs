//! Files of a folder: which one a request means, and what is answered for it.
//!
//! nginx's answers for the same files and requests. Nothing here waits for a disk: what is not in
//! the kernel's memory is looked for by the runtime's few helper threads.

pub(crate) mod body;
mod listing;
mod reply;
pub(crate) mod search;
pub(crate) mod store;

use std::cell::Cell;
use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::answer::Written;
use super::connection::Connection;
use super::exchange::{Exchange, METHOD_NOT_ALLOWED};
use super::retarget::Rewrite;
use super::server::{Ground, Lead};
use super::variables::{self, Manner};
use crate::config::limits;
use crate::config::model::files::{self, Coding, Freshness, Listing, Symlinks, Types};
use crate::config::template::{Part, Template};
use crate::http::coding;
use crate::http::request::Method;
use crate::sys;
use crate::sys::file::{Links, Patience};
use search::{Contents, Expected, Folder, Found, Opened};

const FORBIDDEN: u16 = 403;
const BROKEN: u16 = 500;
const BUSY: u16 = 503;
const NOT_FOUND: u16 = 404;

/// A route's files, compiled.
pub(crate) struct Files {
    /// Shared with helper threads.
    folder: Arc<Folder>,
    /// Instead of the request's own path.
    tries: Vec<(Template, Expected)>,
    pub(crate) fallback: Fallback,
    listing: Option<Listing>,
    types: Types,
    precompressed: Vec<Coding>,
    ranges_max: usize,
    freshness: Freshness,
    /// When it was last looked whether the root is there.
    looked_us: Cell<u64>,
}

/// For what there is no file.
pub(crate) enum Fallback {
    Status(u16),
    Upstream(Box<Lead>),
    Find(Box<Rewrite>),
}

/// What came of a request.
pub(crate) enum Served<'f> {
    Written(Written),
    /// Its page is the answer.
    Status(u16),
    /// It is an upstream's.
    Elsewhere(&'f Lead),
    /// Its route is to be looked for again.
    Again(&'f Rewrite),
}

/// What a method asks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Read,
    /// Nothing that a file can do.
    Other,
}

impl Files {
    pub(crate) fn compile(files: &files::Files, fallback: Fallback) -> Self {
        let links = match files.symlinks {
            Symlinks::Follow => Links::All,
            Symlinks::Owner => Links::Owners,
            Symlinks::Deny => Links::None,
        };
        let folder = Folder {
            root: files.root.clone().into_bytes(),
            mount: files.mount.clone().into_bytes(),
            index: files.index.iter().map(|name| name.clone().into_bytes()).collect(),
            links,
            dot_files: files.dot_files,
        };
        Self {
            folder: Arc::new(folder),
            tries: files.tries.iter().map(expected).collect(),
            fallback,
            listing: files.listing,
            types: files.types.clone(),
            precompressed: files.precompressed.clone(),
            ranges_max: files.ranges_max as usize,
            freshness: files.freshness.clone(),
            looked_us: Cell::new(0),
        }
    }

    /// Notes which paths the request means, and in which codings.
    fn ask(&self, connection: &Connection, exchange: &mut Exchange, ground: Ground<'_>) {
        let mut quest = std::mem::take(&mut exchange.kept.quest);
        quest.clear();
        let head = connection.unread.as_ref().map_or(&b""[..], |it| it.content());
        if !self.precompressed.is_empty()
            && let Some(accept) = exchange.request.values(head, "accept-encoding").next()
        {
            let weight = |coding: &Coding| coding::weight(accept, coding.token());
            quest.codings.extend(self.precompressed.iter().filter(|coding| weight(coding) > 0));
            quest.codings.sort_by_key(|coding| std::cmp::Reverse(weight(coding)));
        }
        if self.tries.is_empty() {
            quest.push(Expected::Anything, |out| out.extend_from_slice(&exchange.kept.uri));
        } else {
            let facts = exchange.facts(connection, ground, (head, b""), 0);
            for (template, expected) in &self.tries {
                quest.push(*expected, |out| {
                    variables::render(out, template, &facts, Manner::Plain);
                });
            }
        }
        exchange.kept.quest = quest;
    }

    /// Looks without waiting for a disk: `WouldBlock` when that does not tell.
    fn look(
        &self,
        connection: &Connection,
        exchange: &Exchange,
        name: &mut Vec<u8>,
    ) -> io::Result<Found> {
        let shared = &connection.shared;
        let mut store = shared.files.borrow_mut();
        let mut open = |path: &CStr| {
            let key = path.to_bytes();
            // Only such a file can be known by its path alone.
            let is_kept = self.folder.links == Links::All;
            if is_kept && let Some((stamp, bytes)) = store.get(key, || sys::file::stamp(path).ok())
            {
                return Ok(Opened { stamp, contents: Contents::Kept(bytes) });
            }
            let opened = search::open(&self.folder, path, Patience::Memory)?;
            if let (true, Contents::Kept(bytes)) = (is_kept, &opened.contents) {
                store.keep(key, opened.stamp, bytes, shared.wall_us());
            }
            Ok(opened)
        };
        search::search(&self.folder, &exchange.kept.quest, name, &mut open)
    }

    /// The same, however long it takes.
    async fn look_on_disk(&self, exchange: &mut Exchange, name: &mut Vec<u8>) -> io::Result<Found> {
        let folder = Arc::clone(&self.folder);
        let quest = std::mem::take(&mut exchange.kept.quest);
        let job = tokio::task::spawn_blocking(move || {
            let mut name = Vec::new();
            let mut open = |path: &CStr| search::open(&folder, path, Patience::Disk);
            let found = search::search(&folder, &quest, &mut name, &mut open);
            (found, name, quest)
        });
        let (found, found_name, quest) = job.await.map_err(io::Error::other)?;
        exchange.kept.quest = quest;
        *name = found_name;
        found
    }

    /// What a failure to open a file comes to.
    fn blame(&self, connection: &Connection, error: &io::Error) -> u16 {
        let status = match error.kind() {
            _ if search::is_missing(error) || sys::file::is_no_file(error) => return NOT_FOUND,
            // As the route has it.
            _ if sys::file::is_loop(error) => return FORBIDDEN,
            io::ErrorKind::PermissionDenied => FORBIDDEN,
            _ if sys::socket::is_exhaustion(error) => BUSY,
            _ => BROKEN,
        };
        if connection.shared.may_complain() {
            let root = String::from_utf8_lossy(&self.folder.root);
            sys::log::warning!("worker", "serve files of {root}: {error}; answering {status}");
        }
        status
    }

    /// Says once in a while when it is the root that is missing.
    fn miss(&self, connection: &Connection) {
        let now_us = connection.shared.now_us();
        let due_us = self.looked_us.get() + limits::COMPLAINT_PAUSE_MS * 1000;
        if self.looked_us.get() != 0 && now_us < due_us {
            return;
        }
        self.looked_us.set(now_us);
        let mut root = self.folder.root.clone();
        root.push(0);
        if let Ok(path) = CStr::from_bytes_with_nul(&root)
            && let Err(error) = sys::file::stamp(path)
            && !self.folder.root.is_empty()
        {
            let root = path.to_string_lossy();
            sys::log::warning!("worker", "serve files of {root}: {error}; answering 404");
        }
    }
}

/// nginx's way to say that a folder is meant: a slash at the end, which is taken off.
fn expected(template: &Template) -> (Template, Expected) {
    let mut template = template.clone();
    let is_top = template.fixed() == Some("/");
    match template.parts.last_mut() {
        Some(Part::Text(_)) if is_top => (template, Expected::Folder),
        Some(Part::Text(text)) if text.ends_with('/') => {
            text.pop();
            (template, Expected::Folder)
        }
        Some(Part::Text(_) | Part::Variable(_)) | None => (template, Expected::File),
    }
}

/// Looks for the request's file and writes the head of its answer; what is then sent is in the pump
/// towards the client. The request itself is passed over only when something was written.
pub(crate) async fn serve<'f>(
    connection: &mut Connection,
    exchange: &mut Exchange,
    ground: Ground<'_>,
    files: &'f Files,
) -> Served<'f> {
    let verb = match exchange.request.method {
        Method::Get | Method::Head => Verb::Read,
        Method::Options | Method::Other | Method::NonIdempotent => Verb::Other,
    };
    if exchange.request.method != Method::NonIdempotent
        && verb == Verb::Other
        && files.tries.is_empty()
        && matches!(files.fallback, Fallback::Status(_))
    {
        return Served::Status(METHOD_NOT_ALLOWED);
    }
    files.ask(connection, exchange, ground);
    let mut name = std::mem::take(&mut exchange.kept.file_name);
    let found = match files.look(connection, exchange, &mut name) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            // Boxed, since it is seldom: every connection's future would have room for it.
            Box::pin(files.look_on_disk(exchange, &mut name)).await
        }
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return Served::Status(files.blame(connection, &error)),
    };
    let served = match found {
        Found::Nothing => match &files.fallback {
            Fallback::Status(status) => {
                files.miss(connection);
                Served::Status(*status)
            }
            Fallback::Upstream(lead) => Served::Elsewhere(lead),
            Fallback::Find(rewrite) => Served::Again(rewrite),
        },
        Found::Bare(at) => reply::redirect(connection, exchange, (ground, files), at),
        Found::File { .. } | Found::Folder(_) if verb == Verb::Other => {
            Served::Status(METHOD_NOT_ALLOWED)
        }
        Found::Folder(at) => match files.listing {
            None => Served::Status(FORBIDDEN),
            Some(form) => {
                let uri = exchange.kept.quest.uri(at).to_vec();
                // Boxed like the other: seldom.
                match Box::pin(listing::read(&files.folder, &name, uri, form)).await {
                    Ok(page) => reply::list(connection, exchange, ground, (form, page)),
                    Err(error) => Served::Status(files.blame(connection, &error)),
                }
            }
        },
        Found::File { file, coding } => {
            reply::file(connection, exchange, (ground, files), (file, coding), &name)
        }
    };
    exchange.kept.file_name = name;
    served
}
