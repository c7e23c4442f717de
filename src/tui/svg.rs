//! A drawn buffer as SVG, cell for cell: how the screenshots of the README come to be.
//!
//! Each run of equal cells becomes one rectangle and one text with its exact width, so that a
//! viewer's font can't shift columns. Block glyphs are drawn as shapes, because fonts disagree on
//! how tall a full block is.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::theme::skin::Skin;
use super::theme::{Rgb, Role};

const CELL_WIDTH: f64 = 9.0;
const CELL_HEIGHT: f64 = 19.0;
const MARGIN: f64 = 12.0;
const FONT: &str = "'JetBrains Mono','Cascadia Mono','DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace";

/// The whole picture; colours that are not the theme's own are the terminal's defaults.
pub(crate) fn render(buffer: &Buffer, skin: &Skin) -> String {
    let (columns, rows) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (width, height) = (columns * CELL_WIDTH + 2.0 * MARGIN, rows * CELL_HEIGHT + 2.0 * MARGIN);
    let ground = skin.theme().color(Role::Background).hex();
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
    let ink = resolve(cell.fg, skin.theme().color(Role::Text));
    let ground = resolve(cell.bg, skin.theme().color(Role::Background));
    let modifier = cell.modifier;
    if modifier.contains(Modifier::REVERSED) {
        Look { ink: ground, ground: ink, modifier }
    } else {
        Look { ink, ground, modifier }
    }
}

fn resolve(color: Color, default: Rgb) -> Rgb {
    match color {
        Color::Rgb(red, green, blue) => Rgb(red, green, blue),
        // Pictures are drawn with 24-bit colours; anything else is the terminal's own default.
        _ => default,
    }
}

fn row(svg: &mut String, buffer: &Buffer, y: u16, skin: &Skin) {
    let default = skin.theme().color(Role::Background);
    let cells: Vec<(&str, Look)> = (buffer.area.left()..buffer.area.right())
        .map(|x| {
            let cell = &buffer[(x, y)];
            (cell.symbol(), look(cell, skin))
        })
        .collect();
    for (start, run) in runs(&cells, |a, b| a.1.ground == b.1.ground) {
        if run[0].1.ground != default {
            rect(svg, start as f64, y, run.len() as f64, (0.0, 1.0), run[0].1.ground);
        }
    }
    for (start, run) in runs(&cells, same_text) {
        let (symbol, look) = run[0];
        if let Some((top, height)) = block(symbol) {
            rect(svg, start as f64, y, run.len() as f64, (top, height), look.ink);
        } else if run.iter().any(|(symbol, _)| *symbol != " ") {
            text(svg, start, y, run);
        }
    }
}

/// Neighbours that are drawn as one: equal blocks, or letters of one look.
fn same_text(a: &(&str, Look), b: &(&str, Look)) -> bool {
    match (block(a.0), block(b.0)) {
        (Some(one), Some(other)) => one == other && a.1.ink == b.1.ink,
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

/// Top and height, as parts of a cell, of the glyphs that are drawn as shapes.
fn block(symbol: &str) -> Option<(f64, f64)> {
    let lower = |eighths: u32| {
        let height = f64::from(eighths) / 8.0;
        Some((1.0 - height, height))
    };
    match symbol {
        "─" => Some((0.47, 0.06)),
        "━" => Some((0.44, 0.12)),
        _ => match symbol.chars().next()? {
            eighth @ '▁'..='█' => lower(eighth as u32 - '▁' as u32 + 1),
            _ => None,
        },
    }
}

fn rect(svg: &mut String, x: f64, y: u16, cells: f64, (top, part): (f64, f64), fill: Rgb) {
    let left = MARGIN + x * CELL_WIDTH;
    let upper = MARGIN + (f64::from(y) + top) * CELL_HEIGHT;
    let (width, height) = (cells * CELL_WIDTH, part * CELL_HEIGHT);
    put(
        svg,
        format_args!(
            "<rect x=\"{left:.1}\" y=\"{upper:.2}\" width=\"{width:.1}\" height=\"{height:.2}\" \
             fill=\"{}\" shape-rendering=\"crispEdges\"/>\n",
            fill.hex()
        ),
    );
}

fn text(svg: &mut String, start: usize, y: u16, run: &[(&str, Look)]) {
    let whole: String = run.iter().map(|(symbol, _)| *symbol).collect();
    let lead = whole.len() - whole.trim_start().len();
    let shown = whole.trim();
    let look = run[0].1;
    let class = [(Modifier::BOLD, "b"), (Modifier::DIM, "d"), (Modifier::UNDERLINED, "u")]
        .into_iter()
        .filter(|(modifier, _)| look.modifier.contains(*modifier))
        .map(|(_, class)| class)
        .collect::<Vec<_>>()
        .join(" ");
    let left = MARGIN + (start + lead) as f64 * CELL_WIDTH;
    let base = MARGIN + (f64::from(y) + 0.76) * CELL_HEIGHT;
    let width = shown.chars().count() as f64 * CELL_WIDTH;
    put(
        svg,
        format_args!(
            "<text x=\"{left:.1}\" y=\"{base:.2}\" textLength=\"{width:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\" class=\"{class}\" fill=\"{}\">{}</text>\n",
            look.ink.hex(),
            escape(shown)
        ),
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
