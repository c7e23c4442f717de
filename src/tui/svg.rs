//! A drawn buffer as SVG, cell for cell: how the screenshots of the README come to be.
//!
//! Each run of equal cells becomes one rectangle and one text with its exact width, so that a
//! viewer's font can't shift columns. Block glyphs are drawn as shapes, because fonts disagree on
//! how tall a full block is.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::theme::paint::Rgb;
use super::theme::skin::Skin;
use super::theme::{Role, tier};

const CELL_WIDTH: f64 = 9.0;
const CELL_HEIGHT: f64 = 19.0;
const MARGIN: f64 = 12.0;
const FONT: &str = "'JetBrains Mono','Cascadia Mono','DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace";

/// The whole picture; colours that are not the theme's own are the terminal's defaults.
pub(crate) fn render(buffer: &Buffer, skin: &Skin) -> String {
    let (columns, rows) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (width, height) = (columns * CELL_WIDTH + 2.0 * MARGIN, rows * CELL_HEIGHT + 2.0 * MARGIN);
    let ground = skin.theme().rgb(Role::Background).hex();
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\">\n\
             <style>text{{font:14.5px {FONT};white-space:pre}}.b{{font-weight:700}}\
             .d{{opacity:.6}}.u{{text-decoration:underline}}</style>\n\
             <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n"
        ),
    );
    for y in buffer.area.top()..buffer.area.bottom() {
        row(&mut svg, buffer, y, skin);
    }
    svg.push_str("</svg>\n");
    svg
}

fn put(svg: &mut String, arguments: std::fmt::Arguments) {
    svg.write_fmt(arguments).expect("writing to a string can't fail");
}

/// How a cell looks, in final colours.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    ink: Rgb,
    ground: Rgb,
    modifier: Modifier,
}

fn look(cell: &Cell, skin: &Skin) -> Look {
    let ink = resolve(cell.fg, skin.theme().rgb(Role::Text));
    let ground = resolve(cell.bg, skin.theme().rgb(Role::Background));
    let modifier = cell.modifier;
    if modifier.contains(Modifier::REVERSED) {
        Look { ink: ground, ground: ink, modifier }
    } else {
        Look { ink, ground, modifier }
    }
}

fn resolve(color: Color, default: Rgb) -> Rgb {
    tier::rgb(color).unwrap_or(default)
}

fn row(svg: &mut String, buffer: &Buffer, y: u16, skin: &Skin) {
    let default = skin.theme().rgb(Role::Background);
    let cells: Vec<(&str, Look)> = (buffer.area.left()..buffer.area.right())
        .map(|x| {
            let cell = &buffer[(x, y)];
            (cell.symbol(), look(cell, skin))
        })
        .collect();
    for (start, run) in runs(&cells, |a, b| a.1.ground == b.1.ground) {
        if run[0].1.ground != default {
            rect(svg, (start, y), run.len(), WHOLE, run[0].1.ground);
        }
    }
    for (start, run) in runs(&cells, same_text) {
        let (symbol, look) = run[0];
        if let Some(shape) = shape(symbol) {
            rect(svg, (start, y), run.len(), shape, look.ink);
        } else if run.iter().any(|(symbol, _)| *symbol != " ") {
            text(svg, start, y, run);
        }
    }
}

/// Neighbours that are drawn as one: equal blocks, or letters of one look.
fn same_text(a: &(&str, Look), b: &(&str, Look)) -> bool {
    match (shape(a.0), shape(b.0)) {
        (Some(one), Some(other)) => one.is_wide && one == other && a.1.ink == b.1.ink,
        (None, None) => {
            a.1.ink == b.1.ink && a.1.modifier == b.1.modifier && a.0.is_ascii() && b.0.is_ascii()
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Runs of cells, each with the column it starts at.
fn runs<'a, T>(
    cells: &'a [T],
    is_same: impl Fn(&T, &T) -> bool + 'a,
) -> impl Iterator<Item = (usize, &'a [T])> {
    let mut start = 0;
    cells.chunk_by(move |a, b| is_same(a, b)).map(move |run| {
        let at = start;
        start += run.len();
        (at, run)
    })
}

/// The part of a cell that a glyph fills, for those drawn as shapes.
#[derive(Clone, Copy, PartialEq)]
struct Shape {
    left: f64,
    width: f64,
    top: f64,
    height: f64,
    /// Neighbours touch, so that a run of them is one shape.
    is_wide: bool,
}

const WHOLE: Shape = Shape { left: 0.0, width: 1.0, top: 0.0, height: 1.0, is_wide: true };

fn shape(symbol: &str) -> Option<Shape> {
    let whole = |top: f64, height: f64| Some(Shape { top, height, ..WHOLE });
    let upright = |left: f64, width: f64| Some(Shape { left, width, is_wide: false, ..WHOLE });
    let stroke = Shape { top: 0.42, height: 0.16, ..WHOLE };
    match symbol {
        "─" => whole(0.47, 0.06),
        "━" => Some(stroke),
        "╸" => Some(Shape { width: 0.5, is_wide: false, ..stroke }),
        "╺" => Some(Shape { left: 0.5, width: 0.5, is_wide: false, ..stroke }),
        "│" => upright(0.45, 0.1),
        "▌" => upright(0.0, 0.5),
        "▐" => upright(0.5, 0.5),
        _ => match symbol.chars().next()? {
            eighth @ '▁'..='█' => {
                let height = f64::from(eighth as u32 - '▁' as u32 + 1) / 8.0;
                whole(1.0 - height, height)
            }
            _ => None,
        },
    }
}

fn rect(svg: &mut String, (x, y): (usize, u16), cells: usize, shape: Shape, fill: Rgb) {
    let left = MARGIN + (x as f64 + shape.left) * CELL_WIDTH;
    let upper = MARGIN + (f64::from(y) + shape.top) * CELL_HEIGHT;
    // A run is of one glyph; only glyphs as wide as their cell come in runs that touch.
    let width = (cells as f64 - 1.0 + shape.width) * CELL_WIDTH;
    let height = shape.height * CELL_HEIGHT;
    put(
        svg,
        format_args!(
            "<rect x=\"{left:.1}\" y=\"{upper:.2}\" width=\"{width:.1}\" height=\"{height:.2}\" \
             fill=\"{}\" shape-rendering=\"crispEdges\"/>\n",
            fill.hex()
        ),
    );
}

/// Words are placed one by one, because viewers disagree on what several spaces are worth.
fn text(svg: &mut String, start: usize, y: u16, run: &[(&str, Look)]) {
    let look = run[0].1;
    let class = [(Modifier::BOLD, "b"), (Modifier::DIM, "d"), (Modifier::UNDERLINED, "u")]
        .into_iter()
        .filter(|(modifier, _)| look.modifier.contains(*modifier))
        .map(|(_, class)| class)
        .collect::<Vec<_>>()
        .join(" ");
    let base = MARGIN + (f64::from(y) + 0.76) * CELL_HEIGHT;
    for (at, word) in runs(run, |a, b| (a.0 == " ") == (b.0 == " ")) {
        if word[0].0 == " " {
            continue;
        }
        let shown: String = word.iter().map(|(symbol, _)| *symbol).collect();
        let left = MARGIN + (start + at) as f64 * CELL_WIDTH;
        let width = word.len() as f64 * CELL_WIDTH;
        put(
            svg,
            format_args!(
                "<text x=\"{left:.1}\" y=\"{base:.2}\" textLength=\"{width:.1}\" \
                 class=\"{class}\" fill=\"{}\">{}</text>\n",
                look.ink.hex(),
                escape(&shown)
            ),
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::tui::theme;
    use crate::tui::theme::glyph::GlyphTier;
    use crate::tui::theme::tier::ColorTier;

    fn picture(draw: impl FnOnce(&mut Buffer)) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        draw(&mut buffer);
        render(&buffer, &Skin::new(theme::default_theme(), ColorTier::True, GlyphTier::Block))
    }

    #[test]
    fn words_stand_in_their_cells() {
        let svg = picture(|buffer| buffer.set_string(2, 1, "a<b  c", Style::new()));
        assert!(svg.contains("<text x=\"30.0\" y=\"45.44\" textLength=\"27.0\""), "{svg}");
        assert!(svg.contains(">a&lt;b</text>"), "{svg}");
        assert!(svg.contains("<text x=\"75.0\""), "{svg}");
    }

    #[test]
    fn blocks_are_shapes_and_runs_are_one() {
        let svg = picture(|buffer| buffer.set_string(0, 0, "▄▄▄▐▐", Style::new()));
        let rectangles: Vec<&str> =
            svg.lines().filter(|line| line.starts_with("<rect x")).collect();
        assert_eq!(rectangles.len(), 3, "{svg}");
        assert!(rectangles[0].contains("width=\"27.0\" height=\"9.50\""), "{svg}");
        assert!(rectangles[1].contains("width=\"4.5\" height=\"19.00\""), "{svg}");
    }

    #[test]
    fn reversed_cells_swap_their_colours() {
        let style = Style::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::REVERSED);
        let svg = picture(|buffer| buffer.set_string(0, 0, "x", style));
        assert!(svg.contains("fill=\"#010203\" shape-rendering"), "{svg}");
    }
}
