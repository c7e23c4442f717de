//! HTTP/2 by hand: frames written byte by byte, so that a test can say what no client would.
//!
//! Heads are written without any compression; of answers only what a test looks at is read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::client;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// What a connection that floods is told.
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;
pub(super) const PROTOCOL_ERROR: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The reason of a GOAWAY or of a RST_STREAM.
    pub(super) fn reason(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(*self.payload[at..].first_chunk().expect("it has a reason"))
    }

    pub(super) fn is_end(&self) -> bool {
        match self.kind {
            DATA | HEADERS => self.flags & END_STREAM != 0,
            RST_STREAM => true,
            _ => false,
        }
    }

    /// Of the statuses that are in the static table.
    pub(super) fn status(&self) -> u16 {
        assert_eq!(self.kind, HEADERS, "{self:?}");
        // What changes the size of the table may come first.
        let first = self.payload.iter().find(|byte| **byte & 0xe0 != 0x20);
        match first {
            Some(0x88) => 200,
            Some(0x89) => 204,
            Some(0x8c) => 400,
            Some(0x8d) => 404,
            Some(0x8e) => 500,
            _ => 0,
        }
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame's length").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// `None` at the end.
pub(super) fn read_frame(stream: &mut impl Read) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).ok()?;
    let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream: number, payload })
}

/// A list of fields, each a literal that goes into no table.
pub(super) fn list(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        text(&mut bytes, name.as_bytes());
        text(&mut bytes, value.as_bytes());
    }
    bytes
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    // Seven bits, and what does not fit follows in groups of seven.
    if text.len() < 127 {
        out.push(text.len() as u8);
    } else {
        out.push(127);
        let mut left = text.len() - 127;
        while left >= 128 {
            out.push((left % 128) as u8 | 128);
            left /= 128;
        }
        out.push(left as u8);
    }
    out.extend_from_slice(text);
}

/// The fields of a GET, to which more can be added.
pub(super) fn get(path: &str) -> Vec<(&str, &str)> {
    vec![(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "test")]
}

pub(super) struct Client {
    stream: TcpStream,
    /// Streams are the client's by being odd.
    last: u32,
    /// Of other streams than the one that was waited for.
    kept: Vec<Frame>,
}

impl Client {
    /// Says the preface and its settings, and reads nothing yet.
    pub(super) fn new(address: SocketAddr) -> Self {
        let mut client = Self {
            stream: client::connect(address).expect("the listener accepts"),
            last: 0,
            kept: Vec::new(),
        };
        client.send(PREFACE);
        client.send(&frame(SETTINGS, 0, 0, &[]));
        client
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the proxy reads");
    }

    /// Sends as often as it is taken, at most `count` times; how often it was.
    pub(super) fn pour(&mut self, count: usize, bytes: impl Fn(usize) -> Vec<u8>) -> usize {
        (0..count).take_while(|index| self.stream.write_all(&bytes(*index)).is_ok()).count()
    }

    pub(super) fn next_stream(&mut self) -> u32 {
        self.last = if self.last == 0 { 1 } else { self.last + 2 };
        self.last
    }

    /// Begins a request that has nothing but its fields.
    pub(super) fn ask(&mut self, fields: &[(&str, &str)]) -> u32 {
        let stream = self.next_stream();
        self.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &list(fields)));
        stream
    }

    /// Begins a request whose body follows.
    pub(super) fn begin(&mut self, fields: &[(&str, &str)]) -> u32 {
        let stream = self.next_stream();
        self.send(&frame(HEADERS, END_HEADERS, stream, &list(fields)));
        stream
    }

    /// The next frame; `None` when the proxy has closed. Settings and pings are answered.
    pub(super) fn read(&mut self) -> Option<Frame> {
        loop {
            let read = read_frame(&mut self.stream)?;
            match read.kind {
                SETTINGS if read.flags & ACK == 0 => {
                    // Who has been cut hears of nothing more.
                    let _cut = self.stream.write_all(&frame(SETTINGS, ACK, 0, &[]));
                }
                PING if read.flags & ACK == 0 => {
                    let _cut = self.stream.write_all(&frame(PING, ACK, 0, &read.payload));
                }
                SETTINGS | PING | WINDOW_UPDATE => {}
                _ => return Some(read),
            }
        }
    }

    /// Frames of the stream until its end.
    #[track_caller]
    pub(super) fn answer(&mut self, stream: u32) -> Vec<Frame> {
        let (mut frames, others): (Vec<_>, _) =
            self.kept.drain(..).partition(|kept| kept.stream == stream);
        self.kept = others;
        if frames.iter().any(Frame::is_end) {
            return frames;
        }
        while let Some(read) = self.read() {
            let is_mine = read.stream == stream;
            let is_end = is_mine && read.is_end();
            if is_mine || read.kind == GOAWAY {
                frames.push(read);
            } else {
                self.kept.push(read);
            }
            if is_end {
                return frames;
            }
        }
        panic!("the connection ended before stream {stream}: {frames:?}");
    }

    /// Reads until the proxy closes; the reason of its last GOAWAY.
    pub(super) fn farewell(&mut self) -> Option<u32> {
        let mut reason = None;
        while let Some(read) = self.read() {
            if read.kind == GOAWAY {
                reason = Some(read.reason());
            }
        }
        reason
    }
}

/// What all DATA of an answer comes to.
pub(super) fn body(frames: &[Frame]) -> Vec<u8> {
    let data = frames.iter().filter(|frame| frame.kind == DATA);
    data.flat_map(|frame| frame.payload.clone()).collect()
}
