//! Which files the data path opens by itself: what is served, what is written down, what requests are
//! kept in. Everything else it needs is handed to it.

use std::path::{Path, PathBuf};

use super::model::Config;
use super::model::access_log::LogChoice;
use super::model::route::{Action, Shape};

/// Folders, sorted and each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) read: Vec<PathBuf>,
    pub(crate) write: Vec<PathBuf>,
}

pub(crate) fn of(config: &Config) -> Reach {
    let mut reach = Reach::default();
    for server in &config.servers {
        reach.logs(&server.shape);
        for route in &server.routes {
            reach.logs(&route.shape);
            // Of a file that may be replaced, the folder counts.
            let users = route.guards.basic.as_ref().and_then(|basic| basic.file.parent());
            reach.read.extend(users.map(Path::to_owned));
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

impl Reach {
    /// A log is made anew after it was moved away, so its folder is what counts.
    fn logs(&mut self, shape: &Shape) {
        if let Some(LogChoice::To(log)) = &shape.access_log {
            self.write.push(log.file.parent().unwrap_or(Path::new("/")).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        crate::config::parse(text, "test.toml").unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn what_is_served_is_read_and_logs_are_written() {
        let text = "[engine]\nconfine_files = true\ntemp_folder = \"/var/tmp\"\n\
                    [[server]]\nlisten = [\"127.0.0.1:1\"]\naccess_log = { file = \"/var/log/web/a.log\" }\n\
                    [[server.route]]\npath = \"/\"\nroot = \"/srv/www\"\n\
                    [[server.route]]\npath = \"/img/\"\nroot = \"/srv/www\"\n";
        let reach = of(&config(text));
        assert_eq!(reach.read, [PathBuf::from("/srv/www")]);
        assert_eq!(reach.write, [PathBuf::from("/var/log/web"), PathBuf::from("/var/tmp")]);
    }
}
