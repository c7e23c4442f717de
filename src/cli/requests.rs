//! `pilothouse requests`: what was just asked of the engine, oldest first, and what comes next.
//!
//! A row is one line whose columns stay where they are while the stream goes on: each is as wide as
//! the widest value so far, within bounds. A narrow terminal is given fewer columns, never a wrapped
//! line; a pipe is given them all.

use super::arguments::Requests;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use crate::control::call::Query;
use crate::control::requests::{RequestLine, RequestRecord};
use crate::control::text;
use crate::sys;

pub(crate) async fn run(place: &Place, out: Out, verb: Requests) -> Result<(), Failure> {
    let Requests { follow, json, lines: tail, filter } = verb;
    let query = Query::Requests { filter: filter.into(), tail: Some(tail), follow };
    let mut lines = place.client().lines(&query).await.map_err(|error| place.explain(error))?;
    let mut table = Table::new(sys::tty::columns(sys::tty::stdout()));
    while let Some(line) = lines.next::<RequestLine>().await? {
        if json {
            out.line(&serde_json::to_string(&line).expect("a record is plain data"))?;
            continue;
        }
        match line {
            RequestLine::Request(record) => {
                if let Some(titles) = table.titles_once(out, &record) {
                    out.line(&titles)?;
                }
                out.line(&table.row(out, &record))?;
            }
            RequestLine::Lost { lost } => {
                out.line(&out.paint(Tone::Warn, &format!("({lost} more came than were read)")))?;
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

struct Column {
    title: &'static str,
    side: Side,
    width: usize,
    width_max: usize,
    /// Left out on a terminal with fewer columns.
    terminal_min: usize,
}

const GAP: &str = "  ";
/// Without a terminal nothing is cut.
const UNLIMITED: usize = usize::MAX;

const COLUMNS: usize = 10;

struct Table {
    terminal: usize,
    columns: [Column; COLUMNS],
    has_titles: bool,
}

impl Table {
    /// `terminal`: how many characters a line may have, if that is bounded.
    fn new(terminal: Option<u16>) -> Self {
        let column = |title, side, (width, width_max), terminal_min| Column {
            title,
            side,
            width,
            width_max,
            terminal_min,
        };
        Self {
            terminal: terminal.map_or(UNLIMITED, usize::from),
            columns: [
                column("TIME", Side::Left, (9, 9), 40),
                column("STATUS", Side::Left, (6, 6), 0),
                column("METHOD", Side::Left, (6, 9), 56),
                column("PROTOCOL", Side::Left, (8, 8), 132),
                column("TOOK", Side::Right, (7, 7), 24),
                column("SIZE", Side::Right, (7, 7), 100),
                column("CLIENT", Side::Left, (9, 39), 64),
                column("UPSTREAM", Side::Left, (8, 20), 120),
                column("BACKEND", Side::Left, (14, 30), 78),
                column("REQUEST", Side::Left, (0, UNLIMITED), 0),
            ],
            has_titles: false,
        }
    }

    /// The titles, before the first row.
    fn titles_once(&mut self, out: Out, first: &RequestRecord) -> Option<String> {
        if std::mem::replace(&mut self.has_titles, true) {
            return None;
        }
        self.widen(&cells(first));
        let titles = self.columns.each_ref().map(|column| (Tone::Quiet, column.title.to_owned()));
        Some(self.line(out, &titles))
    }

    fn row(&mut self, out: Out, record: &RequestRecord) -> String {
        let cells = cells(record);
        self.widen(&cells);
        self.line(out, &cells)
    }

    fn widen(&mut self, cells: &[(Tone, String)]) {
        for (column, (_, text)) in self.columns.iter_mut().zip(cells) {
            column.width = column.width.max(text.chars().count()).min(column.width_max);
        }
    }

    fn line(&self, out: Out, cells: &[(Tone, String)]) -> String {
        let mut line = String::new();
        let mut free = self.terminal;
        let last = self.columns.len() - 1;
        for (at, (column, (tone, text))) in self.columns.iter().zip(cells).enumerate() {
            if self.terminal < column.terminal_min {
                continue;
            }
            let width = if at == last { free } else { column.width.min(free) };
            let text = shortened(text, width);
            let painted = out.paint(*tone, &text);
            if at == last {
                line.push_str(&painted);
                break;
            }
            let blanks = " ".repeat(width - text.chars().count());
            match column.side {
                Side::Left => line.extend([painted, blanks]),
                Side::Right => line.extend([blanks, painted]),
            }
            line.push_str(GAP);
            free = free.saturating_sub(width + GAP.len());
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn cells(record: &RequestRecord) -> [(Tone, String); COLUMNS] {
    let clock = sys::log::utc(record.wall_ms)[11..19].to_owned() + "Z";
    let tries = if record.tries > 1 { format!("{}×", record.tries) } else { String::new() };
    let safe = |text: &str| text::plain(text).into_owned();
    let none_or = |name: &Option<String>| name.as_deref().map_or_else(|| "-".to_owned(), safe);
    let cut = |is_cut: bool| if is_cut { "…" } else { "" };
    let backend = tries + &none_or(&record.backend);
    let (host, path) = (safe(&record.host), safe(&record.path));
    let (host_cut, path_cut) = (cut(record.is_host_cut), cut(record.is_path_cut));
    [
        (Tone::Quiet, clock),
        (tone(record.status), record.status.to_string()),
        (Tone::Plain, safe(&record.method)),
        (Tone::Quiet, safe(&record.protocol)),
        (Tone::Plain, duration(record.service_us)),
        (Tone::Plain, size(record.bytes)),
        (Tone::Plain, safe(&record.client)),
        (Tone::Plain, none_or(&record.upstream)),
        (Tone::Plain, backend),
        (Tone::Strong, format!("{host}{host_cut}{path}{path_cut}")),
    ]
}

fn tone(status: u16) -> Tone {
    match status / 100 {
        2 => Tone::Good,
        4 => Tone::Warn,
        5 => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// At most `width` characters, the last an ellipsis where something is missing.
fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        short.push('…');
    }
    short
}

/// Four digits at most.
fn duration(us: u32) -> String {
    match us {
        0..10_000 => format!("{:.2}ms", f64::from(us) / 1e3),
        10_000..1_000_000 => format!("{}ms", us / 1000),
        1_000_000..100_000_000 => format!("{:.1}s", f64::from(us) / 1e6),
        _ => format!("{}s", us / 1_000_000),
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let mut rest = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if rest < 1000.0 {
            break;
        }
        (rest, unit) = (rest / 1024.0, next);
    }
    if unit == "B" { format!("{bytes}B") } else { format!("{rest:.1}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::When;

    fn record() -> RequestRecord {
        RequestRecord {
            wall_ms: 1_795_349_071_999,
            client: "10.1.2.3".to_owned(),
            protocol: "HTTP/2.0".to_owned(),
            method: "GET".to_owned(),
            host: "example.com".to_owned(),
            path: "/api/\u{1b}[2Jusers/0123456789/0123456789".to_owned(),
            is_path_cut: true,
            status: 502,
            service_us: 1_234,
            bytes: 150_000,
            upstream: Some("api".to_owned()),
            backend: Some("10.0.3.1:8080".to_owned()),
            tries: 2,
            ..RequestRecord::default()
        }
    }

    #[test]
    fn columns_stay_where_they_are() {
        let mut table = Table::new(None);
        let out = Out::new(When::Never);
        let titles = table.titles_once(out, &record()).unwrap();
        let row = table.row(out, &record());
        assert_eq!(
            titles,
            "TIME       STATUS  METHOD  PROTOCOL     TOOK     SIZE  CLIENT     UPSTREAM  BACKEND          REQUEST"
        );
        assert_eq!(
            row,
            "12:04:31Z  502     GET     HTTP/2.0   1.23ms  146.5KB  10.1.2.3   api       2×10.0.3.1:8080  \
             example.com/api/users/0123456789/0123456789…"
        );
        assert_eq!(table.titles_once(out, &record()), None);
    }

    #[test]
    fn a_row_never_outgrows_its_terminal() {
        for terminal in 1..200 {
            let mut table = Table::new(Some(terminal));
            for text in [
                table.titles_once(Out::new(When::Never), &record()).unwrap(),
                table.row(Out::new(When::Never), &record()),
            ] {
                assert!(text.chars().count() <= usize::from(terminal), "{terminal}: {text:?}");
                assert!(!text.contains('\u{1b}'));
            }
            if terminal >= 80 {
                assert!(table.row(Out::new(When::Never), &record()).contains("example"));
            }
        }
    }

    #[test]
    fn figures_are_short() {
        for (us, expected) in [
            (0, "0.00ms"),
            (9_999, "10.00ms"),
            (45_678, "45ms"),
            (1_500_000, "1.5s"),
            (u32::MAX, "4294s"),
        ] {
            assert_eq!(duration(us), expected);
        }
        for (bytes, expected) in [(0, "0B"), (999, "999B"), (1024, "1.0KB"), (1 << 30, "1.0GB")] {
            assert_eq!(size(bytes), expected);
        }
    }
}
