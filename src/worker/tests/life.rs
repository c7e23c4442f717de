//! A worker's life: generations, draining, and what it shows of itself.

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_new_generation_serves_from_the_next_request_on() {
    let mut proxy = Proxy::before(&[echo()]);
    let mut client = proxy.send(GET);
    assert_eq!(status(&read_response(&mut client).0), 200);
    proxy.config.servers[0].routes.clear();
    proxy.configure(2);
    client.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut client).0), 404);
    until("the board tells", || {
        proxy.board.worker(WorkerSlot::new(0).unwrap()).figures().generation == 2
    });
}

#[test]
fn an_unlistened_address_accepts_no_more_but_its_connections_go_on() {
    let mut proxy = Proxy::before(&[echo()]);
    let mut client = proxy.send(GET);
    read_response(&mut client);
    proxy.config.servers[0].listen.clear();
    proxy.order(&ToWorker::Unlisten { address: proxy.address.to_string() }, None);
    proxy.configure(2);
    until("nobody listens", || TcpStream::connect(proxy.address).is_err());
    client.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut client).0), 200);
}

#[test]
fn a_draining_worker_finishes_what_is_under_way() {
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let may_go = std::sync::Arc::new(std::sync::Mutex::new(may_go));
    let origin = backend(move |_, mut stream| {
        while read_head(&mut stream).is_some() {
            may_go.lock().unwrap().recv().unwrap();
            stream.write_all(ok("done").as_bytes()).unwrap();
        }
    });
    let mut proxy = Proxy::before(&[origin]);
    let mut idle = proxy.send(GET);
    go.send(()).unwrap();
    read_response(&mut idle);
    let mut client = proxy.send(GET);
    until("the request is at the backend", || proxy.board.backend(id(0)).active() == 1);
    let deadline_us = sys::clock::monotonic_us() + PATIENCE.as_micros() as u64;
    proxy.order(&ToWorker::Drain { deadline_us }, None);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "an idle connection is closed");
    go.send(()).unwrap();
    let (head, body) = read_response(&mut client);
    assert_eq!((header(&head, "connection").as_deref(), body.as_str()), (Some("close"), "done"));
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_eq!(proxy.hear(), FromWorker::Drained);
    proxy.worker.take().unwrap().join().unwrap().unwrap();
}

#[test]
fn counts_and_connections_are_shown() {
    let proxy = Proxy::before(&[echo()]);
    let mut clients: Vec<_> = (0..3).map(|_| proxy.send(GET)).collect();
    for client in &mut clients {
        assert_eq!(status(&read_response(client).0), 200);
    }
    let worker = proxy.board.worker(WorkerSlot::new(0).unwrap());
    until("three idle connections that were served", || {
        let figures = worker.figures();
        (figures.connections_idle, figures.requests) == (3, 3)
    });
    let figures = worker.figures();
    assert_eq!((figures.accepted, figures.requests, figures.connections_active), (3, 3, 0));
    let counts = proxy.counts(0);
    assert_eq!((counts.requests, counts.responses[1], counts.failures), (3, 3, 0));
    drop(clients);
    until("all have left", || worker.figures().connections_idle == 0);
}

#[test]
fn an_idle_connection_is_small() {
    let proxy = Proxy::before(&[echo()]);
    let client = proxy.connect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bytes = runtime.block_on(async {
        let shared = Rc::new(Shared::new(proxy.board, WorkerSlot::new(1).unwrap()));
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let peer = stream.peer_addr().unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let (client, listener) = (stream::Stream::Tcp(stream), Rc::new(Address::Tcp(peer)));
        let mut connection = connection::Connection::new(shared, client, Some(peer), listener);
        size_of_val(&async move { connection.serve().await })
    });
    drop(client);
    assert!(bytes <= 512, "{bytes} bytes of future");
}
