//! Clients that cost more than they pay: each is told to calm down and cut, is counted, and nobody
//! else notices.

use super::frames::{
    CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING,
    PRIORITY, RST_STREAM, SETTINGS, body, frame, get, list,
};
use super::{metric, plain};
use crate::client::Load;
use crate::engine::{Engine, resident_bytes};
use crate::origin::Origin;
use crate::wait;

/// More than any flood that is told to stop has to send.
const FRAMES: usize = 200_000;

/// Pours until the proxy has had enough; it must have said why.
#[track_caller]
fn flood(engine: &Engine, kind: &str, bytes: impl Fn(u32) -> Vec<u8>) {
    let before = metric(engine, &floods(kind));
    let mut client = Client::new(engine.address());
    let poured = client.pour(FRAMES, |index| bytes(index as u32));
    assert!(poured < FRAMES, "{kind}: all of it was taken");
    let farewell = client.farewell();
    // What was on its way meanwhile may have reset the connection before its last word was read.
    assert!(farewell.is_none_or(|reason| reason == ENHANCE_YOUR_CALM), "{kind}: {farewell:?}");
    wait::until(&format!("{kind} are counted"), || {
        (metric(engine, &floods(kind)) > before).then_some(())
    });
}

fn floods(kind: &str) -> String {
    format!("pilothouse_worker_http2_floods_total{{worker=\"0\",kind=\"{kind}\"}}")
}

#[test]
fn floods_are_cut_and_counted_and_starve_nobody() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let load = Load::start(engine.address(), "/", 4);
    let before = resident_bytes(engine.worker_pids()[0]);
    flood(&engine, "resets", |index| {
        let stream = index * 2 + 1;
        let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &list(&get("/")));
        [head, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    flood(&engine, "pings", |_| frame(PING, 0, 0, b"12345678"));
    flood(&engine, "settings", |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]));
    // The crate that speaks the protocol finds this one first.
    flood(&engine, "other", |index| match index {
        0 => frame(HEADERS, END_HEADERS, 1, &list(&get("/"))),
        _ => frame(DATA, 0, 1, b""),
    });
    flood(&engine, "empty", |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]));
    flood(&engine, "empty", |_| frame(0xbe, 0, 1, b"nobody knows"));
    flood(&engine, "continuations", |index| match index {
        0 => frame(HEADERS, END_STREAM, 1, &list(&get("/"))),
        _ => frame(CONTINUATION, 0, 1, &list(&[("x", "y")])),
    });
    flood(&engine, "continuations", |index| match index {
        0 => frame(HEADERS, END_STREAM, 1, &[]),
        _ => frame(CONTINUATION, 0, 1, &[]),
    });
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    let growth = resident_bytes(engine.worker_pids()[0]).saturating_sub(before);
    assert!(growth < 16 << 20, "{growth} bytes are left of it");
    wait::until("nothing of it goes on", || {
        (engine.backend("app", &origin.address.to_string())["active"] == 0).then_some(())
    });
}

#[test]
fn a_head_that_unpacks_to_megabytes_is_not_unpacked() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let worker = engine.worker_pids()[0];
    let mut client = Client::new(engine.address());
    let before = resident_bytes(worker);
    // One entry of the table, 3 kB long, and then a reference of one byte to it, over and over.
    let value = "x".repeat(3000);
    let mut block = list(&get("/"));
    let mut entry = list(&[("bomb", &value)]);
    entry[0] = 0x40;
    block.extend_from_slice(&entry);
    block.resize(block.len() + 12_000, 0xbe);
    let stream = client.next_stream();
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block));
    assert_eq!(client.farewell(), Some(ENHANCE_YOUR_CALM));
    wait::until("it is counted", || (metric(&engine, &floods("other")) == 1).then_some(()));
    assert_eq!(origin.seen().len(), 0);
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < 8 << 20, "{growth} bytes for a head of 36 MB");
}

#[test]
fn a_head_that_is_too_long_is_refused_alone() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("header_max = \"4KB\"", &[&origin]));
    let mut client = Client::new(engine.address());
    let value = "x".repeat(4096);
    let stream = client.ask(&[get("/"), vec![("long", &value)]].concat());
    let answer = client.answer(stream);
    assert!(answer[0].kind == HEADERS && answer[0].status() != 200, "{answer:?}");
    let many: Vec<_> = (0..129).map(|_| ("x", "y")).collect();
    let stream = client.ask(&[get("/"), many].concat());
    let answer = client.answer(stream);
    assert!(answer[0].kind == HEADERS && answer[0].status() != 200, "{answer:?}");
    let stream = client.ask(&get("/"));
    assert_eq!(body(&client.answer(stream)), b"one", "the connection goes on");
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn a_client_may_ping_and_take_back_as_much_as_it_works() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let mut client = Client::new(engine.address());
    for round in 0..300 {
        let stream = client.ask(&get("/"));
        for _ in 0..2 {
            client.send(&frame(PING, 0, 0, b"12345678"));
        }
        assert_eq!(body(&client.answer(stream)), b"one", "{round}");
        if round % 3 == 0 {
            let stream = client.ask(&get("/"));
            client.send(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        }
    }
}
