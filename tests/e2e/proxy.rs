//! What a client and a backend see of each other through the proxy.

use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;

#[test]
fn a_request_passes_and_tells_the_backend_who_asked() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let answer = client::get(engine.address(), "/path?query=1");
    assert_eq!((answer.status, answer.text().as_str()), (200, "one"));
    let seen = &origin.seen()[0];
    assert!(seen.head.starts_with("GET /path?query=1 HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto").as_deref(), Some("http"));
}

/// One server, one upstream with `keys`, the origins as its backends.
pub(crate) fn site(keys: &str, origins: &[&Origin]) -> String {
    let backends: String = origins
        .iter()
        .map(|origin| format!("[[upstream.app.backend]]\naddress = \"{}\"\n", origin.address))
        .collect();
    format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n{keys}\n{backends}"
    )
}
