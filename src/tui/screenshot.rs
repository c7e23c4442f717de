//! Pictures of the console, taken from a running engine: every view as SVG, as a terminal of a
//! given size would show it, and the first view in every theme.
//!
//! Needs no terminal. The same model, messages and views as the console; only what is drawn goes
//! into files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use crate::sys;

use super::action::{self, Id};
use super::link::nodes::Links;
use super::link::route::Route;
use super::model::attention;
use super::model::panel::View;
use super::model::{Model, Size};
use super::msg::{Effect, Msg, Press};
use super::theme::glyph::GlyphTier;
use super::theme::shelf::{self, Shelf};
use super::theme::skin::Skin;
use super::theme::tier::ColorTier;
use super::theme::{self, ThemeError};
use super::{svg, update, view};

/// How long the engine has for its first snapshot.
const SNAPSHOT_MS: u64 = 10_000;
/// How long is waited for something that needs attention, once the graphs are full: a picture of an
/// empty list explains nothing.
const ATTENTION_MS: u64 = 45_000;
/// How long the cursor has to settle, and a view for what only it asks for: the log of the selected
/// program.
const SETTLE_MS: u64 = 1_500;
/// Below the views' pictures, those of the themes.
const THEMES: &str = "themes";
const SAMPLE_SIZE: Size = Size { width: 80, height: 24 };

pub(crate) struct Options {
    pub(crate) socket: PathBuf,
    /// Where the pictures go; made when it does not exist.
    pub(crate) folder: PathBuf,
    pub(crate) size: Size,
    pub(crate) theme: Option<String>,
    /// Seconds of samples to wait for, so that graphs have something to show.
    pub(crate) seconds: usize,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScreenshotError {
    #[error(transparent)]
    Theme(#[from] ThemeError),
    #[error("take pictures from {socket}: no snapshot within {seconds} s")]
    NoEngine { socket: String, seconds: u64 },
    #[error("write {path}: {cause}")]
    Write { path: String, cause: io::Error },
}

/// Draws every view into `folder` and returns the files written.
pub(crate) async fn take(options: &Options) -> Result<Vec<PathBuf>, ScreenshotError> {
    let shelf = Shelf::of_user(|name| std::env::var(name).ok());
    let name = options.theme.as_deref();
    let theme = name.map_or_else(|| Ok(theme::default_theme()), |name| shelf.load(name))?;
    let mut model = Model::new(options.size, sys::clock::wall_ms());
    model.theme.clone_from(&theme.name);
    model.themes = shelf.entries();
    let (links, messages) = Links::open(Route::near(options.socket.clone()));
    let skin = Skin::new(theme, ColorTier::True, GlyphTier::Block);
    let mut session = Session { model, links, messages };
    session.until(SNAPSHOT_MS, |model| !model.history.is_empty()).await;
    if session.model.history.is_empty() {
        let socket = options.socket.display().to_string();
        return Err(ScreenshotError::NoEngine { socket, seconds: SNAPSHOT_MS / 1000 });
    }
    let wait_ms = options.seconds as u64 * 1000 + SNAPSHOT_MS;
    session.until(wait_ms, |model| model.history.len() >= options.seconds).await;
    session.until(ATTENTION_MS, |model| !attention::list(model).is_empty()).await;
    // Keys are only offered once the operator could have seen where the cursor is.
    session.until(SETTLE_MS, |_| false).await;
    let mut album = Album { folder: options.folder.clone(), written: Vec::new() };
    for view in View::ALL {
        session.show(view).await;
        album.put(view.facts().name, &draw(&session.model, &skin))?;
    }
    album.folder.push(THEMES);
    session.show(View::Overview).await;
    session.take_in(Msg::Resize(SAMPLE_SIZE));
    for name in shelf::names() {
        let skin = Skin::new(shelf.load(name)?, ColorTier::True, GlyphTier::Block);
        album.put(name, &draw(&session.model, &skin))?;
    }
    Ok(album.written)
}

/// Where pictures go, and those that did.
struct Album {
    folder: PathBuf,
    written: Vec<PathBuf>,
}

impl Album {
    fn put(&mut self, name: &str, picture: &str) -> Result<(), ScreenshotError> {
        std::fs::create_dir_all(&self.folder).map_err(|cause| failed(&self.folder, cause))?;
        let path = self.folder.join(format!("{name}.svg"));
        std::fs::write(&path, picture).map_err(|cause| failed(&path, cause))?;
        self.written.push(path);
        Ok(())
    }
}

fn failed(path: &Path, cause: io::Error) -> ScreenshotError {
    ScreenshotError::Write { path: path.display().to_string(), cause }
}

fn draw(model: &Model, skin: &Skin) -> String {
    let area = Rect::new(0, 0, model.size.width, model.size.height);
    let mut buffer = Buffer::empty(area);
    view::render(&mut buffer, area, model, skin);
    svg::render(&buffer, skin)
}

/// A console without a terminal.
struct Session {
    model: Model,
    links: Links,
    messages: mpsc::Receiver<Msg>,
}

impl Session {
    /// Takes messages in until `is_enough`, or for `wait_ms`.
    async fn until(&mut self, wait_ms: u64, is_enough: impl Fn(&Model) -> bool) {
        let deadline = tokio::time::sleep(Duration::from_millis(wait_ms));
        tokio::pin!(deadline);
        while !is_enough(&self.model) {
            tokio::select! {
                () = &mut deadline => return,
                message = self.messages.recv() => match message {
                    Some(message) => self.take_in(message),
                    None => return,
                },
            }
        }
    }

    /// Turns to a view by its key, and gives its log time to arrive.
    async fn show(&mut self, view: View) {
        let chord = action::of(Id::Show(view)).keys[0];
        self.take_in(Msg::Press(Press { chord, edit: None }));
        if view == View::Programs {
            self.until(SETTLE_MS, |model| !model.log.lines.is_empty()).await;
        }
        if view == View::Logs {
            // Events are there at once; what programs write comes when they are asked.
            self.until(SETTLE_MS, |_| false).await;
        }
        if view == View::Balance {
            let is_explained = |model: &Model| {
                model.balance_upstream().is_some_and(|row| model.explained.of(row).is_some())
            };
            self.until(SETTLE_MS, is_explained).await;
        }
        if view == View::Config {
            self.until(SETTLE_MS, |model| model.planned.plan().is_some()).await;
        }
        if view == View::Requests {
            self.until(SETTLE_MS, |model| !model.requests.records.is_empty()).await;
        }
    }

    fn take_in(&mut self, message: Msg) {
        let tick = Msg::Tick { now_ms: sys::clock::wall_ms() };
        for message in [tick, message] {
            for effect in update::update(&mut self.model, message) {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::FollowLog { name, instance } => self.links.follow_log(&name, instance),
            Effect::StopLog => self.links.stop_log(),
            Effect::FollowAllLogs => self.links.follow_all_logs(),
            Effect::FollowRequests { filter, number } => {
                self.links.follow_requests(&filter, number);
            }
            Effect::StopRequests => self.links.stop_requests(),
            Effect::Explain { upstream } => self.links.explain(&upstream),
            Effect::StopExplaining => self.links.stop_explaining(),
            Effect::Plan => self.links.plan(),
            Effect::StopPlanning => self.links.stop_planning(),
            // Nothing else follows from looking: no key but the views' is ever pressed.
            Effect::Send { .. }
            | Effect::ChooseNode(_)
            | Effect::UseTheme(_)
            | Effect::TurnGlyphs
            | Effect::Mouse(_)
            | Effect::Copy { .. }
            | Effect::Export(_)
            | Effect::Alarm(_)
            | Effect::Welcomed
            | Effect::Repaint
            | Effect::Suspend
            | Effect::Detach => {}
        }
    }
}
