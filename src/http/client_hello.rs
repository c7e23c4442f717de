//! The server's name in the first message of a TLS client (RFC 8446 4.1.2, RFC 6066 3), for whoever
//! passes the connection on without being its end.
//!
//! Judges nothing: what is no such message, or names no host, is somebody else's to refuse.

/// A message that has not come to its end by then names nobody.
pub(crate) const HELLO_BYTES_MAX: usize = 16 * 1024;
/// Of a host's name (RFC 1035 2.3.4).
const NAME_BYTES_MAX: usize = 255;

const RECORD_OF_HANDSHAKE: u8 = 22;
const RECORD_HEADER_BYTES: usize = 5;
const CLIENT_HELLO: u8 = 1;
/// Version and random number.
const FIXED_BYTES: usize = 2 + 32;
const EXTENSION_OF_NAMES: u16 = 0;
const NAME_OF_HOST: u8 = 0;

/// What the beginning of a connection tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// Nothing yet: so many bytes in all tell more.
    Begun(usize),
    /// As the client wrote it.
    Named(Box<[u8]>),
    /// There will be none.
    Nameless,
}

/// Looks at what a connection begins with.
pub(crate) fn look(bytes: &[u8]) -> Hello {
    let within = &bytes[..bytes.len().min(HELLO_BYTES_MAX)];
    match name(&mut Records::new(within)) {
        Ok(Some(name)) => Hello::Named(name),
        Ok(None) | Err(Stop::Other) => Hello::Nameless,
        Err(Stop::End(bytes)) if bytes > HELLO_BYTES_MAX => Hello::Nameless,
        Err(Stop::End(bytes)) => Hello::Begun(bytes),
    }
}

/// Why there are no more bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// They have not come; so many in all are needed.
    End(usize),
    /// Something else stands there.
    Other,
}

/// The bytes of the handshake, which records may cut anywhere.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    left_in_record: usize,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, left_in_record: 0 }
    }

    fn next(&mut self) -> Result<u8, Stop> {
        while self.left_in_record == 0 {
            self.begin_record()?;
        }
        let byte = *self.bytes.get(self.at).ok_or(Stop::End(self.at + 1))?;
        self.at += 1;
        self.left_in_record -= 1;
        Ok(byte)
    }

    fn begin_record(&mut self) -> Result<(), Stop> {
        let end = self.at + RECORD_HEADER_BYTES;
        let begun = &self.bytes[self.at..end.min(self.bytes.len())];
        // Whatever else it is need not be waited for.
        if begun.first().is_some_and(|kind| *kind != RECORD_OF_HANDSHAKE)
            || begun.get(1).is_some_and(|major| *major != 3)
        {
            return Err(Stop::Other);
        }
        let [_, _, _, high, low] = begun else { return Err(Stop::End(end)) };
        let length = u16::from_be_bytes([*high, *low]);
        // An empty one of a handshake is none (RFC 8446 5.1).
        if length == 0 {
            return Err(Stop::Other);
        }
        self.at = end;
        self.left_in_record = usize::from(length);
        Ok(())
    }

    fn number(&mut self, bytes: usize) -> Result<usize, Stop> {
        (0..bytes).try_fold(0, |number, _| Ok(number << 8 | usize::from(self.next()?)))
    }

    fn pass_over(&mut self, bytes: usize) -> Result<(), Stop> {
        (0..bytes).try_for_each(|_| self.next().map(|_| ()))
    }
}

/// What is left of a part of the message; nothing reaches beyond its part.
#[derive(Clone, Copy)]
struct Left(usize);

impl Left {
    fn take(&mut self, bytes: usize) -> Result<(), Stop> {
        self.0 = self.0.checked_sub(bytes).ok_or(Stop::Other)?;
        Ok(())
    }

    /// A part of this one, whose length stands before it.
    fn part(&mut self, records: &mut Records<'_>, length_bytes: usize) -> Result<Self, Stop> {
        self.take(length_bytes)?;
        let length = records.number(length_bytes)?;
        self.take(length)?;
        Ok(Self(length))
    }
}

fn name(records: &mut Records<'_>) -> Result<Option<Box<[u8]>>, Stop> {
    if records.next()? != CLIENT_HELLO {
        return Err(Stop::Other);
    }
    let mut hello = Left(records.number(3)?);
    hello.take(FIXED_BYTES)?;
    records.pass_over(FIXED_BYTES)?;
    // The session, ciphers, compressions.
    for length_bytes in [1, 2, 1] {
        let part = hello.part(records, length_bytes)?;
        records.pass_over(part.0)?;
    }
    if hello.0 == 0 {
        return Ok(None);
    }
    let mut extensions = hello.part(records, 2)?;
    while extensions.0 > 0 {
        extensions.take(2)?;
        let kind = records.number(2)?;
        let extension = extensions.part(records, 2)?;
        if kind == usize::from(EXTENSION_OF_NAMES) {
            return host(records, extension);
        }
        records.pass_over(extension.0)?;
    }
    Ok(None)
}

fn host(records: &mut Records<'_>, mut extension: Left) -> Result<Option<Box<[u8]>>, Stop> {
    let mut list = extension.part(records, 2)?;
    while list.0 > 0 {
        list.take(1)?;
        let kind = records.next()?;
        let text = list.part(records, 2)?;
        if kind != NAME_OF_HOST {
            records.pass_over(text.0)?;
            continue;
        }
        if text.0 > NAME_BYTES_MAX {
            return Err(Stop::Other);
        }
        let name = (0..text.0).map(|_| records.next()).collect::<Result<Box<[u8]>, Stop>>()?;
        return Ok(Some(name).filter(|name| !name.is_empty()));
    }
    Ok(None)
}
