//! The lines to several engines: each row's orders and questions go to the engine whose row it is, in
//! its own words; what comes back says from which one it came.

use tokio::sync::mpsc;

use crate::control::requests::Filter;
use crate::tui::model::nodes::tag;
use crate::tui::model::order::Confirmed;
use crate::tui::model::request_tail::RECORDS_MAX;
use crate::tui::msg::Msg;

use super::route::Route;
use super::{Link, MESSAGES_MAX};

pub(crate) struct Links {
    links: Vec<Link>,
    /// Their nodes' names; none for one engine, which is all there is.
    names: Vec<String>,
    chosen: Option<usize>,
}

impl Links {
    /// To one engine.
    pub(crate) fn open(route: Route) -> (Self, mpsc::Receiver<Msg>) {
        let (link, messages) = Link::open(route);
        (Self { links: vec![link], names: Vec::new(), chosen: None }, messages)
    }

    /// To several, each with the name of its node.
    pub(crate) fn open_all(routes: Vec<(String, Route)>) -> (Self, mpsc::Receiver<Msg>) {
        let (messages, received) = mpsc::channel(MESSAGES_MAX);
        let mut links = Self { links: Vec::new(), names: Vec::new(), chosen: None };
        for (node, (name, route)) in routes.into_iter().enumerate() {
            let (link, from) = Link::open(route);
            tokio::spawn(pass_on(node, from, messages.clone()));
            links.links.push(link);
            links.names.push(name);
        }
        (links, received)
    }

    /// Those that are shown, with their places.
    fn shown(&mut self) -> impl Iterator<Item = (usize, &mut Link)> {
        let chosen = self.chosen;
        let links = self.links.iter_mut().enumerate();
        links.filter(move |(at, _)| chosen.is_none_or(|chosen| chosen == *at))
    }

    /// The line that a name leads to, and the name in that engine's words.
    fn of<'a>(&mut self, name: &'a str) -> Option<(&mut Link, &'a str)> {
        if self.names.is_empty() {
            return self.links.first_mut().map(|link| (link, name));
        }
        let (bare, node) = tag::split(name);
        let at = self.names.iter().position(|name| Some(name.as_str()) == node)?;
        Some((&mut self.links[at], bare))
    }

    pub(crate) fn choose(&mut self, chosen: Option<usize>) {
        for link in &mut self.links {
            link.stop_all_logs();
            link.stop_requests();
        }
        self.chosen = chosen;
    }

    /// `place_of` tells whose an order is.
    pub(crate) fn send(
        &mut self,
        first_id: u64,
        order: Confirmed,
        place_of: impl Fn(&crate::tui::model::key::Key) -> Option<usize>,
    ) {
        for (id, change) in (first_id..).zip(order.into_changes()) {
            match place_of(&change.key) {
                Some(at) => {
                    let command = tag::command(at, &change.command);
                    self.links[at].send(id, change.key, command);
                }
                None => self.links[0].send(id, change.key, change.command),
            }
        }
    }

    pub(crate) fn follow_log(&mut self, name: &str, instance: u32) {
        self.stop_log();
        if let Some((link, name)) = self.of(name) {
            link.follow_log(name.to_owned(), instance);
        }
    }

    pub(crate) fn stop_log(&mut self) {
        self.links.iter_mut().for_each(Link::stop_log);
    }

    pub(crate) fn follow_all_logs(&mut self) {
        self.shown().for_each(|(_, link)| link.follow_all_logs());
    }

    /// Of the past, all together ask for as many as are kept.
    pub(crate) fn follow_requests(&mut self, filter: &Filter, number: u64) {
        let tail = (RECORDS_MAX / self.links.len().max(1)) as u32;
        self.stop_requests();
        if self.names.is_empty() {
            return self.links[0].follow_requests(filter.clone(), number, tail);
        }
        let (node, bare) = tag::filter(filter);
        let node = node.and_then(|node| self.names.iter().position(|name| name == node));
        for (at, link) in self.shown() {
            if node.is_none_or(|node| node == at) {
                link.follow_requests(bare.clone(), number, tail);
            }
        }
    }

    pub(crate) fn stop_requests(&mut self) {
        self.links.iter_mut().for_each(Link::stop_requests);
    }

    pub(crate) fn explain(&mut self, upstream: &str) {
        self.stop_explaining();
        if let Some((link, upstream)) = self.of(upstream) {
            link.explain(upstream.to_owned());
        }
    }

    pub(crate) fn stop_explaining(&mut self) {
        self.links.iter_mut().for_each(Link::stop_explaining);
    }

    /// One engine's, or the chosen one's: a file is of one of them.
    pub(crate) fn plan(&mut self) {
        if let Some((_, link)) = self.shown().next() {
            link.plan();
        }
    }

    pub(crate) fn stop_planning(&mut self) {
        self.links.iter_mut().for_each(Link::stop_planning);
    }
}

/// Ends with its link, or with the console.
async fn pass_on(node: usize, mut from: mpsc::Receiver<Msg>, to: mpsc::Sender<Msg>) {
    while let Some(msg) = from.recv().await {
        if to.send(Msg::Of { node, msg: Box::new(msg) }).await.is_err() {
            return;
        }
    }
}
