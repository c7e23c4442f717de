//! The console's run loop: terminal events, the engine's messages, signals and the frame clock in;
//! effects and at most one frame at a time out.
//!
//! All that waits is taken in before one frame is drawn, so a burst of keys or of changes costs one
//! frame. Decides nothing about what is shown: that is `update` and `view`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::control::wire::Severity;
use crate::sys;

use super::input::parse::{Event, Parser};
use super::input::reader;
use super::link::nodes::Links;
use super::link::route::Route;
use super::link::tunnel::Tunnel;
use super::model::nodes::Node;
use super::model::pointer::{Hit, Mouse};
use super::model::{Model, Size};
use super::msg::{Effect, Msg};
use super::pace::Pace;
use super::settings::{self, Settings};
use super::term::aside::{Alarm, Aside};
use super::term::frames::Frames;
use super::term::guard::{self, Guard};
use super::term::writer::Writer;
use super::theme::glyph::{Charset, GlyphTier};
use super::theme::shelf::{self, Shelf};
use super::theme::skin::Skin;
use super::theme::tier::ColorTier;
use super::theme::{self};
use super::widget::{number, pen};
use super::{export, input, memory, update, view};

/// Ages and countdowns move on by themselves; what an engine says each second moves them already.
const TICK_US: u64 = 1_050_000;
/// Messages taken in before a frame must be drawn, however many more there are.
const BATCH_MAX: usize = 1_024;

pub(crate) struct Options {
    /// The engines; of several, each with what it is called.
    pub(crate) engines: Vec<Engine>,
    /// Lines to other machines, opened already; they are kept open while the console is.
    pub(crate) tunnels: Vec<Tunnel>,
    pub(crate) is_read_only: bool,
    /// A theme's name or file; none: the default.
    pub(crate) theme: Option<String>,
    /// In place of what the environment says.
    pub(crate) colors: Option<ColorTier>,
    pub(crate) glyphs: Option<GlyphTier>,
    /// In place of what the settings say.
    pub(crate) alarm: Option<Alarm>,
    /// A file of settings; none: the operator's own, where there is one.
    pub(crate) settings: Option<PathBuf>,
    /// Fewer frames, for a slow line.
    pub(crate) is_slow: bool,
    /// What is said when the screen is gone: that the engine goes on, and how to come back.
    pub(crate) farewell: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) name: String,
    /// What a shell needs before a verb to mean it.
    pub(crate) shell: String,
    pub(crate) route: Route,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsoleError {
    #[error(transparent)]
    Theme(#[from] theme::ThemeError),
    #[error(transparent)]
    Settings(#[from] settings::SettingsError),
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
    let settings = settings::load(options.settings.as_deref(), variable)?;
    let shelf = Shelf::of_user(variable);
    let name = options.theme.as_deref().or(settings.theme.as_deref());
    let theme = name.map_or_else(|| Ok(theme::default_theme()), |name| shelf.load(name))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for tunnel in tunnels {
            // Ends with the runtime, and its ssh with it.
            tokio::spawn(tunnel.keep());
        }
        let mut console = Console::open(options, settings, theme, shelf)?;
        let left = console.run().await;
        console.close(left)
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
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
    links: Links,
    messages: mpsc::Receiver<Msg>,
    /// What the terminal sends.
    bytes: mpsc::Receiver<Vec<u8>>,
    parser: Parser,
    resized: Signal,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    terminal: Terminal<Frames>,
    writer: Writer,
    guard: Guard,
    aside: Aside,
    charset: Charset,
    pace: Pace,
    /// What a pointer is on, as it was drawn last.
    hits: Vec<(Rect, Hit)>,
}

/// Whether the loop goes on.
enum Next {
    Go,
    Leave,
}

impl Console {
    fn open(
        options: &Options,
        settings: Settings,
        theme: theme::Theme,
        shelf: Shelf,
    ) -> io::Result<Self> {
        let (width, height) = sys::tty::size(sys::tty::stdout())?;
        let colors = options.colors.or(settings.colors);
        let colors = colors.unwrap_or_else(|| ColorTier::detect(variable));
        let glyphs = options.glyphs.or(settings.glyphs);
        let glyphs = glyphs.unwrap_or_else(|| GlyphTier::detect(variable));
        let alarm = options.alarm.or(settings.alarm).unwrap_or_default();
        let mut model = Model::new(Size { width, height }, sys::clock::wall_ms());
        model.is_read_only = options.is_read_only;
        model.keys = settings.keys;
        model.welcome = memory::welcome(variable);
        let asked = options.theme.clone().or(settings.theme);
        model.theme = asked.unwrap_or_else(|| theme.name.clone());
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
        let resized = signal(SignalKind::window_change())?;
        let guard = Guard::enter()?;
        let (links, messages) = attach_to(&mut model, &options.engines);
        Ok(Self {
            model,
            skin: Skin::new(theme, colors, glyphs),
            shelf,
            colors,
            glyphs,
            links,
            messages,
            bytes: reader::start()?,
            parser: Parser::default(),
            resized,
            terminate,
            interrupt,
            hangup,
            terminal: Terminal::new(Frames::new(ratatui::layout::Size::new(width, height)))?,
            writer: Writer::start()?,
            guard,
            aside: Aside::new(alarm, variable),
            charset: Charset::detect(variable),
            pace: Pace::new(options.is_slow),
            hits: Vec::new(),
        })
    }

    async fn run(&mut self) -> io::Result<()> {
        loop {
            // However much comes from the engine: an Esc does not wait for a pause in it.
            let events = self.parser.overdue(sys::clock::monotonic_us());
            if let Next::Leave = self.take_events(events)? {
                return Ok(());
            }
            self.draw_when_due()?;
            let pause = Duration::from_micros(self.pause_us());
            let next = tokio::select! {
                biased;
                _ = self.terminate.recv() => Next::Leave,
                _ = self.interrupt.recv() => Next::Leave,
                _ = self.hangup.recv() => Next::Leave,
                bytes = self.bytes.recv() => self.take_bytes(bytes)?,
                _ = self.resized.recv() => self.take_size()?,
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
            let next = if let Ok(bytes) = self.bytes.try_recv() {
                self.take_bytes(Some(bytes))?
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

    /// Nothing more to come: the terminal is gone.
    fn take_bytes(&mut self, bytes: Option<Vec<u8>>) -> io::Result<Next> {
        let Some(bytes) = bytes else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let events = self.parser.feed(&bytes, sys::clock::monotonic_us());
        self.take_events(events)
    }

    /// However often the window changed, its size now is what counts.
    fn take_size(&mut self) -> io::Result<Next> {
        let (width, height) = sys::tty::size(sys::tty::stdout())?;
        self.take_in(Msg::Resize(Size { width, height }))
    }

    fn take_events(&mut self, events: Vec<Event>) -> io::Result<Next> {
        for event in events {
            let message = input::message(event, &self.hits);
            if let Some(message) = message
                && let Next::Leave = self.take_in(message)?
            {
                return Ok(Next::Leave);
            }
        }
        Ok(Next::Go)
    }

    fn take_in(&mut self, message: Msg) -> io::Result<Next> {
        self.pace.want(message.news());
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
            Effect::Send { first_id, order } => {
                let nodes = &self.model.nodes;
                self.links.send(first_id, order, |key| nodes.of(key));
            }
            Effect::ChooseNode(chosen) => self.links.choose(chosen),
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
            Effect::UseTheme(name) => match self.shelf.load(&name) {
                Ok(theme) => self.skin = Skin::new(theme, self.colors, self.glyphs),
                Err(error) => self.model.say(Severity::Bad, error.to_string()),
            },
            Effect::Mouse(mouse) => self.take_mouse(mouse),
            Effect::TurnGlyphs => {
                self.glyphs = self.glyphs.next();
                self.skin = Skin::new(self.skin.theme().clone(), self.colors, self.glyphs);
            }
            Effect::Copy { text, what } => self.copy(&text, &what),
            Effect::Export(format) => self.export(format),
            Effect::Alarm(words) => {
                let bytes = self.aside.alarm(&words).unwrap_or_default();
                self.terminal.backend_mut().tell(&bytes);
            }
            Effect::Welcomed => memory::welcomed(variable),
            Effect::Repaint => self.repaint()?,
            Effect::Suspend => {
                self.guard.suspend()?;
                let (width, height) = sys::tty::size(sys::tty::stdout())?;
                self.model.size = Size { width, height };
                self.take_mouse(self.model.mouse);
                self.aside.forget_title();
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

    fn copy(&mut self, text: &str, what: &str) {
        match self.aside.clipboard(text) {
            Some(bytes) => {
                self.terminal.backend_mut().tell(&bytes);
                let way = self.aside.way();
                self.model.say(Severity::Good, format!("copied {what} {way}"));
            }
            None => self.model.say(Severity::Bad, format!("{what}: too much for a clipboard")),
        }
    }

    /// What the box that asked lies over.
    fn export(&mut self, format: export::Format) {
        let Size { width, height } = self.model.size;
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        view::render(&mut buffer, area, &self.model, &self.skin);
        let view = self.model.view.facts().name;
        let time = number::clock(self.model.seen_ms()).replace(':', "");
        let name = format!("{}-{view}-{time}Z", self.model.moment.head.name);
        match export::save(&buffer, &self.skin, format, (Path::new("."), &name)) {
            Ok(path) => self.model.say(Severity::Good, format!("written to {}", path.display())),
            Err(error) => self.model.say(Severity::Bad, format!("write {name}: {error}")),
        }
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
        if !self.pace.is_due(now_us) || self.writer.is_writing() {
            return Ok(());
        }
        self.pace.drawn(now_us);
        if let Some(title) = self.aside.title(self.model.title()) {
            self.terminal.backend_mut().tell(&title);
        }
        let (model, skin, charset) = (&self.model, &self.skin, self.charset);
        let mut hits = Vec::new();
        self.terminal.draw(|frame| {
            let area = frame.area();
            hits = view::render(frame.buffer_mut(), area, model, skin);
            pen::keep_to(frame.buffer_mut(), charset);
        })?;
        self.hits = hits;
        if let Some(frame) = self.terminal.backend_mut().take() {
            self.writer.write(frame);
        }
        Ok(())
    }

    /// Until the next frame when one is wanted, else until the next tick.
    fn pause_us(&self) -> u64 {
        let now_us = sys::clock::monotonic_us();
        let wanted_us = self.pace.wait_us(now_us).filter(|_| !self.writer.is_writing());
        let pause_us = wanted_us.unwrap_or(TICK_US);
        self.parser.wait_us(now_us).map_or(pause_us, |wait_us| pause_us.min(wait_us)).max(1)
    }

    /// The last frame, then the terminal as it was. A terminal that takes nothing is left as it is.
    fn close(self, left: io::Result<()>) -> Result<(), ConsoleError> {
        let Self { writer, guard, .. } = self;
        let left = left.and_then(|()| writer.close());
        if left.is_err() {
            guard.abandon();
        }
        left.map_err(ConsoleError::from)
    }
}

fn attach_to(model: &mut Model, engines: &[Engine]) -> (Links, mpsc::Receiver<Msg>) {
    if let [only] = engines {
        return Links::open(only.route.clone());
    }
    let node = |engine: &Engine| Node::new(engine.name.clone(), engine.shell.clone(), model.now_ms);
    model.nodes.all = engines.iter().map(node).collect();
    let routes = engines.iter().map(|engine| (engine.name.clone(), engine.route.clone()));
    Links::open_all(routes.collect())
}

fn tick() -> Msg {
    Msg::Tick { now_ms: sys::clock::wall_ms() }
}

/// A console whose terminal is gone ends at once, whatever it is about to write: SIGHUP does not
/// reach a process started with `nohup` or `sudo`.
fn watch_for_hangup() -> io::Result<()> {
    std::thread::Builder::new().name("hangup".to_owned()).spawn(|| {
        sys::tty::wait_hangup(sys::tty::stdout());
        sys::tty::exit_now(1);
    })?;
    Ok(())
}
