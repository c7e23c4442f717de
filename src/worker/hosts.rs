//! Which server of a listener a host belongs to, in nginx's order (`ngx_hash_find_combined`,
//! `ngx_http_find_virtual_server`): the name itself, the longest name that it is below, the longest
//! that it begins with, the first expression of the file.
//!
//! Names that begin a host and expressions lie apart, so that whoever has none pays one look for them.

use regex::bytes::Regex;

use crate::config::limits;
use crate::config::model::route::Case;
use crate::config::model::server_name::HostName;
use crate::config::pattern;
use crate::http::route;

/// Names in lower case, each with its server's place.
#[derive(Default)]
pub(crate) struct Hosts {
    /// Sorted.
    exact: Vec<(String, usize)>,
    /// `*.name`, the longest first.
    below: Vec<(String, usize)>,
    seldom: Option<Box<Seldom>>,
}

#[derive(Default)]
struct Seldom {
    /// `name.`, the longest first.
    begun: Vec<(String, usize)>,
    /// In the order of the file.
    expressions: Vec<(Regex, usize)>,
}

impl Hosts {
    /// Servers are added in the order of the file.
    pub(crate) fn add(&mut self, host: &str, server: usize) {
        match HostName::of(host) {
            HostName::Any => {}
            HostName::Exact(name) => self.exact.push((name.to_owned(), server)),
            HostName::Below(_) => self.below.push((host.to_owned(), server)),
            HostName::Begun(beginning) => {
                let seldom = self.seldom.get_or_insert_default();
                seldom.begun.push((beginning.to_owned(), server));
            }
            HostName::Expression(text) => {
                let regex = pattern::compile(text, Case::Insensitive);
                let regex = regex.expect("the configuration's check compiles every expression");
                self.seldom.get_or_insert_default().expressions.push((regex, server));
            }
        }
    }

    /// Brings them into order; to be called once all are there.
    pub(crate) fn settle(&mut self) {
        let by_length = |names: &mut Vec<(String, usize)>| {
            names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        };
        self.exact.sort();
        by_length(&mut self.below);
        if let Some(seldom) = &mut self.seldom {
            by_length(&mut seldom.begun);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.below.is_empty() && self.seldom.is_none()
    }

    /// The server of a host without its port.
    pub(crate) fn find(&self, host: &[u8]) -> Option<usize> {
        let host = host.strip_suffix(b".").unwrap_or(host);
        let mut lower = [0; limits::HOST_BYTES_MAX];
        let lower = lower.get_mut(..host.len())?;
        lower.copy_from_slice(host);
        lower.make_ascii_lowercase();
        let exact = self.exact.binary_search_by(|(name, _)| name.as_bytes().cmp(lower));
        if let Ok(at) = exact {
            return Some(self.exact[at].1);
        }
        let mut below = self.below.iter();
        let below = below.find(|(name, _)| route::match_host(name, lower).is_some());
        match (below, &self.seldom) {
            (Some((_, server)), _) => Some(*server),
            (None, Some(seldom)) => seldom.find(lower),
            (None, None) => None,
        }
    }
}

impl Seldom {
    /// A client that names no host is no expression's.
    fn find(&self, host: &[u8]) -> Option<usize> {
        let is_begun = |(beginning, _): &&(String, usize)| {
            host.strip_prefix(beginning.as_bytes()).is_some_and(|rest| !rest.is_empty())
        };
        let begun = self.begun.iter().find(is_begun).map(|(_, server)| *server);
        begun.or_else(|| {
            let mut expressions = self.expressions.iter().filter(|_| !host.is_empty());
            expressions.find(|(regex, _)| regex.is_match(host)).map(|(_, server)| *server)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hosts(names: &[String]) -> Hosts {
        let mut hosts = Hosts::default();
        for (server, name) in names.iter().enumerate() {
            hosts.add(name, server);
        }
        hosts.settle();
        hosts
    }

    /// nginx's rules, as its documentation of `server_name` has them.
    fn oracle(names: &[String], host: &str) -> Option<usize> {
        let host = host.strip_suffix('.').unwrap_or(host).to_lowercase();
        let longest = |matches: &dyn Fn(&str) -> bool| {
            let all = names.iter().enumerate().filter(|(_, name)| matches(name));
            all.max_by_key(|(at, name)| (name.len(), usize::MAX - at)).map(|(at, _)| at)
        };
        let exact = names.iter().position(|name| *name == host);
        let leading = longest(&|name| {
            name.strip_prefix('*')
                .filter(|end| end.starts_with('.'))
                .is_some_and(|end| host.len() > end.len() && host.ends_with(end))
        });
        let trailing = longest(&|name| {
            name.strip_suffix('*').filter(|it| it.ends_with('.')).is_some_and(|beginning| {
                host.len() > beginning.len() && host.starts_with(beginning)
            })
        });
        let expression = names.iter().position(|name| {
            let regex = name.strip_prefix('~');
            let regex = regex.map(|it| pattern::compile(it, Case::Insensitive).expect("a pattern"));
            !host.is_empty() && regex.is_some_and(|it| it.is_match(host.as_bytes()))
        });
        exact.or(leading).or(trailing).or(expression)
    }

    fn label() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "www", "www1"]).prop_map(str::to_owned)
    }

    fn name() -> impl Strategy<Value = String> {
        prop::collection::vec(label(), 1..4).prop_map(|labels| labels.join("."))
    }

    fn written() -> impl Strategy<Value = String> {
        prop_oneof![
            name(),
            name().prop_map(|name| format!("*.{name}")),
            name().prop_map(|name| format!("{name}.*")),
            name().prop_map(|name| format!("~^{}", name.replace('.', "\\."))),
            name().prop_map(|name| format!("~\\D{}$", name.to_uppercase())),
            Just("~".to_owned()),
            Just("*".to_owned()),
        ]
    }

    fn asked() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec!["", ".", "www", "www.", "[::1]", "WWW.A", "B.b.A."]);
        prop_oneof![name(), odd.prop_map(str::to_owned)]
    }

    proptest! {
        #[test]
        fn a_host_is_found_as_nginx_finds_it(
            mut names in prop::collection::vec(written(), 0..8),
            asked in prop::collection::vec(asked(), 1..8),
        ) {
            let mut seen = std::collections::HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
            let hosts = hosts(&names);
            for host in asked {
                let found = hosts.find(host.as_bytes());
                prop_assert_eq!(found, oracle(&names, &host), "{} in {:?}", host, names);
            }
        }
    }

    #[test]
    fn each_kind_of_name_has_its_turn() {
        let names = ["~^WWW\\d", "~x", "www.*", "www.example.*", "*.org", "*.example.org", "a.org"];
        let names = names.map(str::to_owned);
        for (host, expected) in [
            ("a.org", Some(6)),
            ("A.ORG.", Some(6)),
            ("www.example.org", Some(5)),
            ("www.other.org", Some(4)),
            ("www.example.com", Some(3)),
            ("www.example", Some(2)),
            ("www1.example.com", Some(0)),
            ("xyz", Some(1)),
            ("www", None),
            ("", None),
        ] {
            assert_eq!(hosts(&names).find(host.as_bytes()), expected, "{host}");
        }
        assert!(hosts(&["*".to_owned()]).is_empty());
    }
}
