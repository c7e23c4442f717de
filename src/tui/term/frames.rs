//! ratatui's backend with four differences: a frame is one buffer inside one synchronised update, an
//! unchanged frame is no byte at all, a changed one is as few as it takes, and nothing ever asks the
//! terminal a question.

use std::io;

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::emit;

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

pub(crate) struct Frames {
    drawn: Vec<u8>,
    /// Told to the terminal before the next frame: no cell is among it.
    told: Vec<u8>,
    size: Size,
}

impl Frames {
    pub(crate) fn new(size: Size) -> Self {
        Self { drawn: Vec::new(), told: Vec::new(), size }
    }

    /// Holds no state of its own, so one a call is as good as one for ever.
    fn inner(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        CrosstermBackend::new(&mut self.drawn)
    }

    pub(crate) fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Something beside the picture, with the next frame: never in the middle of one.
    pub(crate) fn tell(&mut self, bytes: &[u8]) {
        self.told.extend_from_slice(bytes);
    }

    /// The bytes of the frame just drawn, bracketed; none when nothing changed.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        let drawn = std::mem::take(&mut self.drawn);
        let told = std::mem::take(&mut self.told);
        if drawn.is_empty() && told.is_empty() {
            return None;
        }
        Some([SYNC_BEGIN, &told, &drawn, SYNC_END].concat())
    }
}

impl Backend for Frames {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        emit::cells(&mut self.drawn, content);
        Ok(())
    }

    /// The cursor is hidden for the whole stay.
    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _position: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner().clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner().clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::layout::Size;
    use ratatui::widgets::Paragraph;

    use super::{Frames, SYNC_BEGIN, SYNC_END};

    fn draw(terminal: &mut Terminal<Frames>, text: &str) -> Option<Vec<u8>> {
        let drawn = terminal.draw(|frame| frame.render_widget(Paragraph::new(text), frame.area()));
        drawn.unwrap();
        terminal.backend_mut().take()
    }

    #[test]
    fn an_unchanged_frame_is_no_byte() {
        let mut terminal = Terminal::new(Frames::new(Size::new(20, 2))).unwrap();
        assert!(draw(&mut terminal, "hello").is_some());
        assert_eq!(draw(&mut terminal, "hello"), None);
        assert!(draw(&mut terminal, "hallo").is_some());
    }

    #[test]
    fn every_byte_of_a_frame_is_inside_one_synchronised_update() {
        let mut terminal = Terminal::new(Frames::new(Size::new(20, 2))).unwrap();
        let first = draw(&mut terminal, "hello").unwrap();
        terminal.backend_mut().resize(Size::new(30, 3));
        terminal.clear().unwrap();
        let resized = draw(&mut terminal, "hello").unwrap();
        for frame in [first, resized] {
            assert!(frame.starts_with(SYNC_BEGIN) && frame.ends_with(SYNC_END));
            let marks =
                frame.windows(SYNC_END.len()).filter(|bytes| bytes.starts_with(b"\x1b[?2026"));
            assert_eq!(marks.count(), 2);
        }
    }
}
