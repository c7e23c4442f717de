//! Which folders a file of ModSecurity's rules reads from: its own, and those of what it includes.
//!
//! Follows `Include` alone. What rules themselves read (`@pmFromFile`) lies beside them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::limits::firewall::{INCLUDED_DEPTH_MAX, INCLUDED_MAX};

/// Sorted, each once. What cannot be read by `read` includes nothing.
pub(super) fn folders(file: &Path, read: &dyn Fn(&Path) -> io::Result<String>) -> Vec<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut ahead = vec![(file.to_owned(), 0)];
    let mut followed = 0;
    while let Some((file, depth)) = ahead.pop() {
        let folder = fixed_folder(&file);
        folders.insert(folder.clone());
        followed += 1;
        if is_pattern(&file) || depth == INCLUDED_DEPTH_MAX || followed == INCLUDED_MAX {
            continue;
        }
        let text = read(&file).unwrap_or_default();
        ahead.extend(text.lines().filter_map(included).map(|path| (folder.join(path), depth + 1)));
    }
    folders.into_iter().collect()
}

/// The path of an `Include`.
fn included(line: &str) -> Option<&Path> {
    let (word, path) = line.trim().split_once(char::is_whitespace)?;
    let is_it = word.eq_ignore_ascii_case("include");
    is_it.then(|| Path::new(path.trim().trim_matches('"')))
}

/// The folder that a path leads to before anything in it is a pattern.
fn fixed_folder(path: &Path) -> PathBuf {
    let fixed: PathBuf = path.components().take_while(|it| !is_pattern(it.as_ref())).collect();
    let is_whole = fixed.components().count() == path.components().count();
    if is_whole { fixed.parent().map(Path::to_owned).unwrap_or_default() } else { fixed }
}

fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_rules_leads_to_the_folders_of_all_that_it_includes() {
        let read = |path: &Path| match path.to_str() {
            Some("/etc/x/crs.conf") => Ok("# Include /no/where.conf\n\
                SecRuleEngine On\n  include \"/etc/crs/setup.conf\"\n\
                Include /usr/share/crs/rules/*.conf\nInclude more/a.conf\n"
                .to_owned()),
            Some("/etc/crs/setup.conf") => Ok("Include /etc/x/crs.conf\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        let expected = ["/etc/crs", "/etc/x", "/etc/x/more", "/usr/share/crs/rules"];
        assert_eq!(folders(Path::new("/etc/x/crs.conf"), &read), expected.map(PathBuf::from));
    }
}
