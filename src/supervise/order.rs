//! In which order programs start, and who waits for whom when they stop.

use std::collections::BTreeMap;

/// Where a program stands; sorted by it, programs are in the order of their starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// The priority of its group among groups.
    pub(crate) group_priority: i32,
    pub(crate) group: String,
    /// Its own priority among the programs of its group.
    pub(crate) priority: i32,
    pub(crate) program: String,
}

/// Those that are left to be stopped, by what the others wait for: groups of one priority do not
/// wait for each other, and neither do programs of one priority within a group.
#[derive(Debug)]
pub(crate) struct Left {
    group_priority: i32,
    priorities: BTreeMap<String, i32>,
}

impl Left {
    /// Whether it is this one's turn to be stopped.
    pub(crate) fn is_next(&self, rank: &Rank) -> bool {
        rank.group_priority >= self.group_priority
            && self.priorities.get(&rank.group).is_none_or(|priority| rank.priority >= *priority)
    }
}

impl FromIterator<Rank> for Left {
    fn from_iter<T: IntoIterator<Item = Rank>>(ranks: T) -> Self {
        let mut left = Self { group_priority: i32::MIN, priorities: BTreeMap::new() };
        for Rank { group_priority, group, priority, .. } in ranks {
            left.group_priority = left.group_priority.max(group_priority);
            let most = left.priorities.entry(group).or_insert(priority);
            *most = (*most).max(priority);
        }
        left
    }
}

/// How long it takes at most to stop all of these, when each takes so long.
pub(crate) fn stop_us<'a>(programs: impl Iterator<Item = (&'a Rank, u64)>) -> u64 {
    let mut programs: Vec<(&Rank, u64)> = programs.collect();
    programs.sort_unstable();
    let of_tier = |programs: &[(&Rank, u64)]| programs.iter().map(|(_, us)| *us).max();
    let of_group = |programs: &[(&Rank, u64)]| {
        let tiers = programs.chunk_by(|(one, _), (next, _)| one.priority == next.priority);
        tiers.filter_map(of_tier).fold(0, u64::saturating_add)
    };
    let of_groups = |programs: &[(&Rank, u64)]| {
        let groups = programs.chunk_by(|(one, _), (next, _)| one.group == next.group);
        groups.map(of_group).max()
    };
    let tiers = programs.chunk_by(|(one, _), (next, _)| one.group_priority == next.group_priority);
    tiers.filter_map(of_groups).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(group_priority: i32, group: &str, priority: i32, program: &str) -> Rank {
        let (group, program) = (group.to_owned(), program.to_owned());
        Rank { group_priority, group, priority, program }
    }

    #[test]
    fn programs_start_by_priority_and_name() {
        let mut ranks = [
            rank(999, "site", 20, "a"),
            rank(999, "site", 10, "z"),
            rank(-1, "ear", -1, "ear"),
            rank(999, "cron", 999, "cron"),
            rank(1, "db", 5, "db"),
        ];
        ranks.sort();
        assert_eq!(ranks.map(|rank| rank.program), ["ear", "db", "cron", "z", "a"]);
    }

    #[test]
    fn the_last_to_start_are_the_first_to_stop() {
        let (db, web) = (rank(1, "db", 5, "db"), rank(999, "site", 10, "web"));
        let (api, cron) = (rank(999, "site", 20, "api"), rank(999, "cron", 999, "cron"));
        let ear = rank(-1, "ear", -1, "ear");
        let mut left = vec![db, web, api, cron, ear];
        let mut turns = Vec::new();
        while !left.is_empty() {
            let next: Left = left.iter().cloned().collect();
            let (now, later): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|rank| next.is_next(rank));
            turns.push(now.into_iter().map(|rank| rank.program).collect::<Vec<_>>());
            left = later;
        }
        assert_eq!(turns, [vec!["api", "cron"], vec!["web"], vec!["db"], vec!["ear"]]);
    }

    #[test]
    fn a_stop_takes_the_slowest_of_each_tier() {
        let ranks = [
            (rank(1, "db", 5, "db"), 10),
            (rank(999, "site", 10, "web"), 3),
            (rank(999, "site", 20, "api"), 4),
            (rank(999, "site", 20, "api2"), 2),
            (rank(999, "cron", 999, "cron"), 5),
        ];
        assert_eq!(stop_us(ranks.iter().map(|(rank, us)| (rank, *us))), 10 + 7);
        assert_eq!(stop_us(std::iter::empty()), 0);
    }
}
