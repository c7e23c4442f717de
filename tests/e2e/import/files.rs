//! Conditions on files: the same file in nginx and, translated, here; the same requests are answered the
//! same, also while files come and go.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::twins::Twins;
use crate::client;
use crate::origin::{self, Origin};

/// `LISTEN` and `BACKEND` are addresses, `SITE` a folder.
const HTTP: &str = r#"
server {
    listen LISTEN;
    root SITE;
    if (-f $document_root/off.html) { return 503; }
    set $seen "";
    location / {
        if (!-e $request_filename) { rewrite ^/(.*)$ /index.php?q=$1 last; }
    }
    location /index.php { return 200 "made $uri $args\n"; }
    location /kinds/ {
        if (-f $request_filename) { set $seen "${seen}f"; }
        if (!-f $request_filename) { set $seen "${seen}F"; }
        if (-d $request_filename) { set $seen "${seen}d"; }
        if (!-d $request_filename) { set $seen "${seen}D"; }
        if (-e $request_filename) { set $seen "${seen}e"; }
        if (!-e $request_filename) { set $seen "${seen}E"; }
        if (-x $request_filename) { set $seen "${seen}x"; }
        if (!-x $request_filename) { set $seen "${seen}X"; }
        return 200 "$seen\n";
    }
    location /named { if (-f $document_root/kinds/$arg_name) { return 200 "there\n"; } return 200 "not there\n"; }
    location = /alias { alias SITE/kinds/file; if (-f $request_filename) { return 200 "alias\n"; } }
    location /app/ {
        root SITE/kinds;
        if (-f $request_filename) { rewrite ^ /static$uri last; }
        proxy_pass http://BACKEND;
    }
    location /static/ { return 200 "static $uri\n"; }
}
"#;

const PATHS: [&str; 20] = [
    "/kinds/file",
    "/kinds/script",
    "/kinds/folder",
    "/kinds/folder/",
    "/kinds/link",
    "/kinds/broken",
    "/kinds/pipe",
    "/kinds/none",
    "/kinds/file/below",
    "/kinds/%00",
    "/kinds/a%20b",
    "/kinds/../kinds/file",
    "/page.txt",
    "/none.txt?x=y",
    "/named?name=file",
    "/named?name=none",
    "/named?name=folder",
    "/alias",
    "/app/in",
    "/app/none?x",
];

fn furnish(site: &Path) {
    let kinds = site.join("kinds");
    fs::create_dir_all(kinds.join("folder")).expect("the folder is ours");
    fs::create_dir_all(kinds.join("app")).expect("the folder is ours");
    for name in ["kinds/file", "kinds/script", "kinds/a b", "kinds/app/in", "page.txt"] {
        fs::write(site.join(name), "x\n").expect("the folder is ours");
    }
    fs::set_permissions(kinds.join("script"), fs::Permissions::from_mode(0o755)).expect("ours");
    symlink("file", kinds.join("link")).expect("the folder is ours");
    symlink("nowhere", kinds.join("broken")).expect("the folder is ours");
    let pipe = std::process::Command::new("mkfifo").arg(kinds.join("pipe")).status();
    assert!(pipe.expect("mkfifo runs").success());
}

fn outcome(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = client::exchange(address, request.as_bytes()).expect("an answer");
    let body = if answer.status < 300 { answer.text() } else { String::new() };
    format!("{} {body:?}", answer.status)
}

#[test]
fn nginx_and_we_see_the_same_files() {
    let origin = Origin::scripted(|request| {
        origin::ok(request.head.lines().next().unwrap_or_default().trim_end_matches(|c| c != ' '))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site");
    furnish(&site);
    let http = HTTP
        .replace("BACKEND", &origin.address.to_string())
        .replace("SITE", &site.display().to_string());
    let Some(mut twins) = Twins::start(&http) else { return };
    assert_eq!(twins.remarks, "");
    for path in PATHS {
        twins.compare(path, |address| outcome(address, path));
    }
    fs::write(site.join("kinds/none"), "").expect("the folder is ours");
    fs::remove_file(site.join("kinds/file")).expect("it was there");
    for path in ["/kinds/none", "/kinds/file", "/kinds/link", "/alias"] {
        twins.compare(&format!("{path}, changed"), |address| outcome(address, path));
    }
    fs::write(site.join("off.html"), "").expect("the folder is ours");
    for path in ["/page.txt", "/kinds/script", "/app/none"] {
        twins.compare(&format!("{path}, switched off"), |address| outcome(address, path));
    }
    twins.are_alike();
}
