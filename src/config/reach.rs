//! Which files the data path opens by itself, and which are opened for it: what is served, and what
//! requests are kept in, is within its reach; what it writes down, and who may come in, need not be.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::model::access_log::LogChoice;
use super::model::route::Action;
use super::model::{Config, Server};

/// Folders, sorted and each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) read: Vec<PathBuf>,
    pub(crate) write: Vec<PathBuf>,
}

pub(crate) fn of(config: &Config) -> Reach {
    let mut reach = Reach::default();
    for server in &config.servers {
        for route in &server.routes {
            let core = route.guards.firewall.as_ref().and_then(|firewall| firewall.core.as_ref());
            reach.read.extend(core.iter().flat_map(|core| core.folders.iter().cloned()));
            if let Action::Files(files) = &route.action {
                let root = if files.root.is_empty() { "/" } else { &files.root };
                reach.read.push(root.into());
            }
        }
    }
    reach.write.extend(config.engine.temp_folder.clone());
    for folders in [&mut reach.read, &mut reach.write] {
        folders.sort();
        folders.dedup();
    }
    reach
}

/// A file that is opened for the data path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Handed {
    /// Requests are written down in it.
    Log(PathBuf),
    /// Who may come in, and by which password.
    Users(PathBuf),
}

/// What these servers need, in the order by which it is handed over.
pub(crate) fn handed<'s>(servers: impl IntoIterator<Item = &'s Server>) -> BTreeSet<Handed> {
    let mut handed = BTreeSet::new();
    for server in servers {
        let of_routes = server.routes.iter().map(|route| &route.shape);
        for shape in of_routes.chain([&server.shape]) {
            if let Some(LogChoice::To(log)) = &shape.access_log {
                handed.insert(Handed::Log(log.file.clone()));
            }
        }
        let guards = server.routes.iter().filter_map(|route| route.guards.basic.as_ref());
        handed.extend(guards.map(|basic| Handed::Users(basic.file.clone())));
    }
    handed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        crate::config::parse(text, "test.toml").unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn what_is_served_is_read_and_the_rest_is_handed_over() {
        let text = "[engine]\nconfine_files = true\ntemp_folder = \"/var/tmp\"\n\
                    [[server]]\nlisten = [\"127.0.0.1:1\"]\naccess_log = { file = \"/var/log/web/a.log\" }\n\
                    [[server.route]]\npath = \"/\"\nroot = \"/srv/www\"\n\
                    [[server.route]]\npath = \"/img/\"\nroot = \"/srv/www\"\n\
                    basic_auth = { realm = \"r\", file = \"/etc/users\" }\n";
        let config = config(text);
        let reach = of(&config);
        assert_eq!(reach.read, [PathBuf::from("/srv/www")]);
        assert_eq!(reach.write, [PathBuf::from("/var/tmp")]);
        let files = [Handed::Log("/var/log/web/a.log".into()), Handed::Users("/etc/users".into())];
        assert_eq!(handed(&config.servers), BTreeSet::from(files));
    }
}
