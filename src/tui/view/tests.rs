use super::fixture;
use crate::tui::model::panel::View;
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::tier::ColorTier;

/// Every size a terminal can have, and those it can't.
const WIDTHS: [u16; 14] = [0, 1, 2, 5, 12, 30, 39, 40, 47, 60, 80, 100, 160, 300];
const HEIGHTS: [u16; 14] = [0, 1, 2, 3, 7, 8, 9, 11, 16, 20, 24, 30, 60, 100];

#[test]
fn no_size_panics() {
    let skin = fixture::skin(ColorTier::True, GlyphTier::Block);
    for view in View::ALL {
        let mut model = fixture::model(view, (0, 0));
        for width in WIDTHS {
            for height in HEIGHTS {
                model.size = crate::tui::model::Size { width, height };
                fixture::draw(&model, &skin);
            }
        }
    }
}
