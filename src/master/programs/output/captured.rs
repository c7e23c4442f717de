//! A stream with messages in it, between Supervisor's marks ([`crate::supervise::capture`]).
//!
//! A short message stays in its pipe until it is whole, so that a kill of the master can not cut it
//! in two; a long one is taken as it comes.

use super::file::lend::Head;
use super::{Output, Source, Tail, Taken};
use crate::config::limits::PROGRAM_BEGUN_BYTES_MAX;
use crate::supervise::capture::{Capture, Piece};
use crate::sys;

impl Output {
    /// Of the messages of a stream, so many bytes each; 0: there are none in it.
    pub(super) fn set_capture(&mut self, source: Source, bytes_max: usize) {
        let capture = &mut self.channel_mut(source).capture;
        match capture {
            _ if bytes_max == 0 => *capture = None,
            Some(capture) => capture.set_bytes_max(bytes_max),
            None => *capture = Some(Capture::new(bytes_max)),
        }
    }

    /// Takes of what is `seen` in the pipe the text before the next mark, or the messages it begins
    /// with.
    pub(super) fn pour(
        &mut self,
        source: Source,
        head: Head<'_>,
        seen: &[u8],
        tail: Tail,
    ) -> Taken {
        // Ahead of what is taken out of the pipe, of which the last step is no text.
        let mut passed = 0;
        let mut last = None;
        while passed < seen.len() {
            let rest = &seen[passed..];
            let Some(capture) = self.channel(source).capture.as_ref() else {
                return self.pour_text(source, head, rest, tail);
            };
            let piece = capture.next(rest);
            let is_left = match piece {
                Piece::Begun(_) => tail == Tail::Leave,
                Piece::Mark(_) => {
                    tail == Tail::Leave
                        && !capture.is_within()
                        && rest.len() < PROGRAM_BEGUN_BYTES_MAX
                        && !Capture::is_whole(rest)
                }
                Piece::Held | Piece::Text(_) => false,
            };
            match piece {
                _ if is_left => last = Some(Taken::Begun),
                Piece::Text(count) if !capture.is_within() => {
                    if passed > 0 {
                        break;
                    }
                    // With a mark behind it, no line end can follow.
                    let tail = if count < rest.len() { Tail::Take } else { tail };
                    return self.pour_text(source, head, &rest[..count], tail);
                }
                Piece::Held | Piece::Text(_) | Piece::Mark(_) | Piece::Begun(_) => {
                    passed += self.pass(source, piece, rest);
                }
            }
            if is_left {
                break;
            }
        }
        match (passed, last) {
            (0, Some(last)) => last,
            (_, _) => match sys::peek::discard(head.pipe, passed) {
                Ok(()) => Taken::Bytes(passed),
                // Reading tells what is wrong with it.
                Err(_) => Taken::Held,
            },
        }
    }

    /// Takes what the program wrote and is nowhere else.
    pub(super) fn take(&mut self, source: Source, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(capture) = self.channel(source).capture.as_ref() else {
                return self.take_text(source, rest);
            };
            let count = match capture.next(rest) {
                Piece::Text(count) if !capture.is_within() => {
                    self.take_text(source, &rest[..count]);
                    count
                }
                piece => self.pass(source, piece, rest),
            };
            rest = &rest[count..];
        }
    }

    /// What is no text of the log; how many bytes it was.
    fn pass(&mut self, source: Source, piece: Piece, bytes: &[u8]) -> usize {
        let Self { stdout, stderr, voice, .. } = self;
        let channel = match source {
            Source::Stdout => stdout,
            Source::Stderr => stderr,
        };
        let Some(capture) = channel.capture.as_mut() else { return 0 };
        match piece {
            Piece::Held => {
                let (is_within, held) = (capture.is_within(), capture.take_held());
                if is_within {
                    self.keep(source, held);
                } else {
                    self.take_text(source, held);
                }
                0
            }
            Piece::Text(count) => {
                self.keep(source, &bytes[..count]);
                count
            }
            Piece::Mark(count) => {
                if let (Some(message), Some(voice)) = (capture.pass_mark(), voice) {
                    voice.sent(source, &message);
                }
                count
            }
            Piece::Begun(count) => {
                capture.hold(count);
                count
            }
        }
    }

    /// Text of a message, which listeners of the whole output hear of, too.
    fn keep(&mut self, source: Source, bytes: &[u8]) {
        let Self { stdout, stderr, voice, .. } = self;
        let channel = match source {
            Source::Stdout => stdout,
            Source::Stderr => stderr,
        };
        let stripped = channel.sinks.strip(bytes);
        let bytes = stripped.as_deref().unwrap_or(bytes);
        if let (Some(voice), true) = (voice, channel.is_told) {
            voice.wrote(source, bytes);
        }
        if let Some(capture) = &mut channel.capture {
            capture.keep(bytes);
        }
    }

    /// The stream has ended, perhaps within a mark or a message.
    pub(super) fn end_capture(&mut self, source: Source) {
        let Some(capture) = self.channel_mut(source).capture.as_mut() else { return };
        let is_within = capture.is_within();
        let held = capture.take_held();
        let lost = capture.end();
        if !is_within && !held.is_empty() {
            self.take_text(source, held);
        }
        if let Some(lost) = lost {
            self.mark(format!("a message to listeners was not ended: its {lost} bytes are lost"));
        }
    }
}
