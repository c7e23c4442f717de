//! One copy on its way: sent to backends as `offer` does with requests, and its answer dropped.

use std::future::poll_fn;
use std::rc::Rc;

use super::super::backend::{self, Relay};
use super::super::connection::Connection;
use super::super::exchange::{Exchange, Uptake};
use super::super::generation::Generation;
use super::super::link::{Link, Place};
use super::super::offer;
use super::super::pick::Picked;
use super::super::server::Site;
use super::super::stream::Stream;
use super::super::transfer::Coding;
use super::source::Payload;
use crate::config::model::route::Passing;
use crate::http::framing::Body;
use crate::http::head::Persistence;
use crate::scoreboard::mirror::Count;

pub(crate) struct Errand {
    connection: Connection,
    /// `None` once it is given back.
    exchange: Option<Box<Exchange>>,
    /// What has become of it.
    end: Count,
    _place: Place,
}

impl Errand {
    pub(super) fn new(connection: Connection, exchange: Box<Exchange>, place: Place) -> Self {
        Self { connection, exchange: Some(exchange), end: Count::Dropped, _place: place }
    }

    /// Sends it in a task of its own.
    pub(super) fn send(mut self, payload: Option<&Rc<Payload>>) {
        let Some(exchange) = &mut self.exchange else { return };
        exchange.request.body = match (payload, exchange.request.body) {
            (Some(payload), _) => Body::Length(payload.len()),
            // That there is none was said.
            (None, Body::Length(0)) => Body::Length(0),
            (None, Body::None | Body::Length(_) | Body::Chunked | Body::UntilClose) => Body::None,
        };
        if let (Stream::Copy(source), Some(payload)) = (&mut self.connection.client, payload) {
            source.load(Rc::clone(payload));
        }
        self.end = Count::Failed;
        tokio::task::spawn_local(async move {
            self.connection.begin().await;
            self.run().await;
        });
    }

    async fn run(&mut self) {
        let Self { connection, exchange, end, .. } = self;
        let (Some(generation), Some(exchange)) = (connection.generation.clone(), exchange) else {
            return;
        };
        let Some(site) = site(&generation, exchange) else { return };
        if site.route.sent.as_ref().is_some_and(|sent| sent.body == Passing::LeftOut) {
            exchange.request.body = Body::None;
        }
        if exchange.forward(connection, site).is_ok() && carry(connection, exchange, site).await {
            *end = Count::Answered;
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let shared = &self.connection.shared;
        shared.crew.mirrored(self.end);
        if let Some(mut exchange) = self.exchange.take() {
            exchange.clear(&shared.buffers);
            shared.give_exchange(exchange);
        }
    }
}

fn site<'g>(generation: &'g Generation, exchange: &Exchange) -> Option<Site<'g>> {
    let place = exchange.place?;
    let server = generation.server(place.server);
    let upstream = generation.upstream(place.upstream?);
    Some(Site { server, route: server.route(place.route?), upstream })
}

/// Whether somebody answered.
async fn carry(connection: &mut Connection, exchange: &mut Exchange, site: Site<'_>) -> bool {
    let upstream = site.upstream;
    let Ok(mut picked) = exchange.pick(connection, upstream) else { return false };
    let mut retries = 0;
    loop {
        exchange.offer(connection, &picked);
        let fault = match backend::ask(connection, exchange, &site, &picked).await {
            Ok(link) => {
                swallow(connection, exchange, site, (picked, link)).await;
                return true;
            }
            Err(fault) => fault,
        };
        let another = offer::another(connection, exchange, upstream, fault, retries);
        offer::leave(connection, exchange, picked, fault);
        let Some(next) = another else { return false };
        exchange.rewind(&connection.shared.buffers);
        picked = next;
        retries += 1;
    }
}

/// Reads the answer to its end, so that its connection can be used again.
async fn swallow(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: Site<'_>,
    (picked, mut link): (Picked, Link),
) {
    if exchange.to_backend.is_through() {
        exchange.uptake = Uptake::Whole;
    }
    exchange.to_client.start(exchange.response.body, Coding::Same, u64::MAX);
    let is_sound = match exchange.reply.take() {
        Some(mut buffer) => {
            buffer.consume(exchange.response.head_bytes);
            exchange.to_client.take_over(buffer, &connection.shared.buffers).is_ok()
        }
        None => true,
    };
    // Nobody has asked for another protocol.
    if is_sound && exchange.response.status != 101 {
        let mut relay = Relay::new(connection, exchange, &site, &mut link.stream);
        let end = poll_fn(|cx| relay.poll(cx)).await;
        let relayed = backend::relayed(connection, exchange, end, Persistence::KeepAlive);
        if relayed.fate == backend::Fate::Reusable {
            offer::park(connection, site.upstream, &picked, link);
        }
    }
    exchange.answered(connection, picked);
}
