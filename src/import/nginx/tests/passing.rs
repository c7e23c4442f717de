//! What goes on to backends, from where, and who is let that far.

use super::{check, first_route, translated, warnings};

const APP: &str = "proxy_pass http://127.0.0.1:1;";

#[test]
fn what_of_a_request_is_sent_has_its_words() {
    for (rules, keys) in [
        ("proxy_method PUT;", "send_method = \"PUT\""),
        ("proxy_pass_request_body off;", "send_body = false"),
        ("proxy_pass_request_headers off;", "send_headers = false"),
    ] {
        check(&format!("{rules} location / {{ {APP} }}"), &[keys]);
        let (route, told) = first_route(&format!("location / {{ {rules} {APP} }}"));
        assert!(route.contains(keys) && told.is_empty(), "{rules}: {route} {told}");
    }
    for moot in ["proxy_method $request_method;", "proxy_pass_request_body on;"] {
        let (route, told) = first_route(&format!("location / {{ {moot} {APP} }}"));
        assert!(!route.contains("send_") && told.is_empty(), "{moot}: {route} {told}");
    }
    for odd in ["HEAD", "CONNECT", "TRACE", "get", "$arg_m"] {
        let (route, told) = first_route(&format!("location / {{ proxy_method {odd}; {APP} }}"));
        assert!(!route.contains("send_") && told.contains("client's method"), "{odd}: {told}");
    }
}

#[test]
fn connections_come_from_where_the_file_says() {
    let text = "http { proxy_bind 127.0.0.2; upstream a { server 127.0.0.1:1; }
        server { listen 80;
        location / { proxy_pass http://a; }
        location /b { proxy_bind 127.0.0.3:0; proxy_pass http://a; }
        location /c { proxy_bind off; proxy_pass http://a; }
        location /d { proxy_pass http://unix:/run/d:/; }
        location /e { proxy_bind ::1; proxy_pass https://[::1]:1; }
        location /f { grpc_bind 127.0.0.4; grpc_pass 127.0.0.1:2; } } }
        stream { server { listen 127.0.0.1:6; proxy_bind 127.0.0.5; proxy_pass 127.0.0.1:5; } }";
    let toml = translated(text).toml;
    let config = crate::config::parse(&toml, "translated");
    let config = config.unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    let bound = config.upstreams.iter().filter_map(|upstream| upstream.links.bind);
    let bound: Vec<String> = bound.map(|address| address.to_string()).collect();
    assert_eq!(bound, ["127.0.0.2", "127.0.0.3", "::1", "127.0.0.4", "127.0.0.5"], "{toml}");
    assert!(warnings(text).is_empty(), "{:?}", warnings(text));
    for (rule, why) in [
        ("proxy_bind $remote_addr;", "only a fixed address"),
        ("proxy_bind 127.0.0.2 transparent;", "only a fixed address"),
        ("proxy_bind 127.0.0.2:80;", "only a fixed address"),
        ("proxy_bind ::1;", "of the other family"),
    ] {
        let text = format!("http {{ root /srv; server {{ location /x {{ {rule} {APP} }} }} }}");
        assert!(!translated(&text).toml.contains("bind"), "{rule}");
        let told = warnings(&text);
        assert!(told.len() == 1 && told[0].contains(why), "{rule}: {told:?}");
    }
}

#[test]
fn other_methods_than_those_of_limit_except_get_403() {
    const ONLY: &str = "limit_except GET POST { deny all; }";
    let step = r#"when = { source = "${request_method}", matches_not = "^(?:GET|POST|HEAD)$" }"#;
    let (route, told) = first_route(&format!("location / {{ {ONLY} {APP} }}"));
    assert!(route.contains(step) && route.contains("respond = 403"), "{route}");
    assert!(route.contains("upstream = ") && told.is_empty(), "{route} {told}");
    // It comes before whatever the location does.
    for end in ["break;", "if ($arg_a) { break; }", "rewrite ^ /x last;"] {
        let (route, _) = first_route(&format!("location / {{ set $a 1; {end} {ONLY} {APP} }}"));
        let steps: Vec<&str> = route.split("[[server.route.steps]]").skip(1).collect();
        assert!(steps.len() == 3 && steps[0].contains("403"), "{end}: {route}");
    }
    for other in ["GET { allow 10.0.0.1; deny all; }", "GET { auth_basic a; }", "GET { }"] {
        let (route, told) = first_route(&format!("location / {{ limit_except {other} {APP} }}"));
        assert!(!route.contains("upstream = ") && !route.contains("when"), "{other}: {route}");
        assert!(route.contains("respond = 403") && told.contains("shut (403)"), "{other}: {told}");
    }
    // It is of its location alone, also where that answers.
    let (route, _) = first_route(&format!("location / {{ return 204; {ONLY} }}"));
    assert!(route.contains("respond = 204") && route.contains("respond = 403"), "{route}");
    let nested = format!("location / {{ {ONLY} {APP} location /in {{ {APP} }} }}");
    let toml = translated(&format!("http {{ server {{ {nested} }} }}")).toml;
    assert_eq!(toml.matches("respond = 403").count(), 1, "{toml}");
}

#[test]
fn what_a_backend_tells_nginx_is_hidden_from_clients() {
    let hidden = |rules: &str| {
        let (route, told) = first_route(&format!("location / {{ {rules} {APP} }}"));
        let list = route.split("hide = [").nth(1).and_then(|rest| rest.split(']').next());
        (list.unwrap_or_default().replace('"', ""), route, told)
    };
    let all = "X-Accel-Buffering, X-Accel-Charset, X-Accel-Expires, X-Accel-Limit-Rate";
    let usual = format!("{all}, X-Accel-Redirect");
    for (rules, expected) in [
        ("", usual.as_str()),
        ("proxy_pass_header x-accel-redirect;", all),
        ("proxy_pass_header Server; proxy_pass_header Date; proxy_pass_header X-Pad;", &usual),
        ("proxy_hide_header Date;", &usual),
        ("proxy_hide_header A; proxy_hide_header a;", &format!("A, {usual}")),
        ("proxy_hide_header A; proxy_pass_header A;", &usual),
        ("proxy_ignore_headers X-Accel-Redirect;", &usual),
    ] {
        let (list, _, told) = hidden(rules);
        assert_eq!((list.as_str(), told.as_str()), (expected, ""), "{rules}");
    }
    let (list, route, _) =
        hidden("proxy_hide_header A; add_header a 1 always; add_header B 2 always;");
    assert_eq!(list, usual);
    assert!(route.contains("set = { a = \"1\" }, add = { B = \"2\" }"), "{route}");
    let (list, _, told) = hidden("proxy_hide_header Connection;");
    assert!(list == usual && told.contains("our own rules"), "{list} {told}");
    let (route, _) = first_route("location / { return 204; }");
    assert!(!route.contains("X-Accel"), "{route}");
}

#[test]
fn without_a_root_and_its_folder_there_is_no_file() {
    let server = |rules: &str| format!("http {{ server {{ listen 80; {rules} }} }}");
    for (rules, key, told) in [
        ("", "methods = [\"GET\", \"POST\"]", "answered with 404"),
        ("location / { }", "respond = 404", "answered with 404"),
        ("location / { try_files $uri =403; }", "respond = 403", "answered with 403"),
        ("location / { try_files $uri /x; }", "respond = 404", "answered with 404"),
        (
            "location / { try_files $uri @app; } location @app { proxy_pass http://a; }",
            "upstream = \"a\"",
            "no file is looked for",
        ),
    ] {
        let toml = translated(&server(rules)).toml;
        assert!(toml.contains(key) && !toml.contains("root"), "{rules}: {toml}");
        crate::config::parse(&toml, "translated").unwrap_or_else(|it| panic!("{it}\n{toml}"));
        let warnings = warnings(&server(rules)).join("\n");
        assert!(warnings.contains(told), "{rules}: {warnings}");
        assert!(warnings.contains("/etc/nginx/html"), "{rules}: {warnings}");
    }
    let toml = translated(&server("root html;")).toml;
    assert!(toml.contains("root = \"/etc/nginx/html\""), "{toml}");
}
