//! From terminal events to messages: the only file that reads crossterm's.

#[cfg(test)]
mod tests;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect};
use tui_input::InputRequest;

use super::action::chord::{self, Chord, Code};
use super::model::Size;
use super::model::pointer::{Act, Hit};
use super::msg::{Msg, Press};

/// What a pointer's event is about is found among `hits`, what was drawn last. Focus is off;
/// releases say nothing.
pub(crate) fn messages(event: Event, hits: &[(Rect, Hit)]) -> Vec<Msg> {
    match event {
        Event::Mouse(mouse) => pointer(mouse, hits).into_iter().collect(),
        Event::Key(key) => presses(key),
        Event::Paste(text) => vec![Msg::Paste(text)],
        Event::Resize(width, height) => vec![Msg::Resize(Size { width, height })],
        Event::FocusGained | Event::FocusLost => Vec::new(),
    }
}

/// Rows that one notch of the wheel moves by.
const NOTCH: isize = 3;

fn pointer(mouse: MouseEvent, hits: &[(Rect, Hit)]) -> Option<Msg> {
    let act = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Act::Click,
        MouseEventKind::ScrollUp => Act::Wheel(-NOTCH),
        MouseEventKind::ScrollDown => Act::Wheel(NOTCH),
        _ => return None,
    };
    // What was drawn last lies on top.
    let at = Position::new(mouse.column, mouse.row);
    let (_, hit) = hits.iter().rev().find(|(area, _)| area.contains(at))?;
    Some(Msg::Pointer { hit: hit.clone(), act })
}

fn presses(key: KeyEvent) -> Vec<Msg> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    // A terminal sends Alt and a key as Esc and the key; on a slow line a real Esc arrives so.
    let is_after_escape = key.modifiers.contains(KeyModifiers::ALT);
    let escape = is_after_escape.then_some(Press { chord: chord::key(Code::Esc), edit: None });
    escape.into_iter().chain(press(key)).map(Msg::Press).collect()
}

fn press(key: KeyEvent) -> Option<Press> {
    let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let code = code(key)?;
    Some(Press { chord: Chord { code, is_ctrl }, edit: edit(code, is_ctrl) })
}

fn code(key: KeyEvent) -> Option<Code> {
    let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let code = match key.code {
        // The bytes 0x1c to 0x1f are told as the digits that make them too.
        KeyCode::Char('4') if is_ctrl => Code::Char('\\'),
        KeyCode::Char('5') if is_ctrl => Code::Char(']'),
        KeyCode::Char('6') if is_ctrl => Code::Char('^'),
        KeyCode::Char('7') if is_ctrl => Code::Char('_'),
        KeyCode::Char(char) => Code::Char(char),
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    Some(code)
}

/// The same key where text is typed; control letters as in every shell.
fn edit(code: Code, is_ctrl: bool) -> Option<InputRequest> {
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
