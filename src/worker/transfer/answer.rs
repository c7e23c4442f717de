//! A pump whose body does not come from the other side as it is: of a file, or through an encoder.
//!
//! A file that is on the disk goes from the kernel to a plain socket, past this process; through
//! the pump's buffer where it is compressed, or where the socket cannot take it so.

use std::cell::RefCell;
use std::task::{Context, Poll, ready};

use super::super::buffer::Buffers;
use super::super::encoder::Encoder;
use super::super::files::body::Body;
use super::super::stream::Stream;
use super::{Broken, Coding, End, Ends, Pump, Wait};
use crate::config::limits;
use crate::http::framing::Reader;

impl Pump {
    /// The payload goes through `encoder`, and is sent as the chunks that come out.
    pub(crate) fn encode_with(&mut self, encoder: Box<Encoder>) {
        self.encoder = Some(encoder);
        self.coding = Coding::Encode;
    }

    /// The body follows from a file.
    pub(crate) fn carry(&mut self, body: Body) {
        self.file = Some(body);
        self.reader = Reader::UntilClose;
        self.end = End::Ahead;
    }

    pub(super) fn encode(&mut self, payload: &[u8], ends: Ends) -> Result<(), Broken> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let encoded = encoder.push(payload).and_then(|()| match ends {
            Ends::Here => encoder.finish(),
            Ends::Later => Ok(()),
        });
        encoded.map_err(|_| Broken::Source)
    }

    /// Lets out what the encoder holds back; whether there was anything.
    pub(super) fn let_out(&mut self) -> Result<bool, Broken> {
        match &mut self.encoder {
            Some(encoder) => encoder.flush().map_err(|_| Broken::Source),
            None => Ok(false),
        }
    }

    /// Sends the whole message: its head, and the file that may follow.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut Stream,
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Broken>> {
        let turn_ends = self.moved + limits::FILE_TURN_BYTES;
        loop {
            ready!(self.poll_flush(cx, sink))?;
            let Some(file) = &mut self.file else {
                self.release(buffers);
                return Poll::Ready(Ok(()));
            };
            if file.is_part_over() {
                if !file.next_part(&mut self.head) {
                    self.file = None;
                    self.end = End::Reached;
                    self.encode(b"", Ends::Here)?;
                }
                continue;
            }
            // Others have their turn, too.
            if self.moved >= turn_ends {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.encoder.is_none() && sink.takes_files() {
                self.wait = Wait::Sink;
                let room = match &mut self.throttle {
                    Some(throttle) => ready!(throttle.poll_room(cx, self.moved)),
                    None => usize::MAX,
                };
                match ready!(file.poll_send(cx, sink, room)) {
                    Ok(0) => return Poll::Ready(Err(Broken::Source)),
                    Ok(count) => self.moved += count as u64,
                    Err(_) => return Poll::Ready(Err(Broken::Sink)),
                }
            } else {
                ready!(self.poll_read_file(cx, buffers))?;
            }
        }
    }

    fn poll_read_file(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Broken>> {
        let mut buffer = self.roomy_buffer(buffers);
        let read = match &mut self.file {
            Some(file) => buffer.poll_fill_with(usize::MAX, |space| file.poll_read(cx, space)),
            None => Poll::Ready(Ok(0)),
        };
        let result = match read {
            Poll::Pending => {
                self.wait = Wait::Source;
                self.body = Some(buffer);
                self.release(buffers);
                return Poll::Pending;
            }
            // Shorter than when its length was told.
            Poll::Ready(Ok(0) | Err(_)) => Err(Broken::Source),
            Poll::Ready(Ok(_)) => {
                self.wants_large = buffer.is_full() && self.encoder.is_none();
                self.prepare(&mut buffer)
            }
        };
        self.body = Some(buffer);
        Poll::Ready(result)
    }
}
