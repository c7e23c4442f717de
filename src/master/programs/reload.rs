//! `program reload`: a program reads its own configuration again, by a signal or a command.

use super::Programs;
use super::callers::Asked;
use super::commands::{Outcome, Reply};
use super::desk::Tone;
use super::errand::Errand;
use super::event::InstanceId;
use super::remote::Told;
use crate::config::model::stop::Reload;
use crate::control::wire::Answer;
use crate::sys;

impl Programs {
    /// Signals are sent at once; commands are begun, and their ends are still to come.
    pub(super) fn plan_reload(&self, ids: &[InstanceId]) -> Result<Outcome, Answer> {
        let (mut said, mut errands) = (Vec::new(), Vec::new());
        for id in ids {
            let Some(instance) = self.instances.get(id) else { continue };
            let process = instance.process.as_ref().filter(|process| !process.is_between());
            let Some(process) = process else { continue };
            match &instance.definition.program.reload {
                None => {
                    let text = format!("{} has no `reload` in the configuration", id.program);
                    return Err(Answer::refused(text));
                }
                Some(Reload::Signal(number)) => {
                    let name = sys::signal::name(*number);
                    process.signal(*number).map_err(|error| {
                        Answer::refused(format!("send {name} to {id}: {error}"))
                    })?;
                    said.push(format!("{name} sent to {id} (pid {})", process.pid));
                }
                Some(Reload::Command(words)) => {
                    let errand = instance.errand("reload", words, &self.desk);
                    errands.push((id.clone(), errand));
                }
            }
        }
        if errands.is_empty() {
            return self.spoken(&said, ids).map(Outcome::Answer);
        }
        Ok(Outcome::Reload(errands))
    }

    /// The answer comes when the last command has ended; their times are bounded.
    pub(super) fn reload(
        &mut self,
        asked: &Asked,
        errands: Vec<(InstanceId, Errand)>,
        reply: Reply,
    ) {
        let names: Vec<String> = errands.iter().map(|(id, _)| id.to_string()).collect();
        self.desk.note_of(asked, format!("command begun for {}", names.join(", ")), Tone::Info);
        tokio::task::spawn_local(async move {
            let (mut said, mut is_done) = (Vec::new(), true);
            for (id, errand) in errands {
                let outcome = errand.outcome().await;
                is_done &= outcome.is_success();
                said.push(format!("{id} reload: {outcome}"));
            }
            let message = said.join(", ");
            let answer = if is_done { Answer::changed(message) } else { Answer::refused(message) };
            // Who asked may have hung up; what they asked for was done all the same.
            match reply {
                Reply::Answer(reply) => {
                    let _hung_up = reply.send(answer);
                }
                Reply::Told { reply, .. } => {
                    let _hung_up = reply.send(Told { answer, shown: None });
                }
            }
        });
    }
}
