//! The same requests to the real nginx and to us, over the same files: the same status, the same
//! body, the same word on the file.
//!
//! Paths, methods, ranges and conditions are made up from what matters about them, thousands of
//! them, the same ones in every run.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use super::{put, serve};
use crate::engine::Engine;
use crate::{client, oracle, ports, wait};

const REQUESTS: usize = 5000;
/// Of every file: requests know it to the second.
const MODIFIED_S: u64 = 784_111_777;
const LENGTHS: [usize; 8] = [0, 1, 10, 1000, 65_535, 65_536, 65_537, 300_000];

const ROUTES: &str = r#"
keepalive_requests = 1000000
[route]
path = "/"
root = "www"
index = ["index.html", "index.txt"]
dot_files = true
ranges_max = 1024
[route]
path = "/list/"
root = "www"
autoindex = true
[route]
path = "/json/"
alias = "www/list/"
autoindex = "json"
[route]
path = "/try/"
root = "www"
try_files = ["$uri", "$uri/", "/try/index.html"]
[route]
path = "/only/"
root = "www"
try_files = ["$uri"]
[route]
path = "/app/"
alias = "www/sub/"
[route]
path = "/coded/"
root = "www"
precompressed = ["gz"]
expires = "1h"
[route]
path = "/none/"
alias = "www/"
ranges_max = 0
expires = "epoch"
[route]
path = "/two/"
alias = "www/"
ranges_max = 2
expires = "max"
"#;

const LOCATIONS: &str = r"
root ROOT; index index.html index.txt;
location / { }
location /list/ { autoindex on; index index.html; }
location /json/ { alias ROOT/list/; autoindex on; autoindex_format json; index index.html; }
location /try/ { try_files $uri $uri/ /try/index.html =404; index index.html; }
location /only/ { try_files $uri =404; index index.html; }
location /app/ { alias ROOT/sub/; index index.html; }
location /coded/ { gzip_static on; gzip_http_version 1.0; gzip_proxied any; expires 1h; index index.html; }
location /none/ { alias ROOT/; max_ranges 0; expires epoch; index index.html; }
location /two/ { alias ROOT/; max_ranges 2; expires max; index index.html; }
";

fn furnish(root: &Path) {
    for bytes in LENGTHS {
        let text: Vec<u8> = (0..bytes).map(|at| b'!' + (at * 7 % 90) as u8).collect();
        put(root, &format!("f{bytes}.txt"), &text);
        put(root, &format!("sub/f{bytes}.html"), &text);
    }
    for name in [
        "index.html",
        "sub/index.txt",
        "sub/deep/index.html",
        "list/a b.txt",
        "list/c&d<e>.txt",
        "list/p%41.txt",
        "list/q?r#s.txt",
        "list/a-name-that-is-a-good-deal-longer-than-fifty-columns.txt",
        "list/sub/index.html",
        "list/empty/.keep",
        "list/d:e/x",
        "list/.hidden",
        "try/index.html",
        "try/file.txt",
        "try/folder/index.html",
        "try/bare/x",
        "only/file.txt",
        "only/folder/index.html",
        "coded/a.css",
        "coded/a.css.gz",
        "coded/only.css.gz",
        "coded/index.html",
        "coded/index.html.gz",
        ".dot/file",
        "no-extension",
        "UPPER.TXT",
        "sub/\u{e9}.txt",
    ] {
        put(root, name, format!("the text of {name}\n"));
    }
    symlink("../f10.txt", root.join("list/link.txt")).expect("the folder is ours");
    symlink("nowhere", root.join("list/dangling")).expect("the folder is ours");
    symlink("sub", root.join("linked")).expect("the folder is ours");
    settle(root);
}

/// Gives everything the same time.
fn settle(path: &Path) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the folder is ours") {
            settle(&entry.expect("the folder is ours").path());
        }
    }
    if let Ok(file) = fs::File::open(path) {
        let time = UNIX_EPOCH + Duration::from_secs(MODIFIED_S);
        file.set_modified(time).expect("the file is ours");
    }
}

struct Nginx {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Nginx {
    fn over(root: &Path) -> Option<Self> {
        let program = oracle::find("nginx")?;
        let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
        let listen = ports::address();
        let own = folder.path().display();
        let mut temporary = String::new();
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(temporary, "{kind}_temp_path {own}/{kind};").expect("a string takes all");
        }
        let locations = LOCATIONS.replace("ROOT", &root.display().to_string());
        let text = format!(
            "daemon off; master_process off; pid {own}/pid; error_log {own}/error.log crit;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; sendfile on; keepalive_requests 1000000; {temporary}\n\
             types {{ text/html html; text/plain txt; text/css css; application/gzip gz; }}\n\
             default_type application/octet-stream; absolute_redirect off;\n\
             server {{ listen {listen}; {locations} }} }}\n"
        );
        let config = folder.path().join("nginx.conf");
        fs::write(&config, text).expect("the folder is ours");
        let process = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx runs");
        let address = listen.parse().expect("an address");
        let nginx = Self { process, address, _folder: folder };
        wait::until("nginx listens", || client::connect(address).ok());
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _it_may_be_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// What paths are made of.
#[rustfmt::skip]
const FOLDERS: &[&str] = &[
    "/", "/", "/", "/sub/", "/sub/deep/", "/list/", "/list/sub/", "/list/empty/", "/json/",
    "/json/sub/", "/try/", "/try/folder/", "/try/nothing/", "/only/", "/only/folder/", "/app/",
    "/app/deep/", "/coded/", "/none/", "/two/", "/two/sub/", "/.dot/", "/linked/", "/missing/",
];
#[rustfmt::skip]
const FILES: &[&str] = &[
    "", "", "f0.txt", "f1.txt", "f10.txt", "f1000.txt", "f65535.txt", "f65536.txt", "f65537.txt",
    "f300000.txt", "f10.html", "f1000.html", "f65537.html", "index.html", "index.txt", "sub",
    "deep", "list", "empty", "folder", "bare", "a.css", "only.css", "a.css.gz", "file.txt",
    "file", "nothing", "no-extension", "UPPER.TXT", "a b.txt", "p%41.txt", "q?r#s.txt",
    "\u{e9}.txt", "link.txt", "dangling", "d:e", "f10.txt/", "index.html/x", "./f10.txt",
    "../f10.txt", "../../../etc/passwd", "sub/../f10.txt",
];

/// xorshift: the same requests in every run.
struct Draws(u64);

impl Draws {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % below
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.next(choices.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.next(100) < percent
    }

    fn path(&mut self) -> String {
        let plain = format!("{}{}", self.of(FOLDERS), self.of(FILES));
        let mut path = String::new();
        for byte in plain.bytes() {
            let is_plain = byte.is_ascii_alphanumeric() || b"-._~/:&<>".contains(&byte);
            if !is_plain || self.chance(2) {
                let lower = self.chance(50);
                let escape = if lower { format!("%{byte:02x}") } else { format!("%{byte:02X}") };
                path.push_str(&escape);
            } else {
                path.push(char::from(byte));
            }
            if byte == b'/' && self.chance(3) {
                path.push_str(self.of(&["/", "./", "x/../"]));
            }
        }
        if self.chance(10) {
            path.push_str(self.of(&["?", "?a=b", "?a=/../b", "?%"]));
        }
        path
    }

    fn range(&mut self) -> String {
        let number = |draws: &mut Self| match draws.next(8) {
            0 => 0,
            1 => 9,
            2 => 10,
            3 => draws.next(12),
            4 => draws.next(1100),
            5 => 65_530 + draws.next(20),
            6 => draws.next(70_000),
            _ => draws.next(310_000),
        };
        let mut parts = Vec::new();
        for _ in 0..[1, 1, 1, 2, 2, 3, 4, 9][self.next(8)] {
            let (start, length) = (number(self), number(self));
            parts.push(match self.next(12) {
                0..=5 => format!("{start}-{}", start + length),
                6 | 7 => format!("{start}-"),
                8 | 9 => format!("-{length}"),
                10 => format!("{start}-{length}"),
                _ => {
                    self.of(&["", "-", "x", "1", " 1 - 5 ", "0-0 ", "5-2", "--5", "-0"]).to_owned()
                }
            });
        }
        let unit =
            if self.chance(95) { "bytes=" } else { self.of(&["Bytes=", "lines=", "bytes ", ""]) };
        format!("Range: {unit}{}\r\n", parts.join(self.of(&[",", ",", ", "])))
    }

    fn date(&mut self) -> &'static str {
        match self.next(9) {
            0..=3 => "Sun, 06 Nov 1994 08:49:37 GMT",
            4 => "Sun, 06 Nov 1994 08:49:36 GMT",
            5 => "Sun, 06 Nov 1994 08:49:38 GMT",
            6 => "Sunday, 06-Nov-94 08:49:37 GMT",
            7 => "Sun Nov  6 08:49:37 1994",
            _ => "no date",
        }
    }

    fn tags(&mut self) -> String {
        let mut tags = Vec::new();
        for _ in 0..[1, 1, 1, 2, 3][self.next(5)] {
            let length = LENGTHS[self.next(LENGTHS.len())];
            tags.push(match self.next(8) {
                0..=3 => format!("\"{MODIFIED_S:x}-{length:x}\""),
                4 => format!("W/\"{MODIFIED_S:x}-{length:x}\""),
                5 => "*".to_owned(),
                6 => "\"x\"".to_owned(),
                _ => format!("{MODIFIED_S:x}-{length:x}"),
            });
        }
        tags.join(self.of(&[",", ", ", " , "]))
    }

    fn lines(&mut self) -> String {
        let mut lines = Vec::new();
        if self.chance(35) {
            lines.push(self.range());
            if self.chance(30) {
                let value = if self.chance(50) { self.date().to_owned() } else { self.tags() };
                lines.push(format!("If-Range: {value}\r\n"));
            }
        }
        for (name, percent) in [("If-None-Match", 12), ("If-Match", 8)] {
            if self.chance(percent) {
                lines.push(format!("{name}: {}\r\n", self.tags()));
            }
        }
        for (name, percent) in [("If-Modified-Since", 12), ("If-Unmodified-Since", 8)] {
            if self.chance(percent) {
                lines.push(format!("{name}: {}\r\n", self.date()));
            }
        }
        // This nginx has no parts of what was compressed ahead.
        if lines.is_empty() && self.chance(30) {
            let value = self.of(&["gzip", "gzip, br", "br", "gzip;q=0", "identity"]);
            lines.push(format!("Accept-Encoding: {value}\r\n"));
        }
        lines.concat()
    }

    fn request(&mut self) -> (String, String) {
        let method = match self.next(20) {
            0 | 1 => "HEAD",
            2 => self.of(&["POST", "DELETE", "OPTIONS", "PUT"]),
            _ => "GET",
        };
        let (path, lines) = (self.path(), self.lines());
        (method.to_owned(), format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
    }
}

/// A connection that is opened again when the server ends it.
struct Talk {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Talk {
    /// `None`: the server has ended the connection instead.
    fn ask(&mut self, method: &str, request: &str) -> Option<Answer> {
        let stream = self.stream.take();
        let mut stream = stream.unwrap_or_else(|| {
            BufReader::new(client::connect(self.address).expect("the listener accepts"))
        });
        stream.get_mut().write_all(request.as_bytes()).expect("the server reads");
        let head = client::read_head_if_any(&mut stream)?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let header = |name: &str| value(&head, name);
        let mut body = Vec::new();
        if method != "HEAD" && status != 304 {
            if header("transfer-encoding").is_some() {
                // nginx does not know the length of a listing.
                let head = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..];
                let mut chunks = head.chain(&mut stream);
                body = client::read_response(&mut chunks).expect("chunks").body;
            } else if let Some(length) = header("content-length") {
                body = vec![0; length.parse().expect("a length")];
                stream.read_exact(&mut body).expect("all of it comes");
            }
        }
        if header("connection").is_none_or(|value| value != "close") {
            self.stream = Some(stream);
        }
        Some(Answer { status, head, body })
    }
}

fn value(head: &str, name: &str) -> Option<String> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// What must be the same of both answers, as a text.
fn essence(answer: &Answer) -> String {
    let mut text = format!("{}\n", answer.status);
    let is_page = answer.status >= 400 || answer.status == 301;
    let mut body = answer.body.clone();
    for name in [
        "content-type",
        "content-length",
        "last-modified",
        "etag",
        "accept-ranges",
        "content-range",
        "content-encoding",
        "cache-control",
        "location",
    ] {
        let found = value(&answer.head, name);
        let is_own = match name {
            "content-type" | "content-length" => is_page,
            _ => false,
        };
        let is_coded = name == "accept-ranges" && value(&answer.head, "content-encoding").is_some();
        // The length of a listing is known to us only.
        let is_listing = name == "content-length" && value(&answer.head, "etag").is_none();
        let Some(mut found) = found.filter(|_| !is_own && !is_listing && !is_coded) else {
            continue;
        };
        if let Some(boundary) = found.strip_prefix("multipart/byteranges; boundary=") {
            assert_eq!(boundary.len(), 20, "{boundary}");
            let whole = String::from_utf8_lossy(&body).replace(boundary, "BOUNDARY");
            body = whole.into_bytes();
            "multipart/byteranges".clone_into(&mut found);
        }
        writeln!(text, "{name}: {found}").expect("a string takes all");
    }
    if !is_page {
        text += &String::from_utf8_lossy(&body);
    }
    text
}

#[test]
fn we_answer_as_nginx_answers() {
    let engine: Engine = serve(ROUTES, furnish);
    let root = engine.folder.path().join("www");
    let Some(nginx) = Nginx::over(&root) else { return };
    let mut ours = Talk { address: engine.address(), stream: None };
    let mut theirs = Talk { address: nginx.address, stream: None };
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    let (mut differing, mut statuses) = (Vec::new(), std::collections::BTreeMap::new());
    for _ in 0..REQUESTS {
        let (method, request) = draws.request();
        let our = ours.ask(&method, &request).unwrap_or_else(|| panic!("no answer to {request}"));
        let their = theirs.ask(&method, &request).or_else(|| theirs.ask(&method, &request));
        let their = their.unwrap_or_else(|| panic!("nginx has no answer to {request}"));
        *statuses.entry(their.status).or_insert(0_u32) += 1;
        // What a folder refuses besides, we call by its name.
        if (our.status, their.status) == (405, 403) {
            continue;
        }
        let (one, other) = (essence(&our), essence(&their));
        if one != other {
            let short = |text: &str| text.chars().take(600).collect::<String>();
            differing.push(format!("{request}ours: {}\nnginx: {}\n", short(&one), short(&other)));
        }
    }
    let count = differing.len();
    differing.truncate(8);
    assert!(differing.is_empty(), "{count} differ:\n{}", differing.join("\n"));
    for status in [200, 206, 301, 304, 400, 403, 404, 405, 412, 416] {
        assert!(statuses.contains_key(&status), "no {status} among {statuses:?}");
    }
}
