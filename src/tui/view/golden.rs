//! Pictures in text of what terminals differ in: size, signs, colours.

use ratatui::Terminal;

use super::{fixture, tests};
use crate::tui::model::Welcome;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::View;
use crate::tui::term::frames::Frames;
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::tier::ColorTier;

/// From one cell to a wall.
const SIZES: [(u16, u16); 8] =
    [(1, 1), (20, 4), (39, 7), (40, 8), (60, 16), (80, 24), (100, 30), (200, 60)];
const COLORS: [(ColorTier, &str); 4] = [
    (ColorTier::True, "true"),
    (ColorTier::Indexed, "256"),
    (ColorTier::Sixteen, "16"),
    (ColorTier::Mono, "none"),
];
const GLYPHS: [GlyphTier; 3] = [GlyphTier::Braille, GlyphTier::Block, GlyphTier::Ascii];

fn drawn(view: View, (width, height): (u16, u16), glyphs: GlyphTier) -> String {
    let skin = fixture::skin(ColorTier::True, glyphs);
    let text = fixture::text(&fixture::draw(&fixture::model(view, (width, height)), &skin));
    format!("{width}x{height} {}\n{text}\n", glyphs.name())
}

#[test]
fn the_overview_at_every_size_in_every_tier_of_signs() {
    for glyphs in GLYPHS {
        let all: String = SIZES.map(|size| drawn(View::Overview, size, glyphs)).concat();
        insta::assert_snapshot!(format!("golden-{}", glyphs.name()), all);
    }
}

#[test]
fn every_view_in_every_tier_of_signs() {
    for view in View::ALL {
        let all: String = GLYPHS.map(|glyphs| drawn(view, (80, 24), glyphs)).concat();
        insta::assert_snapshot!(format!("golden-{}", view.facts().name), all);
    }
}

#[test]
fn colours_of_every_tier_are_where_they_were() {
    for view in [View::Overview, View::Backends, View::Programs] {
        for (colors, name) in COLORS {
            let skin = fixture::skin(colors, GlyphTier::Block);
            let buffer = fixture::draw(&fixture::model(view, (80, 24)), &skin);
            let name = format!("golden-{}-{name}", view.facts().name);
            insta::assert_snapshot!(name, tests::styled(&buffer));
        }
    }
}

#[test]
fn what_is_over_a_view_looks_as_it_did() {
    let mut model = fixture::model(View::Backends, (80, 24));
    model.welcome = Welcome::Shown;
    let skin = fixture::skin(ColorTier::True, GlyphTier::Block);
    insta::assert_snapshot!("welcome", fixture::text(&fixture::draw(&model, &skin)));
    // A box that somebody asked for has the room to itself.
    model.overlay = Some(Overlay::Export { selected: 1 });
    insta::assert_snapshot!("export", fixture::text(&fixture::draw(&model, &skin)));
}

/// A second look at the same is no byte, in every view; and a whole screen fits the line's budget.
#[test]
fn the_same_again_is_no_byte() {
    const FULL_PAINT_MAX: usize = 10 * 1024;
    for view in View::ALL {
        for (colors, _) in COLORS {
            let model = fixture::model(view, (100, 30));
            let skin = fixture::skin(colors, GlyphTier::Block);
            let size = ratatui::layout::Size::new(100, 30);
            let mut terminal = Terminal::new(Frames::new(size)).unwrap();
            let mut draw = || {
                let drawn = terminal.draw(|frame| {
                    let area = frame.area();
                    super::render(frame.buffer_mut(), area, &model, &skin);
                });
                drawn.unwrap();
                terminal.backend_mut().take().map(|frame| frame.len())
            };
            let whole = draw().expect("a first frame");
            assert!(whole <= FULL_PAINT_MAX, "{view:?} {colors:?}: {whole} bytes");
            assert_eq!(draw(), None, "{view:?}");
        }
    }
}
