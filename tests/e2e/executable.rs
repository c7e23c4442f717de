//! Files that are going to be executed.
//!
//! They are made by a process of their own: were such a file ever open for writing in this one, a
//! child that another test starts in that moment would hold it open for a while, too, and who then
//! runs it is told "text file busy".

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Puts a copy of a program, with its permissions, at `path`.
pub(crate) fn copy(program: &Path, path: &Path) {
    let copied = Command::new("cp").arg("-p").arg(program).arg(path).status();
    assert!(copied.expect("cp runs").success(), "{} is not copied", program.display());
}

/// Makes what holds these bytes executable at `path`.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    let draft = path.with_extension("draft");
    fs::write(&draft, bytes).expect("the folder is ours");
    fs::set_permissions(&draft, Permissions::from_mode(0o755)).expect("the file is ours");
    copy(&draft, path);
    fs::remove_file(draft).expect("the file is ours");
}
