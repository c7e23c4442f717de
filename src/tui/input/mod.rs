//! From what the terminal sends to messages.

pub(crate) mod parse;
pub(crate) mod reader;
#[cfg(test)]
mod tests;

use ratatui::layout::{Position, Rect};
use tui_input::InputRequest;

use super::action::chord::{Chord, Code};
use super::model::pointer::{Act, Hit};
use super::msg::{Msg, Press};
use parse::{Button, Event};

/// Rows that one notch of the wheel moves by.
const NOTCH: isize = 3;

/// What a pointer's event is about is found among `hits`, what was drawn last.
pub(crate) fn message(event: Event, hits: &[(Rect, Hit)]) -> Option<Msg> {
    match event {
        Event::Key(chord) => Some(Msg::Press(Press { chord, edit: edit(chord) })),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Pointer { at, act } => {
            let act = match act {
                Button::Left => Act::Click,
                Button::WheelUp => Act::Wheel(-NOTCH),
                Button::WheelDown => Act::Wheel(NOTCH),
            };
            // What was drawn last lies on top.
            let (_, hit) = hits.iter().rev().find(|(area, _)| area.contains(Position::from(at)))?;
            Some(Msg::Pointer { hit: hit.clone(), act })
        }
    }
}

/// The same key where text is typed; control letters as in every shell.
fn edit(Chord { code, is_ctrl }: Chord) -> Option<InputRequest> {
    let request = match (code, is_ctrl) {
        (Code::Char(char), false) => InputRequest::InsertChar(char),
        (Code::Char('a'), true) | (Code::Home, _) => InputRequest::GoToStart,
        (Code::Char('e'), true) | (Code::End, _) => InputRequest::GoToEnd,
        (Code::Char('u'), true) => InputRequest::DeleteLine,
        (Code::Char('k'), true) => InputRequest::DeleteTillEnd,
        (Code::Char('w') | Code::Backspace, true) => InputRequest::DeletePrevWord,
        (Code::Char('h'), true) | (Code::Backspace, false) => InputRequest::DeletePrevChar,
        (Code::Delete, _) => InputRequest::DeleteNextChar,
        (Code::Left, false) => InputRequest::GoToPrevChar,
        (Code::Right, false) => InputRequest::GoToNextChar,
        (Code::Left, true) => InputRequest::GoToPrevWord,
        (Code::Right, true) => InputRequest::GoToNextWord,
        _ => return None,
    };
    Some(request)
}
