//! What a server is called.

use super::{Address, Server};

impl Server {
    /// What it says, else its first host without a wildcard, else its address; by the file system it is
    /// `localhost`.
    pub(crate) fn name(&self) -> String {
        if let Some(called) = &self.called {
            return called.clone();
        }
        let plain = self.hosts.iter().find(|host| !host.starts_with('*'));
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
