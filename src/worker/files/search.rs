//! Which file a request means: its paths in turn, the names that stand for a folder, and the files
//! that hold the same in a coding.
//!
//! Runs where it may wait and where it may not, by what `open` does; plain values in, plain values
//! out. Nothing outside the root is reached by names: a path has no dot segments when it gets here,
//! and what a configuration's variables put into one is looked at again.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::config::limits;
use crate::config::model::files::{Coding, DotFiles};
use crate::http::target;
use crate::sys;
use crate::sys::file::{Kind, Links, Patience, Stamp};

/// Where files are, compiled.
pub(crate) struct Folder {
    /// Without a slash at its end.
    pub(crate) root: Vec<u8>,
    /// What of a path stands for the root itself.
    pub(crate) mount: Vec<u8>,
    pub(crate) index: Vec<Vec<u8>>,
    pub(crate) links: Links,
    pub(crate) dot_files: DotFiles,
}

/// What a path has to lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Anything,
    File,
    Folder,
}

/// What is looked for; kept for reuse.
#[derive(Default)]
pub(crate) struct Quest {
    /// Decoded paths, one behind the other.
    uris: Vec<u8>,
    /// Where each ends.
    tries: Vec<(usize, Expected)>,
    /// Those that the client takes, best first.
    pub(crate) codings: Vec<Coding>,
}

impl Quest {
    pub(crate) fn clear(&mut self) {
        self.uris.clear();
        self.tries.clear();
        self.codings.clear();
    }

    /// Adds the path that `write` appends.
    pub(crate) fn push(&mut self, expected: Expected, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.uris);
        self.tries.push((self.uris.len(), expected));
    }

    pub(crate) fn uri(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.tries[before].0);
        &self.uris[start..self.tries[at].0]
    }
}

/// An open file, or one that needs no opening any more.
pub(crate) struct Opened {
    pub(crate) stamp: Stamp,
    pub(crate) contents: Contents,
}

pub(crate) enum Contents {
    Kept(Arc<[u8]>),
    Disk(OwnedFd),
    /// It is no file.
    None,
}

pub(crate) enum Found {
    File {
        file: Opened,
        coding: Option<Coding>,
    },
    /// A folder without an index, by the place of its path.
    Folder(usize),
    /// A folder, asked for as if it were a file.
    Bare(usize),
    Nothing,
}

/// Looks for what `quest` names. The path of what was found, without the end that a coding adds,
/// is in `path` then.
pub(crate) fn search(
    folder: &Folder,
    quest: &Quest,
    path: &mut Vec<u8>,
    open: &mut dyn FnMut(&CStr) -> io::Result<Opened>,
) -> io::Result<Found> {
    for (at, (_, expected)) in quest.tries.iter().enumerate() {
        let uri = quest.uri(at);
        if !folder.map(uri, *expected, path) {
            continue;
        }
        let found = match expected {
            Expected::Anything => return natural(folder, quest, at, path, open),
            Expected::File => file(quest, path, open).map(|found| match found {
                Found::Bare(_) => Found::Nothing,
                found => found,
            }),
            Expected::Folder => match open_at(path, open) {
                Ok(opened) if opened.stamp.kind == Kind::Folder => {
                    return natural(folder, quest, at, path, open);
                }
                Ok(_) => Ok(Found::Nothing),
                Err(error) => Err(error),
            },
        };
        match found {
            Ok(Found::Nothing) => {}
            // Whatever keeps one file from being served, the next is tried.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
            found => return found,
        }
    }
    Ok(Found::Nothing)
}

/// What a path leads to by itself.
fn natural(
    folder: &Folder,
    quest: &Quest,
    at: usize,
    path: &mut Vec<u8>,
    open: &mut dyn FnMut(&CStr) -> io::Result<Opened>,
) -> io::Result<Found> {
    if path.last() != Some(&b'/') {
        return Ok(match none_if_missing(file(quest, path, open))? {
            Some(Found::Bare(_)) => Found::Bare(at),
            Some(found) => found,
            None => Found::Nothing,
        });
    }
    let folder_bytes = path.len();
    for name in &folder.index {
        path.truncate(folder_bytes);
        path.extend_from_slice(name);
        if let Some(found @ Found::File { .. }) = none_if_missing(file(quest, path, open))? {
            return Ok(found);
        }
    }
    path.truncate(folder_bytes);
    Ok(match none_if_missing(open_at(path, open))? {
        Some(opened) if opened.stamp.kind == Kind::Folder => Found::Folder(at),
        Some(_) | None => Found::Nothing,
    })
}

/// The file at `path`, in the best coding there is.
fn file(
    quest: &Quest,
    path: &mut Vec<u8>,
    open: &mut dyn FnMut(&CStr) -> io::Result<Opened>,
) -> io::Result<Found> {
    let bytes = path.len();
    for &coding in &quest.codings {
        path.extend_from_slice(coding.ending().as_bytes());
        let opened = open_at(path, open);
        path.truncate(bytes);
        match opened {
            Ok(file) if file.stamp.kind == Kind::File => {
                return Ok(Found::File { file, coding: Some(coding) });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            // The file itself is there for whoever cannot have this one.
            Ok(_) | Err(_) => {}
        }
    }
    let file = open_at(path, open)?;
    Ok(match file.stamp.kind {
        Kind::File => Found::File { file, coding: None },
        Kind::Folder => Found::Bare(0),
        Kind::Other => Found::Nothing,
    })
}

fn open_at(
    path: &mut Vec<u8>,
    open: &mut dyn FnMut(&CStr) -> io::Result<Opened>,
) -> io::Result<Opened> {
    path.push(0);
    let opened = match CStr::from_bytes_with_nul(path) {
        Ok(path) => open(path),
        // A zero byte within is in no file's name.
        Err(_) => Err(io::ErrorKind::NotFound.into()),
    };
    path.pop();
    opened
}

/// What does not exist is no failure.
fn none_if_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

impl Folder {
    /// Writes the path of a file system for that of a request; false: there is none. What is tried
    /// instead of a request's own path need not be below the mount to be below the root.
    fn map(&self, uri: &[u8], expected: Expected, path: &mut Vec<u8>) -> bool {
        // Of `/app`, `/application` is no part, and `/app..` least of all.
        let is_below = |rest: &&[u8]| rest.is_empty() || rest[0] == b'/';
        let below = match uri.strip_prefix(self.mount.as_slice()).filter(is_below) {
            Some(below) => below,
            None if expected == Expected::Anything => return false,
            None => uri,
        };
        let hides = self.dot_files == DotFiles::Hidden;
        if target::has_dot_segments(below) || (hides && is_hidden(below)) {
            return false;
        }
        path.clear();
        path.extend_from_slice(&self.root);
        path.extend_from_slice(below);
        if path.is_empty() {
            path.push(b'/');
        }
        true
    }
}

/// Whether a name in the path begins with a dot.
fn is_hidden(below: &[u8]) -> bool {
    let rest = below.strip_prefix(b"/.well-known/").unwrap_or(below);
    rest.starts_with(b".") || rest.windows(2).any(|pair| pair == b"/.")
}

/// Opens what a path leads to; a small file is read, so that all of it is of one moment.
pub(crate) fn open(folder: &Folder, path: &CStr, patience: Patience) -> io::Result<Opened> {
    let file = sys::file::open(path, folder.root.len(), folder.links, patience)?;
    let mut stamp = sys::file::stamp_of(&file)?;
    let contents = match stamp.kind {
        Kind::Folder | Kind::Other => Contents::None,
        Kind::File if stamp.bytes > limits::FILE_KEPT_BYTES_MAX => Contents::Disk(file),
        Kind::File => {
            let mut bytes = vec![0; stamp.bytes as usize];
            let read = sys::file::read(&file, &mut bytes, 0, patience)?;
            if read < bytes.len() && patience == Patience::Memory {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            // Cut while it was read.
            bytes.truncate(read);
            stamp.bytes = read as u64;
            Contents::Kept(bytes.into())
        }
    };
    Ok(Opened { stamp, contents })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(root: &str, mount: &str) -> Folder {
        Folder {
            root: root.into(),
            mount: mount.into(),
            index: Vec::new(),
            links: Links::All,
            dot_files: DotFiles::Hidden,
        }
    }

    #[test]
    fn a_path_has_its_place_below_the_root() {
        for (root, mount, uri, expected) in [
            ("/srv/www", "", "/", Some("/srv/www/")),
            ("/srv/www", "", "/a/b.css", Some("/srv/www/a/b.css")),
            ("", "", "/etc", Some("/etc")),
            ("/srv/app", "/app", "/app", Some("/srv/app")),
            ("/srv/app", "/app", "/app/", Some("/srv/app/")),
            ("/srv/app", "/app", "/app/x", Some("/srv/app/x")),
            ("/srv/app", "/app", "/application", None),
            ("/srv/app", "/app", "/app../etc/passwd", None),
            ("/srv/app", "/app", "/index.html", None),
            ("/srv/www", "", "/../etc/passwd", None),
            ("/srv/www", "", "/a/..", None),
            ("/srv/www", "", "/.git/config", None),
            ("/srv/www", "", "/a/.env", None),
            ("/srv/www", "", "/.well-known/acme/x", Some("/srv/www/.well-known/acme/x")),
            ("/srv/www", "", "/.well-known/.secret", None),
            ("/srv/www", "", "/a/.well-known/x", None),
            ("/srv/www", "", "/a.b/c..d", Some("/srv/www/a.b/c..d")),
        ] {
            let mut path = b"what was here before".to_vec();
            let is_mapped = folder(root, mount).map(uri.as_bytes(), Expected::Anything, &mut path);
            let mapped = is_mapped.then(|| String::from_utf8_lossy(&path).into_owned());
            assert_eq!(mapped.as_deref(), expected, "{uri}");
        }
    }

    #[test]
    fn served_when_asked_for_dot_files_are_found() {
        let folder = Folder { dot_files: DotFiles::Served, ..folder("/r", "") };
        assert!(folder.map(b"/.git/config", Expected::Anything, &mut Vec::new()));
        assert!(!folder.map(b"/../x", Expected::Anything, &mut Vec::new()));
    }

    #[test]
    fn a_path_that_is_tried_is_below_the_root_either_way() {
        let folder = folder("/srv/app", "/app");
        for (uri, expected) in [
            ("/app/x", Some("/srv/app/x")),
            ("/index.html", Some("/srv/app/index.html")),
            ("/../x", None),
            ("x/../../y", None),
        ] {
            let mut path = Vec::new();
            let is_mapped = folder.map(uri.as_bytes(), Expected::File, &mut path);
            assert_eq!(is_mapped.then_some(path.as_slice()), expected.map(str::as_bytes), "{uri}");
        }
    }
}
