//! crossplane, which reads nginx's files too, makes the same tree of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

const READER: &str = include_str!("crossplane.py");

/// Words, quotes, variables and blocks in the ways that differ most between readers; but for `\t`,
/// `\n` and `\\` within quotes, which it leaves as they are, unlike nginx.
const HARD: &str = r#"
user  www-data ;# behind
events{worker_connections 1k;}
http {
    log_format main '$remote_addr "$request" ' "\"two\" lines
  here" plain;
    map $http_upgrade $connection { default upgrade; '' close; "~^a b$" "x;y{z}"; }
    server{listen 80;server_name a.example *.b.example "~^c(?<d>\d{1,3})\.example$";
        location ~* \.(?:jpg|css)$ { return 200 'its'; }
        location = /a\ b { return 200 "say \"so\""; }
        location /${host}/x { return 301 https://$host$request_uri#top; }
        if ($request_method = POST) { return 405; }
        if ($http_user_agent ~* "(a b|c)") { return 403; }
        rewrite "^/(\w{2,3})/(.*)$" /$2?l=$1 last;
    }
    include part/*.conf;
}
"#;

fn interpreter() -> Option<PathBuf> {
    let named = std::env::var_os("PILOTHOUSE_CROSSPLANE").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let kept = || Some(home()?.join(".cache/pilothouse-tests/crossplane-0.5.8/bin"));
    let python = named.or_else(kept).map(|folder| folder.join("python"));
    let found = python.filter(|python| python.is_file());
    let is_wanted = std::env::var_os("PILOTHOUSE_ORACLES_REQUIRED").is_some();
    assert!(found.is_some() || !is_wanted, "crossplane is not installed");
    found
}

fn theirs(python: &Path, file: &Path) -> String {
    let output = Command::new(python).args(["-c", READER]).arg(file).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", file.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// As the reader above writes it.
fn ours(block: &[Directive], depth: usize) -> String {
    let plain = |word: &String| {
        let word = word.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
        format!("<{word}>")
    };
    let one = |directive: &Directive| {
        let arguments = condition(&directive.name, &directive.arguments);
        let words: Vec<String> =
            std::iter::once(&directive.name).chain(&arguments).map(plain).collect();
        let line = format!("{}{} {}", "  ".repeat(depth), directive.place.line, words.join(" "));
        format!("{line}\n{}", ours(directive.inner(), depth + 1))
    };
    block.iter().map(one).collect()
}

/// crossplane takes the parentheses off a condition.
fn condition(name: &str, arguments: &[String]) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    if name != "if" {
        return arguments;
    }
    if let Some(first) = arguments.first_mut() {
        *first = first.strip_prefix('(').unwrap_or(first).to_owned();
    }
    if let Some(last) = arguments.last_mut() {
        *last = last.strip_suffix(')').unwrap_or(last).to_owned();
    }
    arguments.retain(|word| !word.is_empty());
    arguments
}

fn agree(python: &Path, file: &Path) {
    let path: Rc<Path> = Rc::from(file);
    let text = std::fs::read_to_string(file).expect("readable");
    let mut reader = Reader::new(file.parent().expect("it lies in a folder"));
    let tree = reader.read(&path, &text);
    assert!(reader.mistakes.is_empty(), "{}: {:?}", file.display(), reader.mistakes);
    assert_eq!(ours(&tree, 0), theirs(python, file), "{}", file.display());
}

#[test]
fn it_makes_the_same_tree() {
    let Some(python) = interpreter() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("part");
    std::fs::create_dir(&part).expect("it is ours");
    std::fs::write(part.join("b.conf"), "server { listen 81; }\n").expect("it is ours");
    std::fs::write(part.join("a.conf"), "# nothing\n\nserver { listen 82; include c; }\n")
        .expect("it is ours");
    std::fs::write(folder.path().join("c"), "return 204;").expect("it is ours");
    let site = include_str!("../../../../tests/corpus/nginx_conf/site");
    for (name, text) in [("hard", HARD), ("site", site)] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("it is ours");
        agree(&python, &file);
    }
    let installed = Path::new("/etc/nginx/nginx.conf");
    if installed.is_file() {
        agree(&python, installed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn of_any_file_that_both_take(words in proptest::collection::vec(
        prop_oneof![
            "[a-z0-9/.:=~^*_-]{1,6}",
            "[a-z ;{}#]{0,6}".prop_map(|text| format!("\"{text}\"")),
            "[a-z ;{}#]{0,6}".prop_map(|text| format!("'{text}'")),
            // Its own reader goes on to the next word after a brace that ends one.
            "[a-z]{1,3}".prop_map(|name| format!("${{{name}}}/")),
            Just("\n".to_owned()),
        ],
        1..12,
    )) {
        let Some(python) = interpreter() else { return Ok(()) };
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("any.conf");
        let text = format!("first {};\nblock {{ second {}; }}\n", words.join(" "), words.join("  "));
        std::fs::write(&file, text).expect("it is ours");
        agree(&python, &file);
    }
}
