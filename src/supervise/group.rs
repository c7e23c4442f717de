//! What the end of one member of a group means for the others, in OTP's terms.

use super::order::Rank;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    OneForOne,
    OneForAll,
    RestForOne,
}

/// A member's place: its program's, and which instance of it it is.
pub(crate) type Place = (Rank, u32);

impl Strategy {
    /// Whether `other` is restarted with a member that is restarted after it ended by itself.
    pub(crate) fn concerns(self, ended: &Place, other: &Place) -> bool {
        let is_member = ended.0.group == other.0.group;
        match self {
            Self::OneForOne => false,
            Self::OneForAll => is_member,
            Self::RestForOne => is_member && other >= ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};
    use proptest::strategy::Strategy as _;

    use super::*;

    fn places() -> impl proptest::strategy::Strategy<Value = Vec<Place>> {
        let place = (0..2u8, -1..2i32, 0..3u8, 0..2u32);
        prop::collection::vec(place, 1..8).prop_map(|places| {
            let place = |(group, priority, program, instance): (u8, i32, u8, u32)| {
                let (group, program) = (group.to_string(), format!("{group}{priority}{program}"));
                (Rank { group_priority: 1, group, priority, program }, instance)
            };
            places.into_iter().map(place).collect()
        })
    }

    proptest! {
        #[test]
        fn strategies_keep_to_the_group_and_its_order(mut places in places(), at in 0..8usize) {
            places.sort();
            places.dedup();
            let ended = places[at % places.len()].clone();
            let with = |strategy: Strategy| -> Vec<Place> {
                places.iter().filter(|it| strategy.concerns(&ended, it)).cloned().collect()
            };
            let (all, rest) =
                (with(Strategy::OneForAll), with(Strategy::RestForOne));
            prop_assert!(with(Strategy::OneForOne).is_empty());
            prop_assert!(all.iter().all(|it| it.0.group == ended.0.group));
            prop_assert!(all.ends_with(&rest), "those that start after it");
            prop_assert_eq!(&rest[0], &ended);
        }
    }
}
