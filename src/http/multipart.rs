//! Several parts of a file in one body (`multipart/byteranges`), in nginx's form.

use super::ranges::Part;

/// Digits of a boundary.
const BOUNDARY_BYTES: usize = 20;

pub(crate) struct Multipart {
    parts: Vec<Part>,
    /// Parts that were gone on to.
    begun: usize,
    boundary: [u8; BOUNDARY_BYTES],
    content_type: String,
    /// Of the whole file.
    length: u64,
    is_over: bool,
}

impl Multipart {
    /// `seed` is drawn for each answer: what is sent must not hold the boundary by chance.
    pub(crate) fn new(parts: &[Part], content_type: &str, length: u64, seed: u64) -> Self {
        let mut boundary = [b'0'; BOUNDARY_BYTES];
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(seed).as_bytes();
        boundary[BOUNDARY_BYTES - digits.len()..].copy_from_slice(digits);
        let content_type = content_type.to_owned();
        let parts = parts.to_vec();
        Self { parts, begun: 0, boundary, content_type, length, is_over: false }
    }

    pub(crate) fn write_content_type(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"multipart/byteranges; boundary=");
        out.extend_from_slice(&self.boundary);
    }

    /// Bytes of the whole body.
    pub(crate) fn bytes(&self) -> u64 {
        let mut text = Vec::new();
        let parts = self.parts.iter().map(|part| {
            text.clear();
            self.write_head(&mut text, *part);
            text.len() as u64 + part.bytes()
        });
        let bytes: u64 = parts.sum();
        bytes + (b"\r\n--".len() + BOUNDARY_BYTES + b"--\r\n".len()) as u64
    }

    /// Appends what stands before the next part, which is returned: an empty one after the last,
    /// and `None` from then on.
    pub(crate) fn next(&mut self, out: &mut Vec<u8>) -> Option<Part> {
        if let Some(&part) = self.parts.get(self.begun) {
            self.begun += 1;
            self.write_head(out, part);
            return Some(part);
        }
        if std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        self.delimit(out);
        out.extend_from_slice(b"--\r\n");
        Some(Part { start: 0, end: 0 })
    }

    fn write_head(&self, out: &mut Vec<u8>, part: Part) {
        self.delimit(out);
        out.extend_from_slice(b"\r\nContent-Type: ");
        out.extend_from_slice(self.content_type.as_bytes());
        out.extend_from_slice(b"\r\nContent-Range: ");
        write_range(out, Some(part), self.length);
        out.extend_from_slice(b"\r\n\r\n");
    }

    fn delimit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n--");
        out.extend_from_slice(&self.boundary);
    }
}

/// The value of a `Content-Range`: which part of `length` bytes follows, or that there is none.
pub(crate) fn write_range(out: &mut Vec<u8>, part: Option<Part>, length: u64) {
    let number = |out: &mut Vec<u8>, number: u64| {
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    };
    out.extend_from_slice(b"bytes ");
    match part {
        Some(part) => {
            number(out, part.start);
            out.push(b'-');
            number(out, part.end.saturating_sub(1));
        }
        None => out.push(b'*'),
    }
    out.push(b'/');
    number(out, length);
}
