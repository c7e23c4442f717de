//! What the firewall knows to look for, and how much each weighs.

use super::Judgement;

/// One kind of attack, found by one detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    SqlInjection,
    CrossSiteScripting,
    PathTraversal,
    SensitiveFile,
    CommandInjection,
    TemplateInjection,
    /// Pieces of programs, objects and queries of other kinds: PHP, Java, JavaScript, XML entities,
    /// LDAP, document stores.
    CodeInjection,
    /// Line ends that would begin a further header.
    HeaderInjection,
    /// Escapes that no honest writer makes: zero bytes, overlong UTF-8, layers upon layers.
    BadEncoding,
    /// What the grammar allows and nobody means well by.
    OddProtocol,
    /// A tool that looks for holes names itself.
    Scanner,
    /// One of the OWASP core rules, by its number; as an exception, `ALL_CORE` are all of them.
    Core(u32),
}

impl Rule {
    pub(crate) const ALL_CORE: Self = Self::Core(0);

    /// Those that have a detector here.
    pub(crate) const ALL: [Self; 11] = [
        Self::SqlInjection,
        Self::CrossSiteScripting,
        Self::PathTraversal,
        Self::SensitiveFile,
        Self::CommandInjection,
        Self::TemplateInjection,
        Self::CodeInjection,
        Self::HeaderInjection,
        Self::BadEncoding,
        Self::OddProtocol,
        Self::Scanner,
    ];

    /// What a finding adds to a request's score, in the steps of the OWASP core rule set: critical
    /// 5, warning 3, notice 2.
    pub(crate) fn points(self, judgement: Judgement) -> u32 {
        match (self, judgement) {
            (_, Judgement::Clean) => 0,
            (Self::OddProtocol, Judgement::Odd) => NOTICE,
            (_, Judgement::Odd) => WARNING,
            (_, Judgement::Attack) => CRITICAL,
        }
    }
}

pub(crate) const CRITICAL: u32 = 5;
pub(crate) const WARNING: u32 = 3;
pub(crate) const NOTICE: u32 = 2;
