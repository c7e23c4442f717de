//! The one file that reads files: finds the configuration, reads it, and checks what it names on
//! this machine.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::sys;

use super::diagnostic::Errors;
use super::password::Password;
use super::report::Surroundings;
use super::source::Source;
use super::users::Users;
use super::{Dates, Loaded, document, dotenv, engine, included, limits, variables};

const FILE_NAME: &str = "pilothouse.toml";
/// Reading and writing by whoever is neither the owner nor of the group.
const OTHERS: u32 = 0o006;
/// Running, by anybody.
const RUNNABLE: u32 = 0o111;

/// See `config::find`.
pub(super) fn find(explicit: Option<&Path>) -> Source {
    if let Some(path) = explicit {
        return Source::File(path.to_owned());
    }
    let personal = variables::from_environment("XDG_CONFIG_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&variables::from_environment("HOME")?).join(".config")));
    let places = [
        Some(PathBuf::from(FILE_NAME)),
        personal.map(|folder| folder.join("pilothouse").join(FILE_NAME)),
        Some(Path::new("/etc/pilothouse").join(FILE_NAME)),
    ];
    places.into_iter().flatten().find(|place| place.exists()).map_or(Source::Embedded, Source::File)
}

/// Reads and checks a file; beyond `config::parse`, what it names on this machine (folders, users)
/// must exist, and relative paths become absolute, from the file's own folder.
pub(super) fn read_checked(path: &Path, dates: Dates) -> Result<Loaded, Errors> {
    check(text_of(path)?, &path.display().to_string(), path, dates)
}

/// The same for a text that is elsewhere, or nowhere; what is relative in it begins beside `path`.
pub(super) fn check(text: String, name: &str, path: &Path, dates: Dates) -> Result<Loaded, Errors> {
    let folder = std::path::absolute(path).ok().and_then(|path| Some(path.parent()?.to_owned()));
    let judged = RefCell::default();
    let surroundings = Surroundings {
        variable: &variables::from_environment,
        base: folder.as_deref(),
        is_folder: &Path::is_dir,
        is_served: &|path| is_served(path),
        is_user: &|name| sys::user::identity(name).is_some(),
        is_program: &|path| is_program(path),
        env_file: &|path| env_file(path),
        is_zone: &|name| sys::zone::named(name).is_some(),
        now_s: match dates {
            Dates::Judged => Some((sys::clock::wall_ms() / 1000) as i64),
            Dates::Passed => None,
        },
        page: &page_text,
        token: &|path| token(path).map(|_said_when_used| ()),
        password: &|path| password(path).map(|_said_when_used| ()),
        users: &|path| users(path),
        rules: &|path| rules(&judged, path),
        staple: &|path| staple(path),
    };
    let config = document::read(&text, name, surroundings)?;
    Ok(Loaded { config, text: Some(Arc::from(text)) })
}

/// See `config::engine_name`.
pub(super) fn engine_name(path: &Path) -> Result<String, Errors> {
    let name = document::engine_name(&text_of(path)?);
    Ok(name.unwrap_or_else(|| engine::DEFAULT_NAME.to_owned()))
}

/// A running engine reads it at every reload, so it must not be one that makes it wait: a pipe that
/// somebody hands us has a writer, one that lies in a folder may have none.
fn text_of(path: &Path) -> Result<String, Errors> {
    const HANDED: [&str; 3] = ["/dev/fd/", "/proc/self/fd/", "/dev/stdin"];
    let is_handed = HANDED.iter().any(|folder| path.to_string_lossy().starts_with(folder));
    let is_pipe = !is_handed && fs::metadata(path).is_ok_and(|it| it.file_type().is_fifo());
    let text = if is_pipe {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "a pipe, not a file"))
    } else {
        read(path, limits::CONFIG_BYTES_MAX)
    };
    text.map_err(|error| {
        let name = path.display().to_string();
        Errors::of_file(&name, format!("read {name}: {}", reason(&error)), hint_of(&error))
    })
}

/// The text of a file that is used as it is; the error says why there is none.
pub(super) fn page_text(path: &Path) -> Result<String, String> {
    page(path).map_err(|error| reason(&error))
}

/// What an authority says of a certificate; the error is the whole message.
pub(super) fn staple(path: &Path) -> Result<Vec<u8>, String> {
    /// A SEQUENCE, and in it first the ENUMERATED `successful` (RFC 6960, 4.2.1).
    const SUCCESSFUL: [u8; 3] = [0x0a, 0x01, 0x00];
    let name = path.display();
    let failed = |error: io::Error| format!("read {name}: {}", reason(&error));
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("read {name}: not a file"));
    }
    let mut response = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limits::STAPLE_BYTES_MAX + 1).read_to_end(&mut response).map_err(failed)?;
    let is_response =
        response.first() == Some(&0x30) && response.windows(3).take(6).any(|it| it == SUCCESSFUL);
    if response.len() as u64 > limits::STAPLE_BYTES_MAX {
        Err(format!("{name} is larger than {} bytes", limits::STAPLE_BYTES_MAX))
    } else if is_response {
        Ok(response)
    } else {
        Err(format!("{name} is no successful response of OCSP"))
    }
}

/// The text of an error page. It is read at every load, so it must not be one that makes us wait.
fn page(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    read(path, limits::PAGE_BYTES_MAX)
}

/// Whether somebody may run it; who does is the kernel's to judge.
fn is_program(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        Err("not a file".to_owned())
    } else if metadata.mode() & RUNNABLE == 0 {
        Err(format!("not executable (mode {:03o})", metadata.mode() & 0o777))
    } else {
        Ok(())
    }
}

/// Whether it is there to be served, and may be; what becomes of it later is seen then.
fn is_served(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| reason(&error))?;
    if !metadata.is_dir() && !metadata.is_file() {
        Err("neither a folder nor a file".to_owned())
    } else if sys::file::is_accessible(path) {
        Ok(())
    } else {
        Err("permission denied".to_owned())
    }
}

/// See `config::env_file`. It is read at every start, so it must not be one that makes us wait.
pub(super) fn env_file(path: &Path) -> Result<Option<dotenv::Variables>, String> {
    let failed = |error: io::Error| format!("read {}: {}", path.display(), reason(&error));
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(failed)?,
    };
    if !metadata.is_file() {
        return Err(format!("read {}: not a file", path.display()));
    }
    let text = read(path, limits::PROGRAM_ENV_FILE_BYTES_MAX).map_err(failed)?;
    match dotenv::parse(&text) {
        Ok(variables) => Ok(Some(variables)),
        Err(error) => Err(format!("{}, {error}", path.display())),
    }
}

/// See `config::token`. The open file is judged, so that it is the one that is read.
pub(super) fn token(path: &Path) -> Result<String, String> {
    let name = path.display();
    let failed = |error: io::Error| format!("read {name}: {}", reason(&error));
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(format!("read {name}: not a file"));
    }
    let file = fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode();
    if mode & OTHERS != 0 {
        return Err(format!("{name} is open to every user (mode {:03o})", mode & 0o777));
    }
    let text = read_from(file, limits::CONTROL_TOKEN_BYTES_MAX).map_err(failed)?;
    let token = text.trim_ascii();
    if token.is_empty() {
        Err(format!("{name} is empty"))
    } else if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(token.to_owned())
    } else {
        // What it holds is nobody's to see, not even in part.
        Err(format!("{name} holds more than one word of plain characters"))
    }
}

/// See `config::password`.
pub(super) fn password(path: &Path) -> Result<Password, String> {
    Password::parse(&token(path)?).map_err(|reason| format!("{}: {reason}", path.display()))
}

/// Whether a file of users can be read, each line of it.
fn users(path: &Path) -> Result<(), String> {
    let name = path.display();
    let failed = |error: io::Error| format!("read {name}: {}", reason(&error));
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("read {name}: not a file"));
    }
    let text = read(path, limits::guards::USERS_FILE_BYTES_MAX).map_err(failed)?;
    let users = Users::parse(&text).map_err(|bad| format!("{name}, {bad}"))?;
    if users.hardest().is_none() { Err(format!("{name} holds no users")) } else { Ok(()) }
}

/// What became of files of rules: one is loaded once, however many routes name it.
type Judged = RefCell<HashMap<PathBuf, Result<Vec<PathBuf>, String>>>;

/// Whether ModSecurity's engine takes a file of rules, and all that it includes.
fn rules(judged: &Judged, path: &Path) -> Result<Vec<PathBuf>, String> {
    if !sys::modsecurity::IS_LINKED {
        return Err("`crs` needs a build with the cargo feature `crs`".to_owned());
    }
    let known = judged.borrow().get(path).cloned();
    known.unwrap_or_else(|| {
        let read = |path: &Path| read(path, limits::firewall::RULES_FILE_BYTES_MAX);
        let found = sys::modsecurity::Rules::load(path)
            .map(|_loaded_by_workers| included::folders(path, &read));
        judged.borrow_mut().insert(path.to_owned(), found.clone());
        found
    })
}

/// A whole text of bounded length.
fn read(path: &Path, bytes_max: u64) -> io::Result<String> {
    read_from(fs::File::open(path)?, bytes_max)
}

fn read_from(file: fs::File, bytes_max: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("larger than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

/// The error in the words of this program, without the number the standard library adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

fn hint_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "without -c, the embedded default would run",
        _ => "",
    }
}
