//! What surrounds every view: header, tabs, footer; and the one line that is left of it all on a
//! terminal too small for a screen.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::{text, wire};

use super::canvas::{Canvas, take};
use super::{nodes, ruler, state};
use crate::tui::action::Id;
use crate::tui::action::hint;
use crate::tui::model::log_find::Purpose;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::{self, TABS_HEIGHT_MIN, View};
use crate::tui::model::pointer::{Hit, Mouse};
use crate::tui::model::{Link, Model, columns, rows, split, traffic};
use crate::tui::theme::Role;
use crate::tui::update::attach;
use crate::tui::widget::strip::{self, Hint, Tab};
use crate::tui::widget::{number, pen};

/// Below either, one line has to do.
const WIDTH_MIN: u16 = 40;
const HEIGHT_MIN: u16 = 8;
const WIDE: u16 = 100;
const MIDDLE: u16 = 80;
/// From here on the header has room for the selected row.
const TRAIL_WIDTH_MIN: u16 = 140;

/// By which all else is found; at the right end of a wide header.
const WAYS: [Id; 2] = [Id::Help, Id::Palette];

pub(super) fn is_tiny(area: Rect) -> bool {
    area.width < WIDTH_MIN || area.height < HEIGHT_MIN
}

/// Draws the strips and returns what they leave.
pub(super) fn draw(canvas: &mut Canvas, area: Rect) -> Rect {
    let mut body = area;
    let top = take(&mut body, 1);
    header(canvas, top);
    if area.height >= TABS_HEIGHT_MIN {
        let row = take(&mut body, 1);
        tabs(canvas, row);
    }
    let line = take(&mut body, panel::ruler_height(canvas.model));
    ruler::draw(canvas, line);
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    body.height = body.height.saturating_sub(1);
    footer(canvas, bottom);
    body
}

fn header(canvas: &mut Canvas, area: Rect) {
    strip::fill(canvas.buffer, area, canvas.skin);
    let left = identity(canvas, area.width);
    let right = standing(canvas, area.width);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    strip::two_ended(canvas.buffer, inner, &left, &right, canvas.skin);
    if area.width >= WIDE && canvas.model.past.is_none() {
        let mut end = inner.right();
        for id in WAYS.into_iter().rev() {
            let width = pen::width(&canvas.model.keys.name(id));
            let x = end.saturating_sub(width);
            canvas.hit(Rect { x, width, ..inner }, Hit::Hint(id));
            end = x.saturating_sub(1);
        }
    }
}

/// Whose engine this is.
fn identity(canvas: &Canvas, width: u16) -> Line<'static> {
    let head = &canvas.model.moment.head;
    let mut spans = vec![
        Span::styled(" pilothouse ", canvas.skin.badge(Role::Accent)),
        Span::raw(" "),
        canvas.strong(head.name.clone(), Role::Bright),
    ];
    if canvas.model.nodes.are_several() {
        spans.push(canvas.span("  @", Role::Dim));
    }
    if let Some(trail) = trail(canvas, width) {
        spans.push(canvas.span(trail, Role::Text));
    }
    if head.version.is_empty() {
        return Line::from(spans);
    }
    if width >= MIDDLE {
        let up = number::age(head.uptime_ms);
        spans.push(canvas.span(format!(" gen {}  up {up}", head.generation), Role::Dim));
    }
    if width >= WIDE && head.is_embedded {
        spans.push(canvas.span("  embedded", Role::Dim));
    }
    Line::from(spans)
}

/// Where one is, as far as no tab says so: `> Programs > lines`, `> Programs + Logs`; where there is
/// room, down to the selected row: `> Backends > api/10.0.3.1:8080`.
fn trail(canvas: &Canvas, width: u16) -> Option<String> {
    let model = canvas.model;
    let is_alone = model.is_zoomed && model.view.panels().len() > 1;
    let beside = split::other(model).map(|pane| pane.view.facts().title);
    let row = rows::selected(model).filter(|_| width >= TRAIL_WIDTH_MIN);
    let has_tabs = model.size.height >= TABS_HEIGHT_MIN;
    if has_tabs && !is_alone && beside.is_none() && row.is_none() {
        return None;
    }
    let sign = canvas.skin.glyphs.folded;
    let beside = beside.map(|beside| format!(" + {beside}")).unwrap_or_default();
    let last = match row {
        Some(row) => Some(row.key().label()),
        None => is_alone.then(|| model.focus().facts().noun.to_owned()),
    };
    let last = last.map(|last| format!(" {sign} {last}")).unwrap_or_default();
    let trail = format!(" {sign} {}{beside}{last} ", model.view.facts().title);
    Some(text::plain(&trail).into_owned())
}

/// How the line to the engine is, what this console may do, the time.
fn standing(canvas: &Canvas, width: u16) -> Line<'static> {
    if let Some(past) = &canvas.model.past {
        return ruler::standing(canvas, past, width);
    }
    let model = canvas.model;
    let mut spans = if model.nodes.are_mixed() { nodes::standing(canvas) } else { link(canvas) };

    let rtt_width_min = if model.nodes.are_mixed() { WIDE } else { MIDDLE };
    if let Some(rtt_ms) = model.rtt_ms.filter(|_| width >= rtt_width_min) {
        spans.push(canvas.span(format!("rtt {rtt_ms}ms  "), Role::Dim));
    }
    if model.mouse == Mouse::On {
        spans.push(canvas.span("mouse  ", Role::Info));
    }
    let (role_word, role) = match (model.role, width >= MIDDLE) {
        (wire::Role::Operate, true) => ("operate", Role::Warn),
        (wire::Role::Operate, false) => ("rw", Role::Warn),
        (wire::Role::Read, true) => ("read only", Role::Info),
        (wire::Role::Read, false) => ("ro", Role::Info),
    };
    spans.push(canvas.span(role_word, role));
    spans.push(canvas.span(format!("  {}Z", number::clock(model.now_ms)), Role::Text));
    if width >= WIDE {
        let [help, command] = WAYS.map(|id| model.keys.name(id));
        spans.push(canvas.span(format!("  {help} {command}"), Role::Dim));
    }
    Line::from(spans)
}

/// The line to the one engine that is shown.
fn link(canvas: &Canvas) -> Vec<Span<'static>> {
    let (model, glyphs) = (canvas.model, canvas.skin.glyphs);
    let (glyph, word, role) = match &model.link {
        Link::Connecting { .. } => (glyphs.starting, "CONNECTING".to_owned(), Role::Info),
        Link::Live => (glyphs.up, "LIVE".to_owned(), Role::Ok),
        Link::Stale { .. } => {
            (glyphs.failed, format!("STALE {}", number::age(model.stale_ms())), Role::Bad)
        }
    };
    vec![canvas.span(format!("{glyph} "), role), canvas.strong(word, role), Span::raw("  ")]
}

fn tabs(canvas: &mut Canvas, area: Rect) {
    let tabs = View::ALL.map(|view| Tab {
        key: canvas.model.keys.name(Id::Show(view)),
        name: view.facts().title,
        short: view.facts().short_title,
        is_open: view == canvas.model.view,
    });
    let places = strip::tabs(canvas.buffer, area, &tabs, canvas.skin);
    for (place, view) in places.into_iter().zip(View::ALL) {
        canvas.hit(place, Hit::Tab(view));
    }
}

/// The filter while it is typed, else what was just said, else the keys that do something here.
fn footer(canvas: &mut Canvas, area: Rect) {
    if let Some((sign, input, help)) = prompt(canvas.model) {
        strip::fill(canvas.buffer, area, canvas.skin);
        let line = Line::from(vec![
            canvas.strong(sign, Role::Accent),
            canvas.span(input.to_owned(), Role::Bright),
            Span::styled(" ", canvas.skin.badge(Role::Accent)),
            canvas.span(help, Role::Dim),
        ]);
        canvas.line(inset(area), &line);
        return;
    }
    if let (Some(Overlay::Attached(_)), None) = (&canvas.model.overlay, &canvas.model.notice) {
        let hint =
            |(key, label): (&str, &str)| Hint { key: key.to_owned(), label: label.to_owned() };
        let hints = [("Enter", "send the line"), ("Up/Down", "earlier lines"), ("PgUp", "scroll")];
        let out = hint((&attach::LEAVE.to_string(), "detach"));
        let places = strip::footer(canvas.buffer, area, &hints.map(hint), &[out], canvas.skin);
        if let Some((_, place)) = places.into_iter().find(|(at, _)| *at == hints.len()) {
            canvas.hit(place, Hit::Cancel);
        }
        return;
    }
    let (kept, hints): (Vec<_>, Vec<_>) = hint::footer(canvas.model)
        .into_iter()
        .partition(|hint| matches!(hint.id, Id::Help | Id::Quit));
    let ids: Vec<Id> = hints.iter().chain(&kept).map(|hint| hint.id).collect();
    let as_drawn = |hint: hint::Hint| Hint { key: hint.keys, label: hint.label };
    let kept: Vec<Hint> = kept.into_iter().map(as_drawn).collect();
    let Some(notice) = &canvas.model.notice else {
        let hints: Vec<Hint> = hints.into_iter().map(as_drawn).collect();
        for (at, place) in strip::footer(canvas.buffer, area, &hints, &kept, canvas.skin) {
            canvas.hit(place, Hit::Hint(ids[at]));
        }
        return;
    };
    strip::fill(canvas.buffer, area, canvas.skin);
    let glyph = match notice.severity {
        wire::Severity::Good => canvas.skin.glyphs.fits,
        wire::Severity::Info => canvas.skin.glyphs.point,
        wire::Severity::Warn => canvas.skin.glyphs.warning,
        wire::Severity::Bad => canvas.skin.glyphs.failed,
    };
    let role = state::severity_role(notice.severity);
    let line = Line::from(vec![
        canvas.span(format!("{glyph} "), role),
        canvas.span(text::plain(&notice.text).into_owned(), role),
    ]);
    canvas.line(inset(area), &line);
}

/// What is typed in the footer, behind its sign, and what can be.
fn prompt(model: &Model) -> Option<(&'static str, &str, String)> {
    let (sign, input, help) = match model.overlay.as_ref()? {
        Overlay::Filter { input, .. } => ("/", input, columns_help(model)),
        Overlay::Find { input, purpose: Purpose::Search, .. } => {
            let [older, newer] = [Id::NextMatch, Id::PreviousMatch].map(|id| model.keys.name(id));
            ("/", input, format!("Enter keeps, Esc drops; then {older} older, {newer} newer"))
        }
        Overlay::Find { input, purpose: Purpose::Keep, .. } => {
            ("&", input, "only lines with it; Enter keeps, Esc drops".to_owned())
        }
        _ => return None,
    };
    Some((sign, input.value(), format!("  {help}")))
}

/// What a filter can ask of these rows.
fn columns_help(model: &Model) -> String {
    let rows = rows::unfiltered(model, model.focus());
    let mut names: Vec<&str> = Vec::new();
    for row in rows.iter().take(2) {
        let more = columns::of_row(model, row);
        names.extend(more.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    if names.is_empty() {
        return "words, !without; Enter keeps, Esc drops".to_owned();
    }
    format!("words, !without, or < = > on {}", names.join(" "))
}

fn inset(area: Rect) -> Rect {
    Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(3), ..area }
}

/// Counts of what is wrong, and the two numbers that matter.
pub(super) fn one_line(canvas: &mut Canvas, area: Rect) {
    let model = canvas.model;
    let now = traffic::traffic(model);
    let bad = crate::tui::model::attention::list(model)
        .iter()
        .filter(|row| matches!(row.severity, wire::Severity::Bad | wire::Severity::Warn))
        .count();
    let link = match &model.link {
        Link::Connecting { .. } => "connecting ",
        Link::Live => "",
        Link::Stale { .. } => "STALE ",
    };
    let link = if model.past.is_some() { "PAST " } else { link };
    let (word, role) =
        if bad == 0 { ("ok".to_owned(), Role::Ok) } else { (format!("{bad} wrong"), Role::Bad) };
    let line = Line::from(vec![
        canvas.span(link, Role::Bad),
        canvas.strong(word, role),
        canvas.span(
            format!(
                " {} req/s p99 {}",
                number::compact(now.requests_per_s.round() as u64, 7),
                number::latency(u64::from(now.p99_us))
            ),
            Role::Text,
        ),
    ]);
    let name = canvas.cell("pilothouse ", Role::Dim);
    let is_named = usize::from(area.width) >= name.width() + line.width();
    let x = if is_named {
        pen::line(canvas.buffer, Rect { height: 1, ..area }, &name, pen::Side::Left, canvas.skin)
    } else {
        area.x
    };
    canvas.line(Rect { x, width: area.right().saturating_sub(x), height: 1, ..area }, &line);
}
