//! The values of one section, in the types that Supervisor gives them (`datatypes.py`).

use super::expand::{self, Meaning};
use super::ini::{Document, Entry, Section};
use super::{Place, Remark};
use crate::sys;

/// What was found on the way.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    /// What has no equal here.
    pub(super) warnings: Vec<Remark>,
    /// What Supervisor would refuse, too.
    pub(super) mistakes: Vec<Remark>,
}

/// What names within `%(…)s` stand for, beyond `here`, the host and the environment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope<'a> {
    pub(super) program: Option<Names<'a>>,
    /// What the section of the daemon adds to the environment; as it is written.
    pub(super) environment: &'a [(String, String)],
    /// Variables that mean something else to a program here, so that only their value is passed on.
    pub(super) is_own_user: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) program: &'a str,
    pub(super) group: &'a str,
    pub(super) processes: i64,
}

pub(super) struct Options<'a> {
    document: &'a Document,
    section: &'a Section,
    scope: Scope<'a>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// When the value is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// The number of a process stays a reference.
    Naming,
    /// So does what is in the environment.
    Start,
}

/// What a program is told here by these names is not what the daemon's environment says.
const OTHERWISE: [&str; 4] = ["PROGRAM", "INSTANCE", "PILOTHOUSE", "PILOTHOUSE_SOCKET"];
const OF_USERS: [&str; 3] = ["HOME", "USER", "LOGNAME"];

impl<'a> Options<'a> {
    pub(super) fn new(document: &'a Document, section: &'a Section, scope: Scope<'a>) -> Self {
        Self { document, section, scope }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.document.entry(self.section, key)
    }

    /// A text for which every name is replaced.
    pub(super) fn text_now(&self, key: &str, remarks: &mut Remarks) -> Option<Placed<String>> {
        self.read(key, When::Now, remarks)
    }

    /// A text that may refer to what a start knows; see [`expand::written`].
    pub(super) fn text(&self, key: &str, remarks: &mut Remarks) -> Option<Placed<String>> {
        self.read(key, When::Start, remarks)
    }

    /// A text that may refer to the number of a process alone.
    pub(super) fn name(&self, key: &str, remarks: &mut Remarks) -> Option<Placed<String>> {
        self.read(key, When::Naming, remarks)
    }

    fn read(&self, key: &str, when: When, remarks: &mut Remarks) -> Option<Placed<String>> {
        let entry = self.entry(key)?;
        let place = entry.place.clone();
        if entry.value.contains(expand::MARKS) {
            remarks.mistake(&place, "a character of the private use area");
            return None;
        }
        match expand::expand(&entry.value, &|name| self.meaning(name, &place, when)) {
            Ok(value) => Some(Placed { value, place }),
            Err(error) => {
                remarks.mistake(&place, format!("`{key}`: {error}"));
                None
            }
        }
    }

    fn meaning(&self, name: &str, place: &Place, when: When) -> Option<Meaning> {
        if let Some(variable) = name.strip_prefix("ENV_") {
            return self.variable(variable, when);
        }
        let own = self.scope.program;
        match name {
            "here" => {
                let folder = place.file.parent()?;
                Some(Meaning::Text(folder.to_string_lossy().into_owned()))
            }
            "host_node_name" => Some(Meaning::Text(sys::host::name())),
            "program_name" => Some(Meaning::Text(own?.program.to_owned())),
            "group_name" => Some(Meaning::Text(own?.group.to_owned())),
            "numprocs" => Some(Meaning::Number(own?.processes)),
            "process_num" if when != When::Now => own.map(|_| Meaning::Later("INSTANCE")),
            _ => None,
        }
    }

    /// The environment's are left for the engine to read, so that secrets are not copied; unless they
    /// have more than a word, which would not be taken apart there.
    fn variable(&self, name: &str, when: When) -> Option<Meaning> {
        let of_daemon = self.scope.environment.iter().find(|(known, _)| known == name);
        if let Some((_, value)) = of_daemon {
            return Some(Meaning::Text(value.clone()));
        }
        let value = std::env::var(name).ok();
        let is_word = |value: &String| {
            !value.is_empty() && !value.contains(|c: char| " \t\r\n\"'\\#".contains(c))
        };
        let is_otherwise = OTHERWISE.contains(&name)
            || name.starts_with("SUPERVISOR_")
            || self.scope.is_own_user && OF_USERS.contains(&name);
        let is_left = when == When::Start
            && !is_otherwise
            && is_plain(name)
            && value.as_ref().is_none_or(is_word);
        if is_left {
            return Some(Meaning::Environment(name.to_owned()));
        }
        value.map(Meaning::Text)
    }

    pub(super) fn integer(&self, key: &str, remarks: &mut Remarks) -> Option<(i64, Place)> {
        let text = self.text_now(key, remarks)?;
        let number = text.value.trim().replace('_', "").parse();
        if number.is_err() {
            remarks
                .mistake(&text.place, format!("`{key}` is `{}`, not a whole number", text.value));
        }
        Some((number.ok()?, text.place))
    }

    pub(super) fn flag(&self, key: &str, remarks: &mut Remarks) -> Option<(bool, Place)> {
        let text = self.text_now(key, remarks)?;
        let flag = boolean(&text.value);
        if flag.is_none() {
            let remark = format!("`{key}` is `{}`, expected true or false", text.value);
            remarks.mistake(&text.place, remark);
        }
        Some((flag?, text.place))
    }

    /// Bytes, with KB, MB or GB of 1024.
    pub(super) fn size(&self, key: &str, remarks: &mut Remarks) -> Option<(u64, Place)> {
        let text = self.text_now(key, remarks)?;
        let size = bytes(&text.value);
        if size.is_none() {
            let remark = format!("`{key}` is `{}`, expected a size such as 50MB", text.value);
            remarks.mistake(&text.place, remark);
        }
        Some((size?, text.place))
    }

    pub(super) fn octal(&self, key: &str, remarks: &mut Remarks) -> Option<(u32, Place)> {
        let text = self.text_now(key, remarks)?;
        let digits = text.value.trim();
        let digits = digits.strip_prefix("0o").unwrap_or(digits);
        let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777);
        if mode.is_none() {
            let remark = format!("`{key}` is `{}`, expected an octal number up to 777", text.value);
            remarks.mistake(&text.place, remark);
        }
        Some((mode?, text.place))
    }
}

/// What a shell and our file accept as a variable's name.
pub(super) fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_lowercase();
    let units = [("kb", 10), ("mb", 20), ("gb", 30)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((lower.strip_suffix(unit)?, *shift)))
        .unwrap_or((lower.as_str(), 0));
    number.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}
