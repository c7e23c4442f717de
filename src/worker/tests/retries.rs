//! When a request is offered to a further backend, and who is blamed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::config::retry::{Condition, Conditions};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";

/// Answers every request with `status` and counts them.
fn saying(status: u16) -> (SocketAddr, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let address = backend(move |_, mut stream| {
        while let Some(head) = read_head(&mut stream) {
            count.fetch_add(1, Ordering::Relaxed);
            if head.starts_with("POST") {
                read_bytes(&mut stream, 2);
            }
            let answer = format!("HTTP/1.1 {status} Word\r\nContent-Length: 3\r\n\r\n{status}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

fn retrying(backends: &[SocketAddr], on: &[Condition]) -> Proxy {
    Proxy::with(backends, |config| config.upstreams[0].retry.on = Conditions::of(on))
}

/// The status that a client gets, after one request.
fn ask_once(proxy: &Proxy, request: &str) -> u16 {
    status(&read_response(&mut proxy.send(request)).0)
}

fn upstream_counts(proxy: &Proxy) -> account::UpstreamCounts {
    account::upstream_counts(proxy.board, UpstreamId::new(0).unwrap())
}

#[test]
fn a_status_is_a_reason_only_where_the_configuration_says_so() {
    use Condition as C;
    for (first, request, on, expected) in [
        (503, GET, &[C::Error][..], 503),
        (503, GET, &[C::Http503], 200),
        (503, GET, &[C::Http500], 503),
        (500, GET, &[C::Http500], 200),
        (502, GET, &[C::Http502], 200),
        (504, GET, &[C::Http504], 200),
        (404, GET, &[C::Http404], 200),
        (403, GET, &[C::Http403], 200),
        (429, GET, &[C::Http429], 200),
        (503, POST, &[C::Http503], 503),
        (503, POST, &[C::Http503, C::NonIdempotent], 200),
    ] {
        let (good, _) = saying(200);
        let (bad, asked) = saying(first);
        let proxy = retrying(&[bad, good], on);
        assert_eq!(ask_once(&proxy, request), expected, "{first} {request:?} {on:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let is_blamed = expected == 200 && !matches!(first, 403 | 404);
        assert_eq!(proxy.counts(0).failures, u64::from(is_blamed), "{first} {on:?}");
        assert_eq!(upstream_counts(&proxy).retries, u64::from(expected == 200));
    }
}

#[test]
fn the_last_answer_passes() {
    let (first, _) = saying(503);
    let (second, _) = saying(500);
    let proxy = retrying(&[first, second], &[Condition::Http503, Condition::Http500]);
    let mut client = proxy.send(GET);
    let (head, body) = read_response(&mut client);
    assert_eq!((status(&head), body.as_str()), (500, "500"));
    assert_eq!((proxy.counts(0).failures, proxy.counts(1).failures), (1, 0));
    // The first is out for its failure: nobody is left to better what the second says.
    client.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut client).0), 500);
}

#[test]
fn off_asks_nobody_else() {
    let proxy = retrying(&[nobody(), echo()], &[]);
    assert_eq!(ask_once(&proxy, GET), 502);
    let proxy = Proxy::with(&[nobody(), echo()], |config| config.upstreams[0].retry.more_max = 0);
    assert_eq!(ask_once(&proxy, GET), 502);
    assert_eq!(upstream_counts(&proxy).retries, 0);
}

#[test]
fn a_broken_head_is_an_error_and_nonsense_an_invalid_header() {
    let broken = || {
        backend(|_, mut stream| {
            read_head(&mut stream);
            let _client_may_be_gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le");
        })
    };
    assert_eq!(ask_once(&retrying(&[broken(), echo()], &[Condition::Error]), GET), 200);
    assert_eq!(ask_once(&retrying(&[broken(), echo()], &[Condition::InvalidHeader]), GET), 502);
    let nonsense = || answering(|_| "what?\r\n\r\n".to_owned());
    assert_eq!(ask_once(&retrying(&[nonsense(), echo()], &[Condition::InvalidHeader]), GET), 200);
    assert_eq!(ask_once(&retrying(&[nonsense(), echo()], &[Condition::Error]), GET), 502);
}

#[test]
fn a_retry_has_its_time() {
    let silent = || {
        backend(|_, mut stream| {
            let _end = stream.read_to_end(&mut Vec::new());
        })
    };
    let proxy = |timeout_ms| {
        Proxy::with(&[silent(), echo()], |config| {
            config.upstreams[0].first_byte_timeout_ms = 50;
            config.upstreams[0].retry.timeout_ms = timeout_ms;
        })
    };
    assert_eq!(ask_once(&proxy(50), GET), 504);
    assert_eq!(ask_once(&proxy(60_000), GET), 200);
}

#[test]
fn retries_in_vain_stop_at_the_budget() {
    let (first, first_asked) = saying(503);
    let (second, second_asked) = saying(503);
    let proxy = Proxy::with(&[first, second], |config| {
        let retry = &mut config.upstreams[0].retry;
        (retry.on, retry.budget_percent) = (Conditions::of(&[Condition::Http503]), Some(20));
    });
    for index in 0..2 {
        set_max_fails(&proxy, index, 0);
    }
    let mut client = proxy.connect();
    for _ in 0..200 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client).0), 503);
    }
    let asked = first_asked.load(Ordering::Relaxed) + second_asked.load(Ordering::Relaxed);
    let counts = upstream_counts(&proxy);
    assert_eq!(asked as u64, 200 + counts.retries);
    assert!((40..=50).contains(&counts.retries), "{counts:?}");
    assert_eq!(counts.withheld, 200 - counts.retries);
}

#[test]
fn an_answer_that_is_no_reason_to_ask_again_was_asked_for_in_vain_too() {
    let (second, _) = saying(503);
    let proxy = Proxy::with(&[nobody(), second], |config| {
        let retry = &mut config.upstreams[0].retry;
        (retry.on, retry.budget_percent) = (Conditions::of(&[Condition::Error]), Some(20));
    });
    for index in 0..2 {
        set_max_fails(&proxy, index, 0);
    }
    let mut client = proxy.connect();
    for _ in 0..400 {
        client.write_all(GET.as_bytes()).unwrap();
        assert!(matches!(status(&read_response(&mut client).0), 502 | 503));
    }
    let counts = upstream_counts(&proxy);
    // A fifth of them, and a few that are always granted; each second one would have liked to.
    assert!((40..=100).contains(&counts.retries), "{counts:?}");
    assert!(counts.withheld > 50, "{counts:?}");
}

#[test]
fn retries_that_help_are_not_counted_against_the_budget() {
    let (bad, _) = saying(503);
    let (good, _) = saying(200);
    let proxy = Proxy::with(&[bad, good], |config| {
        let retry = &mut config.upstreams[0].retry;
        (retry.on, retry.budget_percent) = (Conditions::of(&[Condition::Http503]), Some(0));
    });
    set_max_fails(&proxy, 0, 0);
    let mut client = proxy.connect();
    for _ in 0..100 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client).0), 200);
    }
    assert_eq!(upstream_counts(&proxy).withheld, 0);
}

fn set_max_fails(proxy: &Proxy, index: usize, max_fails: u32) {
    let upstream = proxy.board.upstream(UpstreamId::new(0).unwrap());
    let about = About { max_fails, ..proxy.board.backend(id(index)).about() };
    upstream.publish().about(id(index), &about);
}

/// The first backend's time is not the second one's, whose connection is a pooled one.
#[test]
fn a_timeout_is_over_for_the_next_backend() {
    let silent = backend(|_, mut stream| {
        let _end = stream.read_to_end(&mut Vec::new());
    });
    let proxy = Proxy::with(&[echo(), silent], |config| {
        config.upstreams[0].first_byte_timeout_ms = 50;
    });
    set_max_fails(&proxy, 1, 0);
    let mut client = proxy.connect();
    for _ in 0..4 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client).0), 200);
    }
    assert_eq!(proxy.counts(1).failures, 2);
}
