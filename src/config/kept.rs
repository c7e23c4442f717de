//! How much of the programs can outlive a master: the keeper holds descriptors of so many instances,
//! and so many bytes tell the next master what each of them is.
//!
//! About: what a program says of itself is not known yet, so room is left for it.

use super::limits;
use super::model::program::Program;

/// The first program that does not fit any more beside those before it, and why.
pub(super) fn excess<'a>(
    programs: impl IntoIterator<Item = &'a Program>,
) -> Option<(usize, String)> {
    let (mut instances, mut bytes) = (0, 0);
    for (at, program) in programs.into_iter().enumerate() {
        instances += program.instances;
        bytes += u64::from(program.instances) * bytes_of(program);
        let why = if instances > limits::PROGRAM_INSTANCES_ALL_MAX {
            let most = limits::PROGRAM_INSTANCES_ALL_MAX;
            format!("{instances} instances of programs in all, more than {most}")
        } else if bytes > limits::PROGRAMS_KEPT_BYTES_MAX {
            let most = limits::PROGRAMS_KEPT_BYTES_MAX;
            format!("{bytes} bytes describe all instances of programs up to here, more than {most}")
        } else {
            continue;
        };
        return Some((at, why));
    }
    None
}

/// Each instance is described by itself, since they may differ after a reload.
fn bytes_of(program: &Program) -> u64 {
    let text = serde_json::to_vec(program).expect("plain data with text keys always serialises");
    let of_listener = program.listener.as_ref().map_or(0, |_| limits::LISTENER_KEPT_BYTES);
    text.len() as u64 + limits::PROGRAM_KEPT_BYTES + of_listener
}
