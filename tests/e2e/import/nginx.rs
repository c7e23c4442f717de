//! The same file in nginx and, translated, here: requests are answered the same, and backends are
//! asked the same.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::twins::Twins;
use super::{import, text};
use crate::client::{self, Response};
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::origin::{self, Origin, Request};
use crate::tls::papers::Authority;
use crate::{oracle, ports};

/// `LISTEN` and `BACKEND` are addresses, `SITE` a folder.
const HTTP: &str = r#"
upstream app { server BACKEND weight=2 max_fails=3 fail_timeout=30s; keepalive 8; }
log_format own '$remote_addr "$request" $status';
limit_req_zone $binary_remote_addr zone=own:1m rate=1r/m;
limit_conn_zone $server_name zone=busy:1m;
set_real_ip_from 127.0.0.1;
real_ip_header X-Real-Client;
default_type text/plain;
server {
    listen LISTEN;
    server_name example.com www.example.com;
    root SITE;
    index index.html;
    error_page 404 /404.html;
    add_header X-Site "one $host" always;
    rewrite ^/gone/(\d+)$ /item/$1 permanent;
    location / { try_files $uri $uri/ =404; }
    location = /exact { return 200 "exact $request_uri\n"; }
    location /api/ {
        proxy_pass http://app/v2/;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header Connection "";
        proxy_set_header Accept-Encoding "";
        proxy_read_timeout 1m30s;
        client_max_body_size 10;
    }
    location ^~ /plain { proxy_pass http://app; }
    location ~ ^/user/(?<name>[a-z]+)$ { return 302 /people?name=$name; }
    location ~* \.php$ { return 403; }
    location /shut { deny all; }
    location /near { allow 127.0.0.1; allow 10.1.2.3/8; deny all; }
    location /far { allow 192.0.2.0/24; deny all; limit_conn busy 5; limit_rate 1m; }
    location /rated { limit_req zone=own burst=2 nodelay; limit_req_status 429; }
    location /login { auth_basic "in here"; auth_basic_user_file SITE/users; }
    location /either { auth_basic in; auth_basic_user_file SITE/users; satisfy any; allow 127.0.0.1; deny all; }
    location /asked {
        auth_request /judge; auth_request_set $who $upstream_http_x_who;
        proxy_set_header X-Real-IP $who; proxy_set_header Host $host;
        proxy_set_header Accept-Encoding ""; proxy_pass http://app;
    }
    location /unasked { auth_request /judge/not; proxy_pass http://app; }
    location = /judge { internal; proxy_pass http://app/check; }
    location = /judge/not { internal; proxy_pass http://app/deny; }
    location /files/ { alias SITE/below/; autoindex on; }
    location /back { try_files $uri @app; }
    location @app { proxy_pass http://app; proxy_set_header Host app.internal; }
    location /inner { internal; }
    location /old { return 301 https://$host$request_uri; }
    location /moved { rewrite ^/moved/(.*)$ /new/$1 break; proxy_pass http://app; }
}
server {
    listen LISTEN;
    server_name .other.org;
    location / { return 204; }
}
server {
    listen LISTEN default_server;
    return 421 "nobody\n";
}
"#;

const PATHS: [&str; 42] = [
    "/near",
    "/far",
    "/rated/1",
    "/rated/2",
    "/rated/3",
    "/rated/4",
    "/login",
    "/either",
    "/asked?by=whom",
    "/unasked",
    "/judge",
    "/",
    "/index.html",
    "/page.txt",
    "/nothing",
    "/below",
    "/below/",
    "/exact",
    "/exact?a=b",
    "/exactly",
    "/api",
    "/api/",
    "/api/x/y?z=1",
    "/api?q",
    "/plain",
    "/plain/more?a",
    "/plainer",
    "/user/ann",
    "/user/Ann",
    "/user/ann.php",
    "/x/y.PHP",
    "/shut",
    "/shut/in",
    "/files/",
    "/files/deep.txt",
    "/files/none",
    "/back/door?x=1",
    "/inner",
    "/old/page?x=1",
    "/moved/a/b?c=d",
    "/gone/17",
    "/gone/17?x=y",
];

const HOSTS: [&str; 5] = ["example.com", "www.example.com", "a.other.org", "other.org", "else.net"];

fn asked(request: &Request) -> Vec<u8> {
    let header = |name: &str| request.header(name).unwrap_or_default();
    let told = [header("host"), header("x-real-ip"), header("accept-encoding")];
    let line = request.head.lines().next().unwrap_or_default();
    if line.starts_with("GET /deny") {
        return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec();
    }
    if line.starts_with("GET /check") {
        return b"HTTP/1.1 204 No Content\r\nX-Who: ann\r\n\r\n".to_vec();
    }
    let asked = line.rsplit_once(' ').map_or(line, |(asked, _version)| asked);
    origin::ok(&format!("{asked} {told:?}"))
}

fn site(folder: &Path) {
    fs::create_dir_all(folder.join("below")).expect("the folder is ours");
    for (name, text) in [
        ("index.html", "<h1>home</h1>\n"),
        ("page.txt", "a page\n"),
        ("users", "ann:{PLAIN}secret\n"),
        ("404.html", "not here\n"),
        ("below/deep.txt", "deep\n"),
    ] {
        fs::write(folder.join(name), text).expect("the folder is ours");
    }
}

fn ask(address: SocketAddr, method: &str, host: &str, path: &str) -> Response {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    client::exchange(address, request.as_bytes()).expect("an answer")
}

/// What has to be the same; our own short answers have other words.
fn outcome(answer: &Response, path: &str) -> String {
    let header = |name| answer.header(name).unwrap_or("-").to_owned();
    let is_own = answer.status >= 300 && header("x-site") != "-" || path == "/files/";
    let body = match answer.status {
        404 | 200 | 421 if !is_own || answer.status == 404 => answer.text(),
        _ => String::new(),
    };
    let body = if body.contains("nginx") || path == "/files/" { String::new() } else { body };
    // Of folders, ours is a path alone.
    let location = header("location");
    let folder = location.strip_suffix("/below/").map(|_host| "/below/");
    let location = folder.unwrap_or(&location);
    format!("{} {location} {} {body:?}", answer.status, header("x-site"))
}

#[test]
fn nginxs_servers_are_the_same_here() {
    let origin = Origin::scripted(asked);
    let folder = tempfile::tempdir().expect("a folder");
    site(&folder.path().join("site"));
    let http = HTTP
        .replace("BACKEND", &origin.address.to_string())
        .replace("SITE", &folder.path().join("site").display().to_string());
    let Some(mut twins) = Twins::start(&http) else { return };
    assert_eq!(twins.remarks, "");
    for host in HOSTS {
        for path in PATHS {
            let asked = |address| outcome(&ask(address, "GET", host, path), path);
            twins.compare(&format!("{host}{path}:"), asked);
        }
    }
    twins.are_alike();
}

/// `LISTEN` and `INNER` are addresses, `SITE` a folder with certificates.
const TLS: &str = r#"
ssl_certificate SITE/site.pem;
ssl_certificate_key SITE/site.key;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:a:1m;
server {
    listen LISTEN ssl;
    server_name site.test;
    location / { return 200 "$scheme\n"; }
    location /in/ {
        proxy_pass https://INNER/;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate SITE/ca.pem;
        proxy_ssl_name inner.test;
    }
    location /trusting/ { proxy_pass https://INNER/; proxy_set_header Host inner.test; }
}
server {
    listen INNER ssl;
    server_name inner.test;
    ssl_certificate SITE/inner.pem;
    ssl_certificate_key SITE/inner.key;
    location / { return 200 "inner $request_uri\n"; }
}
"#;

#[test]
fn nginxs_certificates_serve_and_are_asked_for_here() {
    let Some(curl) = oracle::find("curl") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("Tests");
    authority.server(&["site.test"]).write(folder.path(), "site");
    authority.server(&["inner.test"]).write(folder.path(), "inner");
    fs::write(folder.path().join("ca.pem"), authority.pem()).expect("the folder is ours");
    let http = TLS.replace("SITE", &folder.path().display().to_string());
    let [theirs, ours] = [(); 2].map(|()| [ports::address(), ports::address()]);
    let of = |[listen, inner]: &[String; 2]| http.replace("LISTEN", listen).replace("INNER", inner);
    let listens = theirs[0].parse().expect("an address");
    let Some(_nginx) = Foreign::nginx(&of(&theirs), listens) else { return };
    let file = folder.path().join("nginx.conf");
    fs::write(&file, format!("http {{\n{}\n}}\n", of(&ours))).expect("the folder is ours");
    let output = import("nginx", &["--strict"], &file);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let _engine = Engine::start(&text(&output.stdout));
    let ask = |address: &str, path: &str| {
        let (host, port) = address.rsplit_once(':').expect("an address");
        let output = Command::new(&curl)
            .args(["-q", "-sS", "--max-time", "60", "--cacert", "ca.pem", "--resolve"])
            .arg(format!("site.test:{port}:{host}"))
            .arg(format!("https://site.test:{port}{path}"))
            .current_dir(folder.path())
            .env_remove("SSLKEYLOGFILE")
            .output()
            .expect("curl runs");
        text(&[output.stdout, output.stderr].concat())
    };
    for path in ["/", "/in/side?a=b", "/trusting/side"] {
        assert_eq!(ask(&ours[0], path), ask(&theirs[0], path), "{path} (left: ours)");
    }
}

#[test]
fn what_has_no_equal_is_said_and_what_would_open_stays_shut() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    fs::create_dir(file("sites")).expect("the folder is ours");
    let main = "user nobody;\nworker_processes 2;\nevents { worker_connections 512; }\nhttp {\n    \
        include sites/*.conf;\n    map $x $y { default 1; }\n}\n";
    fs::write(file("nginx.conf"), main).expect("the folder is ours");
    let server = "server {\n    listen 127.0.0.1:8089;\n    location / {\n        \
        auth_basic on;\n        proxy_pass http://127.0.0.1:1;\n    }\n    \
        location /f { fastcgi_pass unix:/x; }\n    limit_req zone=a;\n}\n";
    fs::write(file("sites/a.conf"), server).expect("the folder is ours");
    let output = import("nginx", &[], &file("nginx.conf"));
    let (toml, remarks) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{remarks}");
    for (place, part) in [
        ("nginx.conf:6", "`$y` is left out: there is no `$x` here"),
        ("sites/a.conf:4", "shut (403), as such an `auth_basic` has no equal here"),
        ("sites/a.conf:7", "answered with 501, as `fastcgi_pass` has no equal here"),
        ("sites/a.conf:8", "`limit_req` is left out: there is no zone `a`"),
    ] {
        let is_said = |line: &str| line.contains(place) && line.contains(part);
        assert!(remarks.lines().any(is_said), "{place} {part} is not in {remarks}");
    }
    assert_eq!(remarks.lines().count(), 4, "{remarks}");
    assert!(toml.contains("respond = 403  # a.conf:4"), "{toml}");
    assert!(toml.contains("worker_connections = 512"), "{toml}");
    assert_eq!(import("nginx", &["--strict"], &file("nginx.conf")).status.code(), Some(1));
    for (text_, expected) in [
        ("http {\n", "nginx.conf:1: `{` of line 1 is not closed"),
        ("http {\n}\n}\n", "nginx.conf:3: `}` closes nothing"),
        ("http \"a", "nginx.conf:1: this quote is not closed"),
        ("user a\n", "nginx.conf:1: `user` is not ended by `;`"),
        ("include nowhere.conf;", "nginx.conf:1: "),
        ("http { server { listen nobody; } }", "`nobody` is no address to listen on"),
    ] {
        fs::write(file("nginx.conf"), text_).expect("the folder is ours");
        let output = import("nginx", &[], &file("nginx.conf"));
        let remarks = text(&output.stderr);
        assert!(remarks.contains(expected), "{text_}: {remarks}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text_}");
    }
}
