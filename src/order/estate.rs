//! What a process leaves to the image that takes its place: which descriptor is what.
//!
//! A process that becomes a keeper (a master whose keeper was killed, a keeper that is upgraded)
//! keeps its pid and with it its children; its memory is gone. The descriptors stay open, and this
//! text, in a descriptor of its own, tells them apart. A line each, so that it can be read in a pinch.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use super::keeper::{FromKeeper, KEY_DESCRIPTORS_MAX, Key};
use super::{DecodeError, PROTOCOL};
use crate::sys::{image, memfd};

/// Bytes of the longest estate: every key of a full keeper, with room.
pub(crate) const ESTATE_BYTES_MAX: u64 = 8 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Estate {
    /// The lock on the engine's name.
    pub(crate) lock: RawFd,
    /// Masters so far.
    pub(crate) starts: u32,
    /// The image to go back to, should the new one be of no use.
    pub(crate) previous: Option<RawFd>,
    pub(crate) held: Vec<(Key, Vec<RawFd>)>,
    /// What no master has been told yet, oldest first.
    pub(crate) happened: Vec<FromKeeper>,
}

impl Estate {
    pub(crate) fn encode(&self) -> String {
        let previous = self.previous.map(|number| format!("previous {number}\n"));
        let held = self.held.iter().map(|(key, descriptors)| {
            let numbers: Vec<String> = descriptors.iter().map(RawFd::to_string).collect();
            format!("held {} {}\n", numbers.join(","), key.as_str())
        });
        let happened = self.happened.iter().map(|message| {
            let bytes: Vec<String> = message.encode().as_ref().iter().map(u8::to_string).collect();
            format!("happened {}\n", bytes.join(" "))
        });
        let head = format!("estate {PROTOCOL}\nlock {}\nstarts {}\n", self.lock, self.starts);
        std::iter::once(head).chain(previous).chain(held).chain(happened).collect()
    }

    pub(crate) fn decode(text: &str) -> Result<Self, DecodeError> {
        let mut lines = text.lines();
        if lines.next() != Some(&format!("estate {PROTOCOL}")) {
            return Err(DecodeError("an estate of another protocol"));
        }
        let mut estate = Self { lock: -1, ..Self::default() };
        for line in lines {
            let (what, rest) = line.split_once(' ').ok_or(DecodeError("a line of the estate"))?;
            match what {
                "lock" => estate.lock = number(rest)?,
                "starts" => {
                    estate.starts = rest.parse().map_err(|_| DecodeError("a count of starts"))?;
                }
                "previous" => estate.previous = Some(number(rest)?),
                "happened" => estate.happened.push(happening(rest)?),
                "held" => estate.held.push(held(rest)?),
                // What a later image says beside that is of no use to this one.
                _ => {}
            }
        }
        if estate.lock < 0 {
            return Err(DecodeError("an estate without a lock"));
        }
        Ok(estate)
    }

    /// Makes this process a keeper of that image, with this estate; the number of its descriptor is
    /// the last of the words. Comes back only with the reason why it could not.
    pub(crate) fn leave_to(&self, image: BorrowedFd<'_>, words: &[OsString]) -> io::Error {
        let text = match memfd::sealed("pilothouse-estate", self.encode().as_bytes()) {
            Ok(text) => text,
            Err(error) => return error,
        };
        let number = text.as_raw_fd();
        let kept = [self.descriptors(), vec![number]].concat();
        let words = [words, &[OsString::from(number.to_string())]].concat();
        image::become_it(image, &words, &kept)
    }

    /// Every descriptor it names.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let held = self.held.iter().flat_map(|(_, descriptors)| descriptors);
        held.chain(&self.previous).chain([&self.lock]).copied().collect()
    }
}

fn held(text: &str) -> Result<(Key, Vec<RawFd>), DecodeError> {
    let (numbers, key) = text.split_once(' ').ok_or(DecodeError("a held key"))?;
    let key = Key::new(key).ok_or(DecodeError("a held key"))?;
    let of_text = numbers.split(',').filter(|text| !text.is_empty()).map(number);
    let descriptors = of_text.collect::<Result<Vec<_>, _>>()?;
    if descriptors.len() > KEY_DESCRIPTORS_MAX {
        return Err(DecodeError("too many descriptors of a key"));
    }
    Ok((key, descriptors))
}

fn happening(text: &str) -> Result<FromKeeper, DecodeError> {
    let bytes: Result<Vec<u8>, _> = text.split(' ').map(str::parse).collect();
    FromKeeper::decode(&bytes.map_err(|_| DecodeError("what happened"))?)
}

/// The standard descriptors are nobody's to leave.
fn number(text: &str) -> Result<RawFd, DecodeError> {
    text.parse().ok().filter(|number| *number > 2).ok_or(DecodeError("a descriptor's number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pidfd::Exit;

    #[test]
    fn an_estate_reads_back() {
        let key = |text| Key::new(text).unwrap();
        let held = vec![
            (key("listener 0.0.0.0:80 0.0.0.0:8080"), vec![9]),
            (key("program web:0 7"), vec![12, 10]),
            (key("nothing"), vec![]),
        ];
        for previous in [None, Some(5)] {
            let happened = vec![
                FromKeeper::Exited { pid: 300, exit: Exit::Signal(9) },
                FromKeeper::Signal { number: 1 },
            ];
            let held = held.clone();
            let estate = Estate { lock: 4, starts: 3, previous, held, happened };
            assert_eq!(Estate::decode(&estate.encode()), Ok(estate.clone()));
            assert_eq!(estate.descriptors().len(), 4 + usize::from(previous.is_some()));
        }
    }

    #[test]
    fn what_is_no_estate_of_ours_is_refused() {
        let head = format!("estate {PROTOCOL}\n");
        for body in
            ["", "lock 1\n", "lock 4\nheld\n", "lock 4\nheld 3,x k\n", "lock 4\nhappened 99\n"]
        {
            assert!(Estate::decode(&(head.clone() + body)).is_err(), "{body}");
        }
        assert!(Estate::decode("estate 0\nlock 4\n").is_err());
        assert!(Estate::decode(&(head.clone() + "lock 4\nunheard of 1\n")).is_ok());
        assert!(Estate::decode(&(head + "lock 4\nheld 5,6,7,8,9 k\n")).is_err());
    }
}
