//! What programs wrote: from their files, or what is kept in memory where a program has none.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::Master;
use super::super::programs::Source;
use super::super::programs::event::InstanceId;
use super::Reply;
use super::names::Member;
use crate::config::limits::{LOG_READ_WAIT_MS, RPC_LOG_BYTES_MAX, RPC_TAIL_QUEUE_MAX};
use crate::control::call::{ALL, ProgramTarget};
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::method::{Channel, Stretch};
use crate::control::rpc::shape::Outcome;
use crate::control::rpc::value::Value;
use crate::sys::apart;
use crate::sys::blocking::{self, Begun, PATIENCE, Pool};
use crate::sys::file::open_for_reading;

/// What a follower is given of what there is.
const HEAD_BYTES: u64 = 1024;

/// Where a log can be read.
enum Log {
    File(File),
    Memory(String),
}

impl Log {
    fn bytes(&self) -> std::io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Memory(text) => Ok(text.len() as u64),
        }
    }

    /// At most as much as one answer may hold.
    fn read(&self, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
        let length = length.min(RPC_LOG_BYTES_MAX);
        match self {
            Self::File(file) => {
                let mut bytes = Vec::new();
                let mut file = file;
                file.seek(SeekFrom::Start(offset))?;
                file.take(length).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
            Self::Memory(text) => {
                let bytes = text.as_bytes().iter();
                Ok(bytes.skip(offset as usize).take(length as usize).copied().collect())
            }
        }
    }
}

/// Where a log may be.
enum Place {
    File {
        path: PathBuf,
        /// It is made with the first byte, while Supervisor's is made with the process.
        has_lived: bool,
    },
    Memory(String),
}

impl Place {
    /// Waits for the file system.
    fn open(self) -> Result<Log, Fault> {
        match self {
            Self::Memory(text) => Ok(Log::Memory(text)),
            Self::File { path, has_lived } => match open_for_reading(&path) {
                Ok(file) => Ok(Log::File(file)),
                Err(error) if error.kind() == ErrorKind::NotFound && has_lived => {
                    Ok(Log::Memory(String::new()))
                }
                Err(_) => Err(Code::NoFile.of(path.display().to_string())),
            },
        }
    }

    fn answer(
        self,
        pool: &Pool,
        reply: Reply,
        read: impl FnOnce(Result<Log, Fault>) -> Result<Value, Fault> + Send + 'static,
    ) {
        match &self {
            Self::File { path, .. } => {
                let name = path.display().to_string();
                answer_beside(pool, &name, reply, move || read(self.open()));
            }
            Self::Memory(_) => {
                let _nobody_waits = reply.send(read(self.open()));
            }
        }
    }
}

/// Has a file read where its file system can hold up nobody but whoever asks, and answers then, or
/// after a while that it does not answer. `name`: the file's.
pub(super) fn answer_beside(
    pool: &Pool,
    name: &str,
    reply: Reply,
    read: impl FnOnce() -> Result<Value, Fault> + Send + 'static,
) {
    let silent = Code::Failed.of(format!("{name}: its file system does not answer"));
    let read = move || apart::run(read).unwrap_or_else(|_no_thread| Err(Code::Failed.alone()));
    let late = match pool.call_at(blocking::Place::named(name), PATIENCE, read) {
        Ok(Begun::Done(answer)) => {
            let _nobody_waits = reply.send(answer);
            return;
        }
        Ok(Begun::Late(late)) => late,
        Err(_) => {
            let _nobody_waits = reply.send(Err(silent));
            return;
        }
    };
    tokio::task::spawn_local(async move {
        let limit = Duration::from_millis(LOG_READ_WAIT_MS);
        let answer = tokio::time::timeout(limit, late.answered()).await.unwrap_or(Err(silent));
        let _nobody_waits = reply.send(answer);
    });
}

/// The stretch of a file's log; the same rules for the engine's own.
pub(super) fn read_file(path: &Path, stretch: Stretch) -> Result<Value, Fault> {
    let file = open_for_reading(path).map_err(|_| Code::NoFile.of(path.display().to_string()))?;
    read(&Log::File(file), stretch)
}

/// From the end with a negative offset, to the end with no length.
fn read(log: &Log, stretch: Stretch) -> Result<Value, Fault> {
    let failed = |_| Code::Failed.alone();
    let size = log.bytes().map_err(failed)?;
    let (offset, length) = match (stretch.offset, stretch.length) {
        (..0, 0) => {
            let back = stretch.offset.unsigned_abs().min(size).min(RPC_LOG_BYTES_MAX);
            (size - back, back)
        }
        (..0, _) | (_, ..0) => return Err(Code::BadArguments.alone()),
        (offset, 0) => (offset.unsigned_abs(), size.saturating_sub(offset.unsigned_abs())),
        (offset, length) => (offset.unsigned_abs(), length.unsigned_abs()),
    };
    let bytes = log.read(offset, length).map_err(failed)?;
    Ok(Value::Text(text(&bytes)))
}

/// The last `length` bytes when there are more than asked for; then the end and whether there were.
fn tail(log: &Log, stretch: Stretch) -> Result<Value, Fault> {
    let failed = |_| Code::Failed.alone();
    let size = i64::try_from(log.bytes().map_err(failed)?).unwrap_or(i64::MAX);
    let most = i64::try_from(RPC_LOG_BYTES_MAX).unwrap_or(i64::MAX);
    let length = stretch.length.clamp(0, most);
    let is_more = size > stretch.offset.saturating_add(stretch.length.min(most));
    let from = if is_more { size - 1 } else { stretch.offset };
    let (from, length) = match from.saturating_add(length) > size {
        true if from > size - 1 => (size, 0),
        true => (size - length, length),
        false => (from, length),
    };
    let from = from.max(0).unsigned_abs();
    let bytes = log.read(from, length.unsigned_abs()).map_err(failed)?;
    Ok(Value::Array(vec![Value::Text(text(&bytes)), Value::Int(size), Value::Boolean(is_more)]))
}

/// A log's bytes as text; one that begins inside a character loses what is left of it.
fn text(bytes: &[u8]) -> String {
    let is_inner = |byte: &u8| byte & 0xc0 == 0x80;
    let cut = bytes.iter().take(3).take_while(|byte| is_inner(byte)).count();
    String::from_utf8_lossy(&bytes[cut..]).into_owned()
}

impl Master {
    pub(super) fn read_log(
        &self,
        (name, channel): (&str, Channel),
        stretch: Stretch,
        reply: Reply,
    ) {
        match self.process_named(name).and_then(|member| self.log(&member, channel)) {
            Ok(place) => {
                place.answer(self.programs.log_pool(), reply, move |log| read(&log?, stretch));
            }
            Err(fault) => {
                let _nobody_waits = reply.send(Err(fault));
            }
        }
    }

    pub(super) fn tail_log(
        &self,
        (name, channel): (&str, Channel),
        stretch: Stretch,
        reply: Reply,
    ) {
        let nothing = || Value::Array(vec![Value::text(""), Value::Int(0), Value::Boolean(false)]);
        let answer = match self.process_named(name).map(|member| self.log(&member, channel)) {
            Ok(Ok(place)) => {
                return place.answer(self.programs.log_pool(), reply, move |log| match log {
                    Ok(log) => tail(&log, stretch),
                    Err(_nothing_to_read) => Ok(nothing()),
                });
            }
            Ok(Err(_nothing_to_read)) => Ok(nothing()),
            Err(fault) => Err(fault),
        };
        let _nobody_waits = reply.send(answer);
    }

    fn log(&self, member: &Member, channel: Channel) -> Result<Place, Fault> {
        let source = source(channel);
        let Some(path) = self.programs.log_file(&member.id, source) else {
            let kept = self.programs.kept_text(&member.id, source);
            return kept.map(Place::Memory).ok_or_else(|| Code::NoFile.alone());
        };
        let has_lived = self.programs.view(&member.id).is_some_and(|view| view.started_s > 0);
        Ok(Place::File { path, has_lived })
    }

    /// The end of the log, then what comes. Of a file whose file system does not answer at once, only
    /// what comes.
    pub(super) fn follow_log(
        &mut self,
        name: &str,
        channel: Channel,
    ) -> Option<mpsc::Receiver<Bytes>> {
        let member = self.process_named(name).ok()?;
        let place = self.log(&member, channel).ok()?;
        let head = match &place {
            Place::Memory(_) => head(place)?,
            Place::File { path, .. } => {
                let at = blocking::Place::named(path.display().to_string());
                match self
                    .programs
                    .log_pool()
                    .call_at(at, PATIENCE, move || apart::run(|| head(place)))
                {
                    Ok(Begun::Done(head)) => head.ok()??,
                    Ok(Begun::Late(_)) | Err(_) => Vec::new(),
                }
            }
        };
        let coming = self.programs.tap(&member.id, source(channel))?;
        Some(readable(head, coming))
    }

    pub(super) fn clear_logs(&mut self, name: &str, by: &str) -> Result<Value, Fault> {
        let member = self.process_named(name)?;
        let (name, instance) = (member.id.program.clone(), Some(member.id.instance));
        let target = ProgramTarget { name, instance, incarnation: None };
        let cleared = self.programs.clear_for(&target, by);
        if cleared.iter().all(|(_, cleared)| cleared.is_ok()) {
            Ok(true.into())
        } else {
            Err(Code::Failed.of(member.name()))
        }
    }

    pub(super) fn clear_all_logs(&mut self, by: &str) -> Value {
        let all = ProgramTarget { name: ALL.to_owned(), instance: None, incarnation: None };
        let failed: BTreeSet<InstanceId> = self
            .programs
            .clear_for(&all, by)
            .into_iter()
            .filter_map(|(id, cleared)| cleared.is_err().then_some(id))
            .collect();
        let outcome = |member: Member| {
            let result = if failed.contains(&member.id) {
                Err(Code::Failed.of(member.name()))
            } else {
                Ok(())
            };
            Outcome { group: member.group, process: member.process, result }.value()
        };
        Value::Array(self.members().into_iter().map(outcome).collect())
    }
}

fn head(place: Place) -> Option<Vec<u8>> {
    let log = place.open().ok()?;
    let size = log.bytes().ok()?;
    log.read(size.saturating_sub(HEAD_BYTES), HEAD_BYTES).ok()
}

fn source(channel: Channel) -> Source {
    match channel {
        Channel::Stdout => Source::Stdout,
        Channel::Stderr => Source::Stderr,
    }
}

/// Pieces that are UTF-8 each: a character that is cut comes whole with the next piece.
pub(super) fn readable(head: Vec<u8>, mut coming: mpsc::Receiver<Bytes>) -> mpsc::Receiver<Bytes> {
    let (pieces, receiver) = mpsc::channel(RPC_TAIL_QUEUE_MAX);
    tokio::task::spawn_local(async move {
        let mut waiting = Vec::new();
        let mut next = Some(Bytes::from(head));
        while let Some(bytes) = next {
            waiting.extend_from_slice(&bytes);
            let piece = take_text(&mut waiting);
            if !piece.is_empty() && pieces.send(Bytes::from(piece)).await.is_err() {
                return;
            }
            next = tokio::select! {
                coming = coming.recv() => coming,
                () = pieces.closed() => None,
            };
        }
    });
    receiver
}

/// What is whole of it; at most three bytes stay.
fn take_text(waiting: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(waiting) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) => waiting.len(),
        Err(_) => {
            let cut = waiting.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80);
            let last = cut.map_or(waiting.len(), |back| waiting.len() - 1 - back);
            match std::str::from_utf8(&waiting[last..]) {
                Err(error) if error.error_len().is_none() => last,
                Ok(_) | Err(_) => waiting.len(),
            }
        }
    };
    let rest = waiting.split_off(whole);
    let text = String::from_utf8_lossy(waiting).into_owned();
    *waiting = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(log: &str, offset: i64, length: i64) -> Result<String, i64> {
        match read(&Log::Memory(log.to_owned()), Stretch { offset, length }) {
            Ok(Value::Text(text)) => Ok(text),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault.number()),
        }
    }

    #[test]
    fn stretches_are_read_as_supervisor_does() {
        let log = "hi there\nabc\n";
        for (offset, length, expected) in [
            (-4, 0, Ok("abc\n")),
            (-400, 0, Ok(log)),
            (0, 0, Ok(log)),
            (9, 0, Ok("abc\n")),
            (9, 2, Ok("ab")),
            (99, 0, Ok("")),
            (-4, 1, Err(3)),
            (0, -1, Err(3)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(part(log, offset, length), expected, "{offset} {length}");
        }
        assert_eq!(part("a\u{e9}b", -2, 0), Ok("b".to_owned()), "half a character is left out");
    }

    #[test]
    fn of_what_is_too_long_the_end_is_read() {
        let most = usize::try_from(RPC_LOG_BYTES_MAX).unwrap();
        let log = "x".repeat(most) + "end";
        assert!(part(&log, -2 * i64::try_from(most).unwrap(), 0).unwrap().ends_with("xend"));
        let stretch = Stretch { offset: 0, length: i64::MAX };
        let Ok(Value::Array(answer)) = tail(&Log::Memory(log), stretch) else { panic!() };
        let [Value::Text(text), _, Value::Boolean(true)] = answer.as_slice() else { panic!() };
        assert!(text.ends_with("xend") && text.len() == most);
    }

    #[test]
    fn tails_are_read_as_supervisor_does() {
        let log = Log::Memory("hi there\nabc\n".to_owned());
        for (offset, length, text, is_more) in [
            (0, 100, "hi there\nabc\n", false),
            (0, 2, "c\n", true),
            (13, 10, "", false),
            (0, 13, "hi there\nabc\n", false),
            (0, -1, "", true),
        ] {
            let expected = vec![Value::text(text), Value::Int(13), Value::Boolean(is_more)];
            let found = tail(&log, Stretch { offset, length });
            assert_eq!(found, Ok(Value::Array(expected)), "{offset} {length}");
        }
    }

    #[test]
    fn a_character_that_is_cut_waits_for_its_rest() {
        let mut waiting = b"a\xc3".to_vec();
        assert_eq!((take_text(&mut waiting).as_str(), waiting.as_slice()), ("a", &b"\xc3"[..]));
        waiting.extend_from_slice(b"\xa9\xffb\xe2\x82");
        assert_eq!(take_text(&mut waiting), "\u{e9}\u{fffd}b");
        assert_eq!(waiting, b"\xe2\x82");
        waiting.extend_from_slice(b"x");
        assert_eq!(take_text(&mut waiting), "\u{fffd}x");
    }
}
