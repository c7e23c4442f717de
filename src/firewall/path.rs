//! Paths that climb out of where they belong, and files that nobody outside has business with.
//!
//! Judges normal forms: escapes of dots and slashes are gone, a backslash counts as a slash.

use super::finding::Part;
use super::{Judgement, prose};

/// Files by their ends or beginnings: where they are named, they are what is wanted.
#[rustfmt::skip]
const FILES: [&[u8]; 34] = [
    b"/etc/passwd", b"/etc/shadow", b"/etc/group", b"/etc/hosts", b"/etc/issue", b"/etc/sudoers",
    b"/etc/ssh/", b"/etc/nginx/", b"/etc/apache2/", b"/etc/httpd/", b"/etc/mysql/", b"/etc/crontab",
    b"/etc/hostname", b"/etc/resolv.conf", b"/etc/os-release", b"/etc/fstab", b"/etc/php",
    b"/proc/self/", b"/proc/version", b"/proc/cmdline", b"/proc/mounts", b"/proc/net/",
    b"/var/log/", b"boot.ini", b"win.ini", b"/windows/system32", b"/winnt/", b"system32/",
    b"web-inf/", b"meta-inf/", b"id_rsa", b".bash_history", b"/root/.", b"/dev/fd/",
];

/// In a request's own path: what deployments leave behind.
#[rustfmt::skip]
const LEFT_BEHIND: [&[u8]; 25] = [
    b"/.git/", b"/.svn/", b"/.hg/", b"/.env", b"/.htaccess", b"/.htpasswd", b"/.ssh/", b"/.aws/",
    b"/.docker/", b"/.kube/", b"/.npmrc", b"/.ds_store", b"/.vscode/", b"/.idea/", b"/.bash_history",
    b"/wp-config.php", b"/web.config", b"/web-inf/", b"/meta-inf/", b"/id_rsa", b"/phpinfo.php",
    b"/.gitconfig", b"/.gitignore", b"/dump.sql", b"/backup.sql",
];

/// Whether a value climbs.
pub(super) fn traversal(value: &[u8]) -> (Judgement, usize) {
    if is_wrapper(value, b"file:/") {
        return (Judgement::Attack, 0);
    }
    let mut climbs = 0;
    let mut first = None;
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&value[at..], b"..") {
        let start = at + found;
        let dots = value[start..].iter().take_while(|&&byte| byte == b'.').count();
        let after = value.get(start + dots).copied();
        let before = start.checked_sub(1).map(|before| value[before]);
        at = start + dots;
        let is_segment_start = before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let is_left = before.is_some_and(is_slash);
        let climbs_here = match after {
            Some(byte) if is_slash(byte) => is_segment_start,
            // Tomcat's parameters of a segment, and `..` at a path's end.
            Some(b';') => is_left || value.get(start + dots + 1).copied().is_some_and(is_slash),
            None => is_left,
            Some(_) => false,
        };
        if climbs_here {
            first.get_or_insert(start);
            climbs += 1;
            if after == Some(b';') || dots > 2 {
                return (Judgement::Attack, start);
            }
        }
    }
    let Some(first) = first else { return (Judgement::Clean, 0) };
    let judgement = match climbs {
        1 if is_file(value) => Judgement::Attack,
        1 => Judgement::Odd,
        // Pages have their pictures and styles next door.
        2 if is_asset(value) => Judgement::Odd,
        // Links in a text climb, too.
        _ if prose::is_text(value) && !is_file(value) => Judgement::Odd,
        _ => Judgement::Attack,
    };
    (judgement, first)
}

/// Ends of files that pages refer to.
#[rustfmt::skip]
const ASSETS: [&[u8]; 14] = [
    b".css", b".gif", b".htm", b".html", b".ico", b".jpeg", b".jpg", b".js", b".md", b".pdf",
    b".png", b".svg", b".webp", b".woff2",
];

fn is_asset(value: &[u8]) -> bool {
    ASSETS.iter().any(|end| value.ends_with(end)) && !is_file(value)
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

fn is_file(value: &[u8]) -> bool {
    file(value).0 != Judgement::Clean
}

/// Whether a value names a file that is none of its business.
pub(super) fn sensitive(value: &[u8], part: Part) -> (Judgement, usize) {
    let (judgement, at) = file(value);
    if judgement != Judgement::Clean {
        return (judgement, at);
    }
    if part == Part::Path {
        for name in LEFT_BEHIND {
            if let Some(at) = memchr::memmem::find(value, name) {
                return (Judgement::Attack, at);
            }
        }
        if [&b".bak"[..], b".old", b".swp", b".sql"].iter().any(|end| value.ends_with(end)) {
            return (Judgement::Odd, value.len().saturating_sub(16));
        }
    }
    if memchr::memmem::find(value, b"::$data").is_some() {
        return (Judgement::Attack, 0);
    }
    (Judgement::Clean, 0)
}

fn file(value: &[u8]) -> (Judgement, usize) {
    let mut found = None;
    for name in FILES {
        found = find_slashed(value, name).or(found);
        if found.is_some() {
            break;
        }
    }
    let Some(at) = found else { return (Judgement::Clean, 0) };
    // Somebody writes about it.
    let judgement = if prose::is_text(value) { Judgement::Odd } else { Judgement::Attack };
    (judgement, at)
}

/// Finds `name`, in which a slash stands for either; repeated ones count as one.
fn find_slashed(value: &[u8], name: &[u8]) -> Option<usize> {
    let first = *name.first()?;
    if first != b'/' {
        return memchr::memmem::find(value, name).or_else(|| {
            slashes(value).find(|&at| matches(&value[at + 1..], name)).map(|at| at + 1)
        });
    }
    slashes(value).find(|&at| matches(&value[at..], name))
}

fn slashes(value: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr2_iter(b'/', b'\\', value)
}

/// Whether `value` begins with `name`. Ends with the first byte that differs, and runs of slashes
/// are shared by no two calls but for their tails.
fn matches(value: &[u8], name: &[u8]) -> bool {
    let mut at = 0;
    for &wanted in name {
        if wanted == b'/' {
            let run = value[at..].iter().take(RUN_MAX).take_while(|&&byte| is_slash(byte)).count();
            if run == 0 {
                return false;
            }
            at += run;
            // `/./` goes nowhere.
            for _ in 0..RUN_MAX {
                if !value[at..].starts_with(b"./") {
                    break;
                }
                at += 2;
            }
            continue;
        }
        match value.get(at) {
            Some(&byte) if byte == wanted => at += 1,
            // `/e?c/pass*` is a pattern of the shell's for it.
            Some(b'?') if wanted != b'.' => at += 1,
            _ => return false,
        }
    }
    true
}

/// Slashes, or segments of one dot, in a row that count as one.
const RUN_MAX: usize = 8;

fn is_wrapper(value: &[u8], scheme: &[u8]) -> bool {
    value.trim_ascii_start().starts_with(scheme)
}
