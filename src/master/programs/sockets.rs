//! Listening sockets of programs: made with a program's first start, closed after its last end,
//! shared by its instances.
//!
//! Nothing is accepted here. Between two lives of a program, and of a master (the keeper holds them
//! too), connections wait in the kernel's queue for whoever accepts next.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::Programs;
use super::desk::Desk;
use super::want::Want;
use crate::config::model::Address;
use crate::config::model::process::{Owner, Socket};
use crate::config::model::program::Program;
use crate::supervise::state::Shown;
use crate::supervise::step::SpawnError;
use crate::sys;
use crate::sys::handed_socket;
use crate::sys::socket_file::{self, Access};
use crate::sys::user::Identity;

/// What the keeper holds them under, before the program's name and the address.
pub(crate) const KEY: &str = "socket/";

/// By program, then by address as the file writes it.
#[derive(Default)]
pub(super) struct Sockets(BTreeMap<String, BTreeMap<String, OwnedFd>>);

impl Programs {
    /// What an earlier master left, by the rest of its key; before the first `apply_config`.
    pub(crate) fn adopt_sockets(&mut self, held: Vec<(String, Vec<OwnedFd>)>) {
        for (key, descriptors) in held {
            if let (Some((program, address)), Some(socket)) =
                (key.split_once('/'), descriptors.into_iter().next())
            {
                let of_program = self.desk.sockets.0.entry(program.to_owned()).or_default();
                of_program.insert(address.to_owned(), socket);
            }
        }
    }

    /// Closes those of programs of which nothing runs or is about to.
    pub(super) fn close_sockets(&mut self) {
        let is_over = |program: &&String| {
            let mut instances = self.instances.values().filter(|it| it.id.program == **program);
            instances.all(|it| matches!(it.shown(), Shown::Stopped | Shown::Exited | Shown::Fatal))
        };
        let over: Vec<String> = self.desk.sockets.0.keys().filter(is_over).cloned().collect();
        for program in over {
            self.desk.keep_sockets(&program, &[]);
        }
    }
}

impl Desk {
    /// Makes what is missing, closes what the program does not name any more.
    pub(super) fn open_sockets(
        &mut self,
        program: &Program,
        user: Option<&Identity>,
    ) -> Result<(), SpawnError> {
        let wanted = &program.process.sockets;
        self.keep_sockets(&program.name, wanted);
        for socket in wanted {
            let address = socket.address.to_string();
            let of_program = self.sockets.0.entry(program.name.clone()).or_default();
            if of_program.contains_key(&address) {
                continue;
            }
            let made = make(socket, user)?;
            let key = key(&program.name, &address);
            self.keep(key, std::slice::from_ref(&made));
            self.sockets.0.entry(program.name.clone()).or_default().insert(address, made);
        }
        Ok(())
    }

    /// In the order of the file; all of them are there after `open_sockets`.
    pub(super) fn sockets(&self, program: &Program) -> Vec<BorrowedFd<'_>> {
        let Some(of_program) = self.sockets.0.get(&program.name) else { return Vec::new() };
        let addresses = program.process.sockets.iter().map(|socket| socket.address.to_string());
        addresses.filter_map(|address| Some(of_program.get(&address)?.as_fd())).collect()
    }

    /// Closes those of a program that are not among `wanted`.
    fn keep_sockets(&mut self, program: &str, wanted: &[Socket]) {
        let Some(mut of_program) = self.sockets.0.remove(program) else { return };
        of_program.retain(|address, _closed| {
            let is_wanted = wanted.iter().any(|socket| socket.address.to_string() == *address);
            if !is_wanted {
                self.want(Want::Release { key: key(program, address) });
                if let Some(Address::Unix(path)) = Address::parse(address) {
                    socket_file::forget(&path);
                }
            }
            is_wanted
        });
        if !of_program.is_empty() {
            self.sockets.0.insert(program.to_owned(), of_program);
        }
    }
}

/// A socket in the file system belongs to its owner, else to who the program runs as.
fn make(socket: &Socket, user: Option<&Identity>) -> Result<OwnedFd, SpawnError> {
    let backlog = i32::try_from(socket.backlog).unwrap_or(i32::MAX);
    let failed = |error: &dyn std::fmt::Display| SpawnError::Failed(error.to_string());
    match &socket.address {
        Address::Tcp(address) => {
            handed_socket::tcp(*address, backlog).map_err(|error| failed(&error))
        }
        Address::Unix(path) => {
            let owner = match &socket.owner {
                Some(owner) => Some(identity(owner)?),
                None => user.map(|user| (user.uid, user.gid)),
            };
            let access = Access { mode: socket.mode, owner };
            handed_socket::unix(path, access, backlog)
                .map_err(|error| failed(&format_args!("listen on {}: {error}", path.display())))
        }
    }
}

fn identity(owner: &Owner) -> Result<(u32, u32), SpawnError> {
    let unknown = |kind: &str, name: &str| SpawnError::Failed(format!("no {kind} `{name}`"));
    let user = sys::user::identity(&owner.user).ok_or_else(|| unknown("user", &owner.user))?;
    let gid = match &owner.group {
        Some(group) => sys::user::group(group).ok_or_else(|| unknown("group", group))?,
        None => user.gid,
    };
    Ok((user.uid, gid))
}

fn key(program: &str, address: &str) -> String {
    format!("{KEY}{program}/{address}")
}
