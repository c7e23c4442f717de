//! The house rules as an ordinary test: layers, outside crates, file heads, sizes, `unsafe`.
//!
//! The table below is the one in the head of `src/lib.rs`, as data. What clippy can hold (function
//! length, banned calls, `unwrap`) is held by clippy; this file holds what it cannot see.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of `src`, what it may import from ours, and which guarded crates it may name.
struct Row {
    folder: &'static str,
    imports: &'static [&'static str],
    crates: &'static [&'static str],
}

const LAYERS: &[Row] = &[
    Row {
        folder: "sys",
        imports: &[],
        crates: &["rustix", "libc", "tokio", "jiff", "landlock", "seccompiler"],
    },
    Row {
        folder: "config",
        imports: &["sys"],
        crates: &["serde", "serde_json", "toml", "shell_words", "regex", "rustls"],
    },
    Row { folder: "http", imports: &[], crates: &["httparse", "memchr", "itoa"] },
    Row { folder: "firewall", imports: &[], crates: &["aho_corasick", "memchr"] },
    Row { folder: "balance", imports: &[], crates: &[] },
    Row { folder: "supervise", imports: &[], crates: &["jiff", "memchr"] },
    Row { folder: "scoreboard", imports: &["sys"], crates: &[] },
    Row { folder: "order", imports: &["sys"], crates: &[] },
    Row {
        folder: "control",
        imports: &["sys"],
        crates: &[
            "serde",
            "serde_json",
            "hyper",
            "hyper_util",
            "http_body_util",
            "bytes",
            "tokio",
            "memchr",
            "quick_xml",
        ],
    },
    Row { folder: "keeper", imports: &["sys", "order"], crates: &[] },
    Row {
        folder: "master",
        imports: &[
            "sys",
            "config",
            "scoreboard",
            "order",
            "control",
            "supervise",
            "http",
            "balance",
        ],
        crates: &[
            "tokio",
            "serde",
            "serde_json",
            "sysinfo",
            "bytes",
            "hickory_resolver",
            "itoa",
            "memchr",
            "regex",
            "rustls",
            "tokio_rustls",
            "flate2",
            "zstd",
        ],
    },
    Row {
        folder: "worker",
        imports: &["sys", "config", "scoreboard", "order", "http", "firewall", "balance"],
        crates: &["tokio", "regex", "itoa", "flate2", "zstd", "brotli", "rustls", "h2", "bytes"],
    },
    Row {
        folder: "tui",
        imports: &["sys", "control"],
        crates: &[
            "tokio",
            "ratatui",
            "crossterm",
            "serde",
            "toml",
            "tui_input",
            "nucleo_matcher",
            "unicode_width",
            "futures_util",
        ],
    },
    Row {
        folder: "import",
        imports: &["sys", "config", "http"],
        crates: &["glob", "regex", "toml"],
    },
    Row { folder: "demo", imports: &["sys", "control"], crates: &["tokio", "httparse"] },
    Row {
        folder: "cli",
        imports: &[
            "sys", "config", "control", "keeper", "master", "worker", "tui", "import", "demo",
        ],
        crates: &["clap", "clap_complete", "clap_mangen", "tokio", "serde", "serde_json"],
    },
];

/// Crates that only the folders which list them may name; the rest (thiserror, std) is free.
const GUARDED: &[&str] = &[
    "rustix",
    "libc",
    "tokio",
    "serde",
    "serde_json",
    "toml",
    "shell_words",
    "httparse",
    "memchr",
    "regex",
    "itoa",
    "jiff",
    "landlock",
    "seccompiler",
    "hyper",
    "hyper_util",
    "http_body_util",
    "bytes",
    "quick_xml",
    "hickory_resolver",
    "rustls",
    "tokio_rustls",
    "sysinfo",
    "ratatui",
    "crossterm",
    "tui_input",
    "nucleo_matcher",
    "unicode_width",
    "futures_util",
    "clap",
    "anyhow",
    "flate2",
    "zstd",
    "brotli",
    "glob",
    "h2",
    "aho_corasick",
];

const FILE_LINES_MAX: usize = 500;
const DRAWERS: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "types", "manager", "misc"];

#[test]
fn folders_import_only_downwards() {
    check(|file| {
        let Some(row) = row_of(file) else { return Vec::new() };
        let mine = file.folder();
        imported(&file.code, "crate::")
            .into_iter()
            .filter(|name| LAYERS.iter().any(|row| row.folder == name))
            .filter(|name| *name != mine && !row.imports.contains(&name.as_str()))
            .map(|name| format!("imports {name}, which {mine} may not"))
            .collect()
    });
}

#[test]
fn outside_crates_stay_in_their_folders() {
    check(|file| {
        let Some(row) = row_of(file) else { return Vec::new() };
        GUARDED
            .iter()
            .filter(|name| !row.crates.contains(name) && names_crate(&file.code, name))
            .map(|name| format!("names the crate {name}"))
            .collect()
    });
}

#[test]
fn the_table_allows_nothing_that_nobody_uses() {
    let files = sources();
    let mut found = Vec::new();
    for row in LAYERS {
        let mine: Vec<_> = files.iter().filter(|file| file.folder() == row.folder).collect();
        for name in row
            .crates
            .iter()
            .filter(|name| !mine.iter().any(|file| file.text.contains(&format!("{name}::"))))
        {
            found.push(format!("{} lists the crate {name}", row.folder));
        }
        for name in row.imports.iter().filter(|name| {
            !mine.iter().any(|file| imported(&file.code, "crate::").contains(**name))
        }) {
            found.push(format!("{} lists the folder {name}", row.folder));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_file_opens_with_its_purpose() {
    check(|file| match file.text.lines().next() {
        Some(line) if line.starts_with("//!") => Vec::new(),
        _ => vec!["has no //! head".to_owned()],
    });
}

#[test]
fn files_stay_small_and_are_named_after_what_they_own() {
    check(|file| {
        let mut found = Vec::new();
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(format!("has {lines} lines, more than {FILE_LINES_MAX}"));
        }
        let stem = file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        if DRAWERS.contains(&stem) {
            found.push("is named like a drawer".to_owned());
        }
        found
    });
}

#[test]
fn unsafe_lives_in_its_two_places() {
    check(|file| {
        let is_allowed = file.folder() == "sys" || file.path.ends_with("scoreboard/layout.rs");
        let is_used = file.code.lines().any(|line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
        });
        if is_used && !is_allowed { vec!["contains unsafe".to_owned()] } else { Vec::new() }
    });
}

/// Whatever outlives everybody has to be seen through at one sitting.
#[test]
fn the_keeper_is_under_500_lines() {
    const LINES_MAX: usize = 500;
    let of_keeper = sources().into_iter().filter(|file| file.folder() == "keeper");
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
    let lines = |file: Source| {
        let lines = file.text.lines().map(str::trim);
        lines.take_while(|line| *line != "#[cfg(test)]").filter(is_code).count()
    };
    let lines: usize = of_keeper.map(lines).sum();
    assert!(lines < LINES_MAX, "{lines} lines of code");
}

#[test]
fn only_the_clock_reads_time() {
    check(|file| {
        if file.path.ends_with("sys/clock.rs") {
            return Vec::new();
        }
        ["Instant::now(", "SystemTime::now(", "clock_gettime("]
            .iter()
            .filter(|call| file.code.contains(*call))
            .map(|call| format!("calls {call})"))
            .collect()
    });
}

/// Tests are built with an expression's Unicode, which a dependency of theirs asks for, and releases
/// without: there `\d` alone is an error, unless it is compiled as one of the configuration's.
#[test]
fn expressions_are_compiled_in_one_place() {
    check(|file| {
        let is_of_tests = file.path.components().any(|part| part.as_os_str() == "tests");
        if is_of_tests || file.path.ends_with("config/pattern.rs") {
            return Vec::new();
        }
        let is_compiled =
            ["Regex::new(", "RegexBuilder::new("].iter().any(|it| file.code.contains(it));
        if is_compiled { vec!["compiles an expression".to_owned()] } else { Vec::new() }
    });
}

#[test]
fn every_offered_configuration_passes_the_check() {
    // The certificates that one of them names are made on the spot.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a name");
    for (name, text) in [
        ("site.pem", signed.cert.pem()),
        ("clients.pem", signed.cert.pem()),
        ("site.key", signed.signing_key.serialize_pem()),
    ] {
        fs::write(folder.path().join(name), text).expect("the folder is ours");
    }
    for path in files_in("configs", "toml") {
        let furnished = folder.path().join("tls.toml");
        if path.ends_with("tls.toml") {
            fs::copy(&path, &furnished).expect("the folder is ours");
        }
        let output = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
            .args(["check", "-c"])
            .arg(if path.ends_with("tls.toml") { &furnished } else { &path })
            .output()
            .expect("the built binary runs");
        assert!(
            output.status.success(),
            "{} fails the check:\n{}",
            path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// What is offered for other programs, or for reading, is looked at by a test.
#[test]
fn every_offered_file_of_others_is_tried_by_a_test() {
    let mut tests = String::new();
    for folder in ["tests/e2e", "src"] {
        walk(Path::new(folder), &mut |path| {
            if path.extension().is_some_and(|extension| extension == "rs") {
                tests += &fs::read_to_string(path).expect("tests are readable text");
            }
        });
    }
    walk(Path::new("configs"), &mut |path| {
        let is_ours = path.extension().is_some_and(|extension| extension == "toml");
        let name = path.display().to_string();
        assert!(is_ours || tests.contains(&format!("{name}\"")), "no test reads {name}");
    });
}

#[test]
fn every_theme_is_loaded_by_the_theme_tests() {
    let loader: String = sources()
        .into_iter()
        .filter(|file| file.path.starts_with("src/tui/theme"))
        .map(|file| file.text)
        .collect();
    for path in files_in("themes", "toml") {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("themes have plain names")
            .to_owned();
        assert!(loader.contains(&name), "themes/{name} is not built in");
    }
}

struct Source {
    path: PathBuf,
    text: String,
    /// The text without comments and string contents, as far as a line scanner can tell.
    code: String,
}

impl Source {
    fn folder(&self) -> String {
        let mut parts = self.path.components().skip(1);
        let first = parts.next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        if parts.next().is_some() { first.unwrap_or_default() } else { String::new() }
    }
}

fn check(rule: impl Fn(&Source) -> Vec<String>) {
    let files = sources();
    assert!(files.len() > 20, "the walk found the sources");
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            rule(file).into_iter().map(|what| format!("{}: {what}", file.path.display()))
        })
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn row_of(file: &Source) -> Option<&'static Row> {
    let folder = file.folder();
    let row = LAYERS.iter().find(|row| row.folder == folder);
    assert!(
        row.is_some() || folder.is_empty(),
        "{} is in a folder without a row in the layer table",
        file.path.display()
    );
    row
}

/// First path segments after `prefix`, in plain and grouped imports and in qualified calls.
fn imported(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(heads_of_group(group));
        } else {
            names.insert(word(rest));
        }
    }
    names
}

/// The first word of each item at the outermost level of `a::b, c::{d, e}}...`.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let (mut depth, mut is_item_start) = (1, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => is_item_start = true,
            c if c.is_whitespace() => {}
            _ if is_item_start => {
                heads.push(word(&group[at..]));
                is_item_start = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '{')
    }) || code.lines().any(|line| line.trim() == format!("use {name};"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(Path::new("src"), &mut |path| {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).expect("sources are readable text");
            let code = text.lines().map(code_of).collect::<Vec<_>>().join("\n");
            found.push(Source { path: path.to_owned(), text, code });
        }
    });
    found
}

fn code_of(line: &str) -> &str {
    let line = line.split("//").next().unwrap_or("");
    if line.trim_start().starts_with("#![") || line.trim_start().starts_with("#[") {
        ""
    } else {
        line
    }
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("the tests run in the package's folder") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() { walk(&path, each) } else { each(&path) }
    }
}

fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(Path::new(folder), &mut |path| {
        if path.extension().is_some_and(|found| found == extension) {
            found.push(path.to_owned());
        }
    });
    assert!(!found.is_empty(), "{folder} holds files");
    found
}
