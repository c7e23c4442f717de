//! The configuration that runs: its number, its value, and its bytes as workers are given them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::WHO;
use super::keeper_link::{Held, KeeperLink};
use crate::config;
use crate::config::certificate::Certificate;
use crate::config::limits::{CONFIG_BYTES_MAX, GENERATION_BYTES_MAX};
use crate::config::model::Config;
use crate::config::model::tls::{Crl, Identity, ServerTls};
use crate::config::{Loaded, identity, trust};
use crate::sys::{self, memfd};

const KEY: &str = "generation ";
/// What ran before, for whoever wants to go back to it under a later master.
const PREVIOUS: &str = "previous generation";

#[derive(Debug)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) config: Rc<Config>,
    /// What the file said when it was read last without being taken.
    pub(super) file: Option<Rc<Config>>,
    /// As the file says it.
    pub(super) text: Option<Arc<str>>,
    /// What ran before it.
    pub(super) previous: Option<Box<Loaded>>,
    bytes: OwnedFd,
    /// What the certificates in it say of themselves, by their files.
    shown: BTreeMap<PathBuf, Certificate>,
    /// Until when lists of revoked certificates are good, by their files; seconds since the epoch.
    lists: BTreeMap<PathBuf, i64>,
}

impl Generation {
    /// Also handed to the keeper: a new master goes on with what runs, whatever the file says then.
    pub(super) fn new(number: u32, loaded: Loaded, keeper: &KeeperLink) -> io::Result<Self> {
        let bytes = hold(&format!("{KEY}{number}"), &loaded, keeper)?;
        let Loaded { config, text } = loaded;
        Ok(Self::of(number, config, text, bytes))
    }

    /// Puts other programs in place of its own, which are nothing to the workers: for them it is the
    /// same generation.
    pub(super) fn amend(&mut self, config: Config, keeper: &KeeperLink) -> io::Result<()> {
        let loaded = Loaded { config, text: self.text.clone() };
        self.bytes = hold(&format!("{KEY}{}", self.number), &loaded, keeper)?;
        self.config = Rc::new(loaded.config);
        Ok(())
    }

    /// The newest that an earlier master stored.
    pub(super) fn recover(held: &mut Held) -> Option<Self> {
        let newest = held
            .take_all(KEY)
            .into_iter()
            .filter_map(|(number, descriptors)| Some((number.parse::<u32>().ok()?, descriptors)))
            .max_by_key(|(number, _)| *number);
        let (number, descriptors) = newest?;
        let (Loaded { config, text }, bytes) = read(descriptors)?;
        let previous = held.take_all(PREVIOUS).pop().and_then(|(_, descriptors)| read(descriptors));
        let previous = previous.map(|(loaded, _bytes)| Box::new(loaded));
        Some(Self { previous, ..Self::of(number, config, text, bytes) })
    }

    fn of(number: u32, config: Config, text: Option<Arc<str>>, bytes: OwnedFd) -> Self {
        let servers = config.servers.iter().filter_map(|server| server.tls.as_ref());
        let streams = config.streams.iter().filter_map(|stream| stream.tls.as_ref());
        let shown = servers
            .chain(streams)
            .flat_map(ServerTls::identities)
            .filter_map(|shown| Some((shown.certificate.clone(), identity::own(&shown.chain)?)));
        let shown = shown.collect();
        let servers = config.servers.iter().filter_map(|server| server.tls.as_ref());
        let streams = config.streams.iter().filter_map(|stream| stream.tls.as_ref());
        let lists = servers
            .chain(streams)
            .filter_map(|tls| tls.client.as_ref()?.crl.as_ref())
            .filter_map(|crl| Some((crl.file.clone(), trust::good_until(crl)?)))
            .collect();
        let config = Rc::new(config);
        Self { number, config, file: None, text, previous: None, bytes, shown, lists }
    }

    pub(super) fn shown(&self, identity: &Identity) -> Option<&Certificate> {
        self.shown.get(&identity.certificate)
    }

    pub(super) fn list_good_until(&self, crl: &Crl) -> Option<i64> {
        self.lists.get(&crl.file).copied()
    }

    /// This one's successor is in place. What it said is what one can go back to.
    pub(super) fn forget(self, keeper: &KeeperLink) -> Loaded {
        keeper.release(&format!("{KEY}{}", self.number));
        let loaded = Loaded { config: Config::clone(&self.config), text: self.text };
        if let Err(error) = hold(PREVIOUS, &loaded, keeper) {
            sys::log::error!(WHO, "keep what ran before for a successor: {error}");
            keeper.release(PREVIOUS);
        }
        loaded
    }
}

/// Hands it to the keeper; the bytes of its value.
fn hold(key: &str, loaded: &Loaded, keeper: &KeeperLink) -> io::Result<OwnedFd> {
    let bytes = memfd::sealed("pilothouse-configuration", &config::encode(&loaded.config))?;
    let seal = |text: &Arc<str>| memfd::sealed("pilothouse-configuration-text", text.as_bytes());
    let words = loaded.text.as_ref().map(seal).transpose()?;
    let descriptors: Vec<BorrowedFd<'_>> =
        [Some(&bytes), words.as_ref()].into_iter().flatten().map(|fd| fd.as_fd()).collect();
    keeper.hold(key, &descriptors);
    Ok(bytes)
}

/// What `hold` handed over, and the bytes of its value.
fn read(descriptors: Vec<OwnedFd>) -> Option<(Loaded, OwnedFd)> {
    let mut descriptors = descriptors.into_iter();
    let bytes = descriptors.next()?;
    let config = config::decode(&memfd::read_all(&bytes, GENERATION_BYTES_MAX).ok()?)?;
    let words = descriptors.next();
    let text = words.and_then(|words| memfd::read_all(&words, CONFIG_BYTES_MAX).ok());
    let text = text.and_then(|text| String::from_utf8(text).ok()).map(Arc::from);
    Some((Loaded { config, text }, bytes))
}

impl AsFd for Generation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bytes.as_fd()
    }
}
