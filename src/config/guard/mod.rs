//! Guards: the keys that servers and routes share about who is let in, and how often.
//!
//! A route's key replaces its server's of the same name, and nothing is merged (nginx's rule for
//! `allow` and `deny`, `limit_req` and the others).

mod access;
mod limits;
pub(super) mod zone;

use super::model::guard::{AccessRule, Guards, Limit};
use super::report::Located;
use super::section::Section;

/// What tables say of others, by name: where it stands, so that what is not there can be told.
#[derive(Default)]
pub(super) struct Named {
    pub(super) upstreams: Vec<Located<String>>,
    pub(super) zones: Vec<Located<zone::Use>>,
}

/// What one table says.
#[derive(Clone, Default)]
pub(super) struct Given {
    access: Option<Vec<AccessRule>>,
    limits: Option<Vec<Limit>>,
}

/// Reads the keys that servers and routes share.
pub(super) fn read(section: &mut Section<'_>, named: &mut Named) -> Given {
    Given { access: access::read(section), limits: limits::read(section, &mut named.zones) }
}

impl Given {
    /// The route's word before its server's.
    pub(super) fn within(self, server: &Self) -> Guards {
        let Self { access, limits } = server.clone();
        Guards {
            access: self.access.or(access).unwrap_or_default(),
            limits: self.limits.or(limits).unwrap_or_default(),
        }
    }
}
