//! What a console is opened with.

use std::path::PathBuf;

use clap::Args;

use crate::tui;
use crate::tui::console::Engine;
use crate::tui::link::target::Target;
use crate::tui::term::aside::Alarm;
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::tier::ColorTier;

#[derive(Debug, Default, Args)]
pub(crate) struct Console {
    /// Engines to attach to, as one where there are several: each a socket, or
    /// `ssh://[user@]host[:port][/engine or /path/of/socket]`.
    #[arg(value_name = "TARGET", value_parser = Target::parse)]
    pub(crate) targets: Vec<Target>,
    /// Only look: no key changes anything.
    #[arg(long)]
    pub(crate) read_only: bool,
    #[command(flatten)]
    pub(crate) print: Print,
    /// Theme: a built-in one, one of ~/.config/pilothouse/themes, or a file.
    #[arg(long, value_name = "NAME")]
    pub(crate) theme: Option<String>,
    /// How many colours the terminal has (true, 256, 16, none), where it does not say so itself.
    #[arg(long, value_name = "TIER", value_parser = colors)]
    pub(crate) colors: Option<ColorTier>,
    /// Signs and graphs of the console: braille, block or ascii.
    #[arg(long, value_name = "TIER", value_parser = glyphs)]
    pub(crate) glyphs: Option<GlyphTier>,
    /// What tells of a failure while you look elsewhere: bell, osc9, osc777 (the last two are
    /// notifications of the desktop) or none.
    #[arg(long, value_name = "HOW", value_parser = notify)]
    pub(crate) notify: Option<Alarm>,
    /// Keys and more of your own; else ~/.config/pilothouse/console.toml. `none`: the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Few frames a second, for slow lines.
    #[arg(long)]
    pub(crate) slow: bool,
    /// Draw every view as SVG into this folder, once there is a minute and a half of samples, and
    /// end. How the pictures of the documentation are made.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) screenshot: Option<PathBuf>,
    /// Seconds of samples that those pictures show at least.
    #[arg(long, value_name = "SECONDS", hide = true, default_value_t = 90)]
    pub(crate) samples: usize,
    /// Cells of those pictures.
    #[arg(long, value_name = "COLUMNSxROWS", hide = true, default_value = "100x30", value_parser = size)]
    pub(crate) size: tui::model::Size,
}

impl Console {
    /// What of it is the console's own to know.
    pub(crate) fn options(&self, engines: Vec<Engine>) -> tui::console::Options {
        tui::console::Options {
            engines,
            tunnels: Vec::new(),
            is_read_only: self.read_only,
            theme: self.theme.clone(),
            colors: self.colors,
            glyphs: self.glyphs,
            alarm: self.notify,
            settings: self.settings.clone(),
            is_slow: self.slow,
            farewell: String::new(),
        }
    }
}

/// What is printed in place of a console.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Print {
    /// Print the overview as text and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Print all of it as JSON and end.
    #[arg(long, conflicts_with = "once")]
    pub(crate) json: bool,
}

impl Print {
    pub(crate) fn is_asked(self) -> bool {
        self.once || self.json
    }
}

fn colors(text: &str) -> Result<ColorTier, String> {
    ColorTier::named(text).ok_or_else(|| format!("expected one of {}", ColorTier::NAMES))
}

fn glyphs(text: &str) -> Result<GlyphTier, String> {
    GlyphTier::named(text).ok_or_else(|| format!("expected one of {}", GlyphTier::NAMES))
}

fn notify(text: &str) -> Result<Alarm, String> {
    Alarm::named(text).ok_or_else(|| format!("expected one of {}", Alarm::NAMES))
}

fn size(text: &str) -> Result<tui::model::Size, String> {
    let parsed = text.split_once('x').and_then(|(width, height)| {
        Some(tui::model::Size { width: width.parse().ok()?, height: height.parse().ok()? })
    });
    let is_sane = |size: &tui::model::Size| size.width <= 300 && size.height <= 100;
    parsed.filter(is_sane).ok_or_else(|| "expected such as 100x30, at most 300x100".to_owned())
}
