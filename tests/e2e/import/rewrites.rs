//! Variables of a file's own, conditions and rewrites: the same file in nginx and, translated, here;
//! requests are answered the same, and backends are asked the same.

use std::fs;
use std::net::SocketAddr;

use super::twins::Twins;
use crate::client::{self, Response};
use crate::origin::{self, Origin, Request};

/// `LISTEN`, `BACKEND` and `OTHER` are addresses, `SITE` a folder.
const HTTP: &str = r#"
map $http_x_kind $kind {
    default plain;
    "" none;
    Big large;
    ~^x-(?<rest>[a-z]+)$ "rest $rest";
    ~*^Y(.)$ "y $1";
    \default word;
}
map $host $pool {
    hostnames;
    default BACKEND;
    .other.example OTHER;
    www.third.* OTHER;
}
map $uri $twice { default "$kind/$zone"; /twice/deep "$zone$zone"; }
map $http_cookie $is_known { default 0; ~*session= 1; }
geo $zone { default far; 127.0.0.0/8 near; 127.0.0.1/32 here; 10.0.0.0/8 "inside"; }
geo $arg_at $place {
    ranges;
    default nowhere;
    10.1.0.0-10.1.0.6 few;
    10.1.0.7-10.3.255.255 many;
}
geo $arg_at $network { default none; 10.0.0.0/8 ten; 10.1.0.0/16 one; fd00::/8 v6; delete 10.1.0.0/16; }
split_clients "${arg_key}salt" $variant { 10% a; 25.5% b; 0.5% c; * d; }
log_format own "$kind $zone $variant";
default_type text/plain;
server {
    listen LISTEN;
    server_name example.com;
    root SITE;
    set $who nobody;
    if ($arg_who) { set $who $arg_who; }
    if ($http_user_agent ~* (bad|worse)bot) { return 403 "no $1"; }
    rewrite ^/first/(.*)$ /second/$1;
    rewrite ^/second/(?<tail>.*)$ /third/$tail last;
    rewrite ^/sent/(\d+)$ /to/$1 permanent;
    rewrite ^/sent/(\w+)$ /to?name=$1 redirect;
    rewrite ^/bare/(\w+)$ /to/$1? redirect;
    rewrite ^/far/(\w+)$ http://elsewhere.example/$1;

    location /kinds { return 200 "$kind\n"; }
    location /zones { return 200 "$zone $place $network\n"; }
    location /shares { return 200 "$variant\n"; }
    location /twice { return 200 "$twice\n"; }
    location /who { return 200 "$who $is_known\n"; }
    location /third/ { return 200 "third $uri $args\n"; }
    location /methods {
        if ($request_method = POST) { return 405; }
        if ($request_method != GET) { return 204; }
        if ($is_known) { return 302 /known?from=$who; }
        if ($http_x_kind !~ ^B) { set $who "$who not-b"; }
        if ($http_x_kind !~* ^b) { set $who "$who not-either"; }
        return 200 "$who\n";
    }
    location /again/ {
        rewrite ^/again/one/(.*)$ /again/two/$1;
        rewrite ^/again/two/(.*)$ /kinds/$1 last;
        return 200 "again $uri\n";
    }
    location /round/ { rewrite ^/round/(.*)$ /round/x$1 last; }
    location /stay/ {
        set $mark one;
        if ($arg_mark = two) { set $mark two; rewrite ^/stay/(.*)$ /moved/$mark/$1?own=$mark break; }
        proxy_pass http://BACKEND;
        proxy_set_header X-Mark $mark;
        proxy_set_header X-Kind $kind;
        proxy_set_header Accept-Encoding "";
    }
    location /dropped/ { rewrite ^/dropped/(.*)$ /kept/$1? break; proxy_pass http://BACKEND; proxy_set_header Accept-Encoding ""; }
    location ~ ^/grouped/(\w+)/(\w+)$ {
        set $first $1;
        set $second $2;
        if ($second = b) { return 200 "$first b\n"; }
        proxy_pass http://BACKEND/$2/$first$is_args$args;
        proxy_set_header Accept-Encoding "";
    }
    location /whole/ { proxy_pass http://BACKEND$request_uri; proxy_set_header Accept-Encoding ""; }
    location /files/ { rewrite ^/files/(.*)$ /$1 break; }
    location /pages { rewrite ^ /page.txt last; }
    location /found/ {
        proxy_pass http://BACKEND/v1/;
        proxy_set_header Accept-Encoding "";
    }
    location /rules/ {
        proxy_pass http://BACKEND/;
        proxy_redirect http://old.example/ /new/;
        proxy_redirect ~^http://(?<name>\w+)\.named\.example/(.*)$ https://$host/$name/$2;
        proxy_cookie_domain back.example front.example;
        proxy_cookie_path /v1/ /rules/;
        proxy_cookie_flags id secure samesite=strict;
        proxy_cookie_flags other nohttponly;
        proxy_set_header Accept-Encoding "";
    }
    location /tried/ { try_files $uri /caught/x?a=$arg_a; }
    location /tried/plain/ { try_files $uri $uri/ /caught$uri; }
    location /tried/page/ { try_files $uri /page.txt; }
    location /tried/shut/ { try_files $uri /shut/in; }
    location /tried/on/ { try_files $uri /passed/on; }
    location /tried/round/ { try_files $uri /tried/round/x$uri; }
    location /caught { return 200 "caught $uri $is_args$args\n"; }
    location /shut/ { deny all; }
    location /passed/ { rewrite ^/passed/(.*)$ /$1?own break; proxy_pass http://BACKEND; proxy_set_header Accept-Encoding ""; }
    location /off/ { proxy_pass http://BACKEND/; proxy_redirect off; proxy_set_header Accept-Encoding ""; }
}
server {
    listen LISTEN default_server;
    location / { proxy_pass http://$pool; proxy_set_header Accept-Encoding ""; }
    location /under/ { proxy_pass http://$pool/fixed?$args; proxy_set_header Accept-Encoding ""; }
}
"#;

/// Path, and lines of the request.
const REQUESTS: [(&str, &str); 70] = [
    ("/kinds", ""),
    ("/kinds", "X-Kind: BIG\r\n"),
    ("/kinds", "X-Kind: x-abc\r\n"),
    ("/kinds", "X-Kind: X-abc\r\n"),
    ("/kinds", "X-Kind: yz\r\n"),
    ("/kinds", "X-Kind: default\r\n"),
    ("/zones", ""),
    ("/zones?at=10.1.0.6", ""),
    ("/zones?at=10.1.0.7", ""),
    ("/zones?at=10.3.255.255", ""),
    ("/zones?at=10.4.0.0", ""),
    ("/zones?at=fd00::1", ""),
    ("/zones?at=nothing", ""),
    ("/twice", "X-Kind: Big\r\n"),
    ("/twice/deep", ""),
    ("/who", ""),
    ("/who?who=ann", "Cookie: a=b; Session=1\r\n"),
    ("/who", "User-Agent: BadBot/1\r\n"),
    ("/first/a/b?x=y", ""),
    ("/second/a%20b", ""),
    ("/sent/12", ""),
    ("/sent/12?x=y", ""),
    ("/sent/ab", ""),
    ("/sent/ab?x=y", ""),
    ("/bare/ab?x=y", ""),
    ("/far/ab?x=y", ""),
    ("/methods", ""),
    ("/methods?who=ann", "Cookie: session=1\r\n"),
    ("/methods", "X-Kind: Big\r\n"),
    ("/methods", "X-Kind: big\r\n"),
    ("/again/one/x", ""),
    ("/again/two/x?y", "X-Kind: Big\r\n"),
    ("/again/three", ""),
    ("/round/a", ""),
    ("/stay/a/b?c=d", ""),
    ("/stay/a/b?mark=two", "X-Kind: Big\r\n"),
    ("/stay/a%20b?mark=two&x=1", ""),
    ("/dropped/a?b=c", ""),
    ("/grouped/a/b", ""),
    ("/grouped/a/c", ""),
    ("/grouped/a/c?x=y", ""),
    ("/whole/a%20b/../c?d=e", ""),
    ("/files/page.txt", ""),
    ("/files/none", ""),
    ("/pages?x", ""),
    ("/found/at?to=/v1/x", ""),
    ("/found/at?to=http://BACKEND/v1/x", ""),
    ("/found/at?to=http://BACKEND/else", ""),
    ("/found/at?to=http://other.example/v1/", ""),
    ("/rules/at?to=http://old.example/a", ""),
    ("/rules/at?to=http://ann.named.example/a/b", ""),
    ("/rules/at?to=http://BACKEND/a", ""),
    ("/rules/refresh?to=http://old.example/a", ""),
    ("/rules/cookies", ""),
    ("/off/at?to=http://BACKEND/a", ""),
    ("/off/cookies", ""),
    ("/any", "Host: else.example\r\n"),
    ("/any?x=y", "Host: other.example\r\n"),
    ("/any", "Host: a.Other.example\r\n"),
    ("/any", "Host: www.third.example.org\r\n"),
    ("/any", "Host: third.example\r\n"),
    ("/under/a?b=c", "Host: other.example\r\n"),
    ("/under/a", "Host: else.example\r\n"),
    ("/shares", ""),
    ("/tried/x?a=b&c=d", ""),
    ("/tried/plain/x?a=b", ""),
    ("/tried/page/x", ""),
    ("/tried/shut/x", ""),
    ("/tried/on/x?y=z", ""),
    ("/tried/round/a", ""),
];

/// Answers with what it was asked, or as the last part of the path says.
fn asked(name: &'static str) -> impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static {
    move |request| {
        let line = request.head.lines().next().unwrap_or_default();
        let line = line.rsplit_once(' ').map_or(line, |(asked, _version)| asked);
        let path = line.split(' ').nth(1).unwrap_or_default();
        let (path, to) = path.split_once("?to=").unwrap_or((path, ""));
        let found = |lines: &str| {
            format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n").into_bytes()
        };
        match path.rsplit('/').next() {
            Some("at") => {
                let head = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n";
                format!("{head}Location: {to}\r\n\r\n").into_bytes()
            }
            Some("refresh") => found(&format!("Refresh: 5; url={to}\r\n")),
            Some("cookies") => found(
                "Set-Cookie: id=1; Domain=.back.example; Path=/v1/x; HttpOnly\r\n\
                 Set-Cookie: other=2; path=/v2/; HttpOnly; Secure\r\n\
                 Set-Cookie: third=3\r\n",
            ),
            _ => {
                let header = |name: &str| request.header(name).unwrap_or_default();
                let told = [header("host"), header("x-mark"), header("x-kind")];
                origin::ok(&format!("{name}: {line} {told:?}"))
            }
        }
    }
}

fn ask(address: SocketAddr, method: &str, (path, lines): (&str, &str)) -> Response {
    let host = if lines.contains("Host:") { "" } else { "Host: example.com\r\n" };
    let request = format!("{method} {path} HTTP/1.1\r\n{host}{lines}Connection: close\r\n\r\n");
    client::exchange(address, request.as_bytes()).expect("an answer")
}

/// What has to be the same; our own short answers have other words.
fn outcome(answer: &Response) -> String {
    let all = |name: &str| {
        let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
        let own = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    let body = answer.text();
    let is_page = answer.status >= 300 && !body.starts_with("no ");
    let body = if is_page { String::new() } else { body };
    let lines = ["location", "refresh", "set-cookie"].map(all);
    format!("{} {lines:?} {body:?}", answer.status)
}

#[test]
fn nginxs_rewrites_and_variables_are_the_same_here() {
    let [origin, other] = ["first", "second"].map(|name| Origin::scripted(asked(name)));
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site");
    fs::create_dir_all(&site).expect("the folder is ours");
    fs::write(site.join("page.txt"), "a page\n").expect("the folder is ours");
    let backend = origin.address.to_string();
    let http = HTTP
        .replace("BACKEND", &backend)
        .replace("OTHER", &other.address.to_string())
        .replace("SITE", &site.display().to_string());
    let Some(mut twins) = Twins::start(&http) else { return };
    let remarks = &twins.remarks;
    assert_eq!(remarks.lines().count(), 1, "{remarks}");
    assert!(remarks.contains("`Location` alone is looked at"), "{remarks}");
    let mut compare = |method: &str, path: &str, lines: &str| {
        let what = format!("{method} {path} {lines:?}");
        twins.compare(&what, |address| outcome(&ask(address, method, (path, lines))));
    };
    for (path, lines) in REQUESTS {
        compare("GET", &path.replace("BACKEND", &backend), lines);
    }
    for method in ["POST", "DELETE"] {
        compare(method, "/methods", "Content-Length: 0\r\n");
    }
    for number in 0..200 {
        compare("GET", &format!("/shares?key={number}"), "");
    }
    twins.are_alike();
}
