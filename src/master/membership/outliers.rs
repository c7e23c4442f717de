//! Members that serve worse than the others: their figures by the interval, who is left alone for a
//! while, and who comes back. `balance::outlier` decides.
//!
//! Only counts of the workers are read, so this works for requests and for connections alike. It
//! is not handed to a successor: with a new master everyone is in again, and judged anew.

use crate::balance::outlier::{self, Figures, Rules, Standing, Verdict};
use crate::config::limits;
use crate::config::model::health::Outlier;
use crate::scoreboard::account::{self, Counts};
use crate::scoreboard::gate;
use crate::scoreboard::histogram::Histogram;
use crate::scoreboard::{BackendId, Board};

use super::member::Member;
use super::{Membership, Now, Place};

/// What is kept of a member to compare it with the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// Its counts at the interval's beginning; without them it is not judged in this one.
    since: Option<Box<Reading>>,
    ejection: Option<Ejection>,
    /// Ejections lately: one less with every interval that it serves well.
    count: u32,
}

#[derive(Clone, Debug)]
struct Reading {
    counts: Counts,
    latency: Histogram,
}

#[derive(Clone, Copy, Debug)]
struct Ejection {
    until_us: u64,
    why: Verdict,
}

impl Record {
    pub(super) fn is_ejected(&self) -> bool {
        self.ejection.is_some()
    }

    fn eject(&mut self, why: Verdict, policy: &Outlier, now: Now) {
        self.count = (self.count + 1).min(limits::EJECTIONS_MAX);
        let lasts_ms = outlier::lasts_ms(policy.eject_for_ms, self.count, limits::EJECTIONS_MAX);
        let until_us = now.mono_us.saturating_add(lasts_ms.saturating_mul(1000));
        self.ejection = Some(Ejection { until_us, why });
    }

    /// Whether there was one to end.
    pub(super) fn end_ejection(&mut self) -> bool {
        self.since = None;
        self.ejection.take().is_some()
    }

    /// Why it is out and for how long, for people.
    pub(super) fn reason(&self, now: Now) -> Option<String> {
        let Ejection { until_us, why } = self.ejection?;
        let why = match why {
            Verdict::Errors { percent } => format!("{percent}% errors"),
            Verdict::Slow { median_us, others_us } => {
                let times = median_us as f64 / others_us.max(1) as f64;
                format!("{times:.1} times the others' latency")
            }
        };
        let left_s = until_us.saturating_sub(now.mono_us).div_ceil(1_000_000);
        Some(format!("ejected: {why}, back in {left_s}s"))
    }
}

impl Membership {
    /// When there is something to do here next; none for upstreams that compare nobody.
    pub(crate) fn outliers_due_us(&self) -> u64 {
        let upstreams = self.upstreams.iter().filter(|row| row.settings.outlier.is_some());
        let dues = upstreams.flat_map(|upstream| {
            let ends = upstream.members.iter().filter_map(|member| member.outlier.ejection);
            ends.map(|ejection| ejection.until_us).chain([upstream.judged_at_us])
        });
        dues.min().unwrap_or(u64::MAX)
    }

    /// Takes back whose time is over, and closes intervals that are.
    pub(super) fn look_for_outliers(&mut self, index: usize, now: Now) {
        let Some(policy) = self.upstreams[index].settings.outlier else { return };
        for member in 0..self.upstreams[index].members.len() {
            let at = Place { upstream: index, member };
            let ejection = self.member(at).outlier.ejection;
            if ejection.is_some_and(|ejection| now.mono_us >= ejection.until_us) {
                self.return_ejected(at, now);
            }
        }
        if now.mono_us < self.upstreams[index].judged_at_us {
            return;
        }
        // Before the first interval there is nothing to judge: nobody has a reading.
        for is_backup in [false, true] {
            self.judge(index, is_backup, &policy, now);
        }
        let interval_us = policy.interval_ms.saturating_mul(1000);
        self.upstreams[index].judged_at_us = now.mono_us.saturating_add(interval_us);
        self.begin_interval(index, &policy);
    }

    pub(super) fn return_ejected(&mut self, at: Place, now: Now) {
        if self.member_mut(at).outlier.end_ejection() {
            self.welcome(at, now);
        }
    }

    /// The file compares nobody any more.
    pub(super) fn forget_outliers(&mut self, index: usize, now: Now) {
        for member in 0..self.upstreams[index].members.len() {
            let at = Place { upstream: index, member };
            self.return_ejected(at, now);
            self.member_mut(at).outlier = Record::default();
        }
        self.upstreams[index].judged_at_us = 0;
    }

    /// Primaries are compared with primaries, backups with backups.
    fn judge(&mut self, index: usize, is_backup: bool, policy: &Outlier, now: Now) {
        let rules = Rules {
            error_percent: policy.error_percent,
            latency_hundredths: policy.latency_hundredths,
            latency_us_min: limits::OUTLIER_LATENCY_US_MIN,
            requests_min: u64::from(policy.requests_min),
            weight_percent_max: policy.eject_max_percent,
        };
        let (places, all): (Vec<Place>, Vec<Figures>) = (0..self.upstreams[index].members.len())
            .map(|member| Place { upstream: index, member })
            .filter(|at| self.member(*at).settings.is_backup == is_backup)
            .filter_map(|at| Some((at, self.figures_of(at, policy, now)?)))
            .unzip();
        let ejected = outlier::judge(&rules, &all);
        for (position, (at, figures)) in places.iter().zip(&all).enumerate() {
            let record = &mut self.member_mut(*at).outlier;
            match ejected.iter().find(|(index, _)| *index == position) {
                Some((_, why)) => record.eject(*why, policy, now),
                None if figures.requests >= rules.requests_min => {
                    record.count = record.count.saturating_sub(1);
                }
                None => {}
            }
        }
    }

    /// `None`: no business of failures, or nothing that it could be judged by.
    fn figures_of(&self, at: Place, policy: &Outlier, now: Now) -> Option<Figures> {
        let member = self.member(at);
        let standing = match member.standing() {
            gate::Standing::Open if self.is_ejected(at, now) => Standing::Resting,
            gate::Standing::Open => Standing::Serving,
            gate::Standing::Failed if member.outlier.is_ejected() => Standing::Ejected,
            gate::Standing::Failed => Standing::Failed,
            gate::Standing::Vacant
            | gate::Standing::Starting
            | gate::Standing::Draining
            | gate::Standing::Drained
            | gate::Standing::Cut
            | gate::Standing::Down => return None,
        };
        let mut figures =
            Figures { weight: member.weight(), standing, requests: 0, errors: 0, median_us: 0 };
        if let Some(since) = &member.outlier.since {
            let reading = read(self.board, member, policy);
            let counts = reading.counts.since(&since.counts);
            // An attempt that failed has no response, so none is counted twice.
            figures.requests = counts.requests + counts.failures;
            figures.errors = counts.responses[4] + counts.failures;
            figures.median_us = reading.latency.since(&since.latency).quantile_us(500);
        }
        Some(figures)
    }

    fn begin_interval(&mut self, index: usize, policy: &Outlier) {
        let board = self.board;
        for member in &mut self.upstreams[index].members {
            let is_out = member.outlier.is_ejected();
            let reading = (!is_out).then(|| Box::new(read(board, member, policy)));
            member.outlier.since = reading;
        }
    }
}

fn read(board: Board, member: &Member, policy: &Outlier) -> Reading {
    let (id, incarnation): (BackendId, u16) = (member.id, member.incarnation);
    Reading {
        counts: account::backend_counts(board, id, incarnation),
        latency: match policy.latency_hundredths {
            Some(_) => account::backend_latency(board, id, incarnation),
            None => Histogram::default(),
        },
    }
}
