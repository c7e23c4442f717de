//! From an action and its rows to changes ready to be judged, or the reason why there is nothing
//! to do.
//!
//! Verbs name a state, never a toggle: what already holds is answered here with a sentence. While
//! an earlier order is on its way that answer would be about the past, so then the engine is asked.

use crate::control::call::{
    Addition, BackendTarget, BackendVerb, Command, Pace, ProgramTarget, ProgramVerb, Rank, Removal,
    UpstreamVerb,
};
use crate::control::wire::{BackendRow, BackendState, ProgramRow, ProgramState, Role};
use crate::tui::model::key::Key;
use crate::tui::model::order::{self, Change, Judged, Undo};
use crate::tui::model::pending::Stage;
use crate::tui::model::{Link, Model, rows};

use super::typed::Typed;
use super::{Id, Scope, of, weigh};

/// The changes `id` means on `target`, or on the marked rows, or on the row under the cursor.
pub(crate) fn make(model: &Model, id: Id, target: Option<&Key>) -> Result<Judged, String> {
    permitted(model)?;
    let changes = match id {
        Id::Reload | Id::Apply => vec![reload(model)],
        Id::Revert => vec![engine(model, Command::Revert, "revert")],
        Id::Reopen => vec![engine(model, Command::Reopen, "reopen")],
        Id::Upgrade => vec![engine(model, Command::Upgrade, "upgrade")],
        Id::Shutdown => vec![engine(model, Command::Shutdown, "shutdown")],
        Id::Undo => vec![undo(model)?],
        _ => on_rows(model, id, &targets(model, id, target)?)?,
    };
    judged(model, changes)
}

fn judged(model: &Model, changes: Vec<Change>) -> Result<Judged, String> {
    for change in &changes {
        reachable(model, &change.key)?;
    }
    let weight = weigh::weight(model, &changes);
    Ok(order::judge(weigh::title(&changes), changes, weight))
}

/// Of several engines, the one whose row it is must be there and take orders.
pub(super) fn reachable(model: &Model, key: &Key) -> Result<(), String> {
    if !model.nodes.are_several() {
        return Ok(());
    }
    let at = model.nodes.of(key).ok_or("this is about one engine: choose it with @")?;
    model.nodes.all[at].refusal(model.now_ms).map_or(Ok(()), Err)
}

/// The change to another strategy; choosing one from the list is its confirmation.
pub(crate) fn strategy(model: &Model, upstream: &str, strategy: &str) -> Result<Judged, String> {
    permitted(model)?;
    let row = model.upstream(upstream).ok_or_else(|| format!("{upstream} is gone"))?;
    if row.strategy == strategy {
        return Err(format!("{upstream} uses {strategy} already"));
    }
    let change = |strategy: &str| Command::Upstream {
        name: upstream.to_owned(),
        verb: UpstreamVerb::Strategy { strategy: strategy.to_owned() },
    };
    let key = Key::Upstream { name: upstream.to_owned() };
    let changes = vec![Change {
        command: change(strategy),
        verb: "strategy",
        undo: Some(Undo {
            label: format!("{} for {upstream}", row.strategy),
            command: change(&row.strategy),
            key: key.clone(),
        }),
        key,
    }];
    judged(model, changes)
}

/// A signal to each of these programs.
pub(crate) fn signal(model: &Model, targets: &[Key], name: &str) -> Result<Judged, String> {
    permitted(model)?;
    let verb = ProgramVerb::Signal { signal: name.to_owned() };
    let mut changes = Vec::with_capacity(targets.len());
    for key in targets {
        let Key::Program { name, instance } = key else { continue };
        let row =
            model.program(name, *instance).ok_or_else(|| format!("{} is gone", key.label()))?;
        changes.push(program_change(model, verb.clone(), row)?);
    }
    judged(model, changes)
}

/// What was typed out in the palette.
pub(crate) fn typed(model: &Model, typed: Typed) -> Result<Judged, String> {
    permitted(model)?;
    let (key, command, verb) = match typed {
        Typed::One { key, command, verb } => (key, command, verb),
        // One order is a roll of all of them.
        Typed::Rows { id: Id::Roll, keys, .. } => {
            return on_rows(model, Id::Roll, &keys[..1]).and_then(|changes| judged(model, changes));
        }
        Typed::Rows { id, keys, .. } => {
            return on_rows(model, id, &keys).and_then(|changes| judged(model, changes));
        }
        Typed::Signal { keys, name, .. } => return signal(model, &keys, &name),
    };
    if let Command::Upstream { name, verb: UpstreamVerb::Strategy { strategy: wanted } } = &command
    {
        return strategy(model, name, wanted);
    }
    let undo = match &command {
        Command::Add(Addition { upstream, address, .. }) => {
            Some(BackendTarget { upstream: upstream.clone(), backend: address.clone(), key: None })
                .map(|target| Command::Backend { target, verb: BackendVerb::Remove(GENTLY) })
        }
        Command::Scale { program, .. } => wanted(model, program)
            .map(|before| Command::Scale { program: program.clone(), instances: Some(before) }),
        Command::Backend { .. }
        | Command::Upstream { .. }
        | Command::Program { .. }
        | Command::Reload
        | Command::Revert
        | Command::Reopen
        | Command::Upgrade
        | Command::Shutdown => None,
    };
    let undo = undo.map(|command| undoing(&key, command));
    judged(model, vec![Change { key, command, verb, undo }])
}

/// How many instances of a program there should be.
pub(super) fn wanted(model: &Model, program: &str) -> Option<u32> {
    let row = model.moment.programs.iter().find(|row| row.program.name == program)?;
    Some(row.instances)
}

fn undoing(key: &Key, command: Command) -> Undo {
    Undo { key: key.clone(), label: crate::control::line::of(&command).words, command }
}

const GENTLY: Removal = Removal::Drained { timeout_ms: None };

pub(super) fn permitted(model: &Model) -> Result<(), String> {
    if model.past.is_some() {
        return Err("not sent: this is the past; p comes back to now".to_owned());
    }
    match (&model.link, model.role) {
        (Link::Connecting { .. } | Link::Stale { .. }, _) => {
            Err("not sent: the engine does not answer".to_owned())
        }
        (Link::Live, Role::Read) => Err("this console is read-only".to_owned()),
        (Link::Live, Role::Operate) => Ok(()),
    }
}

/// Of several engines the chosen one, by its name: another may be chosen when it is taken back.
fn engine(model: &Model, command: Command, verb: &'static str) -> Change {
    let key = match model.nodes.chosen() {
        Some(node) => Key::Node { name: node.name.clone() },
        None => Key::Config,
    };
    Change { key, command, verb, undo: None }
}

fn reload(model: &Model) -> Change {
    let change = engine(model, Command::Reload, "reload");
    let label = "the last reload".to_owned();
    let undo = Undo { key: change.key.clone(), command: Command::Revert, label };
    Change { undo: Some(undo), ..change }
}

fn undo(model: &Model) -> Result<Change, String> {
    let undo = model.undo.back().ok_or("nothing to take back")?;
    Ok(Change { key: undo.key.clone(), command: undo.command.clone(), verb: "undo", undo: None })
}

fn on_rows(model: &Model, id: Id, targets: &[Key]) -> Result<Vec<Change>, String> {
    if let [only] = targets {
        return change(model, id, only).map(|change| vec![change]);
    }
    // Of several marked rows, those already as wanted are left out.
    let mut changes: Vec<Change> = Vec::with_capacity(targets.len());
    for change in targets.iter().filter_map(|key| change(model, id, key).ok()) {
        // A roll or a scale of a program is one order, however many of its instances are marked.
        if !changes.iter().any(|other| other.command == change.command) {
            changes.push(change);
        }
    }
    if changes.is_empty() {
        Err("nothing to do on the marked rows".to_owned())
    } else {
        Ok(changes)
    }
}

pub(crate) fn targets(model: &Model, id: Id, target: Option<&Key>) -> Result<Vec<Key>, String> {
    let kinds = match of(id).scope {
        Scope::Anywhere | Scope::Lists => &[],
        Scope::Somewhere { kinds, .. } => kinds,
    };
    if let Some(key) = target {
        return Ok(vec![key.clone()]);
    }
    let marked: Vec<Key> =
        model.marks.iter().filter(|key| kinds.contains(&key.kind())).cloned().collect();
    if !marked.is_empty() {
        return Ok(marked);
    }
    if !model.lists.of(model.focus()).is_seen(model.now_ms) {
        return Err("the row under the cursor has just changed: look, and press again".to_owned());
    }
    let row = rows::selected(model).ok_or("no row is selected")?;
    Ok(vec![row.key()])
}

fn change(model: &Model, id: Id, key: &Key) -> Result<Change, String> {
    let gone = || format!("{} is gone", key.label());
    match key {
        Key::Backend { key: life, .. } if id == Id::Remove => {
            remove_change(model, model.backend(*life).ok_or_else(gone)?)
        }
        Key::Backend { key: life, .. } => {
            let row = model.backend(*life).ok_or_else(gone)?;
            match program_verb(id) {
                Some(verb) => {
                    let program = model
                        .program_of(row)
                        .ok_or_else(|| format!("no program of ours is behind {}", key.label()))?;
                    program_change(model, verb, program)
                }
                None => backend_change(model, id, row),
            }
        }
        Key::Program { name, instance } => {
            let row = model.program(name, *instance).ok_or_else(gone)?;
            if matches!(id, Id::ScaleUp | Id::ScaleDown) {
                return scale_change(model, id, row);
            }
            let verb = program_verb(id).ok_or_else(|| nothing(id, key))?;
            program_change(model, verb, row)
        }
        Key::Upstream { name } if id == Id::Reset => Ok(Change {
            key: key.clone(),
            command: Command::Upstream { name: name.clone(), verb: UpstreamVerb::Reset },
            verb: "reset",
            undo: None,
        }),
        Key::Upstream { .. }
        | Key::Worker { .. }
        | Key::Event { .. }
        | Key::Request { .. }
        | Key::Plan { .. }
        | Key::Alarm { .. }
        | Key::Record { .. }
        | Key::Config
        | Key::Node { .. } => Err(nothing(id, key)),
    }
}

fn nothing(id: Id, key: &Key) -> String {
    format!("{}: nothing to do for {}", of(id).label, key.label())
}

fn program_verb(id: Id) -> Option<ProgramVerb> {
    match id {
        Id::Restart => Some(ProgramVerb::Restart),
        Id::Roll => Some(ProgramVerb::Roll(Pace::default())),
        Id::Start => Some(ProgramVerb::Start),
        Id::Stop => Some(ProgramVerb::Stop),
        Id::Kill => Some(ProgramVerb::Kill),
        Id::Clear => Some(ProgramVerb::Clear),
        Id::ReloadProgram => Some(ProgramVerb::Reload),
        _ => None,
    }
}

fn program_change(model: &Model, verb: ProgramVerb, row: &ProgramRow) -> Result<Change, String> {
    let key = Key::of_program(row);
    if let (Some(already), false) = (already(&verb, row), is_under_way(model, &key)) {
        return Err(format!("{} {already}", key.label()));
    }
    let is_roll = matches!(verb, ProgramVerb::Roll(_));
    let word = match verb {
        ProgramVerb::Start => "start",
        ProgramVerb::Stop => "stop",
        ProgramVerb::Restart => "restart",
        ProgramVerb::Roll(_) => "roll",
        ProgramVerb::Reload => "reload",
        ProgramVerb::Kill => "kill",
        ProgramVerb::Clear => "clear",
        ProgramVerb::Signal { .. } => "signal",
        ProgramVerb::Input { .. } => "attach",
    };
    let target = ProgramTarget {
        name: row.program.name.clone(),
        instance: (!is_roll).then_some(row.program.instance),
        incarnation: (!is_roll).then_some(row.incarnation),
    };
    Ok(Change { key, command: Command::Program { target, verb }, verb: word, undo: None })
}

/// Why the verb would change nothing.
fn already(verb: &ProgramVerb, row: &ProgramRow) -> Option<&'static str> {
    let state = row.program.state;
    match verb {
        ProgramVerb::Start => match state {
            ProgramState::Running => Some("is running already"),
            ProgramState::Starting => Some("is starting already"),
            ProgramState::Stopped
            | ProgramState::Backoff
            | ProgramState::Stopping
            | ProgramState::Exited
            | ProgramState::Fatal
            | ProgramState::Unknown => None,
        },
        ProgramVerb::Stop => match state {
            ProgramState::Stopped => Some("is stopped already"),
            ProgramState::Exited => Some("has exited already"),
            ProgramState::Fatal => Some("does not run: it gave up"),
            ProgramState::Stopping => Some("is stopping already"),
            ProgramState::Starting
            | ProgramState::Running
            | ProgramState::Backoff
            | ProgramState::Unknown => None,
        },
        ProgramVerb::Kill => row.program.pid.is_none().then_some("has no process to kill"),
        ProgramVerb::Restart
        | ProgramVerb::Roll(_)
        | ProgramVerb::Clear
        | ProgramVerb::Reload
        | ProgramVerb::Signal { .. }
        | ProgramVerb::Input { .. } => None,
    }
}

/// From what the last order asked for, so that pressing `+` three times adds three.
fn scale_change(model: &Model, id: Id, row: &ProgramRow) -> Result<Change, String> {
    let program = &row.program.name;
    let mut newer = model.pending.iter().rev().filter(|it| it.outruns_its_row(model.now_ms));
    let asked = newer.find_map(|pending| match &pending.command {
        Command::Scale { program: other, instances } if other == program => *instances,
        _ => None,
    });
    let before = asked.unwrap_or(row.instances).max(1);
    let after = if id == Id::ScaleUp { before + 1 } else { before - 1 };
    if after == 0 {
        return Err(format!("{program} has one instance, the least: stop it instead"));
    }
    let scale = |count| Command::Scale { program: program.clone(), instances: Some(count) };
    let key = Key::of_program(row);
    let undo = Some(undoing(&key, scale(before)));
    Ok(Change { key, command: scale(after), verb: "scale", undo })
}

fn remove_change(model: &Model, row: &BackendRow) -> Result<Change, String> {
    let key = Key::of_backend(row);
    if let Some(program) = model.program_of(row) {
        let name = &program.program.name;
        return Err(format!("{} is served by {name}: scale that", key.label()));
    }
    let target = BackendTarget {
        upstream: row.upstream.clone(),
        backend: row.backend.name.clone(),
        key: Some(row.key),
    };
    // Whether it was a backup is not on the screen; the file's own comes back as the file says.
    let back = Command::Add(Addition {
        upstream: row.upstream.clone(),
        address: row.backend.name.clone(),
        weight: Some(row.backend.weight),
        rank: Rank::Primary,
    });
    let undo = Some(undoing(&key, back));
    let command = Command::Backend { target, verb: BackendVerb::Remove(GENTLY) };
    Ok(Change { key, command, verb: "remove", undo })
}

fn backend_change(model: &Model, id: Id, row: &BackendRow) -> Result<Change, String> {
    let key = Key::of_backend(row);
    let label = key.label();
    let state = row.backend.state;
    let is_sure = !is_under_way(model, &key);
    let (verb, word, undo) = match id {
        Id::Drain if is_sure && matches!(state, BackendState::Draining | BackendState::Drained) => {
            return Err(format!("{label} is {} already", rows::state_word(state).to_lowercase()));
        }
        Id::Drain => (BackendVerb::Drain { timeout_ms: None }, "drain", back_to(state)),
        Id::Cut if is_sure && state != BackendState::Draining => {
            return Err(format!("{label} does not drain"));
        }
        Id::Cut => (BackendVerb::Drain { timeout_ms: Some(0) }, "cut", BackendVerb::Enable),
        Id::Enable if is_sure && matches!(state, BackendState::Up | BackendState::Starting) => {
            return Err(format!("{label} is in rotation already"));
        }
        Id::Enable => (BackendVerb::Enable, "enable", back_to(state)),
        Id::TakeDown if is_sure && state == BackendState::Down => {
            return Err(format!("{label} is down already"));
        }
        Id::TakeDown => (BackendVerb::Down, "down", back_to(state)),
        Id::WeightUp | Id::WeightDown => {
            let now = weight_asked(model, row);
            let weight = if id == Id::WeightUp { now.saturating_add(1) } else { now - 1 };
            if weight == 0 {
                return Err(format!("{label} has weight 1, the least: drain it instead"));
            }
            (BackendVerb::Weight { weight }, "weight", BackendVerb::Weight { weight: now })
        }
        _ => return Err(nothing(id, &key)),
    };
    let command = |verb| Command::Backend {
        target: BackendTarget {
            upstream: row.upstream.clone(),
            backend: row.backend.name.clone(),
            key: Some(row.key),
        },
        verb,
    };
    let undo = (undo != verb).then(|| Undo {
        key: key.clone(),
        label: crate::control::line::of(&command(undo)).words,
        command: command(undo),
    });
    Ok(Change { key, command: command(verb), verb: word, undo })
}

/// The verb that brings a backend back to the state it is in.
fn back_to(state: BackendState) -> BackendVerb {
    match state {
        // Failing again is not for us to order; being in rotation is what the operator had chosen.
        BackendState::Up | BackendState::Starting | BackendState::Failed => BackendVerb::Enable,
        BackendState::Draining | BackendState::Drained => BackendVerb::Drain { timeout_ms: None },
        BackendState::Down => BackendVerb::Down,
    }
}

/// The weight the last order asked for, so that pressing `+` three times adds three.
fn weight_asked(model: &Model, row: &BackendRow) -> u32 {
    let key = Key::of_backend(row);
    let newer = model.pending.iter().rev().filter(|it| it.outruns_its_row(model.now_ms));
    let asked = newer.filter(|it| it.key == key).find_map(|pending| match pending.command {
        Command::Backend { verb: BackendVerb::Weight { weight }, .. } => Some(weight),
        _ => None,
    });
    asked.unwrap_or(row.backend.weight).max(1)
}

fn is_under_way(model: &Model, key: &Key) -> bool {
    model.pending_on(key).is_some_and(|pending| pending.stage == Stage::Sent)
}
