//! The screen as it is, put into a file: a picture, plain text, or text with its colours.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ratatui::buffer::{Buffer, Cell};

use super::svg;
use super::term::emit;
use super::theme::skin::Skin;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Svg,
    Text,
    Ansi,
}

impl Format {
    pub(crate) const ALL: [Self; 3] = [Self::Svg, Self::Text, Self::Ansi];

    /// Its name, and what it is good for.
    pub(crate) fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::Svg => ("svg", "a picture, for a page or a chat"),
            Self::Text => ("text", "letters only, for a mail or a ticket"),
            Self::Ansi => ("ansi", "letters and colours, for cat and less -R"),
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Text => "txt",
            Self::Ansi => "ans",
        }
    }
}

/// Files of one name are told apart by a number up to this.
const SAME_NAME_MAX: u32 = 100;

/// Writes what was drawn into a new file of `folder`, or of the folder for temporary files when that
/// one takes none; says where it went.
pub(crate) fn save(
    buffer: &Buffer,
    skin: &Skin,
    format: Format,
    (folder, name): (&Path, &str),
) -> io::Result<PathBuf> {
    let written = match format {
        Format::Svg => svg::render(buffer, skin),
        Format::Text => text(buffer),
        Format::Ansi => ansi(buffer),
    };
    let name = |number: u32| {
        let part = if number == 1 { String::new() } else { format!("-{number}") };
        format!("pilothouse-{}{part}.{}", safe(name), format.extension())
    };
    create(folder, &written, &name).or_else(|_| create(&std::env::temp_dir(), &written, &name))
}

/// Names of engines are the operator's, but a file's name is no place for all of them.
fn safe(name: &str) -> String {
    let is_safe = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    name.chars().map(|char| if is_safe(char) { char } else { '_' }).collect()
}

/// Never over a file that is there.
fn create(folder: &Path, text: &str, name: &impl Fn(u32) -> String) -> io::Result<PathBuf> {
    let folder = folder.canonicalize()?;
    let mut number = 1;
    loop {
        let path = folder.join(name(number));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| path),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && number < SAME_NAME_MAX =>
            {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<&Cell>> {
    let area = buffer.area;
    (area.top()..area.bottom()).map(move |y| {
        let cells: Vec<&Cell> = (area.left()..area.right()).map(|x| &buffer[(x, y)]).collect();
        // What follows a wide character stands below it.
        let mut covered = 0_usize;
        let shown = cells.into_iter().filter(move |cell| {
            let is_covered = covered > 0;
            covered = if is_covered {
                covered - 1
            } else {
                unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1)
            };
            !is_covered
        });
        shown.collect()
    })
}

fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn ansi(buffer: &Buffer) -> String {
    let mut bytes = Vec::new();
    for row in rows(buffer) {
        emit::row(&mut bytes, row.into_iter());
        bytes.push(b'\n');
    }
    String::from_utf8(bytes).expect("cells hold text")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::*;
    use crate::tui::theme;
    use crate::tui::theme::glyph::GlyphTier;
    use crate::tui::theme::tier::ColorTier;

    fn drawn() -> (Buffer, Skin) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "日本 ok", Style::new().fg(Color::Red).bold());
        buffer.set_string(0, 1, "plain", Style::new());
        let skin = Skin::new(theme::default_theme(), ColorTier::True, GlyphTier::Block);
        (buffer, skin)
    }

    #[test]
    fn text_keeps_its_letters_and_ansi_its_colours() {
        let (buffer, _) = drawn();
        assert_eq!(text(&buffer), "日本 ok\nplain\n");
        let ansi = ansi(&buffer);
        let mut terminal = vt100::Parser::new(
            2.try_into().expect("not zero"),
            10.try_into().expect("not zero"),
            0,
        );
        terminal.process(ansi.replace('\n', "\r\n").trim_end().as_bytes());
        let shown = terminal.screen().contents();
        let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
        assert_eq!(shown, ["日本 ok", "plain"]);
        let cell = terminal.screen().cell(0, 0).unwrap();
        assert!(cell.bold() && cell.fgcolor() == vt100::Color::Idx(1), "{cell:?}");
        assert!(!terminal.screen().cell(1, 0).unwrap().bold());
    }

    #[test]
    fn a_file_is_never_overwritten_and_never_outside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (buffer, skin) = drawn();
        let save = || save(&buffer, &skin, Format::Text, (folder.path(), "../a b")).unwrap();
        let (first, second) = (save(), save());
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(first, real.join("pilothouse-.._a_b.txt"));
        assert_eq!(second, real.join("pilothouse-.._a_b-2.txt"));
        let missing = folder.path().join("missing");
        let elsewhere = super::save(&buffer, &skin, Format::Svg, (&missing, "x")).unwrap();
        assert!(elsewhere.starts_with(std::env::temp_dir().canonicalize().unwrap()));
        std::fs::remove_file(elsewhere).unwrap();
    }
}
