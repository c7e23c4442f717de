//! A theme on one terminal: styles by role, signs by tier.
//!
//! Every colour and every attribute on the screen comes from here, so that a terminal without
//! colours, or with sixteen, is handled in one place.

use ratatui::style::{Color, Modifier, Style};

use super::glyph::{GlyphTier, Glyphs};
use super::tier::ColorTier;
use super::{Role, Theme};

#[derive(Clone, Debug)]
pub(crate) struct Skin {
    theme: Theme,
    tier: ColorTier,
    colors: [Color; Role::ALL.len()],
    glyph_tier: GlyphTier,
    pub(crate) glyphs: &'static Glyphs,
}

impl Skin {
    pub(crate) fn new(theme: Theme, tier: ColorTier, glyph_tier: GlyphTier) -> Self {
        let tier = match tier {
            ColorTier::True | ColorTier::Indexed if theme.is_terminals() => ColorTier::Sixteen,
            tier => tier,
        };
        let colors = tier.colors(&theme);
        Self { theme, tier, colors, glyph_tier, glyphs: Glyphs::of(glyph_tier) }
    }

    pub(crate) fn theme(&self) -> &Theme {
        &self.theme
    }

    pub(crate) fn is_braille(&self) -> bool {
        self.glyph_tier == GlyphTier::Braille
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.glyph_tier == GlyphTier::Ascii
    }

    pub(crate) fn glyph_tier(&self) -> GlyphTier {
        self.glyph_tier
    }

    /// Series can only be told apart by their fill.
    pub(crate) fn is_mono(&self) -> bool {
        self.tier == ColorTier::Mono
    }

    pub(crate) fn color(&self, role: Role) -> Color {
        self.colors[role as usize]
    }

    /// Text in a role. Where colours are few, attributes carry the three weights of text.
    pub(crate) fn style(&self, role: Role) -> Style {
        let style = Style::new().fg(self.color(role));
        match (self.tier, role) {
            (ColorTier::Mono, Role::Dim | Role::Faint) => style.add_modifier(Modifier::DIM),
            (ColorTier::Mono, Role::Bad | Role::Accent)
            | (ColorTier::Mono | ColorTier::Sixteen, Role::Bright) => {
                style.add_modifier(Modifier::BOLD)
            }
            _ => style,
        }
    }

    /// The number or name one came for.
    pub(crate) fn strong(&self, role: Role) -> Style {
        self.style(role).add_modifier(Modifier::BOLD)
    }

    /// The base every cell starts from.
    pub(crate) fn base(&self) -> Style {
        self.style(Role::Text).bg(self.color(Role::Background))
    }

    /// Header and footer strips.
    pub(crate) fn panel(&self) -> Style {
        self.style(Role::Text).bg(self.color(Role::Panel))
    }

    /// A filled label: the product's name, the tab one is on.
    pub(crate) fn badge(&self, role: Role) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        match self.tier {
            ColorTier::True | ColorTier::Indexed => {
                style.fg(self.color(Role::Background)).bg(self.color(role))
            }
            ColorTier::Sixteen => style.fg(self.color(role)).add_modifier(Modifier::REVERSED),
            ColorTier::Mono => style.add_modifier(Modifier::REVERSED),
        }
    }

    /// A cell of the row with the focus, from what it looks like without.
    pub(crate) fn selected(&self, cell: Style) -> Style {
        match self.tier {
            ColorTier::True | ColorTier::Indexed => {
                // Quiet text would drown in the brighter ground: each weight moves up by one.
                let lifted = if cell.fg == Some(self.color(Role::Dim)) {
                    cell.fg(self.color(Role::Text))
                } else if cell.fg == Some(self.color(Role::Faint)) {
                    cell.fg(self.color(Role::Dim))
                } else {
                    cell
                };
                lifted.bg(self.color(Role::Selection))
            }
            ColorTier::Sixteen | ColorTier::Mono => Style {
                fg: Some(Color::Reset),
                sub_modifier: Modifier::DIM,
                ..cell.remove_modifier(Modifier::DIM).add_modifier(Modifier::REVERSED)
            },
        }
    }
}
