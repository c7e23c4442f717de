//! The registry's own rules: nothing twice, nothing dangerous on a key a broken arrow can send.

use crate::tui::model::key::Kind;
use crate::tui::model::panel::Panel;

use super::chord::Code;
use super::{ALL, Danger, of};

const KINDS: [Option<Kind>; 9] = [
    None,
    Some(Kind::Upstream),
    Some(Kind::Backend),
    Some(Kind::Program),
    Some(Kind::Worker),
    Some(Kind::Event),
    Some(Kind::Request),
    Some(Kind::Plan),
    Some(Kind::Config),
];

/// What rows a panel may have.
fn kinds(panel: Panel) -> &'static [Option<Kind>] {
    match panel {
        Panel::ConfigTable | Panel::ConfigLines => &[None, Some(Kind::Plan)],
        _ => &KINDS,
    }
}

#[test]
fn no_two_actions_share_a_key_in_one_context() {
    for panel in Panel::ALL {
        for &kind in kinds(panel) {
            let here: Vec<_> = ALL.iter().filter(|action| action.applies(panel, kind)).collect();
            for (at, one) in here.iter().enumerate() {
                for other in &here[at + 1..] {
                    let shared = one.keys.iter().find(|key| other.keys.contains(key));
                    assert_eq!(
                        shared, None,
                        "{:?} and {:?} in {panel:?} on {kind:?}",
                        one.id, other.id
                    );
                }
            }
        }
    }
}

#[test]
fn every_action_is_there_once_and_explained() {
    for action in ALL {
        assert!(std::ptr::eq(of(action.id), action), "{:?} is listed twice", action.id);
        assert!(!action.label.is_empty() && !action.help.is_empty(), "{:?}", action.id);
    }
}

/// An arrow or function key split across two packets arrives as Esc, `[` or `O`, and its last
/// letter: none of those letters may order anything unasked.
#[test]
fn finals_of_escape_sequences_order_nothing_unasked() {
    for action in ALL.iter().filter(|action| action.danger == Danger::Weighs) {
        for key in action.keys {
            let is_final = matches!(key.code, Code::Char(char) if "ABCDFHPQRS".contains(char));
            assert!(!is_final, "{:?} on {key}", action.id);
        }
    }
}
