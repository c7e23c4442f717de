//! Certificates while they are served, and lists of revoked ones: how long they are good, and whether
//! their files have become others.
//!
//! A renewed certificate is taken by itself, without the rest of the configuration being read again:
//! what else of the file was edited is not asked for. Files that do not fit each other change
//! nothing, and are told of until they do: whoever writes them writes one after the other. A thread
//! looks, as a file system may not answer: then what was read before goes on being served.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::membership::Now;
use super::{Master, Phase, WHO, audit, servers};
use crate::config::model::Config;
use crate::config::model::tls::{ClientAuth, Crl, Identity, ServerTls};
use crate::config::{Loaded, certificate, identity, limits, trust};
use crate::control::certificate::{Certificate, days_between};
use crate::control::server_row::ServerRow;
use crate::control::wire::Severity;
use crate::sys::blocking::{Begun, Late, Pool};
use crate::sys::{apart, log};

#[derive(Default)]
pub(super) struct Certificates {
    due_us: u64,
    watched: AllWatched,
    pool: Pool,
    /// A look that has not ended yet, at what this generation names.
    underway: Option<(u32, Late<io::Result<Looked>>)>,
}

/// By the first file of each.
type AllWatched = BTreeMap<PathBuf, Watched>;

/// What a look has come to.
struct Looked {
    /// With the certificates that were taken, each with what is to be told of it.
    config: Config,
    watched: AllWatched,
    taken: Vec<(PathBuf, String)>,
    /// Not taken, and why.
    failed: Vec<(PathBuf, String)>,
}

#[derive(Clone, Debug, Default)]
struct Watched {
    /// What the last look saw of its files.
    seen: Option<Stamps>,
    /// What was read last, taken or not.
    judged: Option<Stamps>,
    /// Why that was not taken.
    trouble: String,
}

type Stamps = Vec<Option<Stamp>>;

/// Which file a path leads to, and of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.size(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

/// What is read again when its files change.
enum Paper<'c> {
    Identity(&'c mut Identity),
    /// With a list of revoked certificates.
    Clients(&'c mut ClientAuth, PathBuf),
}

impl Paper<'_> {
    /// What it is known by.
    fn path(&self) -> &Path {
        match self {
            Self::Identity(identity) => &identity.certificate,
            Self::Clients(_, file) => file,
        }
    }

    fn stamps(&self) -> Stamps {
        match self {
            Self::Identity(identity) => {
                let staple = identity.staple.iter().map(|staple| &staple.file);
                let files = [&identity.certificate, &identity.key].into_iter().chain(staple);
                files.map(|file| stamp(file)).collect()
            }
            Self::Clients(_, file) => vec![stamp(file)],
        }
    }

    /// Takes what its files say now; what is to be told of that, if it is something else.
    fn renew(&mut self) -> Result<Option<String>, String> {
        match self {
            Self::Identity(identity) => {
                let renewed = identity::read_again(identity)?;
                if renewed == **identity {
                    return Ok(None);
                }
                let until = identity::own(&renewed.chain).map_or(0, |own| own.not_after_s);
                **identity = renewed;
                Ok(Some(format!("good until {}", certificate::day(until))))
            }
            Self::Clients(client, _) => {
                let renewed = trust::read_again(client)?;
                let is_same = renewed == **client;
                **client = renewed;
                Ok((!is_same).then(|| "other certificates are revoked".to_owned()))
            }
        }
    }
}

/// All that are shown, to clients and to backends that ask, and all that clients' are judged by.
fn papers(config: &mut Config) -> impl Iterator<Item = Paper<'_>> {
    let of_servers = config.servers.iter_mut().filter_map(|server| server.tls.as_mut());
    let of_streams = config.streams.iter_mut().filter_map(|stream| stream.tls.as_mut());
    let of_listeners = of_servers.chain(of_streams).flat_map(|tls| {
        let shown = std::iter::once(&mut tls.identity).chain(&mut tls.others);
        let clients = tls.client.as_mut().and_then(|client| {
            let file = client.crl.as_ref()?.file.clone();
            Some(Paper::Clients(client, file))
        });
        shown.map(Paper::Identity).chain(clients)
    });
    let of_upstreams = config.upstreams.iter_mut().filter_map(|upstream| upstream.tls.as_mut());
    let of_upstreams = of_upstreams.filter_map(|tls| tls.identity.as_mut());
    of_listeners.chain(of_upstreams.map(Paper::Identity))
}

/// Those whose files are not what was read last, and have not changed since the last look: what is
/// being written is not read.
fn settled<'c>(all: &mut AllWatched, papers: impl Iterator<Item = Paper<'c>>) -> Vec<Paper<'c>> {
    let mut before = std::mem::take(all);
    let mut settled = Vec::new();
    for paper in papers {
        let path = paper.path().to_owned();
        let known = before.remove(&path).or_else(|| all.remove(&path));
        let now = Some(paper.stamps());
        let mut watched = known.unwrap_or_default();
        if watched.judged != now && watched.seen == now {
            watched.judged.clone_from(&now);
            settled.push(paper);
        }
        watched.seen = now;
        all.insert(path, watched);
    }
    settled
}

/// Waits for the file systems.
fn look(mut config: Config, mut watched: AllWatched) -> Looked {
    let (mut taken, mut failed) = (Vec::new(), Vec::new());
    for mut paper in settled(&mut watched, papers(&mut config)) {
        let path = paper.path().to_owned();
        let trouble = match paper.renew() {
            Ok(told) => {
                taken.extend(told.map(|told| (path.clone(), told)));
                String::new()
            }
            Err(reason) => {
                failed.push((path.clone(), reason.clone()));
                reason
            }
        };
        if let Some(watched) = watched.get_mut(&path) {
            watched.trouble = trouble;
        }
    }
    Looked { config, watched, taken, failed }
}

impl Certificates {
    /// Of what is known by that file.
    fn trouble(&self, file: &Path) -> &str {
        self.watched.get(file).map_or("", |watched| &watched.trouble)
    }

    /// The configuration was read again: whether its certificates are still what their files say is
    /// seen anew.
    pub(super) fn forget(&mut self) {
        self.watched.clear();
    }
}

impl Master {
    /// Once in a while: takes what has been renewed.
    pub(super) fn look_at_certificates(&mut self, now: Now) {
        if self.phase != Phase::Running {
            return;
        }
        if let Some((number, late)) = self.certificates.underway.take() {
            match late.answer() {
                // What it looked at may not be what runs any more.
                Some(Ok(looked)) if number == self.generation.number => self.has_looked(looked),
                Some(_) => {}
                None => self.certificates.underway = Some((number, late)),
            }
            return;
        }
        if now.mono_us < self.certificates.due_us {
            return;
        }
        self.certificates.due_us = now.mono_us + limits::CERTIFICATE_LOOK_MS * 1000;
        let has_any = self.generation.config.servers.iter().any(|server| server.tls.is_some())
            || self.generation.config.streams.iter().any(|stream| stream.tls.is_some())
            || self.generation.config.upstreams.iter().any(|upstream| upstream.tls.is_some());
        if !has_any {
            return;
        }
        let config = Config::clone(&self.generation.config);
        let watched = self.certificates.watched.clone();
        match self.certificates.pool.call(move || apart::run(|| look(config, watched))) {
            Ok(Begun::Done(Ok(looked))) => self.has_looked(looked),
            Ok(Begun::Late(late)) => {
                self.certificates.underway = Some((self.generation.number, late));
            }
            Ok(Begun::Done(Err(error))) | Err(error) => {
                log::error!(WHO, "look at certificates: {error}");
            }
        }
    }

    fn has_looked(&mut self, looked: Looked) {
        let Looked { config, watched, taken, failed } = looked;
        self.certificates.watched = watched;
        for (path, reason) in failed {
            log::error!(WHO, "renew {}: {reason}; the old one stays", path.display());
            self.tell_of_certificate(&path, reason, Severity::Bad);
        }
        if !taken.is_empty() {
            self.renew(config, &taken);
        }
    }

    /// The same configuration with other certificates becomes the next generation.
    fn renew(&mut self, config: Config, taken: &[(PathBuf, String)]) {
        let text = self.generation.text.clone();
        // What an operator may go back to is a configuration, not a certificate.
        let previous = self.generation.previous.take();
        let watched = std::mem::take(&mut self.certificates.watched);
        let swapped = self.swap_in(Loaded { config, text });
        self.generation.previous = previous;
        self.certificates.watched = watched;
        for (path, told) in taken {
            let (result, severity) = match &swapped {
                Ok(message) => (format!("{told}; {message}"), Severity::Good),
                Err(reason) => (reason.clone(), Severity::Bad),
            };
            log::notice!(WHO, "renew {}: {result}", path.display());
            self.tell_of_certificate(path, result, severity);
        }
    }

    fn tell_of_certificate(&mut self, path: &Path, result: String, severity: Severity) {
        self.note(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: "renew".to_owned(),
            target: path.display().to_string(),
            result,
            severity,
            cli: String::new(),
        });
    }

    /// With how long each one's certificate is good.
    pub(super) fn server_rows(&self, wall_ms: u64) -> Vec<ServerRow> {
        let wall_ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
        servers::rows(self.board, &self.generation.config, |server| {
            let own = self.generation.shown(&server.tls.as_ref()?.identity)?;
            Some(days_between(wall_ms, own.not_after_s.saturating_mul(1000)))
        })
    }

    /// Those that clients are shown.
    pub(super) fn certificate_rows(&self, wall_ms: u64) -> Vec<Certificate> {
        let wall_ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
        let Config { servers, streams, .. } = &*self.generation.config;
        let of_servers = servers
            .iter()
            .map(|server| (server.hosts.first(), server.listen.first(), server.tls.as_ref()));
        let of_streams =
            streams.iter().map(|stream| (None, stream.listen.first(), stream.tls.as_ref()));
        let shown = of_servers.chain(of_streams).flat_map(|(host, listen, tls)| {
            let identities = tls.into_iter().flat_map(ServerTls::identities);
            let crl = tls.and_then(|tls| tls.client.as_ref()?.crl.as_ref());
            identities.map(move |identity| (host, listen, identity, crl))
        });
        let rows = shown.filter_map(|(host, listen, identity, crl)| {
            let own = self.generation.shown(identity)?;
            let address = || listen.map(|listen| listen.address.to_string());
            let not_after_ms = own.not_after_s.saturating_mul(1000);
            let expired = crl.and_then(|crl| self.expired_list(crl, wall_ms));
            let troubles = [
                expired.clone().unwrap_or_default(),
                self.certificates.trouble(&identity.certificate).to_owned(),
                crl.map_or("", |crl| self.certificates.trouble(&crl.file)).to_owned(),
            ];
            Some(Certificate {
                server: host.cloned().or_else(address).unwrap_or_default(),
                names: own.names.clone(),
                subject: own.subject.clone(),
                issuer: own.issuer.clone(),
                file: identity.certificate.display().to_string(),
                not_before_ms: own.not_before_s.saturating_mul(1000),
                not_after_ms,
                days_left: days_between(wall_ms, not_after_ms),
                trouble: troubles
                    .into_iter()
                    .filter(|it| !it.is_empty())
                    .collect::<Vec<_>>()
                    .join("; "),
                refuses_clients: expired.is_some(),
            })
        });
        rows.collect()
    }

    /// What is to be said of a list of revoked certificates that is out of time.
    fn expired_list(&self, crl: &Crl, wall_ms: i64) -> Option<String> {
        let until_s = self.generation.list_good_until(crl)?;
        (until_s.saturating_mul(1000) < wall_ms).then(|| {
            let (file, day) = (crl.file.display(), certificate::day(until_s));
            format!("clients are refused: {file} has expired, it was good until {day}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::tls::Secret;

    fn identity(folder: &Path) -> Identity {
        Identity {
            certificate: folder.join("site.pem"),
            key: folder.join("site.key"),
            chain: "".into(),
            secret: Secret::new(""),
            staple: None,
        }
    }

    #[test]
    fn files_are_read_again_when_they_have_changed_and_come_to_rest() {
        let folder = tempfile::tempdir().unwrap();
        let mut identity = identity(folder.path());
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("site.pem", "1");
        write("site.key", "1");
        let mut watched = AllWatched::default();
        let mut look = |identity: &mut Identity| {
            settled(&mut watched, std::iter::once(Paper::Identity(identity))).len()
        };
        assert_eq!(look(&mut identity), 0, "it may still be written");
        assert_eq!([look(&mut identity), look(&mut identity)], [1, 0], "it is read once");
        write("site.pem", "22");
        assert_eq!(look(&mut identity), 0, "it may still be written");
        write("site.key", "22");
        assert_eq!(look(&mut identity), 0);
        assert_eq!([look(&mut identity), look(&mut identity)], [1, 0], "it is read once");
        std::fs::remove_file(&identity.key).unwrap();
        assert_eq!([look(&mut identity), look(&mut identity)], [0, 1], "a file is gone");
    }
}
