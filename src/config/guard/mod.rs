//! Guards: the keys that servers and routes share about who is let in, and how often.
//!
//! A route's key replaces its server's of the same name, and nothing is merged (nginx's rule for
//! `allow` and `deny`, `limit_req` and the others).

mod access;
mod auth;
mod firewall;
mod limits;
pub(super) mod presets;
pub(super) mod zone;

use super::model::firewall::Firewall;
use super::model::guard::{AccessRule, AuthRequest, BasicAuth, Cors, Guards, Limit, Satisfy};
use super::report::Located;
use super::section::Section;
use presets::Presets;

/// What tables say of others, by name: where it stands, so that what is not there can be told.
#[derive(Default)]
pub(super) struct Named {
    pub(super) upstreams: Vec<Located<String>>,
    pub(super) zones: Vec<Located<zone::Use>>,
}

/// What a table says that its server's word can be taken back by.
#[derive(Clone)]
pub(super) enum Choice<T> {
    Off,
    On(T),
}

impl<T> Choice<T> {
    fn on(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::On(value) => Some(value),
        }
    }
}

/// What one table says.
#[derive(Clone, Default)]
pub(super) struct Given {
    access: Option<Vec<AccessRule>>,
    limits: Option<Vec<Limit>>,
    basic: Option<Choice<BasicAuth>>,
    ask: Option<Choice<AuthRequest>>,
    satisfy: Option<Satisfy>,
    firewall: Option<Firewall>,
    cors: Option<Choice<Cors>>,
}

/// Reads the keys that servers and routes share.
pub(super) fn read(section: &mut Section<'_>, named: &mut Named, presets: &mut Presets) -> Given {
    presets::security(section, presets);
    Given {
        cors: presets::cors(section, presets),
        access: access::read(section),
        limits: limits::read(section, &mut named.zones),
        basic: auth::basic(section),
        ask: auth::request(section, &mut named.upstreams),
        satisfy: auth::satisfy(section),
        firewall: firewall::read(section),
    }
}

impl Given {
    /// The route's word before its server's.
    pub(super) fn within(self, server: &Self) -> Guards {
        let Self { access, limits, basic, ask, satisfy, cors, firewall } = server.clone();
        Guards {
            access: self.access.or(access).unwrap_or_default(),
            limits: self.limits.or(limits).unwrap_or_default(),
            basic: self.basic.or(basic).and_then(Choice::on),
            ask: self.ask.or(ask).and_then(Choice::on),
            satisfy: self.satisfy.or(satisfy).unwrap_or_default(),
            firewall: self.firewall.or(firewall),
            cors: self.cors.or(cors).and_then(Choice::on),
        }
    }
}
