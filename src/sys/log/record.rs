//! A line of the log as a message: when, how bad, and the line without its time.

use super::Level;

/// Bytes of a message; a longer text is cut.
pub(crate) const RECORD_BYTES_MAX: usize = 4096;
/// The time and the level.
const HEAD_BYTES: usize = 9;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) wall_ms: u64,
    pub(crate) level: Level,
    /// `[notice] 4121 who: text`
    pub(crate) text: String,
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEAD_BYTES + self.text.len());
        message.extend_from_slice(&self.wall_ms.to_le_bytes());
        message.push(self.level as u8);
        let bytes = self.text.floor_char_boundary(RECORD_BYTES_MAX - HEAD_BYTES);
        message.extend_from_slice(&self.text.as_bytes()[..bytes]);
        message
    }

    /// `None`: no message of ours.
    pub(crate) fn decode(message: &[u8]) -> Option<Self> {
        let (wall_ms, rest) = message.split_first_chunk()?;
        let (level, text) = rest.split_first()?;
        let mut levels = [Level::Alert, Level::Error, Level::Warn, Level::Notice].into_iter();
        Some(Self {
            wall_ms: u64::from_le_bytes(*wall_ms),
            level: levels.find(|known| *known as u8 == *level)?,
            text: String::from_utf8_lossy(text).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_no_message_panics() {
        for level in [Level::Alert, Level::Error, Level::Warn, Level::Notice] {
            let record = Record { wall_ms: 1_795_349_071_999, level, text: "[x] 1 é: y".into() };
            let message = record.encode();
            assert_eq!(Record::decode(&message), Some(record));
            for cut in 0..HEAD_BYTES {
                assert_eq!(Record::decode(&message[..cut]), None);
            }
        }
        assert_eq!(Record::decode(&[9; HEAD_BYTES]), None);
        assert!(Record::decode(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]).is_some());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = Record { wall_ms: 1, level: Level::Warn, text: "é".repeat(RECORD_BYTES_MAX) };
        let message = long.encode();
        assert!(message.len() <= RECORD_BYTES_MAX && message.len() > RECORD_BYTES_MAX - 2);
        let read = Record::decode(&message).expect("a record");
        assert!(read.text.chars().all(|char| char == 'é'));
    }
}
