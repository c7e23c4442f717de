//! In place of nginx itself: by its options, with its pid file, and what it would not start without.
//!
//! Beside a running nginx these would do harm; `translate` of the folder is for that.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::scope::{Remarks, Scope};
use super::tree::{Directive, Reader};
use super::{Paths, known, settle, write};
use crate::config::source::Stead;
use crate::import::{Mistakes, Place, Translation, files};

/// Where nginx looks without a word, as Debian and others build it.
pub(crate) const PREFIX: &str = "/usr/share/nginx";
pub(crate) const CONF: &str = "/etc/nginx/nginx.conf";
const PID: &str = "/run/nginx.pid";

/// What is written once only.
const ONCE: [&str; 7] = [
    "daemon",
    "master_process",
    "pid",
    "user",
    "worker_processes",
    "worker_shutdown_timeout",
    "events",
];
/// What has an equal here, and beside nginx none.
const OWN: [&str; 2] = ["pid", "error_log"];

/// What the command line has to know before anything runs.
#[derive(Debug)]
pub(crate) struct Outline {
    pub(crate) is_daemon: bool,
    /// Without the block nginx does not start.
    pub(crate) has_events: bool,
    pub(crate) pid: PathBuf,
    /// `None`: standard error.
    pub(crate) error_log: Option<PathBuf>,
    /// Each file and its text, in the order in which they are opened.
    pub(crate) texts: Vec<(PathBuf, String)>,
}

/// All that was read: directives of the command line first.
struct Read {
    main: Vec<Directive>,
    whole: Place,
    texts: Vec<(PathBuf, String)>,
    remarks: Remarks,
}

pub(crate) fn translate(path: &Path, stead: &Stead) -> Result<Translation, Mistakes> {
    let Read { main, whole, mut remarks, .. } = read(path, stead)?;
    let mut paths = Paths::new(&whole.file, &stead.prefix);
    paths.pid_file = Some(pid_of(&main, stead).to_string_lossy().into_owned());
    let toml = write(&main, &whole, &paths, &mut remarks);
    known::remark(&main, &OWN, &mut remarks);
    settle(toml, remarks)
}

/// An error is one of the files as such; what is wrong within them is `translate`'s to find.
pub(crate) fn outline(path: &Path, stead: &Stead) -> Result<Outline, Mistakes> {
    let Read { main, texts, remarks, .. } = read(path, stead)?;
    if !remarks.mistakes.is_empty() {
        return Err(Mistakes(remarks.mistakes));
    }
    let scope = Scope::new(&main);
    let is_off = scope.word("daemon").is_some_and(|(word, _)| word == "off");
    let error_log = scope.word("error_log").map(|(path, _)| path).filter(|path| {
        *path != "stderr" && !path.starts_with("syslog:") && !path.starts_with("memory:")
    });
    Ok(Outline {
        is_daemon: !is_off,
        has_events: main.iter().any(|directive| directive.name == "events"),
        pid: pid_of(&main, stead),
        error_log: error_log.map(|path| stead.prefix.join(path)),
        texts,
    })
}

fn pid_of(main: &[Directive], stead: &Stead) -> PathBuf {
    let scope = Scope::new(main);
    stead.prefix.join(scope.word("pid").map_or(PID, |(path, _)| path))
}

fn read(path: &Path, stead: &Stead) -> Result<Read, Mistakes> {
    let file: Rc<Path> = Rc::from(path);
    let whole = Place { file: Rc::clone(&file), line: 0 };
    let text = files::read(&file).map_err(|error| Mistakes(vec![whole.remark(error)]))?;
    let mut reader = Reader::new(file.parent().unwrap_or(Path::new("/")));
    let mut main = reader.read(&Rc::from(Path::new("command line")), &stead.globals);
    main.extend(reader.read(&file, &text));
    let own = |(file, text): (Rc<Path>, String)| (file.to_path_buf(), text);
    let texts =
        std::iter::once((file.to_path_buf(), text)).chain(reader.texts.into_iter().map(own));
    let mut remarks = Remarks { warnings: reader.warnings, mistakes: reader.mistakes };
    for name in ONCE {
        if let Some(second) = main.iter().filter(|it| it.name == name).nth(1) {
            remarks.mistake(&second.place, format!("\"{name}\" directive is duplicate"));
        }
    }
    Ok(Read { main, whole, texts: texts.collect(), remarks })
}
