//! What this console remembers of an operator from one time to the next: that they were here.
//!
//! A file in their folder for such things. Where none can be written they are greeted again.

use super::home;
use super::model::Welcome;

const WELCOMED: &str = "console-welcomed";

pub(crate) fn welcome(variable: impl Fn(&str) -> Option<String>) -> Welcome {
    match home::state(variable) {
        Some(folder) if folder.join(WELCOMED).exists() => Welcome::Seen,
        Some(_) => Welcome::Shown,
        // Nowhere to remember: the hints would come for ever.
        None => Welcome::Seen,
    }
}

pub(crate) fn welcomed(variable: impl Fn(&str) -> Option<String>) {
    let Some(folder) = home::state(variable) else { return };
    let note = "the console's first hints were seen\n";
    // They come again where nothing can be written.
    if std::fs::create_dir_all(&folder).is_ok() {
        let _not_remembered = std::fs::write(folder.join(WELCOMED), note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_here_is_not_greeted_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("state").display().to_string();
        let variable = |name: &str| (name == "XDG_STATE_HOME").then(|| home.clone());
        assert_eq!(welcome(variable), Welcome::Shown);
        welcomed(variable);
        assert_eq!(welcome(variable), Welcome::Seen);
        assert_eq!(welcome(|_| None), Welcome::Seen);
    }
}
