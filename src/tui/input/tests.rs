//! Keys as terminals report them, and what they become.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Rect;
use tui_input::InputRequest;

use super::messages;
use crate::tui::action::chord::{self, Chord, Code};
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::pointer::{Act, Hit};
use crate::tui::msg::Msg;

fn presses(code: KeyCode, modifiers: KeyModifiers) -> Vec<(Chord, Option<InputRequest>)> {
    let messages = messages(Event::Key(KeyEvent::new(code, modifiers)), &[]);
    let press = |message| match message {
        Msg::Press(press) => (press.chord, press.edit),
        other => panic!("a key became {other:?}"),
    };
    messages.into_iter().map(press).collect()
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
        (KeyCode::Char('5'), KeyModifiers::CONTROL, chord::ctrl(']'), None),
        (KeyCode::Tab, KeyModifiers::SHIFT, chord::key(Code::BackTab), None),
        (KeyCode::Backspace, none, chord::key(Code::Backspace), Some(InputRequest::DeletePrevChar)),
    ] {
        assert_eq!(presses(code, modifiers), [(chord, edit)], "{code:?} {modifiers:?}");
    }
}

#[test]
fn a_key_right_after_escape_is_both() {
    let both = presses(KeyCode::Char('q'), KeyModifiers::ALT);
    let chords: Vec<Chord> = both.into_iter().map(|(chord, _)| chord).collect();
    assert_eq!(chords, [chord::key(Code::Esc), chord::char('q')]);
}

#[test]
fn a_pointer_is_on_what_was_drawn_last_there() {
    let hits = [
        (Rect::new(0, 0, 10, 5), Hit::Panel(Panel::ProgramTable)),
        (Rect::new(0, 2, 10, 1), Hit::Tab(View::Logs)),
    ];
    let found = |kind, column, row| {
        let modifiers = KeyModifiers::NONE;
        let event = Event::Mouse(MouseEvent { kind, column, row, modifiers });
        messages(event, &hits).into_iter().next().map(|message| match message {
            Msg::Pointer { hit, act } => (hit, act),
            other => panic!("a click became {other:?}"),
        })
    };
    let down = MouseEventKind::Down(MouseButton::Left);
    assert_eq!(found(down, 3, 2), Some((Hit::Tab(View::Logs), Act::Click)));
    let panel = Hit::Panel(Panel::ProgramTable);
    assert_eq!(found(MouseEventKind::ScrollUp, 9, 4), Some((panel, Act::Wheel(-3))));
    assert_eq!(found(down, 10, 4), None, "beside all of it");
    assert_eq!(found(MouseEventKind::Moved, 3, 2), None);
}
