//! What holds whatever happens to the rows and whatever is pressed.

use proptest::prelude::*;

use super::{attached, backend, is_asking, press, update};
use crate::control::call::{Command, ProgramVerb};
use crate::control::delta::{Delta, Table};
use crate::control::wire::{BackendState, Frame};
use crate::tui::action::chord::char;
use crate::tui::model::key::Key;
use crate::tui::model::panel::Panel;
use crate::tui::model::{Model, Size};
use crate::tui::msg::{Effect, Msg};

#[derive(Clone, Debug)]
enum Change {
    Shuffle(u64),
    Remove(usize),
    Insert(u32),
    Sort,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<u64>().prop_map(Change::Shuffle),
        (0_usize..8).prop_map(Change::Remove),
        (100_u32..120).prop_map(Change::Insert),
        Just(Change::Sort),
    ]
}

fn disturb(model: &mut Model, change: &Change) {
    let mut backends = model.moment.backends.clone();
    match change {
        Change::Shuffle(seed) => {
            backends.sort_by_key(|row| u64::from(row.key).wrapping_mul(*seed | 1).rotate_left(17));
        }
        Change::Remove(at) => {
            let at = at % backends.len().max(1);
            if at < backends.len() {
                backends.remove(at);
            }
        }
        Change::Insert(number) => {
            if backends.iter().all(|row| row.key != *number) {
                backends.insert(0, backend("api", *number, BackendState::Up));
            }
        }
        Change::Sort => {
            super::super::sorting::step(model, 1);
        }
    }
    let delta = Box::new(Delta { backends: Table::All(backends), ..Delta::default() });
    update(model, Msg::Frame(Box::new(Frame::Delta { delta })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever happens to the rows between seeing one and pressing a key, the order is for the
    /// row that was seen, in the life that was seen, or there is no order.
    #[test]
    fn an_order_never_hits_another_row(
        moves in 0_usize..5,
        changes in prop::collection::vec(change(), 0..6),
        order in prop::sample::select(vec!['d', 'e', 'x', '+']),
    ) {
        let mut model = attached();
        press(&mut model, char('2'));
        for _ in 0..moves {
            press(&mut model, char('j'));
        }
        let seen = model.lists.of(Panel::BackendTable).cursor.clone();
        for change in &changes {
            disturb(&mut model, change);
        }
        for effect in press(&mut model, char(order)) {
            if let Effect::Send { order, .. } = effect {
                for change in order.changes() {
                    prop_assert_eq!(Some(&change.key), seen.as_ref());
                    let Command::Backend { target, .. } = &change.command else {
                        panic!("{:?}", change.command)
                    };
                    let Key::Backend { key, .. } = &change.key else { panic!("{:?}", change.key) };
                    prop_assert_eq!(target.key, Some(*key));
                }
            }
        }
    }

    /// No sequence of keys panics, and none orders what interrupts something without `y` or a name.
    #[test]
    fn any_keys_at_any_size(
        keys in prop::collection::vec("[ -~]", 0..60),
        width in 0_u16..200,
        height in 0_u16..60,
    ) {
        let mut model = attached();
        update(&mut model, Msg::Resize(Size { width, height }));
        for letter in keys.iter().filter_map(|text| text.chars().next()) {
            let was_asking = is_asking(&model);
            for effect in press(&mut model, char(letter)) {
                let Effect::Send { order, .. } = effect else { continue };
                for change in order.changes() {
                    let interrupts = matches!(
                        change.command,
                        Command::Program { verb: ProgramVerb::Kill | ProgramVerb::Roll(_), .. }
                            | Command::Upgrade
                            | Command::Shutdown
                    );
                    prop_assert!(!interrupts || was_asking);
                }
            }
        }
    }
}
