//! TCP routes: bytes as they are, both ways, however they end; and what is counted of them.

use std::io::ErrorKind;
use std::net::{IpAddr, Shutdown};

use super::*;
use crate::config::model::{ProxyProtocol, Stream};
use crate::config::retry::Conditions;
use crate::scoreboard::recent;

/// A proxy whose listener is a TCP route.
fn route(backends: &[SocketAddr], change: impl FnOnce(&mut Config)) -> Proxy {
    Proxy::with(backends, |config| {
        let server = config.servers.remove(0);
        config.streams = vec![Stream {
            sni: Vec::new(),
            listen: server.listen,
            upstream: "app".to_owned(),
            connect_timeout_ms: None,
            idle_timeout_ms: PATIENCE.as_millis() as u64,
            tls: None,
        }];
        change(config);
    })
}

/// Sends back whatever comes, and ends when the other side has.
fn mirror() -> SocketAddr {
    backend(|_, mut stream| {
        let mut back = stream.try_clone().unwrap();
        let _the_client_may_leave = std::io::copy(&mut stream, &mut back);
        let _it_may_be_over = back.shutdown(Shutdown::Write);
    })
}

fn saying(word: &'static str) -> SocketAddr {
    backend(move |_, mut stream| {
        let _the_client_may_leave = stream.write_all(word.as_bytes());
    })
}

fn reset(stream: TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    stream.set_nonblocking(true).unwrap();
    tokio::net::TcpStream::from_std(stream).unwrap().set_zero_linger().unwrap();
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn entries(proxy: &Proxy) -> Vec<recent::Entry> {
    let mut entries = Vec::new();
    recent::read(proxy.board, WorkerSlot::new(0).unwrap(), 0, |_, entry| entries.push(entry));
    entries
}

#[test]
fn what_one_side_says_the_other_hears_and_half_a_close_is_one() {
    let proxy = route(&[mirror()], |_| {});
    let mut client = proxy.send("not HTTP at all\0\r\n");
    client.write_all(b" and more").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "not HTTP at all\0\r\n and more");
}

#[test]
fn a_backend_may_speak_first_and_a_client_never() {
    let proxy = route(&[saying("220 ready")], |_| {});
    assert_eq!(read_all(&mut proxy.connect()), "220 ready");
}

#[test]
fn bytes_and_the_connection_are_shown_while_it_lasts() {
    let proxy = route(&[mirror()], |_| {});
    let mut client = proxy.send("12345");
    assert_eq!(read_bytes(&mut client, 5), "12345");
    let worker = proxy.board.worker(WorkerSlot::new(0).unwrap());
    until("its bytes are there", || {
        let (counts, figures) = (proxy.counts(0), worker.figures());
        (counts.bytes_in, counts.bytes_out, figures.bytes_in, figures.bytes_out) == (5, 5, 5, 5)
    });
    assert_eq!((proxy.counts(0).requests, proxy.board.backend(id(0)).active()), (0, 1));
    until("the board tells", || worker.figures().connections_active == 1);
    drop(client);
    until("it is over", || proxy.board.backend(id(0)).active() == 0);
    let counts = proxy.counts(0);
    assert_eq!((counts.requests, counts.responses[1], counts.failures), (1, 1, 0));
    assert_eq!((counts.bytes_in, counts.bytes_out), (5, 5), "counted once");
    assert_eq!(account::backend_latency(proxy.board, id(0), 1).count(), 1, "the time to connect");
    until("it is among the recent", || entries(&proxy).len() == 1);
    let entry = entries(&proxy)[0];
    assert_eq!((entry.status, entry.bytes, entry.backend), (200, 5, Some((id(0), 1))));
    assert_eq!(entry.method.name(), "TCP");
    assert_eq!(entry.path, recent::Path::new(proxy.address.to_string().as_bytes()));
}

#[test]
fn a_backend_that_refuses_costs_no_connection() {
    let proxy = route(&[nobody(), saying("two")], |_| {});
    for _ in 0..4 {
        assert_eq!(read_all(&mut proxy.connect()), "two");
    }
    until("all are counted", || proxy.counts(1).requests == 4);
    assert_eq!((proxy.counts(0).failures, proxy.counts(0).requests), (1, 0));
    assert_eq!(account::upstream_counts(proxy.board, UpstreamId::new(0).unwrap()).retries, 1);
}

#[test]
fn nobody_to_connect_to_ends_the_connection_and_is_counted() {
    let proxy = route(&[nobody(), nobody()], |_| {});
    assert_eq!(read_all(&mut proxy.connect()), "");
    let worker = proxy.board.worker(WorkerSlot::new(0).unwrap());
    until("it is counted", || worker.figures().responses[4] == 1);
    assert_eq!((proxy.counts(0).failures, proxy.counts(1).failures), (1, 1));
    assert_eq!(proxy.board.backend(id(0)).active(), 0);
    until("it is among the recent", || entries(&proxy).len() == 1);
    assert_eq!(entries(&proxy)[0].status, 502);
}

#[test]
fn connections_in_flight_decide_where_fewest_are_wanted() {
    let holding = |name: &'static str| {
        backend(move |_, mut stream| {
            stream.write_all(name.as_bytes()).unwrap();
            let _it_leaves = stream.read(&mut [0]);
        })
    };
    let proxy = route(&[holding("0"), holding("1")], |_| {});
    let publication = proxy.board.upstream(UpstreamId::new(0).unwrap()).publish();
    publication.strategy(Strategy::LeastConn);
    drop(publication);
    let connect = || {
        let mut client = proxy.connect();
        (read_bytes(&mut client, 1), client)
    };
    let mut held: Vec<_> = (0..4).map(|_| connect()).collect();
    let active = |index| proxy.board.backend(id(index)).active();
    assert_eq!((active(0), active(1)), (2, 2));
    // All that are at the first one leave; the next two belong there.
    held.retain(|(name, _)| name == "1");
    until("they have left", || active(0) == 0);
    let next = [connect(), connect()];
    assert!(next.iter().all(|(name, _)| name == "0"));
    assert_eq!((active(0), active(1)), (2, 2));
}

#[test]
fn a_silent_connection_ends_by_its_limit_and_a_talking_one_does_not() {
    let proxy = route(&[mirror()], |config| config.streams[0].idle_timeout_ms = 300);
    let mut silent = proxy.connect();
    let mut talking = proxy.connect();
    let begun_us = sys::clock::monotonic_us();
    while sys::clock::monotonic_us() - begun_us < 1_000_000 {
        talking.write_all(b"x").unwrap();
        assert_eq!(read_bytes(&mut talking, 1), "x");
        std::thread::yield_now();
    }
    assert_eq!(silent.read(&mut [0]).unwrap(), 0, "long ended");
}

#[test]
fn a_reset_is_passed_on_as_one() {
    let (told, tells) = std::sync::mpsc::channel();
    let origin = backend(move |_, mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        match byte[0] {
            b'r' => reset(stream),
            _ => told.send(stream.read(&mut [0]).map_err(|error| error.kind())).unwrap(),
        }
    });
    let proxy = route(&[origin], |_| {});
    let mut client = proxy.send("r");
    let heard = client.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(heard, Err(ErrorKind::ConnectionReset), "from the backend to the client");
    let client = proxy.send("x");
    until("the backend has it", || proxy.counts(0).bytes_in == 2);
    reset(client);
    let heard = tells.recv_timeout(PATIENCE).unwrap();
    assert_eq!(heard, Err(ErrorKind::ConnectionReset), "from the client to the backend");
}

/// Closing with bytes unread makes a reset of the close; the answer was said before it.
#[test]
fn a_backend_that_does_not_listen_to_the_end_is_heard_out() {
    let origin = backend(|_, mut stream| {
        stream.read_exact(&mut [0; 1024]).unwrap();
        stream.write_all(&[b'a'; 10_000]).unwrap();
    });
    let proxy = route(&[origin], |_| {});
    for _ in 0..10 {
        let client = proxy.connect();
        let mut writer = client.try_clone().unwrap();
        let sending = std::thread::spawn(move || {
            let _may_be_cut_off = writer.write_all(&vec![b'x'; 4 << 20]);
        });
        let mut reader = client;
        assert_eq!(read_bytes(&mut reader, 10_000).len(), 10_000);
        drop(reader);
        sending.join().unwrap();
    }
}

#[test]
fn a_side_that_does_not_read_holds_the_other_back() {
    let origin = backend(|_, mut stream| {
        let piece = vec![b'x'; 64 << 10];
        while stream.write_all(&piece).is_ok() {}
    });
    let proxy = route(&[origin], |_| {});
    let client = proxy.connect();
    let worker = proxy.board.worker(WorkerSlot::new(0).unwrap());
    let (mut carried, mut since_us) = (0, 0);
    // What the kernel's buffers take is some megabytes; then the worker beats and nothing moves.
    until("nothing moves", || {
        let beat_us = worker.figures().heartbeat_us;
        if std::mem::replace(&mut carried, proxy.counts(0).bytes_out) != carried {
            since_us = beat_us;
        }
        carried > 0 && beat_us > since_us + 2 * limits::SWEEP_INTERVAL_MS * 1000
    });
    assert!(carried < 64 << 20, "{carried} bytes nobody read");
    drop(client);
}

#[test]
fn a_draining_worker_keeps_its_connections_until_they_end() {
    let mut proxy = route(&[mirror()], |_| {});
    let mut client = proxy.send("before");
    assert_eq!(read_bytes(&mut client, 6), "before");
    let deadline_us = sys::clock::monotonic_us() + PATIENCE.as_micros() as u64;
    proxy.order(&ToWorker::Drain { deadline_us }, None);
    until("nobody listens", || TcpStream::connect(proxy.address).is_err());
    client.write_all(b"after").unwrap();
    assert_eq!(read_bytes(&mut client, 5), "after");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "");
    assert_eq!(proxy.hear(), FromWorker::Drained);
    proxy.worker.take().unwrap().join().unwrap().unwrap();
}

#[test]
fn a_reload_keeps_connections_and_turns_an_address_to_requests() {
    let mut proxy = route(&[mirror()], |_| {});
    let mut client = proxy.send("before");
    assert_eq!(read_bytes(&mut client, 6), "before");
    let server = config::parse(&text(proxy.address, &[echo()]), "test").unwrap().servers.remove(0);
    proxy.config.servers.push(server);
    proxy.config.streams.clear();
    proxy.configure(2);
    client.write_all(b"after").unwrap();
    assert_eq!(read_bytes(&mut client, 5), "after");
    let answer = proxy.ask("GET /none HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_eq!(status(&answer), 400, "requests are read as such from here on");
}

#[test]
fn a_connection_is_small() {
    let proxy = route(&[mirror()], |_| {});
    let client = proxy.connect();
    let bytes = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shared = Rc::new(Shared::new(proxy.board, WorkerSlot::new(1).unwrap()));
            let config = &proxy.config;
            shared.swap(Generation::compile(1, config, &shared));
            let stream = TcpStream::connect(proxy.address).unwrap();
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let peer = proxy.address;
            let (client, listener) = (stream::Stream::Tcp(stream), Rc::new(Address::Tcp(peer)));
            let shared = Rc::clone(&shared);
            let connection = connection::Connection::new(shared, client, Some(peer), listener);
            let generation = connection.tcp_generation().unwrap();
            size_of_val(&session::serve(connection, generation))
        })
    };
    drop(client);
    assert!(bytes <= 2048, "{bytes} bytes of future");
}

#[test]
fn the_rules_of_retries_hold_for_connections_too() {
    let proxy = route(&[nobody(), saying("two")], |config| {
        config.upstreams[0].retry.on = Conditions::default();
    });
    assert_eq!(read_all(&mut proxy.connect()), "", "`off`: the first answer is the last");
    assert_eq!((proxy.counts(0).failures, proxy.counts(1).requests), (1, 0));
    let retries = account::upstream_counts(proxy.board, UpstreamId::new(0).unwrap()).retries;
    assert_eq!(retries, 0);
}

#[test]
fn more_connections_than_allowed_are_refused_and_counted_as_such() {
    let proxy = route(&[mirror()], |config| config.upstreams[0].links.connections_max = 1);
    let mut first = proxy.send("x");
    assert_eq!(read_bytes(&mut first, 1), "x");
    assert_eq!(read_all(&mut proxy.connect()), "");
    until("it is among the recent", || entries(&proxy).len() == 1);
    assert_eq!((entries(&proxy)[0].status, proxy.counts(0).failures), (503, 0));
    first.write_all(b"y").unwrap();
    assert_eq!(read_bytes(&mut first, 1), "y");
}

#[test]
fn who_the_client_is_comes_in_and_goes_on() {
    let proxy = route(&[mirror()], |config| {
        config.streams[0].listen[0].proxy_protocol = true;
        config.upstreams[0].links.proxy_protocol = Some(ProxyProtocol::V1);
    });
    let mut client = proxy.send("PROXY TCP4 192.0.2.7 192.0.2.1 1234 5432\r\nfirst");
    client.shutdown(Shutdown::Write).unwrap();
    let told = read_all(&mut client);
    let (header, rest) = told.split_once("\r\n").unwrap();
    assert!(header.starts_with("PROXY TCP4 192.0.2.7 "), "{told:?}");
    assert_eq!(rest, "first", "what came with the header is passed on");
    until("it is among the recent", || entries(&proxy).len() == 1);
    assert_eq!(entries(&proxy)[0].client, IpAddr::from([192, 0, 2, 7]));

    let mut stranger = proxy.send("no header, whatever it is\r\n");
    let _reset_is_an_end_too = stranger.read_to_end(&mut Vec::new());
    until("it is among the recent", || entries(&proxy).len() == 2);
    assert_eq!(entries(&proxy)[1].status, 400);
    assert_eq!(proxy.counts(0).requests, 1, "no backend heard of it");
}
