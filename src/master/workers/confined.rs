//! Which workers may open which files, as one word that is another when they should be others.
//!
//! A confined process is bound to the folders themselves, not to their names. So a folder that was
//! replaced, as by a release that takes the place of the last, is another one, and the next reload
//! relieves the workers that know the old one.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;

use crate::config::model::Config;
use crate::config::reach::{self, Reach};

/// `None`: files are not confined.
pub(super) fn tag(config: &Config) -> Option<String> {
    if !config.engine.confine_files {
        return None;
    }
    let Reach { read, write } = reach::of(config);
    let mut hasher = DefaultHasher::new();
    (&read, &write).hash(&mut hasher);
    for folder in read.iter().chain(&write) {
        let found = fs::metadata(folder).ok().map(|found| (found.dev(), found.ino()));
        found.hash(&mut hasher);
    }
    Some(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::tag;
    use crate::config;

    #[test]
    fn other_folders_and_replaced_ones_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let www = folder.path().join("www");
        std::fs::create_dir(&www).unwrap();
        let text = format!(
            "[engine]\nconfine_files = true\n[[server]]\nlisten = [\"127.0.0.1:1\"]\n\
             [[server.route]]\npath = \"/\"\nroot = \"{}\"\n",
            www.display()
        );
        let read = |text: &str| config::parse(text, "test.toml").unwrap();
        let before = tag(&read(&text));
        assert_eq!(before, tag(&read(&text)));
        std::fs::rename(&www, folder.path().join("old")).unwrap();
        std::fs::create_dir(&www).unwrap();
        assert_ne!(before, tag(&read(&text)));
        assert_eq!(tag(&read(&text.replace("true", "false"))), None);
    }
}
