//! Output of programs, for the screens' tests.

use super::fixture::NOW_MS;
use crate::control::wire::{LogLine, Stream};

pub(super) fn of_mailer() -> Vec<LogLine> {
    let line = |ago_ms: u64, stream, text: &str| LogLine {
        wall_ms: NOW_MS - ago_ms,
        stream,
        text: text.to_owned(),
        ..LogLine::default()
    };
    vec![
        line(70_886, Stream::Stdout, "starting mailer 2.4.1"),
        line(70_610, Stream::Stdout, "connecting smtp.example.net:587"),
        line(70_088, Stream::Stderr, "Traceback (most recent call last):"),
        line(70_088, Stream::Stderr, "  File \"/srv/mailer/main.py\", line 88, in connect"),
        line(70_088, Stream::Stderr, "    raise SMTPAuthError(code, msg)"),
        line(70_087, Stream::Stderr, "\u{1b}[31mSMTPAuthError\u{1b}[0m: [535] bad credentials"),
        line(70_000, Stream::Mark, "exit 1 after 0.8 s, start 4 of 5 in 4 s"),
        line(66_080, Stream::Stdout, "starting mailer 2.4.1"),
        line(65_820, Stream::Stdout, "connecting smtp.example.net:587"),
        line(65_256, Stream::Stderr, "SMTPAuthError: [535] bad credentials"),
        line(65_200, Stream::Mark, "exit 1 after 0.8 s, start 5 of 5: gave up, FATAL"),
    ]
}

/// The mailer's, and between them those of a worker.
pub(super) fn merged() -> Vec<LogLine> {
    let named = |program: &str| {
        let program = program.to_owned();
        move |line: LogLine| LogLine { program: program.clone(), ..line }
    };
    let other = [(70_500, "GET /export 200"), (66_000, "GET / 304"), (65_100, "POST /import 201")]
        .map(|(ago_ms, text)| LogLine {
            wall_ms: NOW_MS - ago_ms,
            text: text.to_owned(),
            ..LogLine::default()
        });
    let mut lines: Vec<LogLine> = of_mailer().into_iter().map(named("mailer:0")).collect();
    lines.extend(other.into_iter().map(named("web:1")));
    lines.sort_by_key(|line| line.wall_ms);
    lines
}
