//! Variables, conditions and rewrites in our words, and what becomes of those without an equal; that
//! both answer the same is shown by `tests/e2e/import/rewrites.rs`.

use super::{check, first_route, translated, warnings};

/// What is said of the lines of an `http` block.
fn told(http: &str) -> String {
    let text = format!("http {{ {http} }}");
    let toml = translated(&text).toml;
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    warnings(&text).join("\n")
}

const SERVER: &str = "server { listen 80; location / { return 200 \"$a\"; } }";

#[test]
fn a_table_without_an_equal_is_left_out_with_what_rests_on_it() {
    for (table, why) in [
        ("map $none $a { x y; }", "`$a` is left out: there is no `$none` here"),
        ("map $uri $a { ~(?!x) y; }", "the expression `~(?!x)` is none of ours"),
        ("map $uri $a { x y; X z; }", "`x` is in it twice"),
        (
            "map $uri $upstream_name { x y; }",
            "`$upstream_name` is left out: there is such a variable",
        ),
        ("geo $a { proxy 10.0.0.1; 10.0.0.0/8 x; }", "`proxy` of a table has no equal here"),
        (
            "geo $a { ranges; 10.0.0.0-10.0.0.9 x; 10.0.0.5-10.0.0.6 y; }",
            "is partly in another one",
        ),
        ("geo $a { 10.0.0.300 x; }", "`10.0.0.300` is no network"),
        ("split_clients $uri $a { 10% x; 20% x; }", "`x` is in it twice"),
    ] {
        let told = told(&format!("{table} {SERVER}"));
        assert!(told.contains(why), "{table}: {told}");
        assert!(told.contains("there is no `$a` here"), "{table}: {told}");
    }
    let told =
        told("map $none $b { x y; } map $b $a { x y; } server { listen 80; return 200 \"$a\"; }");
    for part in ["`$b` is left out", "`$a` is left out: there is no `$b`", "501: there is no `$a`"]
    {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn ranges_are_the_fewest_networks() {
    let text = format!("http {{ geo $a {{ ranges; 10.0.0.1-10.0.0.6 x; }} {SERVER} }}");
    let toml = translated(&text).toml;
    let networks = toml.split("[geo.a.networks]").nth(1).and_then(|it| it.split("\n\n").next());
    let keys: Vec<&str> =
        networks.unwrap().lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(keys, ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]);
}

#[test]
fn a_condition_without_an_equal_opens_nothing() {
    for condition in ["(-f x)", "($none)", "($uri ~ (?!x))", "(!-e $none)"] {
        let (route, told) = first_route(&format!(
            "location / {{ if {condition} {{ return 403; }} proxy_pass http://127.0.0.1:1; }}"
        ));
        assert!(route.contains("respond = 403") && !route.contains("upstream"), "{route}");
        assert!(told.contains("what this `if` asks for has no equal"), "{condition}: {told}");
        let (route, told) = first_route(&format!(
            "location / {{ if {condition} {{ return 503; }} proxy_pass http://127.0.0.1:1; }}"
        ));
        assert!(route.contains("upstream = ") && told.contains("is left out"), "{route} {told}");
    }
    let text = "http { server { listen 80; if (-f x) { return 404; } location / { root /srv; } } }";
    let toml = translated(text).toml;
    assert!(toml.contains("[[server.steps]]  # nginx.conf:1\nrespond = 403"), "{toml}");
    let (route, told) = first_route(
        "location / { if ($arg_x) { proxy_pass http://127.0.0.1:2; set $x 1; } root /srv; }",
    );
    assert!(told.contains("`proxy_pass` within `if` has no equal here"), "{told}");
    assert!(route.contains("when = { source = \"${arg_x}\" }"), "{route}");
}

#[test]
fn files_are_asked_for_where_their_place_has_them() {
    for (server, when) in [
        (
            "root /srv/www; if (-f $document_root/off.html) { return 503; }",
            "source = \"/srv/www/off.html\", exists = \"file\"",
        ),
        (
            "if (!-d ${document_root}x) { return 503; }",
            "source = \"/etc/nginx/htmlx\", exists_not = \"folder\"",
        ),
        (
            "location / { root /srv/$host/; if (!-e $request_filename) { rewrite ^ /index.php last; } }",
            "source = \"/srv/${host}${uri}\", exists_not = \"any\"",
        ),
        (
            "location = /a { alias /srv/b; if (-x $request_filename) { return 503; } }",
            "source = \"/srv/b\", exists = \"executable\"",
        ),
        (
            "location / { if (-f /run/$arg_a) { return 503; } }",
            "source = \"/run/${arg_a}\", exists = \"file\"",
        ),
    ] {
        check(server, &[&format!("when = {{ {when} }}")]);
    }
    let (_, told) = first_route(
        "location /a/ { alias /srv/; if (-f $request_filename) { set $x 1; return 503; } }",
    );
    assert!(told.contains("there are no words for `$request_filename`"), "{told}");
}

#[test]
fn steps_have_their_words() {
    check(
        "if ($request_method !~* \"^(get|head)$\") { return 405; }",
        &[
            "when = { source = \"${request_method}\", matches_not = \"(?i)^(get|head)$\" }",
            "respond = 405",
        ],
    );
    check("location / { set $a \"$host$1\"; root /srv; }", &["root = \"/srv\""]);
    check(
        "location ~ ^/(.*)$ { set $a $1; rewrite ^/x /y?b=$a break; root /srv; }",
        &[
            "set = { a = \"${1}\" }",
            "rewrite = { match = \"^/x\", to = \"/y?b=${a}\", then = \"stay\" }",
        ],
    );
    check(
        "rewrite ^/a(.*)$ https://b.example$1? permanent;",
        &["redirect = { to = \"https://b.example${1}\", status = 301 }"],
    );
}

#[test]
fn a_target_of_variables_leads_where_the_file_says() {
    let http = |pass: &str| {
        format!(
            "http {{ map $host $pool {{ default 127.0.0.1:1; a 127.0.0.1:2; }}
             map $host $open {{ default $arg_to; }}
             server {{ listen 80; location / {{ proxy_pass {pass}; }} }} }}"
        )
    };
    let toml = translated(&http("http://$pool/x?$args")).toml;
    for part in [
        "upstream = \"127.0.0.1_1\"",
        "choices = [{ when = { source = \"${pool}\", is = \"127.0.0.1:2\" }, upstream = \"127.0.0.1_2\" }]",
        "target = \"/x?${args}\"",
        "Host = \"${pool}\"",
    ] {
        assert!(toml.contains(part), "{part}: {toml}");
    }
    for pass in ["http://$open", "http://$host", "http://$arg_x/y", "http://a$host"] {
        let text = http(pass);
        assert!(translated(&text).toml.contains("respond = 501"), "{pass}");
        assert!(warnings(&text)[0].contains("501"), "{pass}");
    }
    let set =
        "http { server { listen 80; set $to 127.0.0.1:1; location / { proxy_pass http://$to; } } }";
    let toml = translated(set).toml;
    assert!(toml.contains("matches_not = \"^(?:127\\\\.0\\\\.0\\\\.1:1)$\""), "{toml}");
}

#[test]
fn a_root_of_variables_is_a_part_of_each_path() {
    let (route, told) = first_route("location / { root /srv/www/$host/public; }");
    for part in [
        "root = \"/srv/www\"",
        "try_files = [\"/${host}/public${uri}\", \"/${host}/public${uri}/\"]",
    ] {
        assert!(route.contains(part), "{part}: {route}");
    }
    assert!(told.contains("without its slash is served at once"), "{told}");
    let (route, _) = first_route("location / { root /srv/$host; try_files $uri /x.html; }");
    assert!(route.contains("[\"/${host}${uri}\"]") && route.contains("\"/x.html?\""), "{route}");
    let (route, _) = first_route("location / { root $document; }");
    assert!(route.contains("respond = 501"), "{route}");
}

#[test]
fn grpc_and_http2_have_their_words() {
    check(
        "http2 on; location / { grpc_pass grpc://127.0.0.1:5; grpc_set_header A $host; grpc_read_timeout 5; }",
        &[
            "listen = [{ address = \"0.0.0.0:80\", http2 = true }]",
            "http2 = true",
            "request_headers = { set = { Host = \"127.0.0.1:5\", A = \"${host}\" } }",
            "read_timeout = \"5s\"",
        ],
    );
    let text = "http { upstream a { server 127.0.0.1:1; } server { listen 80;
        location / { proxy_pass http://a; } location /g { grpc_pass a; } } }";
    let toml = translated(text).toml;
    assert!(toml.contains("[upstream.a]") && toml.contains("[upstream.a-2]"), "{toml}");
    let secure = "http { server { listen 443 ssl; ssl_certificate c; ssl_certificate_key k;
        return 204; } }";
    assert!(translated(secure).toml.contains("tls = true, http2 = false"));
    let secure = secure.replace("443 ssl", "443 ssl http2");
    assert!(translated(&secure).toml.contains("tls = true }]"));
}

#[test]
fn connections_are_led_by_the_host_that_is_asked_for() {
    let stream = |map: &str, server: &str| {
        format!(
            "stream {{ upstream b {{ server 127.0.0.1:2; }}
             map $ssl_preread_server_name $to {{ {map} }}
             server {{ listen 127.0.0.1:6; {server} }} }}"
        )
    };
    let on = "ssl_preread on; proxy_pass $to;";
    let text = stream("hostnames; default 127.0.0.1:1; .a.example b; c.example 127.0.0.1:3;", on);
    let toml = translated(&text).toml;
    assert!(warnings(&text).is_empty(), "{:?}", warnings(&text));
    for part in [
        "upstream = \"127.0.0.1_1\"",
        "sni = [{ hosts = [\"a.example\", \"*.a.example\"], upstream = \"b\" }, { hosts = [\"c.example\"], upstream = \"127.0.0.1_3\" }]",
    ] {
        assert!(toml.contains(part), "{part}: {toml}");
    }
    let toml = translated(&stream("a.example b;", on)).toml;
    assert!(toml.contains("upstream = \"nowhere\"") && toml.contains("down = true"), "{toml}");
    crate::config::parse(&toml, "translated").unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    for (map, server) in [
        ("~^a b;", on),
        ("*.a.example b;", on),
        ("hostnames; a.* b;", on),
        ("default b;", "proxy_pass $to;"),
        ("default b;", "ssl_preread on; proxy_pass $other;"),
    ] {
        let text = stream(map, server);
        assert!(!translated(&text).toml.contains("[[stream]]"), "{map} {server}");
        assert!(warnings(&text).iter().any(|line| line.contains("left out")), "{map} {server}");
    }
}

#[test]
fn what_of_answers_is_replaced_has_its_words() {
    let (route, told) = first_route(
        "location /a { proxy_pass http://127.0.0.1:1/b/; proxy_cookie_domain x.example y.example; }",
    );
    for part in [
        r#"{ match = "^http://127\\.0\\.0\\.1:1/b/", to = "${scheme}://${http_host}/a" }"#,
        r#"{ match = "^(.*?(?i:url)=)http://127\\.0\\.0\\.1:1/b/", to = "${1}/a" }"#,
        r#"domain=\\.?)x\\.example(\\s*(?:;.*)?)$", to = "${1}y.example${2}" }"#,
    ] {
        assert!(route.contains(part), "{part}: {route}");
    }
    assert!(told.is_empty(), "{told}");
    let (route, _) =
        first_route("location /a { proxy_pass http://127.0.0.1:1; proxy_redirect off; }");
    assert!(!route.contains("replace"), "{route}");
    let (_, told) = first_route(
        "location /a { proxy_pass http://127.0.0.1:1; proxy_redirect $none /; proxy_cookie_path ~x /;
         proxy_cookie_flags ~x secure; }",
    );
    for part in ["`proxy_redirect` is left out", "`proxy_cookie_path` is left out", "such a cookie"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}
