//! Chunked bodies: however the bytes come, they say the same, and what is sent on says it to all.

use super::second_reader::{self, LENIENCIES};
use crate::http::framing::{Body, Reader, Taken};
use crate::http::{Error, trailers};

/// What became of a body.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    kept: Vec<u8>,
    payload_bytes: usize,
    taken_bytes: usize,
    is_end: bool,
}

#[derive(Clone, Copy)]
enum Way {
    Advance,
    Strip,
}

/// The first byte says how the others are cut.
pub(crate) fn chunked_body(bytes: &[u8]) {
    let Some((&seed, wire)) = bytes.split_first() else { return };
    let at_once = follow(wire, Way::Advance, || wire.len());
    let mut random = u32::from(seed) + 1;
    let in_pieces = follow(wire, Way::Advance, || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (random >> 24) as usize % (1 + usize::from(seed) / 4)
    });
    assert_eq!(at_once, in_pieces, "{}", wire.escape_ascii());
    let Ok(whole) = at_once else { return };
    let payload = follow(wire, Way::Strip, || wire.len()).expect("it is the same body");
    assert_eq!(payload.kept.len(), whole.payload_bytes);
    if whole.is_end {
        is_one_body_to_everybody(&whole, &payload.kept);
    }
}

/// Shows `wire` piece by piece, and again what was not taken, as the worker does.
fn follow(wire: &[u8], way: Way, mut piece: impl FnMut() -> usize) -> Result<Outcome, Error> {
    let mut reader = Reader::new(Body::Chunked);
    let mut outcome =
        Outcome { kept: Vec::new(), payload_bytes: 0, taken_bytes: 0, is_end: reader.is_end() };
    let mut shown = 0;
    while !outcome.is_end && shown < wire.len() {
        shown = wire.len().min(shown + piece().max(1));
        let mut part = wire[outcome.taken_bytes..shown].to_vec();
        let Taken { bytes, kept, payload, is_end } = match way {
            Way::Advance => reader.advance(&mut part)?,
            Way::Strip => reader.strip(&mut part)?,
        };
        assert!(payload <= kept || matches!(way, Way::Strip), "payload is always kept");
        assert!(kept <= bytes && bytes <= part.len(), "nothing is made up");
        assert_eq!(is_end, reader.is_end());
        outcome.kept.extend_from_slice(&part[..kept]);
        outcome.payload_bytes += payload;
        outcome.taken_bytes += bytes;
        outcome.is_end = is_end;
    }
    Ok(outcome)
}

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

fn is_one_body_to_everybody(whole: &Outcome, payload: &[u8]) {
    let again = follow(&whole.kept, Way::Advance, || whole.kept.len()).expect("our own output");
    assert_eq!((&again.kept, again.is_end), (&whole.kept, true), "{}", whole.kept.escape_ascii());
    let stream = [HEAD, &whole.kept, NEXT].concat();
    for &leniency in LENIENCIES {
        let reading = second_reader::read(&stream, leniency);
        let reading = reading.unwrap_or_else(|what| panic!("{what}: {}", stream.escape_ascii()));
        let [first, second] = &reading.messages[..] else {
            panic!("{leniency:?} reads {reading:?}: {}", stream.escape_ascii());
        };
        assert_eq!(first.body, payload, "{leniency:?}: {}", stream.escape_ascii());
        assert_eq!(second.target, "/next", "{leniency:?}: {}", stream.escape_ascii());
        for (name, _) in &first.trailers {
            assert!(trailers::may_pass(name.as_bytes()), "{name}: {}", stream.escape_ascii());
        }
    }
}
