//! What is done with a log file on its file system. All of it is one value, so that it can be lent to a
//! thread whole: meanwhile nobody else touches the file, and nothing gets out of order.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::open::{self, Open};
use super::rotate::{self, Room};
use super::{LOOK_US, Limits, Origin, RETRY_US, Stopped};
use crate::config::limits::PROGRAM_LINE_BYTES_MAX;
use crate::config::model::output::Rotate;
use crate::sys;
use crate::sys::blocking::Place;

pub(super) struct Disk {
    pub(super) path: PathBuf,
    pub(super) limits: Limits,
    pub(super) open: Option<Open>,
    /// On a file system that may not answer: then it is open only while a thread apart writes it.
    pub(super) is_distant: bool,
    place: Place,
    rotate_at_us: u64,
    /// Since somebody asked last.
    pub(super) has_rotated: bool,
    /// What went wrong without holding up the bytes, for whoever asks next.
    pub(super) warning: Option<String>,
}

impl Disk {
    pub(super) fn new(path: PathBuf, limits: Limits) -> Self {
        // Until something is open: files of one folder hang together.
        let place = Place::named(path.parent());
        let (open, warning) = (None, None);
        let (is_distant, has_rotated, rotate_at_us) = (false, false, 0);
        Self { path, limits, open, is_distant, place, rotate_at_us, has_rotated, warning }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Whether the path was looked at a short while ago.
    pub(super) fn is_known(&self, now_us: u64) -> bool {
        self.open.as_ref().is_some_and(|open| now_us < open.looked_us + LOOK_US)
    }

    /// Finds out where the path leads, and opens it there unless that is distant.
    pub(super) fn survey(&mut self, now_us: u64) -> io::Result<()> {
        let is_same = self.open.as_ref().is_some_and(|open| open.is_at(&self.path));
        self.is_distant = !is_same && !sys::file_system::is_on_this_machine(&self.path);
        if self.is_distant {
            self.open = None;
            return Ok(());
        }
        self.look(now_us)
    }

    /// Has something done with the file by a thread apart, where it does not stay open.
    pub(super) fn apart<T: Send>(
        &mut self,
        call: impl FnOnce(&mut Self) -> T + Send,
    ) -> io::Result<T> {
        sys::apart::run(|| {
            let done = call(self);
            self.open = None;
            self.is_distant = !sys::file_system::is_on_this_machine(&self.path);
            done
        })
    }

    /// Opens the path, unless it is what is open.
    pub(super) fn look(&mut self, now_us: u64) -> io::Result<()> {
        let same = self.open.take().filter(|open| open.is_at(&self.path));
        let mut open = match same {
            Some(open) => open,
            None => open::open(&self.path, self.limits.rotate)?,
        };
        open.looked_us = now_us;
        self.place = Place::At(open.device);
        self.open = Some(open);
        Ok(())
    }

    fn opened(&mut self, now_us: u64) -> io::Result<&mut Open> {
        if !self.is_known(now_us) {
            self.look(now_us)?;
        }
        Ok(self.open.as_mut().expect("opened just above"))
    }

    /// Writes everything, and rotates where a line end fills the file.
    pub(super) fn put(
        &mut self,
        bytes: &[u8],
        origin: Origin<'_>,
        now_us: u64,
    ) -> Result<(), Stopped> {
        let mut written = 0;
        while written < bytes.len() {
            match self.put_piece(&bytes[written..], origin, now_us) {
                Ok(count) => written += count,
                Err(error) => {
                    self.open = None;
                    return Err(Stopped { error, written });
                }
            }
        }
        Ok(())
    }

    /// Writes what belongs into the file as it is, up to the line end that fills it.
    fn put_piece(&mut self, rest: &[u8], origin: Origin<'_>, now_us: u64) -> io::Result<usize> {
        let room = self.room(now_us)?;
        let open = self.opened(now_us)?;
        let file_bytes = open.bytes()?;
        let piece = &rest[..rotate::piece_len(rest, room)];
        let count = open.put(piece, file_bytes, origin)?;
        open.is_at_line_end = piece[count - 1] == b'\n';
        let is_full = open.is_at_line_end && count as u64 >= room.until_full;
        if is_full || count as u64 >= room.until_cut {
            self.rotate(now_us);
        }
        Ok(count)
    }

    /// How much the file may still take: not all of a room that is full is known to have been used up,
    /// as the process that did so may have been killed there.
    fn room(&mut self, now_us: u64) -> io::Result<Room> {
        let limits = self.limits;
        let period = match limits.rotate {
            Rotate::Size => 0,
            rotate => rotate::period(rotate, sys::local_time::shifted_ms(sys::clock::wall_ms())),
        };
        let cut_bytes = match limits.max_bytes {
            0 => u64::MAX,
            max_bytes => max_bytes.saturating_add(PROGRAM_LINE_BYTES_MAX as u64),
        };
        loop {
            let open = self.opened(now_us)?;
            if !open.is_rotatable() {
                return Ok(Room::ENDLESS);
            }
            let bytes = open.bytes()?;
            if bytes == 0 {
                // Emptied from outside, perhaps long after it was opened: it begins with what comes.
                open.period = period;
            }
            let is_full = limits.max_bytes > 0 && bytes >= limits.max_bytes;
            let is_over = bytes > 0 && limits.rotate != Rotate::Size && period > open.period;
            let is_rotated = bytes >= cut_bytes || open.is_at_line_end && (is_full || is_over);
            if !is_rotated {
                let until_full = match limits.max_bytes {
                    _ if is_full || is_over => 0,
                    0 => u64::MAX,
                    max_bytes => max_bytes - bytes,
                };
                return Ok(Room { until_full, until_cut: cut_bytes - bytes });
            }
            // Ends: what was rotated is empty, and what can not be is not tried again at once.
            if now_us < self.rotate_at_us {
                return Ok(Room { until_full: 0, until_cut: u64::MAX });
            }
            self.rotate(now_us);
        }
    }

    /// Moves every backup one further. What can not be moved is written on, and tried again later.
    fn rotate(&mut self, now_us: u64) {
        if now_us < self.rotate_at_us {
            return;
        }
        match rotate::shift(&self.path, self.limits.backups) {
            Ok(()) => (self.open, self.has_rotated) = (None, true),
            Err(error) => {
                self.rotate_at_us = now_us + RETRY_US;
                self.warning = Some(format!("rotate {}: {error}", self.path.display()));
            }
        }
    }

    /// The same for one of which it is not known yet where it is.
    pub(super) fn clear_wherever(&mut self, now_us: u64) -> io::Result<()> {
        if self.is_distant || sys::file_system::is_on_this_machine(&self.path) {
            return self.clear(now_us);
        }
        self.apart(|disk| disk.clear(now_us)).and_then(|cleared| cleared)
    }

    /// Removes the file and makes it anew. What is linked to is cut short instead, and what is no file
    /// stays.
    pub(super) fn clear(&mut self, now_us: u64) -> io::Result<()> {
        self.open = None;
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => {
                fs::remove_file(&self.path)?;
                self.look(now_us)
            }
            Ok(_) if fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file()) => {
                fs::File::options().write(true).truncate(true).open(&self.path).map(drop)
            }
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}
