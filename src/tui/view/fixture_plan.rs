//! A plan with something of everything, for the screens' tests.

use crate::control::plan::{Change, Detail, Line, Plan, Sign, Weight};

pub(super) fn plan() -> Plan {
    let detail = |sign, key: &str, from: &str, to: &str| Detail {
        sign,
        key: key.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let change = |sign, (kind, name): (&str, &str), effect: &str, weight, details| Change {
        sign,
        kind: kind.to_owned(),
        name: name.to_owned(),
        effect: effect.to_owned(),
        weight,
        details,
    };
    let api = vec![
        detail(Sign::Changed, "strategy", "least_conn", "round_robin"),
        detail(Sign::Added, "backend 10.0.3.9:8080", "", "address=10.0.3.9:8080 weight=1"),
        detail(Sign::Removed, "backend 10.0.3.7:8080", "address=10.0.3.7:8080", ""),
    ];
    let mailer = vec![detail(Sign::Changed, "environment.SMTP_PASS", "***", "***")];
    let lines = [
        Line::Gap(11),
        Line::Same("[upstream.api]".to_owned()),
        Line::Gone("strategy = \"least_conn\"".to_owned()),
        Line::New("strategy = \"round_robin\"".to_owned()),
        Line::Same("drain_timeout = \"30s\"".to_owned()),
        Line::Gap(40),
    ];
    Plan {
        generation: 14,
        config: "/etc/pilothouse/pilothouse.toml".to_owned(),
        error: String::new(),
        changes: vec![
            change(
                Sign::Changed,
                ("upstream", "api"),
                "a backend leaves; of all, 188 requests under way finish",
                Weight::Drains,
                api,
            ),
            change(
                Sign::Changed,
                ("program", "mailer"),
                "restarts 1 instance",
                Weight::Interrupts,
                mailer,
            ),
            change(
                Sign::Added,
                ("program", "cron"),
                "starts 1 instance",
                Weight::Gentle,
                Vec::new(),
            ),
            change(Sign::Changed, ("control", ""), "means the same", Weight::Nothing, Vec::new()),
        ],
        unchanged: 9,
        is_worded: true,
        lines: lines.to_vec(),
        has_previous: true,
    }
}

/// A key that nobody knows.
pub(super) fn refused() -> Plan {
    let error = "error: unknown key `strateggy`\n  --> pilothouse.toml:12:1\n   |\n12 | strateggy = \"round_robin\"\n   | ^^^^^^^^^ did you mean `strategy`?";
    Plan { generation: 14, error: error.to_owned(), ..Plan::default() }
}
