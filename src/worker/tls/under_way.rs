//! Handshakes under way: so many at a time, and no more. Beyond them the one that has lasted longest
//! ends, so that clients who say nothing keep nobody out.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::super::watch::Seat;
use crate::config::limits;

#[derive(Default)]
pub(crate) struct UnderWay {
    /// Oldest first.
    seats: RefCell<VecDeque<Rc<Seat>>>,
}

/// One of them, until dropped.
pub(crate) struct Turn<'a> {
    under_way: &'a UnderWay,
    seat: Rc<Seat>,
}

impl UnderWay {
    pub(crate) fn begin(&self, seat: &Rc<Seat>) -> Turn<'_> {
        let mut seats = self.seats.borrow_mut();
        if seats.len() >= limits::HANDSHAKES_MAX
            && let Some(oldest) = seats.pop_front()
        {
            oldest.call();
        }
        seats.push_back(Rc::clone(seat));
        Turn { under_way: self, seat: Rc::clone(seat) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut seats = self.under_way.seats.borrow_mut();
        // One that was called is no longer among them.
        if let Some(at) = seats.iter().position(|seat| Rc::ptr_eq(seat, &self.seat)) {
            seats.remove(at);
        }
    }
}
