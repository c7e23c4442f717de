//! Widgets with plain values, cell by cell.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::columns::{self, Column};
use super::pen::{self, Clip, Side};
use super::spark::Spark;
use super::{bar, chart, number};
use crate::tui::theme::Role;
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::skin::Skin;
use crate::tui::theme::tier::ColorTier;
use crate::tui::theme::{self};

fn skin(glyphs: GlyphTier) -> Skin {
    Skin::new(theme::default_theme(), ColorTier::True, glyphs)
}

fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Buffer, Rect)) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(&mut buffer, area);
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect();
    (0..height).map(row).collect()
}

#[test]
fn numbers_keep_their_width() {
    assert_eq!(number::count(0), "0");
    assert_eq!(number::count(1_842), "1,842");
    assert_eq!(number::count(1_204_118), "1,204,118");
    assert_eq!(number::compact(1_842, 5), "1,842");
    assert_eq!(number::compact(1_842, 4), "1.8k");
    assert_eq!(number::compact(12_345_678, 7), "12.3M");
    assert_eq!(number::bytes(212 << 20), "212M");
    assert_eq!(number::bytes(1_500 << 20), "1.5G");
    assert_eq!(number::bytes_per_second(22_700_000), ("22.7".to_owned(), "MB/s"));
    assert_eq!(number::bytes_per_second(999), ("999".to_owned(), "B/s"));
    assert_eq!(number::percent(0.341), "34.1%");
    assert_eq!(number::fine_percent(0.0012), "0.12%");
    assert_eq!(number::fine_percent(0.123), "12.3%");
    for (value_us, text) in
        [(0, "0ms"), (40, "0.1ms"), (4_100, "4.1ms"), (24_000, "24ms"), (1_200_000, "1.2s")]
    {
        assert_eq!(number::latency(value_us), text);
    }
    for (value_ms, text) in [
        (41_900, "41s"),
        (130_000, "2m10s"),
        (11_100_000, "3h05m"),
        (273_600_000, "3d04h"),
        (18_400_000_000, "212d"),
    ] {
        assert_eq!(number::age(value_ms), text);
    }
    assert_eq!(number::remaining(1), "1s");
    assert_eq!(number::clock(fixed_wall_ms()), "12:04:31");
    assert_eq!(number::clock_millis(fixed_wall_ms() + 7), "12:04:31.007");
}

fn fixed_wall_ms() -> u64 {
    (12 * 3600 + 4 * 60 + 31) * 1000
}

#[test]
fn long_text_is_cut_where_it_matters_least() {
    let check = |text, room, clip, expected: &str| {
        assert_eq!(pen::shorten(text, room, clip, "…"), expected);
    };
    check("10.0.3.1:8080", 13, Clip::Middle, "10.0.3.1:8080");
    check("10.0.3.1:8080", 10, Clip::Middle, "10.0.…8080");
    check("connection refused", 10, Clip::End, "connectio…");
    check("wide 漢字", 7, Clip::End, "wide …");
    check("x", 0, Clip::End, "…");
}

#[test]
fn columns_go_by_importance() {
    let table = [
        Column::left("name", 6),
        Column::right("pid", 5).priority(3),
        Column::left("state", 6).priority(2),
        Column::left("rest", 4).priority(2).grow(10),
    ];
    let check = |width: u16, expected: &str| {
        let rows = drawn(width, 1, |buffer, area| {
            let placed = columns::place(&table, area);
            let cells = ["a", "12", "up", "text"].map(Line::from);
            placed.row(buffer, 0, &cells, &skin(GlyphTier::Block));
        });
        assert_eq!(rows[0].trim_end(), expected, "{width} cells");
    };
    check(40, "a          12  up      text");
    check(26, "a       up      text");
    check(20, "a       up      text");
    check(15, "a       up");
    check(7, "a");
}

#[test]
fn sparklines_tell_quiet_from_unknown() {
    let draw = |glyphs, values: &[u64]| {
        drawn(6, 1, |buffer, area| {
            Spark { values, top: 8, role: Role::Series1 }.draw(buffer, area, &skin(glyphs));
        })
        .remove(0)
    };
    assert_eq!(draw(GlyphTier::Block, &[0, 1, 4, 8]), "  ▁▁▄▇");
    assert_eq!(draw(GlyphTier::Block, &[9, 9, 9, 9, 9, 9, 0, 8]), "▇▇▇▇▁▇");
    assert_eq!(draw(GlyphTier::Ascii, &[0, 8]), "    .#");
    assert_eq!(draw(GlyphTier::Braille, &[0, 8, 8, 0]), "    ⣸⣇");
}

#[test]
fn deviations_reach_out_from_the_middle() {
    let draw = |value| {
        drawn(9, 1, |buffer, area| {
            bar::deviation(buffer, area, value, 4.0, &skin(GlyphTier::Block));
        })
        .remove(0)
    };
    assert_eq!(draw(0.0), "    │    ");
    assert_eq!(draw(1.0), "    │━   ");
    assert_eq!(draw(1.5), "    │━╸  ");
    assert_eq!(draw(-1.5), "  ╺━│    ");
    assert_eq!(draw(99.0), "    │━━━━");
    assert_eq!(draw(f64::NAN), "    │    ");
}

#[test]
fn shares_stack_up() {
    let rows = drawn(2, 2, |buffer, area| {
        chart::stacked(buffer, area, &[vec![0.75, 0.25]], &skin(GlyphTier::Block));
    });
    assert_eq!(rows, [" ▄", " █"]);
}

#[test]
fn right_aligned_text_ends_at_the_edge() {
    let rows = drawn(6, 1, |buffer, area| {
        pen::line(buffer, area, &Line::from("42"), Side::Right, &skin(GlyphTier::Block));
    });
    assert_eq!(rows, ["    42"]);
}

#[test]
fn a_digit_that_is_made_an_emoji_takes_two_cells() {
    for clip in [Clip::End, Clip::Middle] {
        let shortened = pen::shorten("0\u{fe0f}abc", 2, clip, "…");
        assert!(pen::width(&shortened) <= 2, "{shortened:?}");
    }
}

proptest! {
    #[test]
    fn every_cell_of_a_strip_is_given_out(
        shares in proptest::collection::vec(0.0_f64..1000.0, 1..12),
        width in 0_u16..200,
    ) {
        let cells = bar::divide(width, &shares);
        let total: u16 = cells.iter().sum();
        let expected = if shares.iter().sum::<f64>() > 0.0 { width } else { 0 };
        prop_assert_eq!(total, expected);
    }

    #[test]
    fn shortened_text_fits(text in "\\PC{0,40}", room in 1_u16..30) {
        for clip in [Clip::End, Clip::Middle] {
            prop_assert!(pen::width(&pen::shorten(&text, room, clip, "…")) <= room);
        }
    }
}
