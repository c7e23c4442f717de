//! What can be found out about this machine from outside the engine.

use std::path::PathBuf;

use crate::cli::place::Place;
use crate::config;
use crate::config::model::{Address, Config};
use crate::control::client::ClientError;
use crate::sys::abilities::{self, Ability};
use crate::sys::{cgroup, folders, rlimit, socket, socket_file, user};

/// A result's error is for people.
type Tried<T> = Result<T, String>;

pub(super) struct Facts {
    pub(super) user: String,
    pub(super) kernel: String,
    pub(super) abilities: Vec<(Ability, Tried<()>)>,
    pub(super) is_filtered: Option<bool>,
    pub(super) open_files: Option<u64>,
    pub(super) queue_max: Option<u64>,
    /// The controllers that groups of ours can be bounded in.
    pub(super) groups: Tried<Vec<String>>,
    /// The configuration's errors as `check` prints them, or what it asks of the machine.
    pub(super) config: Tried<Wants>,
    pub(super) is_engine_there: Tried<bool>,
    pub(super) runtime_folder: Folder,
    pub(super) state_folder: Folder,
}

/// What a configuration asks of the machine.
pub(super) struct Wants {
    pub(super) connections: u64,
    pub(super) listeners: Vec<(Address, Tried<()>)>,
    /// The embedded default takes the next free port where one is held.
    pub(super) takes_next_port: bool,
    pub(super) has_programs: bool,
    /// Any program bounds its memory, processor time or tasks.
    pub(super) bounds_programs: bool,
}

pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) usable: Tried<()>,
}

pub(super) async fn gather(place: &Place) -> Facts {
    let tell = |error: &dyn std::fmt::Display| error.to_string();
    Facts {
        user: user::name(user::own_uid()),
        kernel: abilities::kernel(),
        abilities: abilities::ALL
            .map(|ability| (ability, ability.test().map_err(|error| tell(&error))))
            .into(),
        is_filtered: abilities::is_filtered(),
        open_files: rlimit::open_files_max(),
        queue_max: abilities::setting("net/core/somaxconn"),
        groups: cgroup::Cgroup::own()
            .and_then(|own| own.check_delegated().map(|()| own.controllers()))
            .map_err(|error| tell(&error)),
        config: place
            .source
            .load(config::Dates::Judged)
            .map(|config| wants(&config))
            .map_err(|errors| tell(&errors)),
        is_engine_there: match place.client().status().await {
            Ok(_) => Ok(true),
            Err(ClientError::NoEngine { .. }) => Ok(false),
            Err(error) => Err(tell(&error)),
        },
        runtime_folder: folder(folders::runtime_root()),
        state_folder: folder(folders::state_root()),
    }
}

fn wants(config: &Config) -> Wants {
    let http = config.servers.iter().flat_map(|server| &server.listen);
    let tcp = config.streams.iter().flat_map(|stream| &stream.listen);
    let mut addresses: Vec<Address> =
        http.chain(tcp).map(|listen| listen.address.clone()).collect();
    addresses.extend(config.control.http.map(Address::Tcp));
    addresses.sort_unstable();
    addresses.dedup();
    let claim = |address: &Address| match address {
        Address::Tcp(address) => socket::claim(*address).map_err(|error| error.to_string()),
        Address::Unix(path) => {
            socket_file::claim(path).map_err(|error| format!("bind {address}: {error}"))
        }
    };
    let connections = config.engine.worker_connections;
    Wants {
        connections: connections.unwrap_or(config::limits::CONNECTIONS_PER_WORKER).into(),
        listeners: addresses
            .into_iter()
            .map(|address| {
                let claimed = claim(&address);
                (address, claimed)
            })
            .collect(),
        takes_next_port: config.is_embedded,
        has_programs: !config.programs.is_empty(),
        bounds_programs: config.programs.iter().any(|program| program.tree.bounds.has_any()),
    }
}

fn folder(path: PathBuf) -> Folder {
    let usable = folders::check(&path).map_err(|error| error.to_string());
    Folder { path, usable }
}
