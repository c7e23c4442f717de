//! The console's run loop: terminal events, the engine's messages, signals and the frame clock in;
//! effects and at most one frame at a time out.
//!
//! All that waits is taken in before one frame is drawn, so a burst of keys or of changes costs one
//! frame. Decides nothing about what is shown: that is `update` and `view`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::{FutureExt as _, StreamExt as _};
use ratatui::Terminal;
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::control::wire::Severity;
use crate::sys;

use super::link::Link;
use super::link::route::Route;
use super::link::tunnel::Tunnel;
use super::model::pointer::{Hit, Mouse};
use super::model::{Model, Size};
use super::msg::{Effect, Msg};
use super::term::frames::Frames;
use super::term::guard::{self, Guard};
use super::term::writer::Writer;
use super::theme::glyph::GlyphTier;
use super::theme::shelf::{self, Shelf};
use super::theme::skin::Skin;
use super::theme::tier::ColorTier;
use super::theme::{self};
use super::{input, update, view};

/// Thirty frames a second; four over a slow line.
const FRAME_US: u64 = 33_000;
const FRAME_SLOW_US: u64 = 250_000;
/// Ages and countdowns move on by themselves.
const TICK_US: u64 = 1_000_000;
/// Messages taken in before a frame must be drawn, however many more there are.
const BATCH_MAX: usize = 1_024;

pub(crate) struct Options {
    pub(crate) route: Route,
    /// Lines to other machines, opened already; they are kept open while the console is.
    pub(crate) tunnels: Vec<Tunnel>,
    pub(crate) is_read_only: bool,
    /// A theme's name or file; none: the default.
    pub(crate) theme: Option<String>,
    /// In place of what the environment says.
    pub(crate) colors: Option<ColorTier>,
    pub(crate) glyphs: Option<GlyphTier>,
    /// Fewer frames, for a slow line.
    pub(crate) is_slow: bool,
    /// What is said when the screen is gone: that the engine goes on, and how to come back.
    pub(crate) farewell: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsoleError {
    #[error(transparent)]
    Theme(#[from] theme::ThemeError),
    #[error("open the console on this terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// Shows the console until the operator leaves it; says what went on afterwards.
pub(crate) fn run(mut options: Options) -> ExitCode {
    let tunnels = std::mem::take(&mut options.tunnels);
    match attach(&options, tunnels) {
        Ok(()) => {
            let text = options.farewell.as_bytes();
            let _nobody_left_to_tell = sys::tty::write_all(sys::tty::stdout(), text);
            ExitCode::SUCCESS
        }
        // The terminal went away or cannot be used: there is nothing to restore or to say on it.
        Err(ConsoleError::Terminal(error)) if is_gone(&error) => ExitCode::FAILURE,
        Err(error) => {
            sys::log::error!("console", "{error}");
            ExitCode::FAILURE
        }
    }
}

fn attach(options: &Options, tunnels: Vec<Tunnel>) -> Result<(), ConsoleError> {
    let shelf = Shelf::of_user(|name| std::env::var(name).ok());
    let name = options.theme.as_deref();
    let theme = name.map_or_else(|| Ok(theme::default_theme()), |name| shelf.load(name))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for tunnel in tunnels {
            // Ends with the runtime, and its ssh with it.
            tokio::spawn(tunnel.keep());
        }
        let mut console = Console::open(options, theme, shelf)?;
        let left = console.run().await;
        console.close(left)
    })
}

fn is_gone(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    error.raw_os_error() == Some(EIO)
        || matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::TimedOut)
}

struct Console {
    model: Model,
    skin: Skin,
    shelf: Shelf,
    colors: ColorTier,
    glyphs: GlyphTier,
    link: Link,
    messages: mpsc::Receiver<Msg>,
    events: EventStream,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    terminal: Terminal<Frames>,
    writer: Writer,
    guard: Guard,
    frame_us: u64,
    /// What a pointer is on, as it was drawn last.
    hits: Vec<(Rect, Hit)>,
    /// When the last frame was drawn.
    drawn_us: u64,
    is_changed: bool,
}

/// Whether the loop goes on.
enum Next {
    Go,
    Leave,
}

impl Console {
    fn open(options: &Options, theme: theme::Theme, shelf: Shelf) -> io::Result<Self> {
        let (width, height) = crossterm::terminal::size()?;
        let variable = |name: &str| std::env::var(name).ok();
        let colors = options.colors.unwrap_or_else(|| ColorTier::detect(variable));
        let glyphs = options.glyphs.unwrap_or_else(|| GlyphTier::detect(variable));
        // Without this, crossterm answers NO_COLOR by resetting attributes in every cell; the mono
        // tier never asks for a colour, so none is written.
        crossterm::style::force_color_output(true);
        let mut model = Model::new(Size { width, height }, sys::clock::wall_ms());
        model.is_read_only = options.is_read_only;
        model.theme = options.theme.clone().unwrap_or_else(|| theme.name.clone());
        model.themes = shelf.entries();
        // A file that is no part of the folder is chosen by its path.
        if !model.themes.iter().any(|entry| entry.name == model.theme) {
            let entry = shelf::Entry { name: model.theme.clone(), about: theme.about.clone() };
            model.themes.push(entry);
        }
        guard::restore_on_panic();
        watch_for_hangup()?;
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        // Sent by hand it finds a terminal that is still there and must be given back.
        let hangup = signal(SignalKind::hangup())?;
        let guard = Guard::enter()?;
        let (link, messages) = Link::open(options.route.clone());
        Ok(Self {
            model,
            skin: Skin::new(theme, colors, glyphs),
            shelf,
            colors,
            glyphs,
            link,
            messages,
            events: EventStream::new(),
            terminate,
            interrupt,
            hangup,
            terminal: Terminal::new(Frames::new(ratatui::layout::Size::new(width, height)))?,
            writer: Writer::start()?,
            guard,
            frame_us: if options.is_slow { FRAME_SLOW_US } else { FRAME_US },
            hits: Vec::new(),
            drawn_us: 0,
            is_changed: true,
        })
    }

    async fn run(&mut self) -> io::Result<()> {
        loop {
            self.draw_when_due()?;
            let pause = Duration::from_micros(self.pause_us());
            let next = tokio::select! {
                biased;
                _ = self.terminate.recv() => Next::Leave,
                _ = self.interrupt.recv() => Next::Leave,
                _ = self.hangup.recv() => Next::Leave,
                event = self.events.next() => self.take_event(event)?,
                written = self.writer.written() => written.map(|()| Next::Go)?,
                Some(message) = self.messages.recv() => self.take_in(message)?,
                () = tokio::time::sleep(pause) => self.take_in(tick())?,
            };
            if let (Next::Leave, _) | (Next::Go, Next::Leave) = (next, self.take_waiting()?) {
                return Ok(());
            }
        }
    }

    /// What arrived together is shown together.
    fn take_waiting(&mut self) -> io::Result<Next> {
        for _ in 0..BATCH_MAX {
            let next = if let Some(event) = self.events.next().now_or_never() {
                self.take_event(event)?
            } else if let Ok(message) = self.messages.try_recv() {
                self.take_in(message)?
            } else {
                return Ok(Next::Go);
            };
            if let Next::Leave = next {
                return Ok(Next::Leave);
            }
        }
        Ok(Next::Go)
    }

    fn take_event(&mut self, event: Option<io::Result<Event>>) -> io::Result<Next> {
        let Some(event) = event else { return Err(io::ErrorKind::BrokenPipe.into()) };
        for message in input::messages(event?, &self.hits) {
            if let Next::Leave = self.take_in(message)? {
                return Ok(Next::Leave);
            }
        }
        Ok(Next::Go)
    }

    fn take_in(&mut self, message: Msg) -> io::Result<Next> {
        self.is_changed = true;
        // The clock first, so that nothing is judged by an old one.
        let mut effects = update::update(&mut self.model, tick());
        if !matches!(message, Msg::Tick { .. }) {
            effects.extend(update::update(&mut self.model, message));
        }
        for effect in effects {
            if let Next::Leave = self.carry_out(effect)? {
                return Ok(Next::Leave);
            }
        }
        Ok(Next::Go)
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<Next> {
        match effect {
            Effect::Send { first_id, order } => self.link.send(first_id, order),
            Effect::FollowLog { name, instance } => self.link.follow_log(name, instance),
            Effect::StopLog => self.link.stop_log(),
            Effect::FollowAllLogs => self.link.follow_all_logs(),
            Effect::FollowRequests { filter, number } => self.link.follow_requests(filter, number),
            Effect::StopRequests => self.link.stop_requests(),
            Effect::Explain { upstream } => self.link.explain(upstream),
            Effect::StopExplaining => self.link.stop_explaining(),
            Effect::Plan => self.link.plan(),
            Effect::StopPlanning => self.link.stop_planning(),
            Effect::UseTheme(name) => match self.shelf.load(&name) {
                Ok(theme) => self.skin = Skin::new(theme, self.colors, self.glyphs),
                Err(error) => self.model.say(Severity::Bad, error.to_string()),
            },
            Effect::Mouse(mouse) => self.take_mouse(mouse),
            Effect::TurnGlyphs => {
                self.glyphs = self.glyphs.next();
                self.skin = Skin::new(self.skin.theme().clone(), self.colors, self.glyphs);
            }
            Effect::Repaint => self.repaint()?,
            Effect::Suspend => {
                self.guard.suspend()?;
                let (width, height) = crossterm::terminal::size()?;
                self.model.size = Size { width, height };
                self.take_mouse(self.model.mouse);
                self.repaint()?;
            }
            Effect::Detach => return Ok(Next::Leave),
        }
        Ok(Next::Go)
    }

    fn take_mouse(&mut self, mouse: Mouse) {
        let bytes = match mouse {
            Mouse::On => guard::MOUSE_ON,
            Mouse::Off => guard::MOUSE_OFF,
        };
        self.terminal.backend_mut().tell(bytes);
    }

    /// The next frame clears the screen and paints every cell, as one write.
    fn repaint(&mut self) -> io::Result<()> {
        let size = ratatui::layout::Size::new(self.model.size.width, self.model.size.height);
        self.terminal.backend_mut().resize(size);
        self.terminal.clear()?;
        Ok(())
    }

    fn draw_when_due(&mut self) -> io::Result<()> {
        let now_us = sys::clock::monotonic_us();
        let is_due = now_us >= self.drawn_us + self.frame_us;
        if !self.is_changed || !is_due || self.writer.is_writing() {
            return Ok(());
        }
        self.drawn_us = now_us;
        self.is_changed = false;
        let (model, skin) = (&self.model, &self.skin);
        let mut hits = Vec::new();
        self.terminal.draw(|frame| {
            let area = frame.area();
            hits = view::render(frame.buffer_mut(), area, model, skin);
        })?;
        self.hits = hits;
        if let Some(frame) = self.terminal.backend_mut().take() {
            self.writer.write(frame);
        }
        Ok(())
    }

    /// Until the next frame when one is wanted, else until the next tick.
    fn pause_us(&self) -> u64 {
        if self.is_changed && !self.writer.is_writing() {
            let now_us = sys::clock::monotonic_us();
            (self.drawn_us + self.frame_us).saturating_sub(now_us).max(1)
        } else {
            TICK_US
        }
    }

    /// The last frame, then the terminal as it was. A terminal that takes nothing is left as it is.
    fn close(self, left: io::Result<()>) -> Result<(), ConsoleError> {
        let Self { writer, guard, .. } = self;
        if left.is_err() || writer.close().is_err() {
            guard.abandon();
        }
        left.map_err(ConsoleError::from)
    }
}

fn tick() -> Msg {
    Msg::Tick { now_ms: sys::clock::wall_ms() }
}

/// A console whose terminal is gone ends at once: crossterm's reader would spin on it for ever,
/// and SIGHUP does not reach a process started with `nohup` or `sudo`.
fn watch_for_hangup() -> io::Result<()> {
    std::thread::Builder::new().name("hangup".to_owned()).spawn(|| {
        sys::tty::wait_hangup(sys::tty::stdout());
        sys::tty::exit_now(1);
    })?;
    Ok(())
}
