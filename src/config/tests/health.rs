//! Checks, outliers and the worst case: values, and every error.

use super::super::model::health::{
    AllDown, Check, CheckKind, CheckRequest, Excerpt, Outlier, Pace, Statuses,
};
use super::super::model::route::Case;
use super::errors::check_short;
use super::good;

const BACKEND: &str = "backend = [{ address = \"127.0.0.1:1\" }]";

fn check(keys: &str) -> Check {
    let config = good(&format!("[upstream.a]\ncheck = {{ {keys} }}\n{BACKEND}"));
    config.upstreams[0].check.clone().expect("given")
}

fn request(keys: &str) -> CheckRequest {
    match check(keys).kind {
        CheckKind::Http { request, .. } => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_check_becomes_its_final_type() {
    let check = check(
        "port = 8081, interval = \"10s\", interval_down = \"1s\", jitter = \"25%\", \
         timeout = \"500ms\", fall = 5, rise = 1",
    );
    let pace = Pace { interval_ms: 10_000, interval_down_ms: 1_000, jitter_percent: 25 };
    assert_eq!((check.pace, check.port), (pace, Some(8081)));
    assert_eq!((check.timeout_ms, check.fall, check.rise), (500, 5, 1));
    let pace = self::check("interval = \"10s\"").pace;
    assert_eq!((pace.interval_down_ms, pace.jitter_percent), (10_000, 10));
    let request = request(
        "method = \"HEAD\", path = \"/up?x=1\", host = \"app.internal:80\", \
         headers = { X-Probe = \"1\", X-More = [\"2\", \"3\"] }, expect = [204, \"301-302\", \"404\"]",
    );
    assert_eq!((request.method.as_str(), request.path.as_str()), ("HEAD", "/up?x=1"));
    assert_eq!(request.host.as_deref(), Some("app.internal:80"));
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let lines = [line("X-Probe", "1"), line("X-More", "2"), line("X-More", "3")];
    assert_eq!(request.headers, lines);
    let range = |first, last| Statuses { first, last };
    assert_eq!(request.expect, [range(204, 204), range(301, 302), range(404, 404)]);
}

#[test]
fn a_body_is_a_text_or_an_expression() {
    let regex = |pattern: &str, case| Excerpt::Regex { pattern: pattern.to_owned(), case };
    for (text, expected) in [
        ("all's well", Excerpt::Text("all's well".to_owned())),
        ("~ ^a+$", regex("^a+$", Case::Sensitive)),
        ("~* well", regex("well", Case::Insensitive)),
    ] {
        assert_eq!(request(&format!("body = \"{text}\"")).body, Some(expected));
    }
}

#[test]
fn a_handshake_has_its_options() {
    let tls = |keys: &str| match check(keys).kind {
        CheckKind::Http { tls, .. } => tls,
        CheckKind::Tls(tls) => Some(tls),
        CheckKind::Tcp => None,
    };
    assert_eq!(tls("tls = false"), None);
    let plain = tls("tls = true").expect("given");
    assert_eq!((plain.server_name, plain.roots), (None, None));
    assert_eq!(tls("kind = \"tls\""), tls("tls = true"));
    let named = tls("kind = \"tls\", tls = { server_name = \"a.b\", verify = false }");
    assert_eq!(named.expect("given").server_name.as_deref(), Some("a.b"));
}

#[test]
fn an_authority_is_read_with_the_file_and_travels_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["a.b".to_owned()]).unwrap();
    std::fs::write(folder.path().join("ca.pem"), signed.cert.pem()).unwrap();
    std::fs::write(folder.path().join("text.pem"), "no certificate").unwrap();
    let path = folder.path().join("pilothouse.toml");
    let load = |ca: &str| {
        let text = format!("[upstream.a]\ncheck = {{ tls = {{ ca = \"{ca}\" }} }}\n{BACKEND}");
        std::fs::write(&path, text).unwrap();
        super::load(&path)
    };
    let config = load("ca.pem").unwrap();
    let Some(CheckKind::Http { tls: Some(tls), .. }) =
        config.upstreams[0].check.as_ref().map(|check| &check.kind)
    else {
        panic!("a request over TLS");
    };
    assert_eq!(tls.roots.as_deref(), Some(signed.cert.pem().as_str()));
    assert_eq!(super::super::decode(&super::super::encode(&config)), Some(config));
    let error = |ca: &str| load(ca).unwrap_err().to_string();
    assert!(error("none.pem").contains("none.pem: no such file"), "{}", error("none.pem"));
    let text = error("text.pem");
    assert!(text.contains("`ca` can not be used: it holds no certificate"), "{text}");
}

#[test]
fn an_outlier_and_the_worst_case_have_their_defaults() {
    let config = good(&format!("[upstream.a]\noutlier = {{}}\n{BACKEND}"));
    let defaults = Outlier {
        error_percent: Some(50),
        latency_hundredths: None,
        interval_ms: 10_000,
        requests_min: 20,
        eject_for_ms: 30_000,
        eject_max_percent: 50,
    };
    assert_eq!(config.upstreams[0].outlier, Some(defaults));
    assert_eq!(config.upstreams[0].all_down, AllDown::Refuse);
    let config = good(&format!(
        "[upstream.a]\nall_down = \"use_all\"\n\
         outlier = {{ error_rate = \"off\", latency = 2.5, eject_max = \"100%\" }}\n{BACKEND}"
    ));
    let expected = Outlier {
        error_percent: None,
        latency_hundredths: Some(250),
        eject_max_percent: 100,
        ..defaults
    };
    assert_eq!(config.upstreams[0].outlier, Some(expected));
    assert_eq!(config.upstreams[0].all_down, AllDown::UseAll);
    assert_eq!(good(&format!("[upstream.a]\n{BACKEND}")).upstreams[0].outlier, None);
}

fn check_each(cases: &[(&str, &str)]) {
    for (keys, error) in cases {
        check_short(&format!("[upstream.a]\ncheck = {{ {keys} }}\n{BACKEND}"), &[error]);
    }
}

#[test]
fn errors_of_checks() {
    check_each(&[
        ("port = 0", "2:18 `port` is 0, out of range (expected 1 to 65535)"),
        (
            "jitter = \"101%\"",
            "2:20 `101%` is not a share of the interval (expected \"0%\" to \"100%\")",
        ),
        (
            "jitter = \"1s\"",
            "2:20 `1s` is not a share of the interval (expected \"0%\" to \"100%\")",
        ),
        ("interval_down = \"0s\"", "2:27 `interval_down` is zero (expected more than zero)"),
        (
            "kind = \"tcp\", tls = true",
            "2:31 a check by \"tcp\" has no tls (remove `tls`, or check by \"tls\")",
        ),
        (
            "kind = \"tls\", expect = 200",
            "2:34 a check by \"tls\" has no expect (a handshake is all that is asked for; remove `expect`, or check by \"http\")",
        ),
        ("type = \"tcp\"", "2:11 unknown key `type` in [upstream.a.check] (did you mean `kind`?)"),
        ("kind = \"https\"", "2:18 unknown kind of check `https` (did you mean `http`?)"),
    ]);
    check_short(
        "[upstream.a]\ncheck = { port = 81 }\nbackend = [{ address = \"unix:/run/a.sock\" }]",
        &["2:11 unix:/run/a.sock has no port to check instead of (remove `port`)"],
    );
}

#[test]
fn errors_of_requests() {
    check_each(&[
        ("method = \"get\"", "2:20 `get` is not a method (methods are in capitals: \"GET\")"),
        (
            "method = \"CONNECT\"",
            "2:20 a check has no use for CONNECT (its answer is a tunnel; a check by \"tcp\" asks for a connection)",
        ),
        (
            "path = \"/a b\"",
            "2:18 path `/a b` is no request's target (it starts with a slash: \"/healthz\")",
        ),
        ("host = \"a b\"", "2:18 `a b` is no host (such as \"app.internal\")"),
        ("headers = { Host = \"a\" }", "2:23 `Host` has a key of its own (write `host`)"),
        ("headers = { Connection = \"a\" }", "2:23 `Connection` is the proxy's own"),
        (
            "headers = { \"a b\" = \"a\" }",
            "2:23 `a b` is not the name of a header (such as \"X-Forwarded-For\")",
        ),
        (
            "headers = { A = \"a\\nb\" }",
            "2:27 a header's value holds a control character (it is one line)",
        ),
        ("expect = []", "2:11 `expect` lists no status (such as [\"200-399\"])"),
        ("expect = [600]", "2:21 status 600 is out of range (expected 200 to 599)"),
        ("expect = [\"200-700\"]", "2:21 status 700 is out of range (expected 200 to 599)"),
        ("expect = \"100\"", "2:20 status 100 is out of range (expected 200 to 599)"),
        ("expect = \"399-200\"", "2:20 no status is from 399 to 200 (the lower one comes first)"),
        (
            "expect = \"2xx\"",
            "2:20 `2xx` is no status (expected a status such as 200, or a range such as \"200-399\")",
        ),
        (
            "expect = true",
            "2:20 expected a status such as 200, or a range such as \"200-399\", found boolean true",
        ),
        ("body = \"\"", "2:18 every body holds an empty text (a text, or \"~ expression\")"),
        ("body = \"~ (a\"", "2:18 `(a` is no regular expression (unclosed group)"),
        (
            "method = \"HEAD\", body = \"a\"",
            "2:28 an answer to HEAD has no body (ask with another `method`)",
        ),
    ]);
}

#[test]
fn errors_of_handshakes() {
    check_each(&[
        (
            "tls = 3",
            "2:17 expected true, or a table such as { server_name = \"a.b\" }, found integer 3",
        ),
        (
            "tls = { server_name = \"a_b:c\" }",
            "2:33 `a_b:c` is no server's name (a DNS name or an address, without a port)",
        ),
        (
            "tls = { verify = true }",
            "2:19 `verify` without `ca` (whose certificates are good: ca = \"/etc/ssl/certs/ca-certificates.crt\")",
        ),
        (
            "tls = { sni = \"a\" }",
            "2:19 unknown key `sni` in [upstream.a.check.tls] (did you mean `server_name`?)",
        ),
    ]);
}

#[test]
fn errors_of_outliers_and_the_worst_case() {
    for (line, error) in [
        (
            "outlier = { error_rate = \"0%\" }",
            "2:26 `0%` is not a share of the requests (expected \"1%\" to \"100%\")",
        ),
        (
            "outlier = { error_rate = \"off\" }",
            "2:26 nothing is left to judge backends by (without errors, `latency` says when a backend is an outlier)",
        ),
        ("outlier = { latency = 1.0 }", "2:23 `latency` is 1, out of range (expected 1.1 to 1000)"),
        (
            "outlier = { latency = \"3x\" }",
            "2:23 expected a number of times the others' latency, such as 3.0, found string \"3x\"",
        ),
        (
            "outlier = { requests_min = 0 }",
            "2:28 `requests_min` is 0, out of range (expected 1 to 1000000)",
        ),
        (
            "outlier = { eject_max = \"0%\" }",
            "2:25 `0%` is not a share of the upstream (expected \"1%\" to \"100%\")",
        ),
        ("outlier = { eject_for = \"0s\" }", "2:25 `eject_for` is zero (expected more than zero)"),
        (
            "outlier = { erorr_rate = \"5%\" }",
            "2:13 unknown key `erorr_rate` in [upstream.a.outlier] (did you mean `error_rate`?)",
        ),
        ("all_down = \"use-all\"", "2:12 unknown choice `use-all` (did you mean `use_all`?)"),
        ("all_down = \"panic\"", "2:12 unknown choice `panic` (expected `refuse` or `use_all`)"),
    ] {
        check_short(&format!("[upstream.a]\n{line}\n{BACKEND}"), &[error]);
    }
}
