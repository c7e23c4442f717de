//! What a program says of itself by `sd_notify`: lines of `NAME=value` in one datagram.
//!
//! Total: any bytes give some words. What is not known or not well formed is left out, since a
//! program may say more than one supervisor understands.

/// Longer texts are cut; they are for one line of a table.
pub(crate) const STATUS_CHARS_MAX: usize = 200;
/// Words of one datagram that are looked at.
pub(crate) const WORDS_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Ready,
    Reloading,
    Stopping,
    /// How it is, in its own words; on one line, without control characters.
    Status(String),
    /// Which process is the main one.
    MainPid(u32),
    /// It is alive.
    Watchdog,
    /// It asks to be ended as if it had not said so in time.
    WatchdogTrigger,
    /// Its start takes so much longer.
    ExtendTimeout {
        us: u64,
    },
}

pub(crate) fn parse(datagram: &[u8]) -> Vec<Word> {
    datagram.split(|byte| *byte == b'\n').filter_map(word).take(WORDS_MAX).collect()
}

fn word(line: &[u8]) -> Option<Word> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&line[..at], &line[at + 1..]);
    match (name, value) {
        (b"READY", b"1") => Some(Word::Ready),
        (b"RELOADING", b"1") => Some(Word::Reloading),
        (b"STOPPING", b"1") => Some(Word::Stopping),
        (b"WATCHDOG", b"1") => Some(Word::Watchdog),
        (b"WATCHDOG", b"trigger") => Some(Word::WatchdogTrigger),
        (b"STATUS", text) => Some(Word::Status(status(text))),
        (b"MAINPID", digits) => {
            let pid = number(digits).and_then(|pid| i32::try_from(pid).ok())?;
            (pid > 0).then_some(Word::MainPid(pid.unsigned_abs()))
        }
        (b"EXTEND_TIMEOUT_USEC", digits) => number(digits).map(|us| Word::ExtendTimeout { us }),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()
}

fn status(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).take(STATUS_CHARS_MAX).collect()
}

/// What must hold for any datagram; also run by the fuzzer.
#[cfg(any(test, fuzzing))]
pub(crate) fn holds_for(datagram: &[u8]) {
    let words = parse(datagram);
    assert!(words.len() <= WORDS_MAX);
    for word in words {
        match word {
            Word::Status(text) => {
                assert!(text.chars().count() <= STATUS_CHARS_MAX);
                assert!(!text.chars().any(char::is_control));
            }
            Word::MainPid(pid) => assert!(pid > 0 && i32::try_from(pid).is_ok()),
            Word::Ready
            | Word::Reloading
            | Word::Stopping
            | Word::Watchdog
            | Word::WatchdogTrigger
            | Word::ExtendTimeout { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_known_and_everything_else_is_left_out() {
        let cases: [(&[u8], Vec<Word>); 12] = [
            (b"READY=1", vec![Word::Ready]),
            (b"READY=1\n", vec![Word::Ready]),
            (b"READY=0", vec![]),
            (b"READY", vec![]),
            (b"", vec![]),
            (
                b"STATUS=Loading 3 of 4\nEXTEND_TIMEOUT_USEC=5000000",
                vec![
                    Word::Status("Loading 3 of 4".to_owned()),
                    Word::ExtendTimeout { us: 5_000_000 },
                ],
            ),
            (b"STATUS=\x1b[31mred\xff=1", vec![Word::Status("[31mred\u{fffd}=1".to_owned())]),
            (b"MAINPID=12\nMAINPID=0\nMAINPID=-1\nMAINPID=99999999999", vec![Word::MainPid(12)]),
            (b"EXTEND_TIMEOUT_USEC=+1\nEXTEND_TIMEOUT_USEC=", vec![]),
            (b"WATCHDOG=1\nWATCHDOG=trigger", vec![Word::Watchdog, Word::WatchdogTrigger]),
            (b"RELOADING=1\nMONOTONIC_USEC=12", vec![Word::Reloading]),
            (b"STOPPING=1\nX_OURS=1\n=\n\n", vec![Word::Stopping]),
        ];
        for (datagram, words) in cases {
            assert_eq!(parse(datagram), words, "{}", String::from_utf8_lossy(datagram));
        }
        assert_eq!(parse(&b"READY=1\n".repeat(1000)).len(), WORDS_MAX);
    }

    /// What the fuzzer has gathered.
    #[test]
    fn the_corpus_keeps_every_promise() {
        let folder = std::path::Path::new("tests/corpus/notice");
        let entries = std::fs::read_dir(folder).expect("tests run in the package's folder");
        let mut count = 0;
        for entry in entries {
            let path = entry.expect("the folder is readable").path();
            holds_for(&std::fs::read(path).expect("a file"));
            count += 1;
        }
        assert!(count > 20, "{} is seeded", folder.display());
    }

    proptest! {
        #[test]
        fn any_bytes_give_bounded_words(datagram in prop::collection::vec(any::<u8>(), 0..300)) {
            holds_for(&datagram);
        }

        #[test]
        fn lines_like_the_known_ones_too(
            lines in prop::collection::vec("(READY|STATUS|MAINPID|WATCHDOG|EXTEND_TIMEOUT_USEC)=[ -~0-9\u{0}-\u{ff}]{0,30}", 0..40)
        ) {
            holds_for(lines.join("\n").as_bytes());
        }
    }
}
