//! A variable that tells a child its own pid, which nobody knows before the fork.
//!
//! Its room is made before; the child only fills in the digits.

use std::cell::Cell;

use super::attributes::decimal;

/// Digits of the largest pid, and the closing zero.
const DIGITS: usize = 10;

#[derive(Debug)]
pub(super) struct OwnPid {
    text: Box<[Cell<u8>]>,
    digits_at: usize,
}

impl OwnPid {
    /// `name` holds no zero byte.
    pub(super) fn new(name: &str) -> Self {
        let head = name.bytes().chain([b'=']);
        let text: Box<[Cell<u8>]> = head.chain([0; DIGITS + 1]).map(Cell::new).collect();
        Self { text, digits_at: name.len() + 1 }
    }

    /// The variable as one entry of an environment, for as long as this value lives.
    pub(super) fn entry(&self) -> *const libc::c_char {
        self.text.as_ptr().cast()
    }

    /// In the child: without an allocation. Memory that is the parent's keeps it for the next child,
    /// so what is behind the digits is written too.
    pub(super) fn fill(&self) {
        // SAFETY: a system call without arguments that always succeeds.
        let pid = unsafe { libc::getpid() };
        let mut room = [0; DIGITS];
        let places = self.text[self.digits_at..].iter();
        let digits = decimal(pid, &mut room).iter().copied();
        for (place, digit) in places.zip(digits.chain(std::iter::repeat(0))) {
            place.set(digit);
        }
    }
}
