//! Bytes as terminals send them, whole and in pieces, and what they become.

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, proptest};
use ratatui::layout::Rect;
use tui_input::InputRequest;

use super::message;
use super::parse::{Button, Event, HOLD_PASTE_US, HOLD_US, Parser};
use crate::tui::action::chord::{self, Chord, Code};
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::pointer::{Act, Hit};
use crate::tui::msg::Msg;

/// All that comes of these bytes, told at once and waited for.
fn told(bytes: &[u8]) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut told = parser.feed(bytes, 0);
    told.extend(parser.overdue(HOLD_PASTE_US));
    assert_eq!(parser.wait_us(HOLD_PASTE_US), None, "{bytes:?}");
    told
}

/// The same, each byte for itself and `gap_us` after the one before.
fn in_pieces(bytes: &[u8], gap_us: u64) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut told = Vec::new();
    for (at, byte) in (0_u64..).zip(bytes) {
        told.extend(parser.feed(&[*byte], at * gap_us));
    }
    let end_us = bytes.len() as u64 * gap_us + HOLD_PASTE_US;
    told.extend(parser.overdue(end_us));
    told
}

fn keys(chords: &[Chord]) -> Vec<Event> {
    chords.iter().map(|chord| Event::Key(*chord)).collect()
}

#[test]
fn keys_are_read_as_terminals_send_them_whole_or_in_pieces() {
    let key = chord::key;
    let with_ctrl = |code| Chord { code, is_ctrl: true };
    for (bytes, expected) in [
        (&b"d"[..], vec![chord::char('d')]),
        ("ä日".as_bytes(), vec![chord::char('ä'), chord::char('日')]),
        (
            b"\x04\x1d\x00\r\t\x7f",
            vec![
                chord::ctrl('d'),
                chord::ctrl(']'),
                chord::ctrl(' '),
                key(Code::Enter),
                key(Code::Tab),
                key(Code::Backspace),
            ],
        ),
        (
            b"\x1b[A\x1bOB\x1b[1;5C\x1b[Z",
            vec![key(Code::Up), key(Code::Down), with_ctrl(Code::Right), key(Code::BackTab)],
        ),
        (
            b"\x1b[H\x1b[4~\x1b[5~\x1b[6~\x1b[3~",
            vec![
                key(Code::Home),
                key(Code::End),
                key(Code::PageUp),
                key(Code::PageDown),
                key(Code::Delete),
            ],
        ),
        (
            b"\x1bOP\x1b[15~\x1b[24~\x1b[[B",
            vec![key(Code::F(1)), key(Code::F(5)), key(Code::F(12)), key(Code::F(2))],
        ),
        (b"\x1bq", vec![key(Code::Esc), chord::char('q')]),
        (b"\x1b\x1b[A", vec![key(Code::Esc), key(Code::Up)]),
    ] {
        assert_eq!(told(bytes), keys(&expected), "{bytes:?}");
        assert_eq!(in_pieces(bytes, 1_000), keys(&expected), "{bytes:?} in pieces");
    }
}

#[test]
fn an_escape_is_a_key_when_nothing_follows_it_soon() {
    let mut parser = Parser::default();
    assert_eq!(parser.feed(b"\x1b", 1_000), []);
    assert_eq!(parser.wait_us(2_000), Some(HOLD_US - 1_000));
    assert_eq!(parser.overdue(1_000 + HOLD_US), keys(&[chord::key(Code::Esc)]));
    // A hand was that slow.
    let slow = [chord::key(Code::Esc), chord::char('['), chord::char('A')];
    assert_eq!(in_pieces(b"\x1b[A", HOLD_US), keys(&slow));
}

#[test]
fn what_means_nothing_here_is_passed_over() {
    for bytes in [
        &b"\x1b[?1;2c"[..],
        b"\x1b[I\x1b[O",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]11;rgb:0000\x07",
        b"\x1bP>|xterm\x1b\\",
        b"\x1b[1;2;3;4z",
        b"\xff\xfe\xc3\x28",
        b"\xc2\x9b",
        b"\x1b[<35;3;4M\x1b[<0;3;4m",
    ] {
        let told = told(bytes);
        assert!(told.is_empty() || told == keys(&[chord::char('(')]), "{bytes:?}: {told:?}");
    }
    // What breaks off ends what it broke off in, no more.
    assert_eq!(told(b"\x1b[12\x04"), keys(&[chord::ctrl('d')]));
    assert_eq!(told(b"\xe6\x97j"), keys(&[chord::char('j')]));
}

#[test]
fn pasted_text_is_never_keys_with_or_without_its_end() {
    let paste = |text: &str| Event::Paste(text.to_owned());
    assert_eq!(
        told(b"\x1b[200~qD\x1b[A\x1b[201~j"),
        [paste("qD\u{1b}[A"), Event::Key(chord::char('j'))]
    );
    assert_eq!(in_pieces(b"\x1b[200~q\x1b[201~", 1_000), [paste("q")]);
    assert_eq!(told(b"\x1b[200~qq"), [paste("qq")]);
    let long = [b"\x1b[200~", "x".repeat(300_000).as_bytes()].concat();
    let pasted: usize = told(&long)
        .into_iter()
        .map(|event| match event {
            Event::Paste(text) => text.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(pasted, 300_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Nothing panics, and nothing waits for ever or grows without bound.
    #[test]
    fn any_bytes_are_taken(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..40)) {
        let mut parser = Parser::default();
        let mut now_us = 0;
        for piece in pieces {
            now_us += 10_000;
            parser.feed(&piece, now_us);
        }
        parser.overdue(now_us + HOLD_PASTE_US);
        prop_assert!(parser.wait_us(now_us + HOLD_PASTE_US).is_none());
    }
}

#[test]
fn a_key_is_an_action_and_an_edit() {
    for (chord, edit) in [
        (chord::char('d'), Some(InputRequest::InsertChar('d'))),
        (chord::char('G'), Some(InputRequest::InsertChar('G'))),
        (chord::ctrl('d'), None),
        (chord::ctrl('u'), Some(InputRequest::DeleteLine)),
        (chord::key(Code::Backspace), Some(InputRequest::DeletePrevChar)),
    ] {
        let Some(Msg::Press(press)) = message(Event::Key(chord), &[]) else { panic!("a press") };
        assert_eq!((press.chord, press.edit), (chord, edit));
    }
}

#[test]
fn a_pointer_is_on_what_was_drawn_last_there() {
    let hits = [
        (Rect::new(0, 0, 10, 5), Hit::Panel(Panel::ProgramTable)),
        (Rect::new(0, 2, 10, 1), Hit::Tab(View::Logs)),
    ];
    let found = |bytes: &[u8]| {
        let event = told(bytes).into_iter().next().expect("a pointer");
        message(event, &hits).map(|message| match message {
            Msg::Pointer { hit, act } => (hit, act),
            other => panic!("a click became {other:?}"),
        })
    };
    assert_eq!(found(b"\x1b[<0;4;3M"), Some((Hit::Tab(View::Logs), Act::Click)));
    let panel = Hit::Panel(Panel::ProgramTable);
    assert_eq!(found(b"\x1b[<64;10;5M"), Some((panel, Act::Wheel(-3))));
    assert_eq!(found(b"\x1b[<0;11;5M"), None, "beside all of it");
    assert_eq!(told(b"\x1b[<0;1;1M"), [Event::Pointer { at: (0, 0), act: Button::Left }]);
}
