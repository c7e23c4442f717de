//! What a master must tell its successor, kept in a memfd that the keeper holds.
//!
//! Two halves are written in turn, each with a sequence number and a checksum, so that a master
//! killed in the middle of writing leaves the state before it intact.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use crate::config::limits::PROGRAMS_KEPT_BYTES_MAX;
use crate::sys::memfd;

/// A half: its header, then the bytes. Pages that were never written take no memory.
const HALF_BYTES: u64 = 8 << 20;
const HEADER_BYTES: usize = 24;
/// Beside the programs there is room for everything else.
const _: () = assert!(PROGRAMS_KEPT_BYTES_MAX < HALF_BYTES);

#[derive(Debug)]
pub(super) struct Memory {
    file: File,
    sequence: u64,
}

impl Memory {
    pub(super) fn create() -> io::Result<Self> {
        Ok(Self {
            file: File::from(memfd::sized("pilothouse-state", 2 * HALF_BYTES)?),
            sequence: 0,
        })
    }

    /// An earlier master's, and the last whole state it wrote.
    pub(super) fn recover(file: OwnedFd) -> io::Result<(Self, Option<Vec<u8>>)> {
        let file = File::from(file);
        let newest = [read_half(&file, 0)?, read_half(&file, 1)?]
            .into_iter()
            .flatten()
            .max_by_key(|(sequence, _)| *sequence);
        Ok(match newest {
            Some((sequence, state)) => (Self { file, sequence }, Some(state)),
            None => (Self { file, sequence: 0 }, None),
        })
    }

    pub(super) fn write(&mut self, state: &[u8]) -> io::Result<()> {
        if state.len() as u64 > HALF_BYTES - HEADER_BYTES as u64 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the state is too large"));
        }
        self.sequence += 1;
        let start = self.sequence % 2 * HALF_BYTES;
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&self.sequence.to_le_bytes());
        header[8..16].copy_from_slice(&(state.len() as u64).to_le_bytes());
        header[16..].copy_from_slice(&checksum(self.sequence, state).to_le_bytes());
        self.file.write_all_at(state, start + HEADER_BYTES as u64)?;
        self.file.write_all_at(&header, start)
    }
}

impl AsFd for Memory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// `None`: never written, or not whole.
fn read_half(file: &File, half: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let start = half * HALF_BYTES;
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, start)?;
    let word = |at: usize| {
        u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes of the header"))
    };
    let (sequence, len) = (word(0), word(8));
    if sequence == 0 || len > HALF_BYTES - HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut state = vec![0; len as usize];
    file.read_exact_at(&mut state, start + HEADER_BYTES as u64)?;
    Ok((checksum(sequence, &state) == word(16)).then_some((sequence, state)))
}

/// FNV-1a by words, the last filled up with zeroes: tells a torn write from a whole one; nobody forges
/// our own memory. Each step turns the word over, so that its upper half counts as much as its lower.
fn checksum(sequence: u64, state: &[u8]) -> u64 {
    let step = |hash: u64, word: u64| {
        (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(u64::BITS / 2)
    };
    let (words, rest) = state.as_chunks();
    let seed = step(0xcbf2_9ce4_8422_2325, sequence);
    let hash = words.iter().fold(seed, |hash, word| step(hash, u64::from_le_bytes(*word)));
    let mut last = [0; size_of::<u64>()];
    last[..rest.len()].copy_from_slice(rest);
    step(hash, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(memory: &Memory) -> (Memory, Option<Vec<u8>>) {
        Memory::recover(memory.as_fd().try_clone_to_owned().unwrap()).unwrap()
    }

    #[test]
    fn the_successor_reads_what_was_written_last() {
        let mut memory = Memory::create().unwrap();
        assert_eq!(reopened(&memory).1, None);
        for text in ["one", "two, longer", "3"] {
            memory.write(text.as_bytes()).unwrap();
            assert_eq!(reopened(&memory).1.unwrap(), text.as_bytes());
        }
        let (mut successor, _) = reopened(&memory);
        successor.write(b"four").unwrap();
        assert_eq!(reopened(&memory).1.unwrap(), b"four");
    }

    #[test]
    fn a_torn_write_leaves_the_state_before_it() {
        let mut memory = Memory::create().unwrap();
        memory.write(b"first").unwrap();
        memory.write(b"second").unwrap();
        // The second write went to half 0; a byte of it differs from what its header says.
        memory.file.write_all_at(b"S", HEADER_BYTES as u64).unwrap();
        assert_eq!(reopened(&memory).1.unwrap(), b"first");
        assert!(memory.write(&vec![0; HALF_BYTES as usize]).is_err());
    }
}
