//! Where a request goes and whom it came from: paths, hosts, client addresses; and the date.

use super::super::client_ip::{self, Network};
use super::super::route::{self, Match};
use super::super::{Error, date, target};

#[test]
fn paths_are_normalised() {
    let check = |path: &str, expected: Result<&str, Error>| {
        let mut scratch = Vec::new();
        let normal = target::normalise(path.as_bytes(), &mut scratch);
        assert_eq!(normal, expected.map(str::as_bytes), "{path:?}");
    };
    for (path, normal) in [
        ("", "/"),
        ("*", "/"),
        ("/", "/"),
        ("/a/b.c/", "/a/b.c/"),
        ("//a///b", "/a/b"),
        ("/a/./b/.", "/a/b/"),
        ("/a/../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/../", "/a/"),
        ("/a/..", "/"),
        ("/a/.../b", "/a/.../b"),
        ("/.a/..b", "/.a/..b"),
        ("/%61%2Fb", "/a/b"),
        ("/a/%2e%2E/c", "/c"),
        ("/%20", "/ "),
    ] {
        check(path, Ok(normal));
    }
    for path in ["/..", "/a/../..", "/a//../../b", "/%", "/%4", "/%zz", "/%00"] {
        check(path, Err(Error::Target));
    }
}

#[test]
fn hosts_are_matched() {
    for (pattern, host, expected) in [
        ("example.com", "EXAMPLE.com", Some(Match::Exact)),
        ("example.com", "example.com.", Some(Match::Exact)),
        ("example.com", "www.example.com", None),
        ("*.example.com", "a.b.Example.com", Some(Match::Wildcard(12))),
        ("*.example.com", "example.com", None),
        ("*.example.com", ".example.com", None),
        ("*.example.com", "badexample.com", None),
    ] {
        assert_eq!(route::match_host(pattern, host.as_bytes()), expected, "{pattern} {host}");
    }
    assert!(Match::Exact > Match::Wildcard(usize::MAX));
    for (authority, host) in [("a:80", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
    {
        assert_eq!(route::without_port(authority.as_bytes()), host.as_bytes());
    }
}

#[test]
fn client_addresses_are_believed_from_the_right() {
    let network = |address: &str, prefix_bits| Network {
        address: address.parse().expect("an address"),
        prefix_bits,
    };
    let trusted = [network("10.0.0.0", 8), network("fd00::", 8)];
    for (peer, values, client) in [
        ("1.2.3.4", vec!["5.5.5.5"], "1.2.3.4"),
        ("10.0.0.1", vec![], "10.0.0.1"),
        ("10.0.0.1", vec!["5.5.5.5"], "5.5.5.5"),
        ("10.0.0.1", vec!["6.6.6.6, 5.5.5.5"], "5.5.5.5"),
        ("10.0.0.1", vec!["6.6.6.6, 5.5.5.5, 10.2.2.2"], "5.5.5.5"),
        ("10.0.0.1", vec!["6.6.6.6", "5.5.5.5", "10.2.2.2,fd00::1"], "5.5.5.5"),
        ("10.0.0.1", vec!["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("10.0.0.1", vec!["5.5.5.5, unknown"], "10.0.0.1"),
        ("10.0.0.1", vec!["5.5.5.5:1234"], "5.5.5.5"),
        ("::ffff:10.0.0.1", vec!["[2001:db8::1]:99"], "2001:db8::1"),
        ("fd00::1", vec!["[2001:db8::1]"], "2001:db8::1"),
    ] {
        let resolved = client_ip::resolve(
            peer.parse().expect("an address"),
            values.iter().map(|value| value.as_bytes()),
            &trusted,
        );
        assert_eq!(resolved, client.parse::<std::net::IpAddr>().expect("an address"), "{values:?}");
    }
    let everything = network("0.0.0.0", 0);
    assert!(everything.contains("255.1.2.3".parse().expect("an address")));
    assert!(!everything.contains("2001:db8::1".parse().expect("an address")));
}

#[test]
fn dates_match_known_instants() {
    for (seconds, text) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ] {
        assert_eq!(date::imf_fixdate(seconds), text.as_bytes());
    }
}
