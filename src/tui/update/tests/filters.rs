//! Filters by column: of every list, live while they are typed, by what the rows are now.

use super::*;

fn shown(model: &Model, panel: Panel) -> Vec<String> {
    rows::rows(model, panel).iter().map(|row| row.key().label()).collect()
}

fn filtered(model: &mut Model, view: char, filter: &str) {
    press(model, char(view));
    press(model, char('/'));
    // What was typed before stands there.
    let end = Chord { code: Code::Char('u'), is_ctrl: true };
    update(model, Msg::Press(Press { chord: end, edit: Some(InputRequest::DeleteLine) }));
    type_text(model, filter);
    press(model, key(Code::Enter));
}

#[test]
fn lists_are_filtered_by_what_their_columns_hold() {
    let mut model = attached();
    for (row, p99) in model.moment.backends.iter_mut().zip([40_000, 80_000, 0, 120_000]) {
        row.backend.latency_us.p99 = p99;
    }
    model.moment.programs[1].program.cpu_percent = 42.0;
    let cases: [(char, Panel, &str, &[&str]); 8] = [
        ('2', Panel::BackendTable, "state=failed", &["api", "api/10.0.0.3:80"]),
        (
            '2',
            Panel::BackendTable,
            "p99>50",
            &["api", "api/10.0.0.2:80", "static", "static/10.0.0.4:80"],
        ),
        ('2', Panel::BackendTable, "p99>50 upstream=api", &["api", "api/10.0.0.2:80"]),
        ('2', Panel::BackendTable, "p99>1s", &[]),
        ('2', Panel::BackendTable, "p99> !10.0.0.1 static/", &["static", "static/10.0.0.4:80"]),
        ('4', Panel::ProgramTable, "cpu>10%", &["web:0"]),
        ('4', Panel::ProgramTable, "state!=fatal", &["web:0"]),
        ('4', Panel::ProgramTable, "cpu<=42 state=f", &["mailer:0"]),
    ];
    for (view, panel, filter, expected) in cases {
        filtered(&mut model, view, filter);
        assert_eq!(shown(&model, panel), expected, "{filter}");
    }
    // It goes by what is so, not by what was when it was typed.
    filtered(&mut model, '2', "state=failed");
    model.moment.backends[0].backend.state = BackendState::Failed;
    assert_eq!(shown(&model, Panel::BackendTable), ["api", "api/10.0.0.1:80", "api/10.0.0.3:80"]);
}
