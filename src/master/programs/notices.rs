//! What programs say of themselves by `sd_notify`: one datagram socket for all of them, in the
//! engine's runtime folder and held by the keeper. The kernel names the sending process; one that
//! belongs to no program that is to be heard is not heard.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::event::InstanceId;
use super::{Consequences, Programs};
use crate::config::limits::{
    PROGRAM_ANCESTORS_MAX, PROGRAM_NOTICE_BYTES_MAX, PROGRAM_NOTICES_AT_ONCE,
    PROGRAM_NOTICES_PAUSE_MS,
};
use crate::master::event::{Event, Post};
use crate::supervise::notify::{self, Word};
use crate::sys;
use crate::sys::watched::Watched;

/// One datagram.
#[derive(Debug)]
pub(crate) struct Notice {
    sender: u32,
    words: Vec<Word>,
}

impl Notice {
    pub(super) fn new(sender: u32, datagram: &[u8]) -> Self {
        Self { sender, words: notify::parse(datagram) }
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

impl Programs {
    pub(crate) fn on_notice(&mut self, notice: Notice) {
        if let Some(id) = self.sender_of(notice.sender)
            && let Some(instance) = self.instances.get_mut(&id)
        {
            for word in notice.words {
                instance.told(word, &mut self.desk);
            }
        }
        self.consequences = Consequences::Due;
    }

    /// The instance that a process belongs to: its main process, one of that one's session or group,
    /// or a descendant.
    fn sender_of(&self, pid: u32) -> Option<InstanceId> {
        let main = |pid: u32| {
            let mut heard = self
                .instances
                .values()
                .filter(|instance| instance.definition.program.vitals.is_heard());
            let is_main = |pid| {
                move |instance: &&super::instance::Instance| {
                    instance.process.as_ref().is_some_and(|process| process.pid == pid)
                }
            };
            heard.find(is_main(pid)).map(|instance| instance.id.clone())
        };
        let mut pid = pid;
        for _ in 0..PROGRAM_ANCESTORS_MAX {
            let kin = sys::proc::kin(pid);
            let own = [Some(pid), kin.map(|kin| kin.group), kin.map(|kin| kin.session)];
            if let Some(id) = own.into_iter().flatten().find_map(main) {
                return Some(id);
            }
            pid = kin.map(|kin| kin.parent).filter(|parent| *parent > 1)?;
        }
        None
    }
}
