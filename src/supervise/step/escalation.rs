//! What giving up means for others.

use super::super::pause::{Beyond, CrashLimit};
use super::super::policy::Escalation;
use super::super::state::{Course, Phase};
use super::{Effect, Now, Step};

/// Restarts of a group that one instance may lead to within a time. One more would help as little:
/// the group is stopped, as a supervisor of OTP ends that has restarted its children too often.
const RESCUES: CrashLimit = CrashLimit { restarts: 5, within_us: 600_000_000, then: Beyond::Fail };

impl Now<'_> {
    /// The same step, with what follows for others if the instance has given up by it.
    pub(super) fn escalate(self, (mut state, mut effects): Step) -> Step {
        if state.phase != Phase::GaveUp || state.course == Course::Last {
            return (state, effects);
        }
        let Some(wanted) = self.policy.on_fatal else { return (state, effects) };
        let escalation = match wanted {
            Escalation::RestartGroup if !state.rescues.admit(self.us, RESCUES) => {
                Escalation::StopGroup
            }
            Escalation::RestartGroup
            | Escalation::StopGroup
            | Escalation::Command
            | Escalation::Shutdown => wanted,
        };
        effects.push(Effect::Escalate(escalation));
        (state, effects)
    }
}
