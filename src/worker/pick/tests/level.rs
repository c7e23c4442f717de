//! The short way of a pick beside the long one, on boards that live through the same.

use proptest::prelude::{Just, any, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;

use super::*;
use crate::scoreboard::backend::Words;

#[derive(Clone, Debug)]
enum Event {
    Served,
    Failed,
    Gate(usize, Standing, u16, u8),
    Seconds(u64),
}

fn event() -> impl Generator<Value = Event> {
    let standing = prop_oneof![4 => Just(Standing::Open), 1 => Just(Standing::Draining), 1 => Just(Standing::Down)];
    let ramp = prop_oneof![6 => Just(u8::MAX), 1 => any::<u8>()];
    prop_oneof![
        20 => Just(Event::Served),
        1 => Just(Event::Failed),
        2 => (0..3_usize, standing, 0..6_u16, ramp)
            .prop_map(|(index, standing, weight, ramp)| Event::Gate(index, standing, weight, ramp)),
        2 => (0..15_u64).prop_map(Event::Seconds),
    ]
}

/// One worker's picker, which goes the long way where it is told to.
struct Lane {
    board: Board,
    picker: Picker,
    goes_long_way: bool,
}

impl Lane {
    fn new(weights: &[u16], goes_long_way: bool) -> Self {
        let board = board(Strategy::RoundRobin, weights);
        Self { board, picker: pickers(board, 1).remove(0), goes_long_way }
    }

    /// Whom the event's request went to, and what there is on the board then.
    fn meet(&mut self, event: &Event, now_us: u64) -> (Option<BackendId>, Vec<(Words, u64)>) {
        self.picker.refresh(upstream());
        self.picker.are_level[upstream().index()] &= !self.goes_long_way;
        let mut taken = None;
        match event {
            Event::Seconds(_) => {}
            Event::Gate(index, standing, weight, ramp) => {
                let gate = Gate { standing: *standing, ramp: *ramp, ..Gate::open(1, *weight) };
                self.board.backend(id(*index)).set_gate(gate);
            }
            Event::Served | Event::Failed => {
                let picked = self.picker.pick(upstream(), ASKER, &mut Tried::none(), now_us);
                taken = picked.as_ref().ok().map(Picked::backend);
                match picked {
                    Ok(picked) if matches!(event, Event::Served) => {
                        self.picker
                            .finished(picked, &Outcome { status: 200, ..Outcome::default() });
                    }
                    Ok(picked) => self.picker.failed(&picked, Failure::Closed, now_us),
                    Err(_) => {}
                }
            }
        }
        let backends = (0..3).map(|index| self.board.backend(id(index)));
        (taken, backends.map(|backend| (backend.words(), backend.picks())).collect())
    }
}

proptest! {
    #[test]
    fn the_short_way_is_the_long_way(
        weights in proptest::array::uniform3(0..5_u16),
        events in proptest::collection::vec(event(), 1..200),
    ) {
        let (mut short, mut long) = (Lane::new(&weights, false), Lane::new(&weights, true));
        let mut now_us = 100 * SECOND_US;
        for event in &events {
            if let Event::Seconds(seconds) = event {
                now_us += seconds * SECOND_US;
            }
            prop_assert_eq!(short.meet(event, now_us), long.meet(event, now_us));
        }
    }
}
