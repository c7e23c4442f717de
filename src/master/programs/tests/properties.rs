//! What holds for any order of things, with real processes: each caller gets one answer (invariant
//! 11), another number of instances restarts none (13), and the order in which exits of one turn are
//! noticed makes no difference (14).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::master::programs::event;

const CASES: u32 = 12;

/// What becomes of each instance: its state, and how many lives it has had.
type Standing = BTreeMap<String, (ProgramState, u32)>;

impl Stage {
    fn standing(&self) -> Standing {
        let of_row = |row: ProgramRow| {
            let id = format!("{}:{}", row.program.name, row.program.instance);
            (id, (row.program.state, row.incarnation))
        };
        self.programs.rows().into_iter().map(of_row).collect()
    }

    async fn until_all(&mut self, state: ProgramState) {
        self.until("all are there", |stage| {
            let standing = stage.standing();
            standing.values().all(|(now, _)| *now == state)
        })
        .await;
    }

    fn pids(&self) -> BTreeMap<u32, u32> {
        let rows = self.programs.rows().into_iter();
        rows.filter_map(|row| Some((row.program.instance, row.program.pid?))).collect()
    }
}

fn verb() -> impl Strategy<Value = ProgramVerb> {
    prop_oneof![
        3 => Just(ProgramVerb::Start),
        3 => Just(ProgramVerb::Stop),
        3 => Just(ProgramVerb::Restart),
        1 => Just(ProgramVerb::Kill),
        1 => Just(ProgramVerb::Roll(Pace::default())),
        1 => Just(ProgramVerb::Signal { signal: "TERM".to_owned() }),
        1 => Just(ProgramVerb::Reload),
        1 => Just(ProgramVerb::Clear),
    ]
}

const CALLED: &str = "[program.lasts]\ncommand = \"sleep 1000\"\ninstances = 2\nstart_seconds = \"10ms\"\n\
                      [program.fails]\ncommand = \"false\"\nautostart = false\nstart_retries = 0\n\
                      [program.deaf]\ncommand = \"sh -c 'trap : TERM; while :; do sleep 0.01; done'\"\n\
                      stop_seconds = \"50ms\"\nstart_seconds = \"10ms\"\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn each_caller_gets_one_answer(
        calls in prop::collection::vec((0..4usize, verb(), 0..4u8), 1..16)
    ) {
        on_stage(async {
            let mut stage = Stage::new(CALLED);
            let mut answers = Vec::new();
            for (target, verb, turns) in calls {
                let target = ["lasts", "fails", "deaf", "lasts:1"][target];
                answers.push(stage.command(target, &verb));
                for _ in 0..turns {
                    stage.turn().await;
                }
            }
            let mut answered = 0;
            let all = answers.len();
            stage
                .until("each has an answer", |_| {
                    // One that is dropped without an answer is an error here.
                    answers.retain_mut(|answer| match answer.try_recv() {
                        Ok(_) => {
                            answered += 1;
                            false
                        }
                        Err(oneshot::error::TryRecvError::Empty) => true,
                        Err(oneshot::error::TryRecvError::Closed) => panic!("nobody answered"),
                    });
                    answers.is_empty()
                })
                .await;
            assert_eq!(answered, all);
            let _answered_later = stage.command("all", &ProgramVerb::Stop);
        });
    }

    #[test]
    fn another_number_of_instances_restarts_none(
        counts in prop::collection::vec(1..6u32, 2..6)
    ) {
        on_stage(async {
            let text = |count: u32| {
                format!(
                    "[program.p]\ncommand = \"sleep 1000\"\nstart_seconds = 0\ninstances = {count}\n\
                     [program.other]\ncommand = \"sleep 1000\"\nstart_seconds = 0\ninstances = 1\n"
                )
            };
            let mut stage = Stage::new(&text(counts[0]));
            for count in counts {
                let before = stage.pids();
                stage.programs.apply_config(&config(&text(count)));
                stage
                    .until("as many run", |stage| {
                        let standing = stage.standing();
                        let are_up =
                            standing.values().all(|(state, _)| *state == ProgramState::Running);
                        are_up && standing.len() as u32 == count + 1
                    })
                    .await;
                let now = stage.pids();
                let stays = |(instance, _): &(&u32, &u32)| **instance < count;
                for (instance, pid) in before.iter().filter(stays) {
                    assert_eq!(now.get(instance), Some(pid), "instance {instance} of {count}");
                }
                assert!(stage.standing().values().all(|(_, lives)| *lives == 1));
            }
        });
    }

    #[test]
    fn exits_of_one_turn_may_be_noticed_in_any_order(
        strategy in prop::sample::select(vec!["one_for_one", "one_for_all", "rest_for_one"]),
        killed in prop::sample::subsequence(vec![0usize, 1, 2, 3], 2..=4),
        seed in any::<u64>(),
    ) {
        let mut shuffled = killed.clone();
        shuffled.sort_by_key(|it| (*it as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let ends = [killed, shuffled].map(|order| {
            let mut standing = Standing::new();
            on_stage(async { standing = after_exits(strategy, &order).await });
            standing
        });
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}

const MEMBERS: [&str; 4] = ["a", "b", "c", "d"];

/// Kills so many members of a group at once, has their ends noticed in this order and in one turn, and
/// waits until all is quiet.
async fn after_exits(strategy: &str, order: &[usize]) -> Standing {
    let members = MEMBERS.map(|name| {
        format!("[program.{name}]\ncommand = \"sleep 1000\"\ngroup = \"g\"\nstart_seconds = 0\n")
    });
    let mut stage =
        Stage::new(&format!("[group.g]\nstrategy = \"{strategy}\"\n{}", members.concat()));
    stage.until_all(ProgramState::Running).await;
    for member in order {
        let pid = stage.pid(&format!("{}:0", MEMBERS[*member]));
        sys::pidfd::signal_group(pid, sys::signal::KILL).unwrap();
    }
    let mut noticed: BTreeMap<String, event::Event> = BTreeMap::new();
    while noticed.len() < order.len() {
        match tokio::time::timeout(PATIENCE, stage.inbox.recv()).await.unwrap().unwrap() {
            Event::Program(event) => drop(noticed.insert(event.id.program.clone(), event)),
            other => panic!("not about programs: {other:?}"),
        }
    }
    for member in order {
        stage.programs.on_event(noticed.remove(MEMBERS[*member]).unwrap());
    }
    stage.wants.extend(stage.programs.take_wants());
    stage.until_all(ProgramState::Running).await;
    stage.standing()
}
