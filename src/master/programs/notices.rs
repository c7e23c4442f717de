//! What programs say of themselves by `sd_notify`: one datagram socket for all of them, in the
//! engine's runtime folder, and one for each other user that programs run as, who does not reach
//! that folder. The keeper holds them. The kernel names the sending process; one that belongs to no
//! program that is to be heard is not heard.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::desk::Desk;
use super::event::InstanceId;
use super::instance::Instance;
use super::tree::Standing;
use super::{Consequences, Programs};
use crate::config::limits::{
    PROGRAM_ANCESTORS_MAX, PROGRAM_NOTICE_BYTES_MAX, PROGRAM_NOTICES_AT_ONCE,
    PROGRAM_NOTICES_PAUSE_MS,
};
use crate::master::event::{Event, Post};
use crate::supervise::notify::{self, Word};
use crate::supervise::step::SpawnError;
use crate::sys;
use crate::sys::proc::Kin;
use crate::sys::user::Identity;
use crate::sys::watched::Watched;

/// One datagram.
#[derive(Debug)]
pub(crate) struct Notice {
    sender: u32,
    /// Whose it was when it was heard: who says a word for another, and then waits for a barrier to
    /// be lifted, may be gone by the time that the loop comes to it.
    kin: Option<Kin>,
    words: Vec<Word>,
}

impl Notice {
    pub(super) fn new(sender: u32, datagram: &[u8]) -> Self {
        Self { sender, kin: sys::proc::kin(sender), words: notify::parse(datagram) }
    }
}

/// Beside the control socket.
pub(crate) fn path(control_socket: &Path) -> PathBuf {
    control_socket.with_file_name("notify.sock")
}

/// Turns what comes into events. The senders of a flood are made to wait by the kernel once the
/// socket is full.
pub(crate) fn listen(socket: OwnedFd, post: Post) -> io::Result<()> {
    let socket = Watched::new(socket)?;
    tokio::task::spawn_local(async move {
        let mut bytes = vec![0; PROGRAM_NOTICE_BYTES_MAX];
        let mut taken = 0;
        // An error of the reactor means that the loop is over.
        while let Ok((count, sender)) =
            socket.read(|socket| sys::notify::receive(socket, &mut bytes)).await
        {
            let notice = sender.map(|sender| Notice::new(sender, &bytes[..count]));
            if let Some(notice) = notice.filter(|notice| !notice.words.is_empty())
                && post.send(Event::Notice(notice)).await.is_err()
            {
                return;
            }
            taken += 1;
            if taken % PROGRAM_NOTICES_AT_ONCE == 0 {
                tokio::time::sleep(Duration::from_millis(PROGRAM_NOTICES_PAUSE_MS)).await;
            }
        }
        sys::log::error!("programs", "the notify socket can not be read any more");
    });
    Ok(())
}

/// What the keeper holds the sockets of other users under, before the user's number.
pub(crate) const KEY: &str = "notices/";

/// The sockets of other users that were made: where they are.
#[derive(Default)]
pub(super) struct Doors(BTreeMap<u32, PathBuf>);

impl Doors {
    /// Nobody is left to speak.
    pub(super) fn remove(&mut self) {
        for (_, path) in std::mem::take(&mut self.0) {
            let _gone_either_way = fs::remove_file(&path);
            // Refused while another user's is in it, which then is the next.
            let _not_the_last = path.parent().map(fs::remove_dir);
        }
    }
}

impl Desk {
    /// Where programs of this user say how they are.
    pub(super) fn notice_path(&mut self, user: Option<&Identity>) -> Result<PathBuf, SpawnError> {
        let own = path(&self.surroundings().socket);
        let Some(user) = user.filter(|user| user.uid != sys::user::own_uid()) else {
            return Ok(own);
        };
        if let Some(door) = self.doors.0.get(&user.uid).filter(|door| door.exists()) {
            return Ok(door.clone());
        }
        let place = door(&own, user.uid);
        let failed = |error: &dyn std::fmt::Display| {
            let (name, place) = (&user.name, place.display());
            SpawnError::Failed(format!("make {place}, where {name} says how it is: {error}"))
        };
        let folder = place.parent().unwrap_or(&place);
        sys::folders::make_passage(folder).map_err(|error| failed(&error))?;
        sys::folders::check_passage(folder, user).map_err(|error| failed(&error))?;
        let socket = sys::notify::bind_for(&place, user).map_err(|error| failed(&error))?;
        self.keep(format!("{KEY}{}", user.uid), std::slice::from_ref(&socket));
        listen(socket, self.post()).map_err(|error| failed(&error))?;
        self.doors.0.insert(user.uid, place.clone());
        Ok(place)
    }
}

/// Beside the folder of all engines, which is closed to others: `/run/pilothouse-notify/ENGINE/33`.
fn door(own: &Path, uid: u32) -> PathBuf {
    let engine = own.parent().and_then(Path::file_name).unwrap_or_default();
    sys::folders::passage_root().join(engine).join(uid.to_string())
}

impl Programs {
    /// What an earlier master left, by user; what was said while there was none waits in it.
    pub(crate) fn adopt_notices(&mut self, held: Vec<(String, Vec<OwnedFd>)>) {
        let own = path(&self.desk.surroundings().socket);
        for (uid, descriptors) in held {
            let (Ok(uid), Some(socket)) = (uid.parse(), descriptors.into_iter().next()) else {
                continue;
            };
            match listen(socket, self.desk.post()) {
                Ok(()) => drop(self.desk.doors.0.insert(uid, door(&own, uid))),
                Err(error) => sys::log::error!("programs", "hear user {uid}: {error}"),
            }
        }
    }

    pub(crate) fn on_notice(&mut self, notice: Notice) {
        if let Some(id) = self.sender_of(&notice)
            && let Some(instance) = self.instances.get_mut(&id)
        {
            for word in notice.words {
                instance.told(word, &mut self.desk);
            }
        }
        self.consequences = Consequences::Due;
    }

    /// The instance that a process belongs to: its main process, one of that one's session or group,
    /// or a descendant; where that one has been followed from another, whoever is of its tree.
    fn sender_of(&mut self, notice: &Notice) -> Option<InstanceId> {
        let Notice { sender, kin, .. } = *notice;
        let (mut pid, mut kin) = (sender, kin);
        for _ in 0..PROGRAM_ANCESTORS_MAX {
            let own = [Some(pid), kin.map(|kin| kin.group), kin.map(|kin| kin.session)];
            if let Some(id) = own.into_iter().flatten().find_map(|pid| self.main_of(pid)) {
                return Some(id);
            }
            match kin.map(|kin| kin.parent) {
                Some(parent @ 2..) => (pid, kin) = (parent, sys::proc::kin(parent)),
                Some(_) | None => break,
            }
        }
        let Self { instances, desk, .. } = self;
        let followed = instances.values_mut().filter(|it| it.is_heard() && it.is_followed());
        let is_of = |instance: &mut Instance| {
            let standing = instance.tree.as_mut()?.standing(sender, &mut desk.surveyor);
            matches!(standing, Standing::Member { .. }).then(|| instance.id.clone())
        };
        followed.into_iter().find_map(is_of)
    }

    fn main_of(&self, pid: u32) -> Option<InstanceId> {
        let is_main = |it: &&Instance| it.process.as_ref().is_some_and(|main| main.pid == pid);
        let mut heard = self.instances.values().filter(|instance| instance.is_heard());
        heard.find(is_main).map(|instance| instance.id.clone())
    }
}

impl Instance {
    fn is_heard(&self) -> bool {
        self.definition.program.vitals.is_heard()
    }

    /// Whether its main process is another one than was started.
    fn is_followed(&self) -> bool {
        let main = self.process.as_ref().map(|process| process.pid);
        main.is_some() && main != self.tree.as_ref().map(super::tree::Tree::leader)
    }
}
