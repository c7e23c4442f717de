//! Rotated files are packed: `.3` becomes `.3.gz` or `.3.zst`.
//!
//! Killed at any point, nothing is lost or doubled: what is half packed has another name and is begun
//! anew, what is packed and not yet taken away is taken away by whoever looks next. A rotation may
//! move the file on meanwhile, so at the end it is looked for by its inode.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::RotatingFile;
use super::disk::Disk;
use super::lend::{Done, Lent, Whose};
use super::rotate::backup;
use crate::config::model::output::Compress;

/// Gzip's usual level, and zstd's.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

/// What a backup's name may end in.
pub(super) const PACKED: [&str; 2] = [".gz", ".zst"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// There may be something to pack.
    Wanted,
    Running,
    Idle,
    /// The same would fail again; the next rotation, or who sets the limits, tries again.
    Failed,
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::master::programs) enum Ran {
    Packed,
    /// A rotation moved the file on before it was opened: it has another name, or is gone.
    Moved,
}

/// What there is to pack.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::master::programs) enum Next {
    Job(Job),
    Nothing,
    /// The file system holds somebody up: to be asked again.
    Later,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::master::programs) struct Job {
    source: PathBuf,
    inode: u64,
    /// Half packed as long as it is called so.
    target: PathBuf,
    how: Compress,
}

impl RotatingFile {
    /// Whether a task is to ask for jobs from now on.
    pub(in crate::master::programs) fn begin_packing(&mut self) -> bool {
        if self.limits.compress == Compress::No || self.packing != Packing::Wanted {
            return false;
        }
        self.packing = Packing::Running;
        true
    }

    /// The youngest backup that is not packed yet.
    pub(in crate::master::programs) fn next_job(&mut self, now_us: u64) -> Next {
        if self.packing != Packing::Running {
            return Next::Nothing;
        }
        let found = match self.lend(Whose::Nobody, now_us, |disk| Done::Found(disk.next_job())) {
            Ok(Lent::Back(Done::Found(found))) => found,
            Ok(Lent::Back(_) | Lent::Away) | Err(_) => return Next::Later,
        };
        if found.is_none() {
            self.packing = Packing::Idle;
        }
        found.map_or(Next::Nothing, Next::Job)
    }

    /// Gives a packed file its place.
    pub(in crate::master::programs) fn packed(
        &mut self,
        job: Job,
        result: io::Result<Ran>,
        now_us: u64,
    ) {
        let source = job.source.display().to_string();
        let placed = self
            .lend(Whose::Nobody, now_us, move |disk| Done::Placed(disk.put_in_place(&job, result)));
        match placed {
            Ok(Lent::Back(Done::Placed(Err(error)))) => {
                self.fails_to_pack(&format!("{source}: {error}"), now_us);
            }
            // What is not placed after all is found again by who looks for the next job.
            Ok(Lent::Back(_) | Lent::Away) | Err(_) => {}
        }
    }

    /// Whether its file system may hold up whoever packs its files.
    pub(in crate::master::programs) fn is_distant(&self) -> bool {
        self.disk.is_distant
    }

    /// Nothing is packed until there is a reason to try again.
    pub(in crate::master::programs) fn fails_to_pack(&mut self, why: &str, now_us: u64) {
        self.packing = Packing::Failed;
        self.trouble.warn(&format!("compress {why}"), now_us);
    }
}

impl Disk {
    fn next_job(&mut self) -> Option<Job> {
        let target = with(&self.path, ".packing");
        // Of a master that was killed while packing.
        let _there_may_be_none = fs::remove_file(&target);
        let job = (1..=self.limits.backups).map_while(|number| {
            let source = backup(&self.path, number);
            let is_packed = PACKED.iter().any(|ending| with(&source, ending).exists());
            let inode = fs::metadata(&source).ok().map(|metadata| metadata.ino());
            match (inode, is_packed) {
                (None, false) => None,
                (None, true) => Some(None),
                (Some(_), true) => {
                    let _tried_again_later = fs::remove_file(&source);
                    Some(None)
                }
                (Some(inode), false) => Some(Some((source, inode))),
            }
        });
        let (source, inode) = job.flatten().next()?;
        let how = self.limits.compress;
        (how != Compress::No).then_some(Job { source, inode, target, how })
    }

    fn put_in_place(&mut self, job: &Job, result: io::Result<Ran>) -> io::Result<()> {
        let is_source =
            |path: &PathBuf| fs::metadata(path).is_ok_and(|metadata| metadata.ino() == job.inode);
        let source =
            (1..=self.limits.backups).map(|number| backup(&self.path, number)).find(is_source);
        match (result, source) {
            (Ok(Ran::Packed), Some(source)) => {
                fs::rename(&job.target, with(&source, ending(job.how)))
                    .and_then(|()| fs::remove_file(&source))
            }
            // Pushed out meanwhile.
            (Ok(Ran::Packed), None) => fs::remove_file(&job.target),
            (Ok(Ran::Moved), _) => Ok(()),
            (Err(error), _) => {
                let _tried_again_later = fs::remove_file(&job.target);
                Err(error)
            }
        }
    }
}

impl Job {
    /// Takes its time; for a thread of its own.
    pub(in crate::master::programs) fn run(&self) -> io::Result<Ran> {
        let mut source = match File::open(&self.source) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ran::Moved),
            source => source?,
        };
        if source.metadata()?.ino() != self.inode {
            return Ok(Ran::Moved);
        }
        // Nobody reads of it what they may not read of the source.
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let target = options.open(&self.target)?;
        target.set_permissions(source.metadata()?.permissions())?;
        let target = match self.how {
            Compress::Zstd => {
                let mut encoder = zstd::Encoder::new(target, ZSTD_LEVEL)?;
                io::copy(&mut source, &mut encoder)?;
                encoder.finish()?
            }
            Compress::Gzip | Compress::No => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                let mut encoder = flate2::write::GzEncoder::new(target, level);
                io::copy(&mut source, &mut encoder)?;
                encoder.finish()?
            }
        };
        // Before the original goes.
        target.sync_all().map(|()| Ran::Packed)
    }
}

fn ending(how: Compress) -> &'static str {
    match how {
        Compress::Zstd => PACKED[1],
        Compress::Gzip | Compress::No => PACKED[0],
    }
}

pub(super) fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
