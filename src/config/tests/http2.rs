//! Where HTTP/2 is spoken.

use super::errors::check_short;
use super::good;
use crate::config::model::health::CheckKind;

const BACKEND: &str = "backend = [{ address = \"127.0.0.1:1\" }]";

fn server(listen: &str, host: &str) -> String {
    format!(
        "[[server]]\nlisten = {listen}\nhosts = [\"{host}\"]\nroute = [{{ path = \"/\", upstream = \"a\" }}]\n"
    )
}

#[test]
fn clients_may_speak_it_where_the_listener_says_so() {
    let upstream = format!("[upstream.a]\n{BACKEND}\n");
    let on = "{ address = \"127.0.0.1:80\", http2 = true }";
    let config = good(&format!("{}{upstream}", server(&format!("[{on}, \"127.0.0.1:81\"]"), "a")));
    let listen = &config.servers[0].listen;
    assert_eq!((listen[0].http2, listen[1].http2), (true, false));
    check_short(
        &format!("{}{}{upstream}", server(on, "one"), server("\"127.0.0.1:80\"", "two")),
        &["6:10 127.0.0.1:80 has HTTP/2 in one server and not in another (first on line 2)"],
    );
    check_short(
        &format!("{}{upstream}", server("{ address = \"127.0.0.1:80\", h2c = true }", "a")),
        &["2:38 unknown key `h2c` in [[server.listen]] (did you mean `http2`?)"],
    );
}

#[test]
fn backends_are_spoken_to_as_their_upstream_says() {
    let upstream = |lines: &str| {
        good(&format!("[upstream.a]\n{lines}\n{BACKEND}\n[upstream.a.check]\n")).upstreams.remove(0)
    };
    assert!(!upstream("").links.http2);
    let spoken = upstream("http2 = true");
    assert!(spoken.links.http2);
    let kind = spoken.check.map(|check| check.kind);
    assert_eq!(kind, Some(CheckKind::Tcp), "a check's request is in HTTP/1.1");
}

#[test]
fn what_goes_with_it_and_what_does_not() {
    let stream = format!(
        "[[stream]]\nlisten = [\"127.0.0.1:80\"]\nupstream = \"a\"\n[upstream.a]\nhttp2 = true\n{BACKEND}\n"
    );
    check_short(
        &stream,
        &[
            "3:12 upstream `a` speaks HTTP/2 (a TCP route passes on bytes as they are: give it an upstream without `http2`)",
        ],
    );
    let spoken_for = format!("[upstream.a]\nhttp2 = true\nproxy_protocol = \"v1\"\n{BACKEND}\n");
    check_short(
        &spoken_for,
        &[
            "3:1 `proxy_protocol` beside `http2` (remove one of them: with HTTP/2 a connection serves many clients)",
        ],
    );
    let plain =
        stream.replace("[\"127.0.0.1:80\"]", "{ address = \"127.0.0.1:80\", http2 = true }");
    check_short(
        &plain.replace("http2 = true\n", ""),
        &[
            "2:22 a TCP route has no `http2` (a TCP route passes on bytes as they are, HTTP/2 among them)",
        ],
    );
}
