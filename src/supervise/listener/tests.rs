//! The protocol's words in all pieces, and the buffer's order and losses.

use proptest::prelude::*;

use super::*;

const RESULT_MAX: usize = 100;

fn room(events: usize) -> Room {
    Room { events, bytes: 100 }
}

fn listener(standing: Standing) -> Listener {
    Listener::new(standing, RESULT_MAX)
}

#[track_caller]
fn check(standing: Standing, bytes: &str, said: &[Said], after: Standing) {
    for size in 1..=bytes.len().max(1) {
        let mut listener = listener(standing);
        let pieces = bytes.as_bytes().chunks(size);
        let heard: Vec<Said> = pieces.flat_map(|piece| listener.take(piece)).collect();
        assert_eq!((heard.as_slice(), listener.standing()), (said, after), "{bytes:?} by {size}");
    }
}

#[test]
fn words_in_any_pieces() {
    use Said::{Accepted, Ready, Rejected};
    check(Standing::Acknowledged, "READY\n", &[Ready], Standing::Ready);
    check(Standing::Acknowledged, "READY", &[], Standing::Acknowledged);
    check(Standing::Busy, "RESULT 2\nOK", &[Accepted], Standing::Acknowledged);
    check(Standing::Busy, "RESULT 4\nFAIL", &[Rejected], Standing::Acknowledged);
    check(Standing::Busy, "RESULT 3\nOKA", &[Rejected], Standing::Acknowledged);
    check(Standing::Busy, "RESULT 0\n", &[Rejected], Standing::Acknowledged);
    check(Standing::Busy, "RESULT 2\nO", &[], Standing::Busy);
    check(Standing::Busy, "RESULT 2\nOKREADY\n", &[Accepted, Ready], Standing::Ready);
}

#[track_caller]
fn check_nonsense(standing: Standing, bytes: &str, text: &str) {
    let said = listener(standing).take(bytes.as_bytes());
    assert_eq!(said, [Said::Nonsense(text.to_owned())]);
}

#[test]
fn what_the_protocol_does_not_have() {
    let long = format!("RESULT {}", "1".repeat(40));
    let shown = format!("said \"RESULT {}\" in place of RESULT", "1".repeat(33));
    check_nonsense(Standing::Acknowledged, "hello", "said \"hello\" in place of READY");
    check_nonsense(Standing::Ready, "\n", "said \"\\n\" while it waited for an event");
    check_nonsense(Standing::Busy, "OK\n", "said \"OK\\n\" in place of RESULT");
    check_nonsense(Standing::Busy, "RESULT x\n", "said \"RESULT x\\n\" in place of RESULT");
    check_nonsense(Standing::Busy, "RESULT -1\n", "said \"RESULT -1\\n\" in place of RESULT");
    check_nonsense(Standing::Busy, "RESULT 101\n", "said \"RESULT 101\\n\" in place of RESULT");
    check_nonsense(Standing::Busy, &long, &shown);
}

#[test]
fn an_envelope_counts_characters() {
    let mut pool = Pool::default();
    pool.push(7, ("REMOTE_COMMUNICATION", "type:a\né"), room(10));
    let envelope = pool.pop().unwrap().envelope("site", "watch");
    assert_eq!(
        envelope,
        "ver:3.0 server:site serial:7 pool:watch poolserial:0 eventname:REMOTE_COMMUNICATION \
         len:8\ntype:a\né"
    );
}

fn serials(pool: &Pool) -> Vec<u64> {
    pool.waiting().map(|notice| notice.serial).collect()
}

#[test]
fn the_oldest_is_lost_and_a_rejected_one_is_the_next() {
    let mut pool = Pool::default();
    for serial in 0..4 {
        pool.push(serial, ("TICK_5", ""), room(3));
    }
    assert_eq!((serials(&pool), pool.dropped), (vec![1, 2, 3], 1));
    let first = pool.pop().unwrap();
    pool.put_back(first, room(3));
    assert_eq!((serials(&pool), pool.dropped), (vec![1, 2, 3], 1));
    let first = pool.pop().unwrap();
    pool.push(4, ("TICK_5", ""), room(3));
    // Full by now: it takes the place of the oldest of those that wait.
    pool.put_back(first, room(3));
    assert_eq!((serials(&pool), pool.dropped), (vec![1, 3, 4], 2));
}

#[test]
fn long_events_make_room_by_their_bytes() {
    let mut pool = Pool::default();
    for (serial, length) in [(0, 60), (1, 30), (2, 20)] {
        pool.push(serial, ("TICK_5", &"x".repeat(length)), room(9));
    }
    assert_eq!((serials(&pool), pool.dropped), (vec![1, 2], 1));
    let first = pool.pop().unwrap();
    pool.push(3, ("TICK_5", &"x".repeat(75)), room(9));
    assert_eq!((serials(&pool), pool.dropped), (vec![2, 3], 1));
    pool.put_back(first, room(9));
    assert_eq!((serials(&pool), pool.dropped), (vec![1], 3));
    pool.push(4, ("TICK_5", &"x".repeat(500)), room(9));
    assert_eq!((serials(&pool), pool.dropped), (vec![4], 4), "one is always told");
}

#[test]
fn what_listeners_are_lost_over_is_given_up() {
    let mut pool = Pool::default();
    pool.push(0, ("TICK_5", ""), room(3));
    for loss in 1..=3 {
        let notice = pool.pop().unwrap();
        pool.put_back_after_loss(notice, room(3), 3);
        assert_eq!((pool.waiting().len(), pool.dropped), if loss < 3 { (1, 0) } else { (0, 1) });
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_mean_the_same(
        bytes in proptest::collection::vec(
            prop_oneof![
                Just(b"READY\n".to_vec()),
                Just(b"RESULT 2\nOK".to_vec()),
                Just(b"RESULT 4\nFAIL".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..4),
            ],
            0..8,
        ).prop_map(|pieces| pieces.concat()),
        cut in 0_usize..64,
        busy in any::<bool>(),
    ) {
        let standing = if busy { Standing::Busy } else { Standing::Acknowledged };
        let mut whole = listener(standing);
        let said = whole.take(&bytes);
        let (one, other) = bytes.split_at(cut.min(bytes.len()));
        let mut cut = listener(standing);
        let mut heard = cut.take(one);
        if !matches!(heard.last(), Some(Said::Nonsense(_))) {
            heard.extend(cut.take(other));
        }
        let kinds = |said: &[Said]| -> Vec<std::mem::Discriminant<Said>> {
            said.iter().map(std::mem::discriminant).collect()
        };
        prop_assert_eq!(kinds(&said), kinds(&heard));
        let ready = said.iter().filter(|said| **said == Said::Ready).count();
        prop_assert!(ready <= 1, "nobody gave it an event in between");
    }
}
