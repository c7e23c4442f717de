//! The connection that a stream is to whoever serves its request.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::super::buffer::Buffer;
use super::super::connection::{self, Arrival, Connection, HEAD_BROKEN_OFF, Next};
use super::super::dispatch;
use super::super::peer_text::PeerText;
use super::super::stream::Stream;
use super::serve::Parent;

/// nginx's code for a client that left; never sent.
const TAKEN_BACK: u16 = 499;

impl Connection {
    /// For one of the streams that a connection carries, with the head of its request.
    pub(super) fn of_stream(parent: &Parent, client: Stream, head: Buffer) -> Self {
        let shared = Rc::clone(&parent.shared);
        let generation = shared.generation_at(&parent.listener);
        let limits = connection::head_limits(generation.as_deref(), &parent.listener);
        let seat = shared.seats.take_for_stream(shared.now_us(), limits.timeout_ms);
        Self {
            number: parent.number,
            shared,
            client,
            seat,
            peer: parent.peer,
            peer_port: parent.peer_port,
            peer_text: PeerText::new(parent.peer),
            introduced: parent.introduced.map(Box::new),
            listener: Rc::clone(&parent.listener),
            unread: Some(head),
            served: parent.served,
            generation,
        }
    }

    /// Serves the one request of a stream. Its head is in `unread`, whole, or as much of it as was
    /// written before it was refused.
    pub(super) async fn serve_one(&mut self, refusal: Option<u16>) {
        self.begin().await;
        let mut exchange = self.shared.take_exchange();
        exchange.is_pipelined = false;
        let is_taken_back = poll_fn(|cx| Poll::Ready(self.client.poll_hangup(cx).is_ready())).await;
        let limits = connection::head_limits(self.generation.as_deref(), &self.listener);
        let arrival = match (refusal, &self.unread) {
            (Some(status), _) => Arrival::Refused { status },
            // A head that was written whole is whole, unless it is none.
            (None, Some(head)) => {
                let known = &mut self.shared.repeats.borrow_mut();
                connection::parse(&mut exchange, head, (limits, known))
                    .unwrap_or(Arrival::Refused { status: HEAD_BROKEN_OFF })
            }
            (None, None) => Arrival::Refused { status: HEAD_BROKEN_OFF },
        };
        let next = match arrival {
            Arrival::Request if !is_taken_back => dispatch::run(self, &mut exchange).await,
            Arrival::Refused { status } if !is_taken_back => {
                exchange.refuse(self);
                self.answer(&mut exchange, status, Next::Linger).await
            }
            Arrival::Request | Arrival::Refused { .. } | Arrival::Gone | Arrival::Quiet => {
                exchange.refuse(self);
                exchange.record(self, TAKEN_BACK);
                Next::Close
            }
        };
        exchange.clear(&self.shared.buffers);
        self.shared.give_exchange(exchange);
        if let Stream::Inbound(stream) = &self.client
            && stream.is_broken_off()
        {
            // Its reset would overtake what there is of it: the connection sends that first.
            tokio::task::yield_now().await;
        } else if next == Next::Linger {
            // Some clients take an answer for none when the rest of their request is refused.
            self.linger().await;
        }
    }
}
