//! `limit_rate` and `limit_rate_after`: how fast a response goes, of files and of backends.

#![expect(clippy::disallowed_methods, reason = "how long responses take is measured")]

use std::time::{Duration, Instant};

use super::{Asker, Pair};
use crate::origin::Origin;

const BYTES: usize = 300 * 1024;
/// What 50 KB at once, a second's worth and 100 KB in each second after that leave: both may be early
/// by a part of a second's worth.
const AT_LEAST: Duration = Duration::from_millis(1_250);

#[test]
fn responses_take_their_time_as_in_nginx() {
    let folder = crate::engine::open_folder();
    let body = "0123456789abcdef".repeat(BYTES / 16);
    std::fs::write(folder.path().join("big"), &body).expect("the folder is ours");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n{body}").into_bytes();
    let backend = Origin::scripted(move |_| answer.clone());
    let root = folder.path().display();
    let theirs = format!(
        "server {{ listen {{listen}}; limit_rate 100k; limit_rate_after 50k; \
         location / {{ root {root}; }} location /back {{ proxy_pass http://{0}; }} \
         location /free {{ limit_rate 0; proxy_pass http://{0}; }} }}",
        backend.address
    );
    let ours = format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\nlimit_rate = \"100KB\"\nlimit_rate_after = \"50KB\"\n\
         [[server.route]]\npath = \"/\"\nroot = \"{root}\"\n\
         [[server.route]]\npath = \"/back\"\nupstream = \"app\"\n\
         [[server.route]]\npath = \"/free\"\nupstream = \"app\"\nlimit_rate = \"0B\"\n\
         [upstream.app]\nbackend = [{{ address = \"{}\" }}]\n",
        backend.address
    );
    let Some(pair) = Pair::start(&theirs, &ours) else { return };
    std::thread::scope(|scope| {
        for proxy in [pair.theirs, pair.ours] {
            for (path, at_least) in
                [("/big", AT_LEAST), ("/back", AT_LEAST), ("/free", Duration::ZERO)]
            {
                let body = &body;
                scope.spawn(move || {
                    let since = Instant::now();
                    let answer = Asker::new(proxy).get(path, "127.0.0.1");
                    let took = since.elapsed();
                    let who = if proxy == pair.ours { "ours" } else { "nginx" };
                    assert_eq!(answer.status, 200, "{path} of {who}");
                    assert!(answer.text() == *body, "{path} of {who} is whole");
                    assert!(took >= at_least, "{path} of {who} took {took:?}");
                });
            }
        }
    });
}
