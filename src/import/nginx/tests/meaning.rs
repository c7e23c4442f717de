//! What is said must be heard: words that mean something become keys, or a warning.

use super::{check, translated};

/// What is warned of, for the lines of a server.
fn warned(server: &str) -> Vec<String> {
    let translation =
        translated(&format!("http {{ root /srv; server {{ listen 80; {server} }} }}"));
    translation.warnings.into_iter().map(|remark| remark.text).collect()
}

#[test]
fn a_word_that_is_not_the_usual_one_is_warned_of() {
    for rule in [
        "charset utf-8;",
        "etag off;",
        "if_modified_since before;",
        "merge_slashes off;",
        "ssl_session_tickets off;",
        "ssl_early_data on;",
        "server_name_in_redirect on;",
        "gzip_disable Opera;",
        "autoindex_exact_size off;",
        "autoindex_localtime on;",
        "keepalive_time 5m;",
        "keepalive_timeout 65 60;",
        "set_real_ip_from example.com;",
        "access_log /a combined gzip=1;",
        "location / { keepalive_timeout 5; }",
        "location / { set_real_ip_from 10.0.0.0/8; }",
        "location / { autoindex on; autoindex_format xml; }",
        "location / { gzip_static always; }",
        "location / { expires 1h; proxy_pass http://127.0.0.1:1; }",
        "location / { expires 1h; return 200 a; }",
        "location / { try_files $uri =404; proxy_pass http://127.0.0.1:1; }",
    ] {
        assert_eq!(warned(rule).len(), 1, "{rule}: {:?}", warned(rule));
    }
    for rule in [
        "charset off;",
        "etag on;",
        "merge_slashes on;",
        "gzip_disable msie6;",
        "autoindex_exact_size on; autoindex_localtime off;",
        "port_in_redirect off;",
        "location / { expires off; return 200 a; }",
    ] {
        assert_eq!(warned(rule), Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn addresses_are_as_many_as_are_meant() {
    let of = |listen: &str| {
        let text = format!("http {{ server {{ {listen} location / {{ return 204; }} }} }}");
        let toml = translated(&text).toml;
        let line = toml.lines().find_map(|line| line.strip_prefix("listen = "));
        line.and_then(|line| line.split("  #").next()).unwrap_or_default().to_owned()
    };
    for (listen, expected) in [
        ("listen 127.0.0.1:80-82;", r#"["127.0.0.1:80", "127.0.0.1:81", "127.0.0.1:82"]"#),
        ("listen 8080-8081;", r#"["0.0.0.0:8080", "0.0.0.0:8081"]"#),
        ("listen [::]:80 ipv6only=off;", r#"["[::]:80", "0.0.0.0:80"]"#),
        ("listen 80; listen [::]:80 ipv6only=off;", r#"["0.0.0.0:80", "[::]:80"]"#),
        ("listen unix:/run/a.sock;", r#"["unix:/run/a.sock"]"#),
    ] {
        assert_eq!(of(listen), expected, "{listen}");
    }
}

#[test]
fn a_server_may_be_of_tls_by_a_word_of_its_own() {
    let text = "http { server { listen 80; ssl on; ssl_certificate a; ssl_certificate_key b; } }";
    let toml = translated(text).toml;
    assert!(toml.contains("address = \"0.0.0.0:80\", tls = true"), "{toml}");
}

#[test]
fn a_location_has_a_log_and_times_of_its_own() {
    check(
        "access_log /a; location / { root /srv; } location /quiet { root /srv; access_log off; }
         location /other { root /srv; access_log /b; send_timeout 5s; client_body_timeout 6s; }",
        &[
            "access_log = { file = \"/a\", format = \"combined\" }",
            "access_log = \"off\"",
            "access_log = { file = \"/b\", format = \"combined\" }",
            "send_timeout = \"5s\"",
            "body_timeout = \"6s\"",
        ],
    );
    let toml = translated("http { server { access_log /a; location / { root /srv; } } }").toml;
    assert_eq!(toml.matches("access_log").count(), 1, "{toml}");
}

#[test]
fn a_head_is_at_most_as_long_as_it_can_be_here() {
    let rule = "large_client_header_buffers 8 64k;";
    check(rule, &["header_max = \"32KB\"", "uri_max = \"24KB\""]);
    assert_eq!(warned(rule).len(), 1);
    assert_eq!(warned("large_client_header_buffers 4 8k;").len(), 0);
}

#[test]
fn types_are_those_of_the_innermost_list() {
    let usual = "types { text/html html; text/css css; application/javascript js; image/png png; a/b foo bar; }";
    check(
        &format!("{usual} location / {{ root /srv; }}"),
        &[
            "types = { bar = \"a/b\", foo = \"a/b\", js = \"application/javascript\" }",
            "default_type = \"text/plain\"",
        ],
    );
    check(
        &format!("{usual} default_type a/b; location / {{ root /srv; types {{ x/y z; }} }}"),
        &["types = { \"*\" = \"a/b\", z = \"x/y\" }", "default_type = \"a/b\""],
    );
    check(
        "location / { root /srv; types { } default_type application/octet-stream; }",
        &["types = { \"*\" = \"application/octet-stream\" }"],
    );
}

#[test]
fn a_server_of_an_upstream_that_is_written_twice_is_one() {
    let text = "http { upstream u { server 127.0.0.1:1; server 127.0.0.1:2 weight=2 weight=3; \
                server 127.0.0.1:1 weight=4; least_conn; ip_hash; } \
                server { location / { proxy_pass http://u; } } }";
    let translation = translated(text);
    let toml = translation.toml;
    assert_eq!(toml.matches("address = ").count(), 2, "{toml}");
    assert!(toml.contains("weight = 5") && toml.contains("weight = 3"), "{toml}");
    assert_eq!(toml.matches("strategy").count(), 1, "{toml}");
    assert_eq!(translation.warnings.len(), 1, "{:?}", translation.warnings);
}

#[test]
fn a_resolver_of_a_server_is_heard() {
    let server = |rule: &str| format!("server {{ {rule} location / {{ return 204; }} }}");
    let of = |text: &str| {
        let translation = translated(&format!("http {{ {text} }}"));
        (translation.toml.matches("resolver = [\"192.0.2.1\"]").count(), translation.warnings.len())
    };
    assert_eq!(of(&server("resolver 192.0.2.1;")), (1, 0));
    let two = server("resolver 192.0.2.1;") + &server("resolver 192.0.2.2;");
    assert_eq!(of(&two), (1, 1));
    assert_eq!(of(&format!("resolver 192.0.2.1; {two}")), (1, 1));
}

#[test]
fn of_what_is_there_twice_the_later_one_counts() {
    let text = "http { map $uri $x { default a; } map $host $x { default b; } \
                server { location / { return 200 $x; } } }";
    let translation = translated(text);
    assert_eq!(translation.toml.matches("[map.x]").count(), 1, "{}", translation.toml);
    assert!(translation.toml.contains("default = \"b\""), "{}", translation.toml);
    assert_eq!(translation.warnings.len(), 1);
    let twice = "limit_req_zone $uri zone=a:1m rate=1r/s; limit_conn_zone $uri zone=a:1m;";
    super::super::holds_for(format!("http {{ {twice} server {{ }} }}").as_bytes());
}

#[test]
fn a_server_is_called_as_it_is_there() {
    for (names, expected) in [
        ("example.com www.example.com", "example.com"),
        ("*.example.com", "*.example.com"),
        (".example.com", "example.com"),
        ("_", "_"),
        ("~^(a+)x$", "~^(a+)x$"),
    ] {
        check(&format!("server_name {names};"), &[&format!("name = \"{expected}\"")]);
    }
}

#[test]
fn expressions_are_those_of_releases_too() {
    check(
        "location ~* ^/(\\w+)/(?<id>\\d+)$ { if ($http_a ~* \\bb) { return 204; } root /srv; }
         rewrite ^/(\\d+)$ /n/$1; location ~ \\s { return 204; }",
        &[r#"path = "~* ^/(\\w+)/(?<id>\\d+)$""#, r#"path = "~ \\s""#],
    );
}
