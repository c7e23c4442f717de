//! What a server is called: by requests, and by those that write of it.

use super::{Address, Server};

/// A name that clients ask for, as it is written in `hosts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostName<'a> {
    /// `*`: what no other server of an address is for.
    Any,
    Exact(&'a str),
    /// `*.example.com`: all names that end so. The text begins with the dot.
    Below(&'a str),
    /// `www.example.*`: all names that begin so. The text ends in the dot.
    Begun(&'a str),
    /// `~expression`, upper and lower case being the same.
    Expression(&'a str),
}

impl<'a> HostName<'a> {
    pub(crate) fn of(written: &'a str) -> Self {
        if written == "*" {
            return Self::Any;
        }
        if let Some(expression) = written.strip_prefix('~') {
            return Self::Expression(expression);
        }
        match (written.strip_prefix('*'), written.strip_suffix('*')) {
            (Some(end), _) if end.starts_with('.') => Self::Below(end),
            (_, Some(beginning)) if beginning.ends_with('.') => Self::Begun(beginning),
            _ => Self::Exact(written),
        }
    }
}

impl Server {
    /// Whether it is for all that no other server of its addresses is for.
    pub(crate) fn takes_the_rest(&self) -> bool {
        let is_any = |host: &String| HostName::of(host) == HostName::Any;
        self.hosts.is_empty() || self.hosts.iter().any(is_any)
    }

    /// What it says, else its first host that is a whole name, else its address; by the file system it
    /// is `localhost`.
    pub(crate) fn name(&self) -> String {
        if let Some(called) = &self.called {
            return called.clone();
        }
        let is_whole = |host: &&String| matches!(HostName::of(host), HostName::Exact(_));
        let plain = self.hosts.iter().find(is_whole);
        let address = || {
            self.listen.first().map(|listen| match &listen.address {
                Address::Tcp(address) => address.to_string(),
                Address::Unix(_) => "localhost".to_owned(),
            })
        };
        plain.cloned().or_else(address).unwrap_or_default()
    }

    /// What no other server of a configuration has: no two of one listener have a name in common, and
    /// one of those without names is never reached.
    pub(crate) fn identity(&self) -> String {
        let address = self.listen.first().map(|listen| listen.address.to_string());
        format!("{} {}", address.unwrap_or_default(), self.hosts.join(" "))
    }
}
