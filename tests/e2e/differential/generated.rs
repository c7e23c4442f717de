//! Streams made up from the parts that matter, with a byte changed here and there. The same seed
//! makes the same streams.

use super::Case;

/// Changed by `PILOTHOUSE_SEED`, to look further than the gate does.
const SEED: u64 = 20_261_122;
const STREAMS: usize = 300;

pub(super) fn cases() -> Vec<Case> {
    let chosen = std::env::var("PILOTHOUSE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = chosen.unwrap_or(SEED);
    (0..STREAMS as u64)
        .map(|number| {
            // Neighbouring numbers begin far from each other, and none with zero.
            let mut dice = Dice((seed ^ number << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            Case { name: format!("generated {seed}/{number}"), stream: stream(&mut dice) }
        })
        .collect()
}

/// A xorshift generator: no crate, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    /// The first one most of the time.
    fn usually<'a>(&mut self, among: &[&'a str]) -> &'a str {
        if self.below(5) > 0 { among[0] } else { among[self.below(among.len())] }
    }

    fn any<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len())]
    }
}

const METHODS: &[&str] = &["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "TRACE", "get", "G"];
const TARGETS: &[&str] =
    &["/g", "/g?x", "http://a/g", "/g/../h", "//g", "/%2e%2e/g", "/g%00", "http://b/g", "g"];
const VERSIONS: &[&str] = &["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", ""];
const ENDS: &[&str] = &["\r\n", "\n", "\r", "\r\r\n"];
const LINES: &[&str] = &[
    "X: y",
    "Connection: close",
    "Connection: keep-alive, x",
    "Expect: 100-continue",
    "Upgrade: w",
    "TE: trailers",
    "Connection: upgrade",
    "Content_Length: 3",
    "X: \x0b",
    "Host: b",
    " folded",
    "X : y",
    "no colon",
    "Max-Forwards: 1",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip, chunked",
    "Content-Length: 3, 3",
    "Content-Length: +3",
];
const SIZES: &[&str] = &["5", "05", "5 ", "5;a", "5;a=\"b\"", "5;", "0x5", " 5", "+5", "5;\n", "6"];
const TRAILERS: &[&str] =
    &["", "X: y\r\n", "Content-Length: 9\r\n", "X: y\n", " y\r\n", "GET / HTTP/1.1\r\n"];

/// Put in the place of others. No tab: nginx refuses it where it is white space to the RFC. As with
/// `OPTIONS *`, which it refuses too, the corpus says so by name.
const BYTES: &[u8] = b"\r\n\0 :;,\x0b\x7f\xff0a5";

fn stream(dice: &mut Dice) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..=dice.below(3) {
        stream.extend_from_slice(request(dice).as_bytes());
    }
    // Half of them are left as they are.
    for _ in 0..dice.below(6).saturating_sub(2) {
        let at = dice.below(stream.len());
        let byte = BYTES[dice.below(BYTES.len())];
        match dice.below(3) {
            0 => stream[at] = byte,
            1 => stream.insert(at, byte),
            _ => drop(stream.remove(at)),
        }
    }
    stream
}

fn request(dice: &mut Dice) -> String {
    let end = dice.usually(ENDS);
    let mut parts = vec![
        dice.any(METHODS),
        " ",
        dice.usually(TARGETS),
        " ",
        dice.usually(VERSIONS),
        dice.usually(ENDS),
        dice.usually(&["Host: a", "Host: b", "host:a", "Host: a b"]),
        dice.usually(ENDS),
    ];
    for _ in 0..dice.below(3) {
        parts.extend([dice.any(LINES), dice.usually(ENDS)]);
    }
    match dice.below(4) {
        0 => parts.push(end),
        1 => {
            let length = dice.usually(&["5", "4", "6", "05", "5 ", "50"]);
            parts.extend(["Content-Length: ", length, end, end, "hello"]);
        }
        2 => {
            parts.extend(["Transfer-Encoding: chunked", end, end]);
            chunks(dice, &mut parts);
        }
        _ => {
            let both = ["Content-Length: 5", "Transfer-Encoding: chunked"];
            parts.extend([dice.any(&both), end, dice.any(&both), end, end]);
            chunks(dice, &mut parts);
        }
    }
    parts.concat()
}

fn chunks(dice: &mut Dice, parts: &mut Vec<&str>) {
    for _ in 0..dice.below(3) {
        parts.extend([dice.usually(SIZES), dice.usually(ENDS), "hello", dice.usually(ENDS)]);
    }
    parts.extend([dice.usually(&["0", "00", "0;a", "0 "]), dice.usually(ENDS)]);
    parts.extend([dice.usually(TRAILERS), dice.usually(ENDS)]);
}
