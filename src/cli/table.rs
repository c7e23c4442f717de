//! Rows of cells as aligned text. Knows no meaning; a cell brings its text and its tone.

use super::out::{Out, Tone};
use crate::control::text;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn toned(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }

    /// Names and reasons come from elsewhere: nothing in them may move the cursor.
    fn safe(self) -> Self {
        Self { text: text::plain(&self.text).into_owned(), ..self }
    }
}

impl<Text: Into<String>> From<Text> for Cell {
    fn from(text: Text) -> Self {
        Self::toned(Tone::Plain, text)
    }
}

const GAP: &str = "  ";

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.map(Cell::safe).into());
    }

    /// Without those of the columns that say nothing in any row.
    pub(crate) fn without_empty(mut self, titles: &[&str]) -> Self {
        for at in (0..self.columns.len()).rev() {
            let is_empty = self.rows.iter().all(|row| row[at].text.is_empty());
            if is_empty && titles.contains(&self.columns[at].0) {
                self.columns.remove(at);
                self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
            }
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The titles and the rows, a line each; no line ends in blanks.
    pub(crate) fn text(&self, out: Out) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|at| self.width(at)).collect();
        let titles: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell::toned(Tone::Quiet, *title)).collect();
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            text.push_str(&self.line(out, row, &widths));
            text.push('\n');
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].text.chars().count());
        cells.max().unwrap_or(0).max(self.columns[column].0.len())
    }

    fn line(&self, out: Out, row: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        let mut owed = String::new();
        for ((cell, width), (_, align)) in row.iter().zip(widths).zip(&self.columns) {
            let blanks = " ".repeat(width - cell.text.chars().count());
            // Blanks are owed until text follows, so that none end the line.
            if *align == Align::Right {
                owed.push_str(&blanks);
            }
            if !cell.text.is_empty() {
                line.push_str(&owed);
                owed.clear();
                line.push_str(&out.paint(cell.tone, &cell.text));
            }
            if *align == Align::Left {
                owed.push_str(&blanks);
            }
            owed.push_str(GAP);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Cell, Table};
    use crate::cli::arguments::When;
    use crate::cli::out::{Out, Tone};

    #[test]
    fn columns_align_and_lines_end_in_text() {
        let mut table =
            Table::new(&[("NAME", Align::Left), ("N", Align::Right), ("", Align::Left)]);
        table.row(["a".into(), "1,204".into(), Cell::from("")]);
        table.row(["longer".into(), "7".into(), Cell::toned(Tone::Bad, "down")]);
        let table = table.without_empty(&["NAME"]);
        let plain = table.text(Out::new(When::Never));
        assert_eq!(plain, "NAME        N\na       1,204\nlonger      7  down\n");
        let coloured = table.text(Out::new(When::Always));
        assert!(coloured.contains("  \u{1b}[31mdown\u{1b}[0m\n"), "{coloured:?}");
        let mut table = Table::new(&[("A", Align::Left), ("B", Align::Left), ("C", Align::Left)]);
        table.row(["a".into(), "".into(), "".into()]);
        let text = table.without_empty(&["A", "B"]).text(Out::new(When::Never));
        assert_eq!(text, "A  C\na\n");
    }
}
