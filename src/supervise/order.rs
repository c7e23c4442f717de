//! In which order programs start.

/// Where a program stands; sorted by it, programs are in the order of their starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// The priority of its group among groups.
    pub(crate) group_priority: u32,
    pub(crate) group: String,
    /// Its own priority among the programs of its group.
    pub(crate) priority: u32,
    pub(crate) program: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(group_priority: u32, group: &str, priority: u32, program: &str) -> Rank {
        let (group, program) = (group.to_owned(), program.to_owned());
        Rank { group_priority, group, priority, program }
    }

    #[test]
    fn programs_start_by_priority_and_name() {
        let mut ranks = [
            rank(999, "site", 20, "a"),
            rank(999, "site", 10, "z"),
            rank(999, "cron", 999, "cron"),
            rank(1, "db", 5, "db"),
        ];
        ranks.sort();
        assert_eq!(ranks.map(|rank| rank.program), ["db", "cron", "z", "a"]);
    }
}
