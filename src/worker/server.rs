//! One server of a generation, compiled: its routes, and all that holds for a request there.
//!
//! What a route leaves open was its server's or its upstream's; here nothing is open any more.

use std::rc::Rc;

use super::exchange::Exchange;
use super::files::{self, Files};
use super::generation::Upstream;
use super::guard::{self, Gate};
use super::mirror::Mirror;
use super::retarget::{Retarget, Rewrite};
use super::routes::{Routes, Spans};
use super::shape::Shape;
use super::shared::Shared;
use super::steps::{Conditions, Steps, Walk};
use super::stream::Stream;
use super::tables::Tables;
use super::tls::serving::Serving;
use crate::config::limits;
use crate::config::model::files::Fallback;
use crate::config::model::route::{self, ErrorPage, Redirect, Respond, Sent};
use crate::config::model::step::Step;
use crate::config::model::{self, ClientLimits, Config, RequestLimits};
use crate::config::template::{Template, Variable};
use crate::http::client_ip::Network;
use crate::scoreboard::server::{self, Counter};
use crate::sys;

pub(crate) struct Server {
    pub(crate) client: ClientLimits,
    pub(crate) real_ip: Option<RealIp>,
    /// Its first name, else its address. Sent to backends as `Host` when a client named none.
    pub(crate) name: String,
    /// The file's own variables.
    pub(crate) tables: Rc<Tables>,
    /// Before a route is looked for.
    pub(crate) steps: Steps,
    /// Whether it or one of its routes has some.
    pub(crate) has_steps: bool,
    /// Where its requests are counted; `None`: there are too many servers.
    pub(crate) counter: Option<Counter>,
    /// For requests that no route matches.
    pub(crate) shape: Shape,
    /// `None` also where its certificate can not be used after all.
    pub(crate) tls: Option<Serving>,
    pub(crate) handshake_timeout_ms: u64,
    paths: Routes,
    routes: Vec<Route>,
}

pub(crate) struct RealIp {
    pub(crate) trusted: Vec<Network>,
    pub(crate) header: String,
}

pub(crate) struct Route {
    pub(crate) steps: Steps,
    /// Whether no client comes to it.
    pub(crate) is_internal: bool,
    /// Those served; empty: all.
    pub(crate) methods: Vec<String>,
    /// What its requests must pass.
    pub(crate) gate: Gate,
    pub(crate) mirror: Option<Mirror>,
    pub(crate) limits: Limits,
    /// `None`: requests are sent on whole.
    pub(crate) sent: Option<Box<Sent>>,
    pub(crate) action: Action,
    pub(crate) shape: Shape,
}

/// Bounds and time limits in force on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Towards the client.
    pub(crate) client: RequestLimits,
    pub(crate) connect_timeout_ms: u64,
    /// Between two writes to the backend.
    pub(crate) backend_send_timeout_ms: u64,
    pub(crate) first_byte_timeout_ms: u64,
    pub(crate) between_bytes_timeout_ms: u64,
}

/// What is done with a route's requests.
pub(crate) enum Action {
    Proxy(Lead),
    Respond(Respond),
    Redirect(Redirect),
    Files(Box<Files>),
}

/// The way to an upstream.
pub(crate) struct Lead {
    /// In the generation's list.
    upstream: usize,
    /// The first whose conditions hold takes its place.
    choices: Vec<(Conditions, usize)>,
    pub(crate) retarget: Option<Retarget>,
}

impl Lead {
    /// Where a request goes, by its place in the generation's list.
    pub(crate) fn choose(&self, exchange: &Exchange, walk: Walk<'_>) -> usize {
        let chosen = self.choices.iter().find(|(when, _)| when.hold(exchange, walk));
        chosen.map_or(self.upstream, |(_, upstream)| *upstream)
    }

    /// Where they go without a reason to go elsewhere.
    pub(crate) fn usual(&self) -> usize {
        self.upstream
    }
}

/// Which server and route a request met, by their places in its generation: an exchange keeps them
/// for as long as it has something to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) server: usize,
    /// `None` when none matched.
    pub(crate) route: Option<usize>,
    /// Of those that its route leads to; `None` until one is chosen.
    pub(crate) upstream: Option<usize>,
}

/// The configuration of a request.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'g> {
    pub(crate) server: &'g Server,
    pub(crate) route: Option<&'g Route>,
    pub(crate) upstream_name: Option<&'g str>,
}

impl<'g> Ground<'g> {
    pub(crate) fn shape(&self) -> &'g Shape {
        self.route.map_or(&self.server.shape, |route| &route.shape)
    }
}

/// The configuration of a request that is proxied.
#[derive(Clone, Copy)]
pub(crate) struct Site<'g> {
    pub(crate) server: &'g Server,
    pub(crate) route: &'g Route,
    pub(crate) upstream: &'g Upstream,
}

impl<'g> Site<'g> {
    pub(crate) fn ground(&self) -> Ground<'g> {
        Ground {
            server: self.server,
            route: Some(self.route),
            upstream_name: Some(&self.upstream.name),
        }
    }
}

/// What a configuration is compiled with.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) tables: &'a Rc<Tables>,
}

impl Server {
    pub(crate) fn compile(server: &model::Server, config: &Config, around: Around<'_>) -> Self {
        let Around { shared, tables } = around;
        let logs = &shared.logs;
        let pages: Rc<[ErrorPage]> = server.shape.error_pages.clone().into();
        let nothing = route::Shape::default();
        let steps: Vec<&Template> = server.steps.iter().flat_map(Step::templates).collect();
        let mut shape =
            Shape::compile((&server.shape, &pages), (&nothing, &Rc::default()), &steps, tables)
                .logged(logs.compile(server.shape.access_log.as_ref()), tables);
        shape.keeps.head |= reads_head(&steps, tables);
        let name = server.name();
        let asks = server.routes.iter().filter_map(|route| route.guards.ask.as_ref());
        let mut vouched: Vec<&str> =
            asks.flat_map(|ask| &ask.taken).map(|taken| taken.name.as_str()).collect();
        vouched.sort_unstable();
        vouched.dedup();
        let of_server = OfServer { shape: (&server.shape, &pages), vouched: &vouched };
        Self {
            tls: serving(server, &name, shared),
            handshake_timeout_ms: server
                .tls
                .as_ref()
                .map_or(limits::HANDSHAKE_TIMEOUT_MS, |tls| tls.handshake_timeout_ms),
            client: server.client,
            counter: server::find(shared.board(), server::digest(&server.identity())),
            real_ip: server.real_ip.as_ref().map(RealIp::compile),
            name,
            steps: Steps::compile(&server.steps),
            has_steps: !server.steps.is_empty()
                || server.routes.iter().any(|route| !route.steps.is_empty()),
            shape,
            tables: Rc::clone(tables),
            paths: Routes::compile(server.routes.iter().map(|route| &route.path)),
            routes: server
                .routes
                .iter()
                .map(|route| Route::compile(route, of_server, config, around))
                .collect(),
        }
    }

    /// The place of the route that serves a path in normal form; `spans` is what the groups of its
    /// expression matched, if it has one.
    pub(crate) fn find(&self, path: &[u8], spans: &mut Spans) -> Option<usize> {
        self.paths.find(path, spans)
    }

    pub(crate) fn route(&self, place: usize) -> &Route {
        &self.routes[place]
    }

    /// Whether a client may ask it for something: one that began by talking to another server may
    /// not have been asked for the certificate that it needs here.
    pub(crate) fn admits(&self, client: &Stream) -> bool {
        let Some(roots) = self.tls.as_ref().and_then(|tls| tls.authority.as_ref()) else {
            return true;
        };
        match client {
            Stream::Tls(secured) => secured.answers_to(roots),
            Stream::Inbound(stream) => stream.answers_to(roots),
            // Where a certificate is needed there are no such clients, or what they copy was asked.
            Stream::Tcp(_) | Stream::Unix(_) | Stream::Outbound(_) | Stream::Copy(_) => true,
        }
    }
}

fn serving(server: &model::Server, name: &str, shared: &Shared) -> Option<Serving> {
    match Serving::compile(server.tls.as_ref()?, shared.board()) {
        Ok(serving) => Some(serving),
        Err(error) => {
            sys::log::error!("worker", "TLS of {name}: {error}; its clients get none");
            None
        }
    }
}

impl RealIp {
    fn compile(real_ip: &model::RealIp) -> Self {
        let network =
            |cidr: &model::Cidr| Network { address: cidr.network, prefix_bits: cidr.prefix_bits };
        Self { trusted: real_ip.from.iter().map(network).collect(), header: real_ip.header.clone() }
    }
}

/// What a server's routes are compiled with.
#[derive(Clone, Copy)]
struct OfServer<'a> {
    shape: (&'a route::Shape, &'a Rc<[ErrorPage]>),
    /// Names of what some route's question takes from its answer.
    vouched: &'a [&'a str],
}

impl Route {
    fn compile(
        route: &route::Route,
        OfServer { shape: server, vouched }: OfServer<'_>,
        config: &Config,
        Around { shared, tables }: Around<'_>,
    ) -> Self {
        let pages: Rc<[ErrorPage]> = route.shape.error_pages.clone().into();
        let place = route.action.upstream().map(|upstream| named(config, upstream));
        let upstream = place.map(|place| &config.upstreams[place]);
        let choices = match &route.action {
            route::Action::Proxy { choices, .. } => choices.as_slice(),
            route::Action::Respond(_) | route::Action::Redirect(_) | route::Action::Files(_) => &[],
        };
        let chosen =
            choices.iter().map(|choice| &config.upstreams[named(config, &choice.upstream)]);
        let mut templates = route.action.templates();
        templates.extend(guard::templates(&route.guards, config));
        templates.extend(upstream.into_iter().chain(chosen).filter_map(|it| it.hash_key.as_ref()));
        let steps: Vec<&Template> = route.steps.iter().flat_map(Step::templates).collect();
        templates.extend(&steps);
        templates.extend(route.mirror.iter().flat_map(model::route::Mirror::templates));
        let log = route.shape.access_log.as_ref().or(server.0.access_log.as_ref());
        let mut shape = Shape::compile(server, (&route.shape, &pages), &templates, tables)
            .logged(shared.logs.compile(log), tables);
        // Copies that another route is looked for have the arguments that came.
        shape.keeps.path |= route.mirror.is_some();
        // A step's answer is written like one of the route's own.
        shape.keeps.head |= reads_head(&steps, tables);
        // Where nobody is asked, as where another guard's word is enough, nobody vouches for them.
        for name in vouched {
            shape.request.hide(name);
        }
        let lead = |retarget: &Option<route::Retarget>| Lead {
            upstream: place.expect("found above for every action that leads to one"),
            choices: choices
                .iter()
                .map(|it| (Conditions::compile(&it.when), named(config, &it.upstream)))
                .collect(),
            retarget: retarget.as_ref().map(Retarget::compile),
        };
        let action = match &route.action {
            route::Action::Proxy { retarget, .. } => {
                shape.keeps.path |= retarget.is_some();
                Action::Proxy(lead(retarget))
            }
            route::Action::Files(files) => {
                shape.keeps.path = true;
                let fallback = match &files.fallback {
                    Fallback::Status(status) => files::Fallback::Status(*status),
                    Fallback::Upstream { retarget, .. } => {
                        files::Fallback::Upstream(Box::new(lead(retarget)))
                    }
                    Fallback::Find(rewrite) => {
                        files::Fallback::Find(Box::new(Rewrite::compile(rewrite)))
                    }
                };
                Action::Files(Box::new(Files::compile(files, fallback)))
            }
            route::Action::Respond(respond) => {
                shape.keeps.head |= reads_head(&templates, tables);
                Action::Respond(respond.clone())
            }
            route::Action::Redirect(redirect) => {
                shape.keeps.head |= reads_head(&templates, tables);
                Action::Redirect(redirect.clone())
            }
        };
        let mirror = route.mirror.as_ref();
        Self {
            steps: Steps::compile(&route.steps),
            is_internal: route.is_internal,
            methods: route.methods.clone(),
            gate: guard::compile(&route.guards, config, shared),
            mirror: mirror.map(|it| Mirror::compile(it, |name| named(config, name))),
            limits: Limits::compile(route, upstream),
            sent: (route.sent != Sent::default()).then(|| Box::new(route.sent.clone())),
            action,
            shape,
        }
    }

    /// Where its requests go, at once or when there is no file for them.
    pub(crate) fn lead(&self) -> Option<&Lead> {
        match &self.action {
            Action::Proxy(lead) => Some(lead),
            Action::Files(files) => match &files.fallback {
                files::Fallback::Upstream(lead) => Some(lead),
                files::Fallback::Status(_) | files::Fallback::Find(_) => None,
            },
            Action::Respond(_) | Action::Redirect(_) => None,
        }
    }

    /// GET brings HEAD, since what serves the one serves the other.
    pub(crate) fn serves(&self, method: &[u8]) -> bool {
        let is_listed = |name: &[u8]| self.methods.iter().any(|known| known.as_bytes() == name);
        self.methods.is_empty() || is_listed(method) || (method == b"HEAD" && is_listed(b"GET"))
    }
}

fn named(config: &Config, upstream: &str) -> usize {
    let at = config.upstreams.iter().position(|known| known.name == upstream);
    at.expect("the configuration's check resolves every upstream")
}

/// An answer of ours is written when the request has been passed over.
fn reads_head(templates: &[&Template], tables: &Tables) -> bool {
    let variables = templates.iter().flat_map(|text| text.variables());
    variables.flat_map(|variable| tables.leaves(variable)).any(Variable::reads_request_head)
}

impl Limits {
    /// The times of a route without an upstream are never asked for.
    fn compile(route: &route::Route, upstream: Option<&model::Upstream>) -> Self {
        let times = &route.times;
        let or = |own: Option<u64>, upstreams: fn(&model::Upstream) -> u64, default: u64| {
            own.unwrap_or_else(|| upstream.map_or(default, upstreams))
        };
        Self {
            client: route.limits,
            connect_timeout_ms: or(
                times.connect_timeout_ms,
                |it| it.connect_timeout_ms,
                limits::CONNECT_TIMEOUT_MS,
            ),
            backend_send_timeout_ms: or(None, |it| it.send_timeout_ms, limits::SEND_TIMEOUT_MS),
            first_byte_timeout_ms: or(
                times.first_byte_timeout_ms,
                |it| it.first_byte_timeout_ms,
                limits::FIRST_BYTE_TIMEOUT_MS,
            ),
            between_bytes_timeout_ms: or(
                times.between_bytes_timeout_ms,
                |it| it.between_bytes_timeout_ms,
                limits::BETWEEN_BYTES_TIMEOUT_MS,
            ),
        }
    }
}
