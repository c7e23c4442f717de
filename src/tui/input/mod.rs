//! From terminal events to messages: the only file that reads crossterm's.

#[cfg(test)]
mod tests;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::InputRequest;

use super::action::chord::{self, Chord, Code};
use super::model::Size;
use super::msg::{Msg, Press};

/// Mouse and focus are off; releases of keys say nothing.
pub(crate) fn messages(event: Event) -> Vec<Msg> {
    match event {
        Event::Key(key) => presses(key),
        Event::Paste(text) => vec![Msg::Paste(text)],
        Event::Resize(width, height) => vec![Msg::Resize(Size { width, height })],
        Event::Mouse(_) | Event::FocusGained | Event::FocusLost => Vec::new(),
    }
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
