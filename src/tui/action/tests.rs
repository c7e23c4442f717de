//! The registry's own rules: nothing twice, nothing dangerous on a key a broken arrow can send. The
//! operator's keys are held to the same.

use super::chord::{self, Chord, ChordError, Code};
use super::keymap::{Keymap, KeymapError, Own};
use super::{Danger, Id, all, of};

#[test]
fn no_two_actions_share_a_key_in_one_context() {
    let keymap = Keymap::default();
    for action in all() {
        for &key in action.keys {
            let rival = keymap.rival(action, key).map(|rival| rival.name);
            assert_eq!(rival, None, "{key} is {}, too", action.name);
        }
    }
}

#[test]
fn every_action_is_there_once_and_explained() {
    for action in all() {
        assert!(std::ptr::eq(of(action.id), action), "{:?} is listed twice", action.id);
        assert!(!action.label.is_empty() && !action.help.is_empty(), "{:?}", action.id);
        let named = all().filter(|other| other.name == action.name);
        assert_eq!(named.count(), 1, "{} names one action", action.name);
    }
}

/// An arrow or function key split across two packets arrives as Esc, `[` or `O`, and its last
/// letter: none of those letters may order anything unasked.
#[test]
fn finals_of_escape_sequences_order_nothing_unasked() {
    for action in all().filter(|action| action.danger == Danger::Weighs) {
        for key in action.keys {
            let is_final = matches!(key.code, Code::Char(char) if "ABCDFHPQRS".contains(char));
            assert!(!is_final, "{:?} on {key}", action.id);
        }
    }
}

fn own(id: Id, keys: &[Chord], line: usize) -> Own {
    Own { id, keys: keys.to_vec(), line }
}

#[test]
fn keys_of_ones_own_take_the_place_of_the_registrys() {
    let keymap = Keymap::new(vec![
        own(Id::Down, &[chord::char('n'), chord::key(Code::Down)], 2),
        own(Id::NextMatch, &[], 3),
        own(Id::Enable, &[chord::char('d')], 4),
        own(Id::Drain, &[chord::char('e')], 5),
    ])
    .unwrap();
    assert!(
        keymap.is_key(Id::Down, chord::char('n')) && !keymap.is_key(Id::Down, chord::char('j'))
    );
    assert_eq!(keymap.name(Id::Down), "n/k");
    assert_eq!(keymap.all(of(Id::Down)), "n Down");
    assert_eq!(keymap.name(Id::Enable), "d", "two may change places");
    assert_eq!(keymap.name(Id::NextMatch), "");
}

#[test]
fn keys_that_would_mislead_are_refused_with_their_line() {
    let check = |own: Vec<Own>, expected: KeymapError| {
        assert_eq!(Keymap::new(own), Err(expected));
    };
    let (d, key) = (chord::char('d'), chord::char('D'));
    check(
        vec![own(Id::Enable, &[d], 7)],
        KeymapError::Shared { line: 7, key: d, one: "enable", other: "drain" },
    );
    check(
        vec![own(Id::Cut, &[], 1), own(Id::Drain, &[key], 2)],
        KeymapError::OfArrows { line: 2, key, name: "drain" },
    );
    check(
        vec![own(Id::Detach, &[chord::char('Z')], 3)],
        KeymapError::Typed { line: 3, key: chord::char('Z'), name: "detach" },
    );
    check(vec![own(Id::Detach, &[], 1), own(Id::Quit, &[], 2)], KeymapError::NoWayOut { line: 2 });
    // What never applies in one place may share: a backend's row is no program's.
    assert!(Keymap::new(vec![own(Id::Start, &[d], 1)]).is_ok());
}

#[test]
fn every_key_is_read_by_the_name_it_is_shown_by() {
    for chord in all().flat_map(|action| action.keys) {
        assert_eq!(chord.to_string().parse(), Ok(*chord), "{chord}");
    }
    for (text, expected) in [
        ("ctrl-d", Ok(chord::ctrl('d'))),
        ("Ctrl-]", Ok(chord::ctrl(']'))),
        ("pgup", Ok(chord::key(Code::PageUp))),
        ("-", Ok(chord::char('-'))),
        ("ä", Ok(chord::char('ä'))),
        ("F12", Ok(chord::key(Code::F(12)))),
        ("F", Ok(chord::char('F'))),
        ("Ctrl-I", Err(ChordError::IsOther("Tab"))),
        ("Ctrl-", Err(ChordError::Unknown)),
        ("Ctrl-7", Err(ChordError::Unknown)),
        ("F99", Err(ChordError::Unknown)),
        ("", Err(ChordError::Unknown)),
        ("dd", Err(ChordError::Unknown)),
        ("Gänge", Err(ChordError::Unknown)),
    ] {
        assert_eq!(text.parse::<Chord>(), expected, "{text:?}");
    }
}
