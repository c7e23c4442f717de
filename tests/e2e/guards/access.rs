//! `access`: who is let in by his address.

use super::{Asker, Pair};
use crate::client;
use crate::engine::Engine;
use crate::wait;

const NGINX: &str = "server { listen {listen}; \
    deny 192.0.2.7; allow 192.0.2.0/24; allow 2001:db8::/32; deny unix:; deny all; \
    location / { return 200 in; } location /inherited { } \
    location /open { allow all; } location /shut { deny all; } \
    location /four { deny 0.0.0.0/0; } location /six { deny ::/0; } }";

const OURS: &str = "[[server]]\nlisten = [\"{listen}\"]\n\
    real_ip = { from = [\"127.0.0.1\"] }\n\
    access = [\"deny 192.0.2.7\", \"allow 192.0.2.0/24\", \"allow 2001:db8::/32\", \"deny unix:\", \"deny all\"]\n\
    access_log = { file = \"access.log\", format = \"$remote_addr $status $refused_by\" }\n\
    [[server.route]]\npath = \"/inherited\"\nrespond = 404\n\
    [[server.route]]\npath = \"/open\"\naccess = \"allow all\"\nrespond = 404\n\
    [[server.route]]\npath = \"/shut\"\naccess = \"deny all\"\nrespond = 404\n\
    [[server.route]]\npath = \"/four\"\naccess = \"deny 0.0.0.0/0\"\nrespond = 404\n\
    [[server.route]]\npath = \"/six\"\naccess = \"deny ::/0\"\nrespond = 404\n";

#[test]
fn the_same_clients_are_let_in_as_by_nginx() {
    // A `return` comes before nginx's access rules, so files that are not there are asked for.
    let Some(pair) = Pair::start(NGINX, OURS) else { return };
    let (mut ours, mut theirs) = (Asker::new(pair.ours), Asker::new(pair.theirs));
    let mut statuses = std::collections::BTreeSet::new();
    for path in ["/inherited/x", "/open/x", "/shut/x", "/four/x", "/six/x"] {
        for client in ["192.0.2.7", "192.0.2.8", "192.0.3.8", "2001:db8::1", "2001:db9::1", "::1"] {
            let status = ours.get(path, client).status;
            assert_eq!(status, theirs.get(path, client).status, "{path} of {client}");
            statuses.insert(status);
        }
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [403, 404]);
}

#[test]
fn a_refusal_is_an_answer_like_others_and_says_why_in_the_log() {
    let servers = OURS.split("[[server.route]]").next().expect("the server's part");
    let engine = Engine::start(&format!(
        "{servers}error_pages = [{{ status = 403, body = \"keep out\" }}]\n\
         [[server.route]]\npath = \"/\"\nrespond = 200\n"
    ));
    let mut asker = Asker::new(engine.address());
    let refused = asker.ask(
        "POST / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 192.0.2.7\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert_eq!((refused.status, refused.text().as_str()), (403, "keep out"));
    // The body was read, so the connection goes on.
    assert_eq!(asker.get("/", "192.0.2.8").status, 200);
    let announced = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n";
    let last = client::raw(engine.address(), announced.as_bytes());
    assert!(last.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{last}");
    assert!(last.contains("Connection: close\r\n"), "{last}");
    let path = engine.folder.path().join("access.log");
    // Each worker writes its own lines when it comes to it.
    let expected = ["127.0.0.1 403 access", "192.0.2.7 403 access", "192.0.2.8 200 -"];
    wait::until("the log has its lines", || {
        let text = std::fs::read_to_string(&path).ok()?;
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        (lines == expected).then_some(())
    });
}
