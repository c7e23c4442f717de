//! Keys as terminals report them, and what they become.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

use super::message;
use crate::tui::action::chord::{self, Chord, Code};
use crate::tui::msg::Msg;

fn chord_of(code: KeyCode, modifiers: KeyModifiers) -> Option<(Chord, Option<InputRequest>)> {
    match message(Event::Key(KeyEvent::new(code, modifiers)))? {
        Msg::Press(press) => Some((press.chord, press.edit)),
        other => panic!("a key became {other:?}"),
    }
}

#[test]
fn a_key_is_an_action_and_an_edit() {
    let none = KeyModifiers::NONE;
    for (code, modifiers, chord, edit) in [
        (KeyCode::Char('d'), none, chord::char('d'), Some(InputRequest::InsertChar('d'))),
        (KeyCode::Char('d'), KeyModifiers::CONTROL, chord::ctrl('d'), None),
        (
            KeyCode::Char('u'),
            KeyModifiers::CONTROL,
            chord::ctrl('u'),
            Some(InputRequest::DeleteLine),
        ),
        (
            KeyCode::Char('G'),
            KeyModifiers::SHIFT,
            chord::char('G'),
            Some(InputRequest::InsertChar('G')),
        ),
        (KeyCode::Tab, KeyModifiers::SHIFT, chord::key(Code::BackTab), None),
        (KeyCode::Backspace, none, chord::key(Code::Backspace), Some(InputRequest::DeletePrevChar)),
    ] {
        assert_eq!(chord_of(code, modifiers), Some((chord, edit)), "{code:?} {modifiers:?}");
    }
}

#[test]
fn a_key_right_after_escape_is_no_key() {
    assert_eq!(chord_of(KeyCode::Char('x'), KeyModifiers::ALT), None);
}
