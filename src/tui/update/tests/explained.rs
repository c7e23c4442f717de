//! The explanation of an upstream: asked for while it is shown, and shown only where it belongs.

use super::{attached, press, update};
use crate::control::explain::{Explanation, Held, Modelled, WhatIf};
use crate::tui::action::chord::{Code, char, key};
use crate::tui::model::Model;
use crate::tui::model::explained::Lower;
use crate::tui::msg::{Effect, Msg};

fn asks(upstream: &str) -> Vec<Effect> {
    vec![Effect::Explain { upstream: upstream.to_owned() }]
}

fn came(model: &mut Model, upstream: &str, strategy: &str) {
    let modelled = Modelled { strategy: "ip_hash".to_owned(), ..Modelled::default() };
    let held = Held { arrivals: 9, ..Held::default() };
    let explanation = Explanation {
        upstream: upstream.to_owned(),
        strategy: strategy.to_owned(),
        what_if: WhatIf { held, strategies: vec![modelled], ..WhatIf::default() },
        ..Explanation::default()
    };
    let outcome = Ok(Box::new(explanation));
    update(model, Msg::Explained { upstream: upstream.to_owned(), outcome });
}

#[test]
fn it_is_asked_for_while_it_is_shown_and_no_longer() {
    let mut model = attached();
    assert_eq!(press(&mut model, char('3')), asks("api"));
    assert_eq!(press(&mut model, char('j')), []);
    assert_eq!(press(&mut model, key(Code::Tab)), asks("static"));
    assert_eq!(press(&mut model, char('1')), [Effect::StopExplaining]);
    press(&mut model, char('2'));
    assert_eq!(press(&mut model, char('S')), asks("api"), "the choice is a preview");
    assert_eq!(press(&mut model, key(Code::Esc)), [Effect::StopExplaining]);
}

#[test]
fn an_answer_belongs_to_its_upstream_and_its_strategy() {
    let mut model = attached();
    press(&mut model, char('3'));
    let known = |model: &Model, at: usize| {
        model.explained.modelled(&model.moment.upstreams[at], "ip_hash").is_some()
    };
    came(&mut model, "static", "round_robin");
    assert!(!known(&model, 1), "nobody asked");
    came(&mut model, "api", "round_robin");
    assert!(known(&model, 0) && !known(&model, 1));
    let why = "no upstream api".to_owned();
    update(&mut model, Msg::Explained { upstream: "api".to_owned(), outcome: Err(why.clone()) });
    assert_eq!(model.explained.why, why);
    came(&mut model, "api", "least_conn");
    assert!(!known(&model, 0), "the strategy has changed since");
}

#[test]
fn what_is_below_the_table_goes_round() {
    let mut model = attached();
    press(&mut model, char('3'));
    for expected in [Lower::WhatIf, Lower::Shares, Lower::Both] {
        press(&mut model, char('w'));
        assert_eq!(model.lower, expected);
    }
}
