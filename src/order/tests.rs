//! Every message survives the line, and no bytes from it can panic a reader.

use proptest::prelude::*;

use super::keeper::{FromKeeper, KEY_BYTES_MAX, Key, ToKeeper};
use super::worker::{FromWorker, ToWorker};
use crate::sys::pidfd::Exit;

#[test]
fn every_message_decodes_to_itself() {
    let key = Key::new(&"k".repeat(KEY_BYTES_MAX)).unwrap();
    for message in [
        ToKeeper::Store { key },
        ToKeeper::Drop { key },
        ToKeeper::Stop { status: 255 },
        ToKeeper::Patience { stop_ms: u64::MAX },
        ToKeeper::Stopping,
        ToKeeper::Upgrade,
    ] {
        assert_eq!(ToKeeper::decode(message.encode().as_ref()), Ok(message));
    }
    for message in [
        FromKeeper::Stored { key },
        FromKeeper::Ready { starts: 7 },
        FromKeeper::Exited { pid: 42, exit: Exit::Code(3) },
        FromKeeper::Exited { pid: u32::MAX, exit: Exit::Signal(9) },
        FromKeeper::Signal { number: 15 },
    ] {
        assert_eq!(FromKeeper::decode(message.encode().as_ref()), Ok(message));
    }
    let address = "[2001:db8:1111:2222:3333:4444:5555:6666%4294967295]:65535".to_owned();
    let path = format!("unix:{}", "p".repeat(107));
    for message in [
        ToWorker::Start { slot: 63 },
        ToWorker::Generation { number: 2 },
        ToWorker::Listen { address },
        ToWorker::Unlisten { address: path },
        ToWorker::Drain { deadline_us: u64::MAX },
        ToWorker::Reopen { number: 9 },
        ToWorker::Bell,
        ToWorker::Files { first: u16::MAX, opened: u64::MAX },
        ToWorker::TakeFiles,
    ] {
        assert_eq!(ToWorker::decode(message.encode().as_ref()), Ok(message));
    }
    for message in [
        FromWorker::Running { generation: 1 },
        FromWorker::Drained,
        FromWorker::Reopened { number: 9, failing: 2 },
    ] {
        assert_eq!(FromWorker::decode(message.encode().as_ref()), Ok(message));
    }
}

#[test]
fn a_key_is_bounded() {
    assert_eq!(Key::new(""), None);
    assert_eq!(Key::new(&"k".repeat(KEY_BYTES_MAX + 1)), None);
    assert_eq!(Key::new("program/web/0").unwrap().as_str(), "program/web/0");
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        // What decodes, encodes to something that decodes to the same.
        if let Ok(message) = ToKeeper::decode(&bytes) {
            prop_assert_eq!(ToKeeper::decode(message.encode().as_ref()), Ok(message));
        }
        if let Ok(message) = FromKeeper::decode(&bytes) {
            prop_assert_eq!(FromKeeper::decode(message.encode().as_ref()), Ok(message));
        }
        if let Ok(message) = ToWorker::decode(&bytes) {
            prop_assert_eq!(ToWorker::decode(message.encode().as_ref()), Ok(message));
        }
        if let Ok(message) = FromWorker::decode(&bytes) {
            prop_assert_eq!(FromWorker::decode(message.encode().as_ref()), Ok(message));
        }
    }
}
