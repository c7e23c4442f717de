//! The words of `nginx.conf`, and its values; that both answer the same is shown by
//! `tests/e2e/import/nginx.rs`.

mod crossplane;
mod meaning;
mod names;
mod passing;
mod rewrites;

use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;

fn translated(text: &str) -> Translation {
    let folder = Path::new("/etc/nginx");
    let file: Rc<Path> = Rc::from(folder.join("nginx.conf"));
    finish(Reader::new(folder), &file, text, folder).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The keys of what a server's lines become, without comments.
fn check(server: &str, expected: &[&str]) {
    let text = format!("http {{ server {{ listen 80; {server} }} }}");
    let toml = translated(&text).toml;
    for line in expected {
        let is_it = |written: &str| written.split("  # ").next() == Some(*line);
        assert!(toml.lines().any(is_it), "{line} is not in\n{toml}");
    }
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
}

fn words(text: &str) -> Vec<String> {
    let file: Rc<Path> = Rc::from(Path::new("nginx.conf"));
    let tokens = words::read(&file, text).expect("words");
    let shown = |placed: words::Placed| match placed.token {
        words::Token::Word(word) => format!("<{word}>"),
        words::Token::End => ";".to_owned(),
        words::Token::Open => "{".to_owned(),
        words::Token::Close => "}".to_owned(),
    };
    tokens.into_iter().map(shown).collect()
}

#[test]
fn words_are_nginxs() {
    for (text, expected) in [
        ("a b;", "<a><b>;"),
        ("a{b;}", "<a>{<b>;}"),
        ("a b};", "<a><b}>;"),
        ("a \"b c\" 'd;e';#f\ng;", "<a><b c><d;e>;<g>;"),
        ("a ${b}c $d{", "<a><${b}c><$d>{"),
        (r#"a b\ c "d\"e" \n;"#, "<a><b\\ c><d\"e><\n>;"),
        ("a it's#b;", "<a><it's#b>;"),
        ("if ($a ~ \"x\") {}", "<if><($a><~><x><)>{}"),
    ] {
        assert_eq!(words(text).concat(), expected, "{text}");
    }
}

#[test]
fn times_and_sizes_are_nginxs() {
    for (text, ms, ours) in [
        ("30", 30_000, "30s"),
        ("500ms", 500, "500ms"),
        ("1m30s", 90_000, "90s"),
        ("1h", 3_600_000, "1h"),
        ("2d", 172_800_000, "48h"),
        ("1M", 2_592_000_000, "720h"),
    ] {
        assert_eq!(values::time_ms(text), Some(ms), "{text}");
        assert_eq!(values::duration(ms), ours);
    }
    assert_eq!(["", "x", "1x", "-1"].map(values::time_ms), [None; 4]);
    let sizes = [("10", "10B"), ("8k", "8KB"), ("1m", "1MB"), ("1536k", "1536KB"), ("0", "0B")];
    for (text, ours) in sizes {
        assert_eq!(values::size(values::bytes(text).expect("a size")), ours);
    }
}

#[test]
fn the_innermost_block_counts() {
    let text = "http { proxy_read_timeout 5s; proxy_set_header A 1; server { listen 80;
        proxy_set_header B 2;
        location /a { proxy_pass http://127.0.0.1:1; }
        location /b { proxy_pass http://127.0.0.1:1; proxy_set_header C 3; proxy_read_timeout 7; } } }";
    let toml = translated(text).toml;
    assert!(!toml.contains("A = "), "{toml}");
    assert!(toml.contains("set = { Host = \"127.0.0.1:1\", B = \"2\" }"), "{toml}");
    assert!(toml.contains("set = { Host = \"127.0.0.1:1\", C = \"3\" }"), "{toml}");
    assert_eq!(toml.matches("read_timeout = \"5s\"").count(), 1);
    assert_eq!(toml.matches("read_timeout = \"7s\"").count(), 1);
    assert_eq!(toml.matches("[upstream.").count(), 2, "one upstream with its backend: {toml}");
}

#[test]
fn directives_have_their_words() {
    check(
        "client_header_timeout 10; keepalive_timeout 65;",
        &["header_timeout = \"10s\"", "keepalive_timeout = \"65s\""],
    );
    check("large_client_header_buffers 4 8k;", &["header_max = \"32KB\"", "uri_max = \"8KB\""]);
    check(
        "location / { root /srv; autoindex on; autoindex_format json; }",
        &["root = \"/srv\"", "autoindex = \"json\""],
    );
    check(
        "location /a/ { alias /srv/; expires 30d; }",
        &["alias = \"/srv/\"", "expires = \"720h\""],
    );
    check(
        "gzip on; gzip_types text/css; location / { root /srv; gzip_static on; }",
        &[
            "compress = { codings = [\"gzip\"], types = [\"text/css\", \"text/html\"], min = \"20B\" }",
            "precompressed = [\"gz\"]",
        ],
    );
    check(
        "location / { proxy_pass http://[::1]:80; proxy_next_upstream error http_502; }",
        &[
            "upstream = \"u___1__80\"",
            "address = \"[::1]:80\"",
            "retry_on = [\"error\", \"http_502\"]",
        ],
    );
    check(
        "set_real_ip_from 10.0.0.0/8; real_ip_header X-Real-IP;",
        &["real_ip = { from = [\"10.0.0.0/8\"], header = \"X-Real-IP\" }"],
    );
    check("access_log off;", &["access_log = \"off\""]);
    check("return 404;", &["path = \"/\"", "respond = 404"]);
}

#[test]
fn upstreams_and_tcp_servers_have_their_words() {
    let text = "worker_processes auto; http { resolver 10.0.0.2 valid=30s ipv6=off;
        upstream a { least_conn; server x:1 weight=3 backup; server unix:/s max_conns=5; }
        upstream b { hash $request_uri consistent; server 127.0.0.1; keepalive 16; }
        server { listen 80; location / { proxy_pass http://a; } } }
        stream { upstream a { server 127.0.0.1:5; } server { listen 127.0.0.1:6; proxy_pass a;
        proxy_timeout 1h; } }";
    let toml = translated(text).toml;
    for part in [
        "workers = \"auto\"",
        "resolver = [\"10.0.0.2\"]",
        "resolve_valid = \"30s\"",
        "resolve_family = \"ipv4\"",
        "[upstream.a]",
        "strategy = \"least_conn\"",
        "address = \"x:1\"",
        "address = \"unix:/s\"",
        "max_conns = 5",
        "hash_key = \"${request_uri}\"",
        "address = \"127.0.0.1:80\"",
        "keepalive = 16",
        "[[stream]]",
        "upstream = \"a-2\"",
        "idle_timeout = \"1h\"",
    ] {
        assert!(toml.contains(part), "{part} is not in\n{toml}");
    }
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
}

#[test]
fn certificates_have_their_words_of_requests_and_of_connections() {
    let text = "http { server { listen 443 ssl; ssl_certificate a.pem; ssl_certificate b.pem;
        ssl_certificate_key a.key; ssl_certificate_key b.key; ssl_client_certificate ca.pem;
        ssl_verify_client on; ssl_crl /etc/crl.pem; location / { return 204; } } }
        stream { server { listen 127.0.0.1:6 ssl; listen 127.0.0.1:7; proxy_pass 127.0.0.1:5;
        ssl_certificate c.pem; ssl_certificate_key c.key; ssl_stapling_file c.ocsp; } }";
    let Translation { toml, warnings } = translated(text);
    for part in [
        "certificate = [\"/etc/nginx/a.pem\", \"/etc/nginx/b.pem\"]",
        "key = [\"/etc/nginx/a.key\", \"/etc/nginx/b.key\"]",
        "client_crl = \"/etc/crl.pem\", client_verify = \"required\"",
        "listen = [{ address = \"127.0.0.1:6\", tls = true }, \"127.0.0.1:7\"]",
        "certificate = \"/etc/nginx/c.pem\"",
        "staple = \"/etc/nginx/c.ocsp\"",
    ] {
        assert!(toml.contains(part), "{part} is not in\n{toml}");
    }
    assert!(warnings.is_empty(), "{warnings:?}");
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
}

/// The warnings of a file, by line.
fn warnings(text: &str) -> Vec<String> {
    translated(text).warnings.iter().map(|it| format!("{}: {}", it.place.line, it.text)).collect()
}

#[test]
fn a_tcp_server_with_guards_is_left_out_and_it_is_said() {
    for (guarded, line) in [
        ("stream { server { listen 127.0.0.1:6;\nallow 10.0.0.1; deny all; proxy_pass a:1; } }", 2),
        ("stream {\ndeny all; server { listen 127.0.0.1:6; proxy_pass a:1; } }", 2),
    ] {
        let toml = translated(guarded).toml;
        assert!(!toml.contains("[[stream]]"), "{toml}");
        let told = warnings(guarded).join("\n");
        assert!(told.contains("would be open to all"), "{told}");
        let denied = format!("{line}: `deny` has no equal here for TCP servers");
        assert!(told.contains(&denied), "{told}");
    }
    let bounded = "stream { limit_conn_zone $remote_addr zone=a:1m;\nserver { listen 127.0.0.1:6;
        limit_conn a 1;\nproxy_download_rate 1k;\nset_real_ip_from 10.0.0.1; proxy_pass a:1; } }";
    assert!(translated(bounded).toml.contains("[[stream]]"));
    let told = warnings(bounded);
    let names = ["1: `limit_conn_zone`", "3: `limit_conn`", "4: `proxy_down", "5: `set_real_ip"];
    for name in names {
        assert!(told.iter().any(|line| line.starts_with(name)), "{name}: {told:?}");
    }
    assert_eq!(told.len(), names.len(), "{told:?}");
}

/// What becomes of a server's `location /`, and what is said of it.
fn first_route(server: &str) -> (String, String) {
    let text = format!("http {{ root /srv; server {{ listen 80; {server} }} }}");
    let toml = translated(&text).toml;
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    let route = toml.split("[[server.route]]").nth(1).expect("a route");
    (route.to_owned(), warnings(&text).join("\n"))
}

#[test]
fn what_another_location_guards_is_not_served_around_it() {
    const APP: &str = "proxy_pass http://127.0.0.1:1;";
    for guard in ["deny all;", "return 403;", "auth_basic a; auth_basic_user_file b;"] {
        let server =
            format!("location / {{ try_files $uri @app; }} location @app {{ {guard} {APP} }}");
        let (route, told) = first_route(&server);
        assert!(route.contains("fallback = 404"), "{guard}: {route}");
        assert!(told.contains("404 in place of `@app`"), "{guard}: {told}");
    }
    let (route, told) = first_route(&format!(
        "deny 10.0.0.1; location / {{ try_files $uri @app; }} location @app {{ {APP} }}"
    ));
    assert!(route.contains("fallback = \"127.0.0.1_1\"") && told.is_empty(), "{route} {told}");
    for (last, fallback) in [
        ("/in/x.html", "/in/x.html?"),
        ("/x.php?a=$arg_b", "/x.php?a=${arg_b}?"),
        ("/x$host", "/x${host}?"),
    ] {
        let (route, told) = first_route(&format!(
            "location / {{ try_files $uri {last}; }} location /in/ {{ deny all; }}"
        ));
        let fallback = format!("fallback = \"{fallback}\"");
        assert!(route.contains(&fallback) && told.is_empty(), "{last}: {route} {told}");
        assert!(route.contains("try_files = [\"${uri}\"]"), "{last}: {route}");
    }
    let (route, told) = first_route("location / { try_files $uri /x$none; }");
    assert!(route.contains("fallback = 404") && told.contains("404 in place of"), "{route} {told}");
}

#[test]
fn what_is_internal_is_open_from_within() {
    let nested = "location / { try_files $uri /in/x?a; }
        location /in/ { internal; root /srv; location /in/deep { return 200; } }";
    let text = format!("http {{ root /srv; server {{ listen 80; {nested} }} }}");
    let toml = translated(&text).toml;
    assert_eq!(warnings(&text), [""; 0]);
    assert_eq!(toml.matches("internal = true").count(), 2, "it is inherited: {toml}");
    let (route, told) = first_route(
        "location / { try_files $uri @app; } location @app { internal; proxy_pass http://a; }",
    );
    assert!(route.contains("fallback = \"a\"") && told.is_empty(), "{route} {told}");
}

#[test]
fn copies_go_where_nginx_would_send_them() {
    const COPY: &str = "location = /copy { internal; proxy_pass http://b$request_uri;
        proxy_set_header X-Original-URI $request_uri; proxy_set_header Content-Length \"\";";
    for (rules, bodies, keys) in [
        ("mirror /copy;", "", "mirror = [\"/copy\"]"),
        ("mirror /copy; mirror /other$;", "", "mirror = [\"/copy\", \"/other$$\"]"),
        ("mirror /copy; mirror_request_body off;", "", "mirror_body = false"),
        ("mirror /copy;", "proxy_pass_request_body off;", "mirror_body = false"),
    ] {
        let server = format!("location / {{ {rules} proxy_pass http://a; }} {COPY} {bodies} }}");
        let (route, told) = first_route(&server);
        assert!(route.contains(keys), "{rules}: {route}");
        assert_eq!(route.contains("mirror_body"), keys.contains("body"), "{rules}: {route}");
        assert_eq!(told, "", "{rules}");
    }
    let inherited =
        format!("mirror /copy; {COPY} }} location /x {{ mirror off; proxy_pass http://a; }}");
    let toml =
        translated(&format!("http {{ root /srv; server {{ listen 80; {inherited} }} }}")).toml;
    assert_eq!(toml.matches("mirror = ").count(), 2, "of `/copy` itself and `/`: {toml}");
    for (server, remark) in [
        ("location / { mirror /a?b; proxy_pass http://a; }", "no copies go to `/a?b`"),
        ("location / { proxy_set_header TE trailers; proxy_pass http://a; }", "our own rules"),
        ("location / { proxy_set_header Host \"\"; proxy_pass http://a; }", "our own rules"),
    ] {
        let (_, told) = first_route(server);
        assert!(told.contains(remark), "{server}: {told}");
    }
}

#[test]
fn an_index_that_another_location_guards_is_left_out() {
    for (first, other, kept) in [
        ("index a.php b.html;", "location ~ \\.php$ { fastcgi_pass a:1; }", "[\"b.html\"]"),
        ("index a.html b.html;", "location = /a.html { deny all; }", "[\"b.html\"]"),
        ("index a.html b.html;", "location = /x/b.html { return 403; }", "[\"a.html\"]"),
        ("", "location = /index.html { deny all; }", "[]"),
    ] {
        let (route, told) = first_route(&format!("location / {{ {first} }} {other}"));
        assert!(route.contains(&format!("index = {kept}")), "{other}: {route}");
        assert!(told.contains("is left out"), "{other}: {told}");
    }
    let (route, told) = first_route(
        "location / { index a.html; } location /in/ { deny all; } location ~ \\.php$ { return 403; }",
    );
    assert!(route.contains("index = [\"a.html\"]") && told.is_empty(), "{route} {told}");
}

#[test]
fn a_question_with_lines_of_its_own_shuts_the_route() {
    let server = |line: &str| {
        first_route(&format!(
            "location /x {{ auth_request /a; proxy_pass http://127.0.0.1:1; }}
             location = /a {{ internal; proxy_pass http://127.0.0.1:2; proxy_set_header {line}; }}"
        ))
    };
    for line in ["Content-Length \"\"", "Host a", "X-Original-URI $request_uri"] {
        let (route, _) = server(line);
        assert!(route.contains("auth_request = "), "{line}: {route}");
    }
    let (route, _) = first_route(
        "proxy_set_header X-Real-IP $remote_addr; proxy_set_header Cookie \"\";
         location /x { auth_request /a; proxy_pass http://127.0.0.1:1; }
         location = /a { internal; proxy_pass http://127.0.0.1:2; }",
    );
    let sent = "send = { Host = \"127.0.0.1:2\", X-Real-IP = \"${remote_addr}\", Cookie = \"\" }";
    assert!(route.contains(sent), "what it inherits is sent, too: {route}");
    for line in ["X-Secret $none", "TE trailers", "Content-Length 1", "Host \"\""] {
        let (route, told) = server(line);
        assert!(route.contains("respond = 403") && !route.contains("upstream"), "{line}: {route}");
        assert!(told.contains("shut (403), as such an `proxy_set_header`"), "{line}: {told}");
    }
}

#[test]
fn a_guard_of_an_expression_that_is_none_of_ours_is_a_mistake() {
    let of = |inner: &str| {
        let text = format!("http {{ server {{ listen 80; location ~ /(?!a) {{ {inner} }} }} }}");
        let file: Rc<Path> = Rc::from(Path::new("/etc/nginx/nginx.conf"));
        finish(Reader::new(Path::new("/")), &file, &text, Path::new("/"))
    };
    for guard in ["deny all;", "auth_request /a;", "return 404;", "internal;", "limit_req zone=a;"]
    {
        let told = of(guard).expect_err("it would be open").to_string();
        assert!(told.contains("what it matches would be open"), "{told}");
    }
    assert!(of("root /srv;").expect("it is only left out").warnings[0].text.contains("left out"));
}

#[test]
fn what_nobody_vouches_for_is_hidden() {
    check(
        "location / { proxy_pass http://127.0.0.1:1; auth_request off;
            auth_request_set $who $upstream_http_x_who; proxy_set_header X-User $who;
            proxy_set_header X-Role $role; proxy_set_header x-user \"\"; }",
        &[
            "request_headers = { set = { Host = \"127.0.0.1:1\" }, hide = [\"X-Role\", \"X-User\"] }",
        ],
    );
    check(
        "location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-A $none;
            proxy_set_header X-A 1; proxy_set_header Host $none; proxy_set_header TE $none; }",
        &["request_headers = { set = { Host = \"127.0.0.1:1\", X-A = \"1\" } }"],
    );
}

#[test]
fn what_an_answer_vouches_for_goes_both_ways() {
    let (route, told) = first_route(
        "auth_request_set $who $upstream_http_x_who; auth_request_set $fresh $upstream_http_set_cookie;
         auth_request_set $why \"${upstream_status}!\";
         location /x { auth_request /a; proxy_pass http://127.0.0.1:1;
            proxy_set_header X-User $who; proxy_set_header Authorization \"Bearer ${who}.x\";
            proxy_set_header Host $who; proxy_set_header X-None $who$none;
            add_header Set-Cookie $fresh always; add_header X-Why \"$why\" always;
            add_header X-Own 1 always; add_header Date $who always; }
         location = /a { internal; proxy_pass http://127.0.0.1:2; }",
    );
    for line in [
        "set = { X-User = \"${upstream_http_x_who}\", Authorization = \"Bearer ${upstream_http_x_who}.x\" }",
        "response = { Set-Cookie = \"${upstream_http_set_cookie}\", X-Why = \"${upstream_status}!\" }",
        "hide = [\"Authorization\", \"X-None\", \"X-User\"]",
        "response_headers = { add = { X-Own = \"1\" }, hide = [\"X-Accel-Buffering\"",
    ] {
        assert!(route.contains(line), "{line}: {route}");
    }
    for what in ["`Host` is not set", "`X-None` is not set", "`Date` is not added"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    // Without anybody who is asked there is nothing to say.
    let (route, told) = first_route(
        "location /x { proxy_pass http://127.0.0.1:1; auth_request_set $a $upstream_http_a;
            add_header X-A $a always; }",
    );
    assert!(!route.contains("X-A =") && told.is_empty(), "{route} {told}");
}

#[test]
fn the_corpus_keeps_every_promise() {
    let files = std::fs::read_dir("tests/corpus/nginx_conf").expect("the corpus is there");
    let mut count = 0;
    for file in files {
        holds_for(&std::fs::read(file.expect("listed").path()).expect("readable"));
        count += 1;
    }
    assert!(count >= 2);
}

proptest! {
    #[test]
    fn any_text_is_refused_or_becomes_toml(text in "[ -~\n]{0,200}") {
        holds_for(text.as_bytes());
    }

    #[test]
    fn any_directives_are_refused_or_become_toml(
        directives in proptest::collection::vec((
            proptest::sample::select(&[
                "listen", "server_name", "root", "alias", "return", "rewrite", "proxy_pass",
                "error_page", "add_header", "proxy_set_header", "try_files", "expires", "index",
                "access_log", "gzip", "client_max_body_size", "set_real_ip_from", "location /x",
                "auth_request /x", "auth_request_set", "set", "break", "proxy_redirect", "proxy_cookie_path", "proxy_cookie_flags", "grpc_pass",
            ][..]),
            "([a-z0-9/.:=$~^*()_-]{0,8} ?){0,4}",
        ), 0..8),
    ) {
        let directives: Vec<String> =
            directives.iter().map(|(name, words)| format!("{name} {words};")).collect();
        let inner = directives.concat();
        let text = format!("http {{ server {{ {inner} location / {{ {inner} }} }} }}");
        holds_for(text.as_bytes());
    }
}

/// `configs/MIGRATION.md` lists what is known, under the heading that says what becomes of it.
#[test]
fn the_migration_page_has_every_directive_that_is_known() {
    let page = include_str!("../../../configs/MIGRATION.md");
    let nginx = page.split("\n## ").find(|part| part.starts_with("From nginx")).unwrap();
    let listed = |heading: &str| -> Vec<&str> {
        let part = nginx.split("\n### ").find(|part| part.starts_with(heading)).unwrap();
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows.map(|row| row.split(" |").next().unwrap());
        let mut names: Vec<&str> =
            cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')).collect();
        names.sort_unstable();
        names
    };
    let sorted = |parts: &[&[&'static str]]| {
        let mut names = parts.concat();
        names.sort_unstable();
        names
    };
    let translated = sorted(&[known::TRANSLATED, &content::GUARDS, &content::OTHERS]);
    assert_eq!(listed("Translated"), translated);
    assert_eq!(listed("Of no use here"), sorted(&[known::MOOT]));
    let why: Vec<&str> = known::WHY.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed("Without an equal"), sorted(&[&why]));
}
