//! How far a message has come, and its way back to the beginning.

use std::cell::RefCell;

use super::{Coding, End, Kept, Pump, Wait};
use crate::http::framing::Reader;
use crate::worker::buffer::Buffers;

impl Pump {
    /// The last message is over: nothing of it is counted or shown any more.
    pub(crate) fn forget(&mut self) {
        self.head.clear();
        self.head_sent = 0;
        self.moved = 0;
        self.taken = 0;
    }

    /// Whether the receiver takes the connection's end for the message's.
    pub(crate) fn ends_by_close(&self) -> bool {
        match (self.coding, &self.reader) {
            (Coding::Dechunk, _) | (Coding::Same, Reader::UntilClose) => true,
            (Coding::Enchunk | Coding::Encode | Coding::LeftOut, _)
            | (Coding::Same, Reader::Length { .. } | Reader::Chunked(_)) => false,
        }
    }

    /// Whether the whole message is out.
    pub(crate) fn is_through(&self) -> bool {
        self.is_read() && self.head_sent == self.head.len() && self.unsent().is_empty()
    }

    /// Whether the whole message was read, sent or not.
    pub(crate) fn is_read(&self) -> bool {
        match self.end {
            End::Ahead => false,
            End::Reached | End::Overrun => true,
        }
    }

    /// Whether the source said more than its message, so that nothing it says can be trusted to
    /// begin where the next message does.
    pub(crate) fn is_overrun(&self) -> bool {
        self.end == End::Overrun
    }

    pub(crate) fn wait(&self) -> Wait {
        self.wait
    }

    /// Bytes of the body that were read, as its source framed it.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes sent.
    pub(crate) fn moved(&self) -> u64 {
        self.moved
    }

    /// Whether all that was read can be sent once more, to another receiver.
    pub(crate) fn is_repeatable(&self) -> bool {
        match self.kept {
            Kept::All | Kept::Whole => true,
            Kept::Some => false,
        }
    }

    pub(crate) fn rewind(&mut self, buffers: &RefCell<Buffers>) {
        debug_assert!(self.is_repeatable(), "what is gone cannot be sent again");
        if self.kept == Kept::Whole {
            self.replay(buffers);
        }
        self.head_sent = 0;
        self.moved = 0;
    }
}
