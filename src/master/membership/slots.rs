//! Slots on the board: giving them out, publishing who is in them, taking them back, and finding
//! again what a predecessor had put there.

use crate::config::limits;
use crate::config::model::health::AllDown;
use crate::config::model::{Address, Kind, Strategy};
use crate::config::strategy::Timing;
use crate::scoreboard::backend::About;
use crate::scoreboard::gate::{Gate, Standing};
use crate::scoreboard::turn::Owner;
use crate::scoreboard::{self, BackendId, Board, UpstreamId};

use super::member::{
    Admin, Arrival, Cause, Draining, Health, Member, Origin, Readiness, Settings, Then,
};
use super::{Leaving, Now, Upstream};

/// Who is named for a `down` that was found on the board. What the operator decided is restored under
/// his name, so what keeps this one was the file's.
pub(super) const BY_PREDECESSOR: &str = "the master before";
/// How long a removed upstream still serves requests of the generation that named it.
pub(super) const RETIRE_AFTER_US: u64 = 10_000_000;
/// How long a removed backend's slot waits for its last request before it is given out anyway: the
/// request itself is not cut, and its next life has another incarnation.
pub(super) const LEAVE_WITHIN_US: u64 = 3_600_000_000;
/// For a drain whose deadline died with the master that set it.
const ADOPTED_DRAIN_MS: u64 = 30_000;

const _: () = assert!(limits::WEIGHT_MAX <= u16::MAX as u32);
const _: () = assert!(limits::UPSTREAM_MEMBERS_MAX == scoreboard::layout::MEMBERS_MAX);
const _: () = assert!(limits::BACKENDS_MAX == scoreboard::layout::BACKENDS_MAX);
const _: () = assert!(limits::UPSTREAMS_MAX == scoreboard::layout::UPSTREAMS_MAX);
const _: () = assert!(limits::WORKERS_MAX == scoreboard::layout::WORKERS_MAX);
const _: () = assert!(limits::NAME_BYTES_MAX == scoreboard::layout::NAME_BYTES_MAX);

/// Whether one more backend would find a slot.
pub(super) fn has_free(board: Board) -> bool {
    BackendId::all().any(|id| board.backend(id).gate().standing == Standing::Vacant)
}

/// Puts a backend into a free slot, not yet on any list; `None` when all are taken.
pub(super) fn seat(board: Board, arrival: Arrival, now: Now) -> Option<Member> {
    let is_free = |id: &BackendId| board.backend(*id).gate().standing == Standing::Vacant;
    let id = BackendId::all().find(is_free)?;
    let backend = board.backend(id);
    // Zero marks a cell that belongs to no life.
    let incarnation = backend.gate().incarnation.wrapping_add(1).max(1);
    backend.restart_round();
    let member = Member::new(id, incarnation, arrival, now);
    backend.set_gate(member.gate(scoreboard::gate::RAMP_FULL));
    Some(member)
}

/// Takes a backend out of service for good. Its slot is free once its last request is through.
pub(super) fn unseat(board: Board, upstream: UpstreamId, member: &Member, now: Now) -> Leaving {
    let backend = board.backend(member.id);
    let _turn = board.upstream(upstream).take_turn(Owner::Master);
    backend.set_gate(Gate { standing: Standing::Draining, ..backend.gate() });
    Leaving { id: member.id, deadline_us: now.mono_us.saturating_add(LEAVE_WITHIN_US) }
}

/// Frees a left slot if nothing is in flight there any more.
pub(super) fn try_free(board: Board, id: BackendId, deadline_us: u64, now: Now) -> bool {
    let backend = board.backend(id);
    let is_free = backend.active() == 0 || now.mono_us >= deadline_us;
    if is_free {
        backend.set_gate(Gate { standing: Standing::Vacant, ..backend.gate() });
    }
    is_free
}

/// The first free slot; a removed upstream's is the last choice, for the sake of old generations.
pub(super) fn free_upstream(board: Board) -> Option<UpstreamId> {
    let is_free = |id: &UpstreamId| !board.upstream(*id).is_in_use();
    UpstreamId::all().filter(is_free).min_by_key(|id| board.upstream(*id).incarnation())
}

/// Tells the workers who is in an upstream and how it chooses.
pub(super) fn publish(board: Board, upstream: &Upstream) {
    let publication = board.upstream(upstream.id).publish();
    publication.strategy(strategy_on_board(upstream.strategy(), upstream.settings.timing));
    publication.all_down(match upstream.settings.all_down {
        AllDown::Refuse => scoreboard::upstream::AllDown::Refuse,
        AllDown::UseAll => scoreboard::upstream::AllDown::UseAll,
    });
    for member in &upstream.members {
        let sticky = upstream.settings.gives_cookie().then(|| member.sticky());
        let about = About { sticky: sticky.unwrap_or_default(), ..about(member) };
        publication.about(member.id, &about);
    }
    let ids: Vec<BackendId> = upstream.members.iter().map(|member| member.id).collect();
    publication.members(&ids);
}

fn about(member: &Member) -> About {
    About {
        address: member.name.clone(),
        incarnation: member.incarnation,
        max_fails: member.settings.max_fails,
        fail_timeout_s: member.settings.fail_timeout_s,
        max_conns: member.max_conns(),
        priority: member.settings.priority,
        is_backup: member.settings.is_backup,
        label: member.program().unwrap_or_default().to_owned(),
        sticky: String::new(),
    }
}

fn strategy_on_board(strategy: Strategy, timing: Timing) -> scoreboard::upstream::Strategy {
    match strategy {
        Strategy::RoundRobin => scoreboard::upstream::Strategy::RoundRobin,
        Strategy::LeastConn => scoreboard::upstream::Strategy::LeastConn,
        Strategy::IpHash => scoreboard::upstream::Strategy::IpHash,
        Strategy::Random => scoreboard::upstream::Strategy::Random,
        Strategy::RandomTwo => scoreboard::upstream::Strategy::RandomTwo,
        Strategy::Hash => scoreboard::upstream::Strategy::Hash,
        Strategy::HashConsistent => scoreboard::upstream::Strategy::HashConsistent,
        Strategy::LeastTime => match timing {
            Timing::Header => scoreboard::upstream::Strategy::LeastTimeHeader,
            Timing::LastByte => scoreboard::upstream::Strategy::LeastTimeLastByte,
        },
    }
}

fn strategy_from_board(strategy: scoreboard::upstream::Strategy) -> Strategy {
    match strategy {
        scoreboard::upstream::Strategy::RoundRobin => Strategy::RoundRobin,
        scoreboard::upstream::Strategy::LeastConn => Strategy::LeastConn,
        scoreboard::upstream::Strategy::IpHash => Strategy::IpHash,
        scoreboard::upstream::Strategy::Random => Strategy::Random,
        scoreboard::upstream::Strategy::RandomTwo => Strategy::RandomTwo,
        scoreboard::upstream::Strategy::Hash => Strategy::Hash,
        scoreboard::upstream::Strategy::HashConsistent => Strategy::HashConsistent,
        scoreboard::upstream::Strategy::LeastTimeHeader
        | scoreboard::upstream::Strategy::LeastTimeLastByte => Strategy::LeastTime,
    }
}

fn timing_from_board(strategy: scoreboard::upstream::Strategy) -> Timing {
    match strategy {
        scoreboard::upstream::Strategy::LeastTimeLastByte => Timing::LastByte,
        scoreboard::upstream::Strategy::RoundRobin
        | scoreboard::upstream::Strategy::LeastConn
        | scoreboard::upstream::Strategy::IpHash
        | scoreboard::upstream::Strategy::Random
        | scoreboard::upstream::Strategy::RandomTwo
        | scoreboard::upstream::Strategy::Hash
        | scoreboard::upstream::Strategy::HashConsistent
        | scoreboard::upstream::Strategy::LeastTimeHeader => Timing::Header,
    }
}

/// The upstreams a predecessor published. Their settings are placeholders until the configuration
/// is applied; standing and readiness are what the workers go by already.
pub(super) fn adopt_upstreams(board: Board, now: Now) -> Vec<Upstream> {
    let in_use = UpstreamId::all().filter(|id| board.upstream(*id).is_in_use());
    let adopt = |id: UpstreamId| {
        let upstream = board.upstream(id);
        // A predecessor may have died while publishing; closing its publication makes it readable.
        drop(upstream.publish());
        let roster = upstream.roster()?;
        let members = roster.members.iter().filter_map(|(id, about)| {
            let backend = board.backend(*id);
            adopt_member(*id, about, (backend.gate(), backend.active()), now)
        });
        Some(Upstream {
            id,
            name: upstream.name(),
            settings: super::Settings {
                kind: Kind::default(),
                strategy: strategy_from_board(roster.strategy),
                timing: timing_from_board(roster.strategy),
                has_hash_key: true,
                drain_timeout_ms: 0,
                slow_start_ms: 0,
                queue: None,
                sticky: None,
                has_check: false,
                all_down: match roster.all_down {
                    scoreboard::upstream::AllDown::Refuse => AllDown::Refuse,
                    scoreboard::upstream::AllDown::UseAll => AllDown::UseAll,
                },
                outlier: None,
            },
            strategy_override: None,
            wanted: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            members: members.collect(),
            ring: None,
            window_since_ms: now.wall_ms,
            judged_at_us: 0,
            evidence: super::evidence::Evidence::default(),
            retire_at_us: None,
        })
    };
    in_use.filter_map(adopt).collect()
}

/// `active`: requests that are in flight there.
fn adopt_member(
    id: BackendId,
    about: &About,
    (gate, active): (Gate, u32),
    now: Now,
) -> Option<Member> {
    let arrival = Arrival {
        address: Address::parse(&about.address)?,
        origin: Origin::Joined((!about.label.is_empty()).then(|| about.label.clone())),
        settings: Settings {
            weight: u32::from(gate.weight),
            max_fails: about.max_fails,
            fail_timeout_s: about.fail_timeout_s,
            max_conns: about.max_conns,
            priority: about.priority,
            is_backup: about.is_backup,
            is_down: false,
            route: None,
        },
        readiness: match (gate.standing, active) {
            (Standing::Starting | Standing::Vacant, 0) => Readiness::NotReady,
            // It was ready, or nobody would have been sent there.
            (Standing::Starting | Standing::Vacant, 1..) => Readiness::Lost,
            (
                Standing::Open
                | Standing::Draining
                | Standing::Drained
                | Standing::Down
                | Standing::Failed
                | Standing::Cut,
                _,
            ) => Readiness::Ready,
        },
    };
    let mut member = Member::new(id, gate.incarnation, arrival, now);
    // Until `restore` says more, what was closed stays closed.
    member.admin = match gate.standing {
        Standing::Draining | Standing::Cut => {
            let times = (now.wall_ms, now.wall_ms.saturating_add(ADOPTED_DRAIN_MS));
            Admin::Draining(Draining::again(Cause::Restart, Then::Stay, times, now))
        }
        Standing::Drained => Admin::Drained(Cause::Restart),
        Standing::Down => Admin::Down { by: BY_PREDECESSOR.to_owned() },
        Standing::Vacant | Standing::Open | Standing::Starting | Standing::Failed => Admin::AsFile,
    };
    if gate.standing == Standing::Failed {
        member.health = Health::Failing("failed its checks".to_owned());
    }
    Some(member)
}

/// Slots in use that no list names: they were leaving when the predecessor died.
pub(super) fn adopt_leaving(board: Board, upstreams: &[Upstream], now: Now) -> Vec<Leaving> {
    let is_listed = |id: &BackendId| {
        upstreams.iter().flat_map(|upstream| &upstream.members).any(|member| member.id == *id)
    };
    BackendId::all()
        .filter(|id| board.backend(*id).gate().standing != Standing::Vacant && !is_listed(id))
        .map(|id| Leaving { id, deadline_us: now.mono_us.saturating_add(LEAVE_WITHIN_US) })
        .collect()
}
