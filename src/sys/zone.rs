//! Time zones as this machine knows them: the IANA database and the machine's own zone.

use jiff::tz::TimeZone;

/// The zone of an IANA name; `None` when the machine's database has none. UTC is one without a
/// database, too: a small container has none, and a process that could not open it when it first
/// looked has none from then on.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("UTC") {
        return Some(TimeZone::UTC);
    }
    TimeZone::get(name).ok()
}

/// The machine's own: `TZ`, or else `/etc/localtime`, or else UTC.
pub(crate) fn local() -> TimeZone {
    TimeZone::system()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_that_nobody_gave_is_no_zone() {
        assert!(super::named("Mars/Olympus").is_none());
        assert!(super::named("UTC").is_some());
    }
}
