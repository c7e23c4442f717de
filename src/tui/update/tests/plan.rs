//! The Config view: asked for while it is open, applied with what it interrupts, taken back.

use super::*;
use crate::control::plan::{Change, Plan, Sign, Weight};
use crate::control::wire::Outcome;

fn plan(weight: Weight) -> Plan {
    let change = Change {
        sign: Sign::Changed,
        kind: "program".to_owned(),
        name: "web".to_owned(),
        effect: "restarts 2 instances".to_owned(),
        weight,
        details: Vec::new(),
    };
    Plan { generation: 3, changes: vec![change], unchanged: 4, is_worded: true, ..Plan::default() }
}

fn came(model: &mut Model, plan: Plan) {
    update(model, Msg::Planned { outcome: Ok(Box::new(plan)) });
}

fn opened(plan: Plan) -> Model {
    let mut model = attached();
    assert_eq!(press(&mut model, char('9')), [Effect::Plan]);
    came(&mut model, plan);
    pass(&mut model, UNSEEN_MS);
    model
}

#[test]
fn the_plan_is_asked_for_while_it_is_looked_at() {
    let mut model = opened(plan(Weight::Gentle));
    assert!(model.planned.plan().is_some());
    assert_eq!(press(&mut model, char('2')), [Effect::StopPlanning]);
    assert!(model.planned.plan().is_none(), "what is not asked for may be wrong by now");
    came(&mut model, plan(Weight::Gentle));
    assert!(model.planned.plan().is_none());
}

#[test]
fn what_interrupts_is_asked_about_and_what_does_not_goes() {
    let mut model = opened(plan(Weight::Gentle));
    assert_eq!(sent(&press(&mut model, char('r'))), ["reload"]);
    let mut model = opened(plan(Weight::Interrupts));
    assert_eq!(press(&mut model, char('r')), []);
    let Some(Overlay::Confirm(question)) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert_eq!(question.facts, ["program web: restarts 2 instances"]);
    assert_eq!(sent(&press(&mut model, char('y'))), ["reload"]);
    // What was done is taken back by the generation before.
    let id = model.pending.last().unwrap().id;
    let outcome = Ok(Answer { outcome: Outcome::Changed, message: "generation 4 runs".to_owned() });
    update(&mut model, Msg::Answered { id, outcome });
    assert_eq!(sent(&press(&mut model, char('u'))), ["revert"]);
}

#[test]
fn nothing_is_applied_that_is_nothing_or_would_be_refused() {
    let refused = Plan { error: "error: unknown key".to_owned(), ..Plan::default() };
    for plan in [Plan::default(), refused] {
        let mut model = opened(plan);
        assert_eq!(press(&mut model, char('r')), []);
        assert!(model.overlay.is_none());
    }
}

#[test]
fn a_change_leads_to_what_it_is_about() {
    let mut model = opened(plan(Weight::Gentle));
    press(&mut model, key(Code::Enter));
    assert_eq!(model.view, View::Programs);
    assert_eq!(rows::selected(&model).unwrap().key().label(), "web:0");
}
