//! Where a configuration comes from: a file of ours, files of other programs, or this binary.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::Errors;
use super::model::Config;
use super::{Dates, EMBEDDED, EMBEDDED_NAME, Loaded, document, embedded, engine, files};

/// See the head of this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    Foreign(Foreign),
    Embedded,
}

/// Files of other programs, which are said in our words whenever they are read.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) files: Files,
    pub(crate) translate: Translate,
}

/// The text in our words; the error is all that is wrong with the files.
pub(crate) type Translate = fn(&Files) -> Result<String, String>;

/// At least one of them is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) nginx: Option<PathBuf>,
    pub(crate) supervisor: Option<PathBuf>,
    /// We are started in place of nginx: its own pid file and prefix count.
    pub(crate) stead: Option<Stead>,
}

/// What nginx is told on its command line beside the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stead {
    /// `-p`: where relative paths begin.
    pub(crate) prefix: PathBuf,
    /// `-g`: directives before those of the file.
    pub(crate) globals: String,
}

const PREFIX: &str = "prefix:";
const GLOBALS: &str = "globals:";
const NGINX: &str = "nginx:";
const SUPERVISOR: &str = "supervisor:";
/// Between two files; no path of a sane machine holds it.
const BETWEEN: char = '\n';

impl PartialEq for Foreign {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files
    }
}

impl Eq for Foreign {}

impl Files {
    pub(crate) fn map<E>(&self, change: impl Fn(&Path) -> Result<PathBuf, E>) -> Result<Self, E> {
        let [nginx, supervisor] = [&self.nginx, &self.supervisor].map(|path| path.as_deref());
        Ok(Self {
            nginx: nginx.map(&change).transpose()?,
            supervisor: supervisor.map(&change).transpose()?,
            stead: self.stead.clone(),
        })
    }

    fn first(&self) -> &Path {
        let first = self.nginx.as_deref().or(self.supervisor.as_deref());
        first.unwrap_or(Path::new("/"))
    }

    /// Which files, and how they are meant, as our own processes tell each other.
    fn whole_word(&self) -> String {
        let mut word = self.word(&BETWEEN.to_string());
        if let Some(Stead { prefix, globals }) = &self.stead {
            let prefix = format!("{PREFIX}{}", prefix.display());
            let globals = format!("{GLOBALS}{}", globals.replace(BETWEEN, " "));
            word.extend([BETWEEN.to_string(), prefix, BETWEEN.to_string(), globals]);
        }
        word
    }

    /// Which files, as people are told.
    fn word(&self, between: &str) -> String {
        let named = [(NGINX, &self.nginx), (SUPERVISOR, &self.supervisor)];
        let words = named
            .into_iter()
            .filter_map(|(whose, path)| Some(format!("{whose}{}", path.as_deref()?.display())));
        words.collect::<Vec<_>>().join(between)
    }
}

impl Source {
    pub(crate) fn load(&self, dates: Dates) -> Result<Config, Errors> {
        self.read(dates).map(|loaded| loaded.config)
    }

    pub(crate) fn read(&self, dates: Dates) -> Result<Loaded, Errors> {
        match self {
            Self::File(path) => files::read_checked(path, dates),
            Self::Foreign(foreign) => {
                let text = foreign.text()?;
                files::check(text, &self.name(), foreign.files.first(), dates)
            }
            Self::Embedded => Ok(Loaded { config: embedded(), text: Some(Arc::from(EMBEDDED)) }),
        }
    }

    /// See `config::engine_name`.
    pub(crate) fn engine_name(&self) -> Result<String, Errors> {
        match self {
            Self::File(path) => files::engine_name(path),
            Self::Foreign(foreign) => {
                let name = document::engine_name(&foreign.text()?);
                Ok(name.unwrap_or_else(|| engine::DEFAULT_NAME.to_owned()))
            }
            Self::Embedded => Ok(embedded().engine.name),
        }
    }

    /// What people call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Foreign(foreign) => foreign.files.word(" and "),
            Self::Embedded => EMBEDDED_NAME.to_owned(),
        }
    }

    /// As it is told to a process of ours; see `of_word`.
    pub(crate) fn word(&self) -> OsString {
        match self {
            Self::File(path) => path.clone().into_os_string(),
            Self::Foreign(foreign) => foreign.files.whole_word().into(),
            Self::Embedded => OsString::new(),
        }
    }

    /// The inverse of `word`, for one that was made with absolute paths.
    pub(crate) fn of_word(word: &OsStr, translate: Translate) -> Self {
        if word.is_empty() {
            return Self::Embedded;
        }
        let mut files = Files::default();
        for part in word.to_string_lossy().split(BETWEEN) {
            if let Some(path) = part.strip_prefix(NGINX) {
                files.nginx = Some(PathBuf::from(path));
            } else if let Some(path) = part.strip_prefix(SUPERVISOR) {
                files.supervisor = Some(PathBuf::from(path));
            } else if let Some(path) = part.strip_prefix(PREFIX) {
                files.stead.get_or_insert_default().prefix = PathBuf::from(path);
            } else if let Some(text) = part.strip_prefix(GLOBALS) {
                text.clone_into(&mut files.stead.get_or_insert_default().globals);
            } else {
                return Self::File(PathBuf::from(word));
            }
        }
        Self::Foreign(Foreign { files, translate })
    }
}

impl Foreign {
    fn text(&self) -> Result<String, Errors> {
        (self.translate)(&self.files).map_err(|message| {
            Errors::of_file(
                &self.files.word(" and "),
                message,
                "nothing of it is taken as long as it is wrong",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_told_and_understood() {
        let translate: Translate = |_files| Ok(String::new());
        let path = |text: &str| Some(PathBuf::from(text));
        let foreign = |nginx, supervisor| {
            let files = Files { nginx, supervisor, stead: None };
            Source::Foreign(Foreign { files, translate })
        };
        let stead = Stead { prefix: PathBuf::from("/p"), globals: "daemon off; # x:y".to_owned() };
        let files = Files { nginx: path("/n"), supervisor: None, stead: Some(stead) };
        for source in [
            Source::Foreign(Foreign { files, translate }),
            Source::Embedded,
            Source::File(PathBuf::from("/etc/pilothouse.toml")),
            foreign(path("/etc/nginx/nginx.conf"), None),
            foreign(None, path("/etc/s.conf")),
            foreign(path("/a b"), path("/c:d")),
        ] {
            assert_eq!(Source::of_word(&source.word(), translate), source);
        }
    }
}
