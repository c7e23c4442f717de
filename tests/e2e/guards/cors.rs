//! `cors` and `security_headers`: what browsers are told.

use super::Asker;
use crate::engine::Engine;
use crate::origin::Origin;

const OURS: &str = "[[server]]\nlisten = [\"{listen}\"]\nsecurity_headers = true\n\
    cors = { origins = [\"https://app.test\", \"https://*.sites.test\"], methods = [\"GET\", \"PUT\"], \
    expose = [\"X-Backend\"], credentials = true, max_age = \"1h\" }\n\
    [[server.route]]\npath = \"/\"\nupstream = \"app\"\naccess = \"allow all\"\n\
    [[server.route]]\npath = \"/shut\"\naccess = \"deny all\"\nrespond = 204\n\
    [[server.route]]\npath = \"/off\"\ncors = \"off\"\nsecurity_headers = false\nupstream = \"app\"\n\
    [[server.route]]\npath = \"/any\"\ncors = { origins = \"*\", headers = [\"X-Own\"] }\n\
    security_headers = { frame = \"DENY\", content_security = \"default-src 'self'\" }\nupstream = \"app\"\n\
    [upstream.app]\nbackend = [{ address = \"ORIGIN\" }]\n";

fn engine() -> (Engine, Origin) {
    let origin = Origin::scripted(|_| {
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Frame-Options: ALLOWALL\r\n\
          Access-Control-Allow-Origin: https://evil.test\r\n\r\nok"
            .to_vec()
    });
    (Engine::start(&OURS.replace("ORIGIN", &origin.address.to_string())), origin)
}

#[test]
fn pages_of_named_sites_may_read_answers() {
    let (engine, _origin) = engine();
    let mut asker = Asker::new(engine.address());
    for (path, origin, allowed) in [
        ("/", "https://app.test", Some("https://app.test")),
        ("/", "https://a.sites.test", Some("https://a.sites.test")),
        ("/", "https://evil.test", None),
        ("/", "null", None),
        ("/shut", "https://app.test", Some("https://app.test")),
        ("/off", "https://app.test", Some("https://evil.test")),
        ("/any", "https://evil.test", Some("*")),
    ] {
        let answer =
            asker.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\r\n"));
        let told = answer.header("access-control-allow-origin");
        // Where nothing is said, the backend's own word passes.
        assert_eq!(told, allowed, "{path} {origin}");
        let varies = answer.head.contains("Vary: Origin");
        assert_eq!(varies, ["/", "/shut"].contains(&path), "{}", answer.head);
    }
    let bare = asker.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(bare.header("access-control-allow-origin"), None);
    assert!(bare.head.contains("Vary: Origin"), "{}", bare.head);
}

#[test]
fn questions_are_answered_before_anybody_is_asked() {
    let (engine, origin) = engine();
    let mut asker = Asker::new(engine.address());
    let mut ask = |path: &str, from: &str| {
        asker.ask(&format!(
            "OPTIONS {path} HTTP/1.1\r\nHost: a\r\nOrigin: {from}\r\n\
             Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a, x-b\r\n\r\n"
        ))
    };
    let answer = ask("/shut", "https://app.test");
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://app.test"),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "x-a, x-b"),
        ("access-control-max-age", "3600"),
        ("access-control-allow-credentials", "true"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{}", answer.head);
    }
    assert_eq!(
        ask("/any", "https://evil.test").header("access-control-allow-headers"),
        Some("X-Own")
    );
    let refused = ask("/", "https://evil.test");
    assert_eq!((refused.status, refused.header("access-control-allow-methods")), (204, None));
    assert_eq!(origin.served(), 0);
    // Not every OPTIONS is such a question.
    assert_eq!(asker.ask("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
}

#[test]
fn browsers_are_told_what_not_to_do() {
    let (engine, _origin) = engine();
    let mut asker = Asker::new(engine.address());
    let mut heads = ["/", "/any", "/off"].map(|path| {
        let answer = asker.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        ["x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy"]
            .map(|name| answer.header(name).unwrap_or("-").to_owned())
            .join(" ")
    });
    heads.sort();
    assert_eq!(
        heads,
        [
            "- ALLOWALL - -",
            "nosniff DENY strict-origin-when-cross-origin default-src 'self'",
            "nosniff SAMEORIGIN strict-origin-when-cross-origin -",
        ]
    );
}
