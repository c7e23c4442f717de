//! What a reload would do, and the way back to the generation before.

use std::collections::BTreeMap;

use super::listeners::{self, Taken};
use super::programs::Foreseen;
use super::{Master, Phase};
use crate::config::Loaded;
use crate::config::compare::{self, Section};
use crate::config::lines::{self, Line};
use crate::config::model::Config;
use crate::config::veil;
use crate::control::plan::{Change, Detail, Plan, Sign, Weight};
use crate::control::wire::Role;
use crate::control::{plan, wire};

impl Master {
    /// Judges the file as a reload does, and leaves everything as it is. `read`: see `reading`.
    pub(super) fn plan(&self, role: Role, read: Result<Loaded, String>) -> Plan {
        let mut plan = Plan {
            generation: self.generation.number,
            config: self.generation.config.source.clone(),
            is_worded: self.generation.text.is_some(),
            has_previous: self.generation.previous.is_some(),
            ..Plan::default()
        };
        let loaded = match read {
            Ok(loaded) => loaded,
            Err(error) => {
                plan.error = error;
                return plan;
            }
        };
        plan.error = self.obstacle(&loaded.config).unwrap_or_default();
        let new = loaded.text.as_deref().unwrap_or_default();
        let old = self.generation.text.as_deref().unwrap_or(new);
        if role == Role::Operate {
            plan.lines = covered(&lines::between(old, new), (old, new));
        }
        plan.unchanged = compare::unchanged(old, new);
        plan.changes = self.changes(&loaded.config, compare::sections_between(old, new));
        plan
    }

    /// What a reload would be refused for beyond the file's own errors. The sockets that this binds
    /// are closed again, and none of them got a connection.
    fn obstacle(&self, config: &Config) -> Option<String> {
        let (new, old) = (&config.engine.name, &self.options.name);
        if self.phase != Phase::Running {
            return Some("the engine is stopping".to_owned());
        }
        if new != old {
            return Some(super::reload::renamed(new, old));
        }
        let wanted = listeners::addresses(config);
        let prepared = self.listeners.prepare(&wanted, Taken::of(config));
        prepared.err().map(|error| error.to_string())
    }

    fn changes(&self, config: &Config, sections: Vec<Section>) -> Vec<Change> {
        let foreseen = self.programs.foresee(&self.scaled_as_if(config));
        let mut changes: Vec<Change> =
            sections.into_iter().map(|section| self.change(config, &foreseen, section)).collect();
        // What the file names may have changed without the file: a variable, a page, a default.
        let is_told = |changes: &[Change], kind: &str, name: &str| {
            changes.iter().any(|change| change.kind == kind && change.name == name)
        };
        for (name, foreseen) in &foreseen {
            let is_program =
                !is_told(&changes, "program", name) && !is_told(&changes, "listener", name);
            if is_program && let Some((effect, weight)) = program_effect(foreseen) {
                changes.push(unworded("program", name, effect, weight));
            }
        }
        for upstream in &config.upstreams {
            let running =
                self.generation.config.upstreams.iter().find(|it| it.name == upstream.name);
            let is_other = running.is_some_and(|running| running != upstream);
            if is_other && !is_told(&changes, "upstream", &upstream.name) {
                let effect = "something that it names has changed".to_owned();
                changes.push(unworded("upstream", &upstream.name, effect, Weight::Gentle));
            }
        }
        changes
    }

    fn change(
        &self,
        config: &Config,
        foreseen: &BTreeMap<String, Foreseen>,
        section: Section,
    ) -> Change {
        let Section { sign, kind, name, details } = section;
        let sign = self::sign(sign);
        let running = &self.generation.config;
        let (effect, weight) = match (kind.as_str(), sign) {
            ("program" | "listener", _) => foreseen
                .get(&name)
                .and_then(program_effect)
                .unwrap_or(("means the same".to_owned(), Weight::Nothing)),
            ("upstream", Sign::Added) => gentle("takes requests as soon as it is routed to"),
            ("upstream", Sign::Removed) => {
                (format!("leaves; {}", self.in_flight(&name)), Weight::Drains)
            }
            ("upstream", Sign::Changed) => {
                let find = |config: &Config| {
                    config.upstreams.iter().find(|upstream| upstream.name == name).cloned()
                };
                let (old, new) = (find(running), find(config));
                if old == new { same() } else { self.upstream_effect(&name, &details) }
            }
            ("server" | "stream", Sign::Added) => gentle("serves from the next request on"),
            ("server" | "stream", Sign::Removed) => {
                ("requests under way finish, new ones are not taken".to_owned(), Weight::Drains)
            }
            ("server" | "stream", Sign::Changed) => gentle("from the next request on"),
            ("engine", _) if running.engine == config.engine => same(),
            ("engine", _) if running.engine.workers != config.engine.workers => {
                gentle("workers are started or drain until there are as many")
            }
            ("control", _) if running.control == config.control => same(),
            ("group", _) => gentle("for starts and stops from now on"),
            _ => gentle("from now on"),
        };
        Change {
            sign,
            kind,
            name,
            effect,
            weight,
            details: details.into_iter().map(detail).collect(),
        }
    }

    /// A backend that the file no longer names leaves at once; what it works on may finish.
    fn upstream_effect(&self, name: &str, details: &[compare::Detail]) -> (String, Weight) {
        let gone = details.iter().filter(|detail| {
            detail.sign == compare::Sign::Removed && detail.key.starts_with("backend")
        });
        match gone.count() {
            0 => gentle("from the next request on; counts and states stay"),
            1 => (format!("a backend leaves; of all, {}", self.in_flight(name)), Weight::Drains),
            count => (
                format!("{count} backends leave; of all, {}", self.in_flight(name)),
                Weight::Drains,
            ),
        }
    }

    fn in_flight(&self, upstream: &str) -> String {
        let (_, backends) = self.membership.rows(&self.history, super::membership::Now::read());
        let of_upstream =
            backends.iter().filter(|row: &&wire::BackendRow| row.upstream == upstream);
        match of_upstream.map(|row| row.backend.active).sum::<u32>() {
            0 => "nothing is under way".to_owned(),
            1 => "1 request under way finishes".to_owned(),
            active => format!("{active} requests under way finish"),
        }
    }
}

fn same() -> (String, Weight) {
    ("means the same".to_owned(), Weight::Nothing)
}

fn gentle(effect: &str) -> (String, Weight) {
    (effect.to_owned(), Weight::Gentle)
}

fn unworded(kind: &str, name: &str, effect: String, weight: Weight) -> Change {
    let (kind, name) = (kind.to_owned(), name.to_owned());
    Change { sign: Sign::Changed, kind, name, effect, weight, details: Vec::new() }
}

/// None: it is left alone.
fn program_effect(foreseen: &Foreseen) -> Option<(String, Weight)> {
    let instances = |count: u32| match count {
        1 => "1 instance".to_owned(),
        count => format!("{count} instances"),
    };
    let Foreseen { restart, live, start, stop, does_serve } = *foreseen;
    let gently = if does_serve { ", its backend drained first" } else { "" };
    let parts = [
        (restart > 0).then(|| format!("restarts {}{gently}", instances(restart))),
        (stop > 0).then(|| format!("stops {}{gently}", instances(stop))),
        (start > 0).then(|| format!("starts {}", instances(start))),
        (live > 0 && restart == 0).then(|| "applies as it runs, no restart".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let weight = if restart + stop > 0 { Weight::Interrupts } else { Weight::Gentle };
    (!parts.is_empty()).then(|| (parts.join("; "), weight))
}

fn sign(sign: compare::Sign) -> Sign {
    match sign {
        compare::Sign::Added => Sign::Added,
        compare::Sign::Removed => Sign::Removed,
        compare::Sign::Changed => Sign::Changed,
    }
}

fn detail(detail: compare::Detail) -> Detail {
    let compare::Detail { sign: it, key, from, to } = detail;
    Detail { sign: sign(it), key, from, to }
}

/// What is different is known by the plain texts, and shown without their secrets.
fn covered(lines: &[Line<'_>], (old, new): (&str, &str)) -> Vec<plan::Line> {
    let (old, new) = (veil::document(old), veil::document(new));
    let (mut old, mut new) = (old.lines(), new.lines());
    let text = |line: Option<&str>| line.unwrap_or_default().to_owned();
    let shown = |line: &Line<'_>| match *line {
        Line::Same(_) => {
            old.next();
            plan::Line::Same(text(new.next()))
        }
        Line::Gone(_) => plan::Line::Gone(text(old.next())),
        Line::New(_) => plan::Line::New(text(new.next())),
        Line::Gap(count) => {
            for _ in 0..count {
                old.next();
                new.next();
            }
            plan::Line::Gap(count)
        }
    };
    lines.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_without_secrets_and_told_to_differ() {
        let text = |pass: &str, more: &str| {
            format!(
                "[engine]\nname = \"x\"\n\n\n\n\n[program.a]\ncommand = \"a\"\n\
                 environment = {{ P = \"{pass}\" }}\n{more}# end\n"
            )
        };
        let (old, new) = (text("first", ""), text("other", "nice = 1\n"));
        let shown = covered(&lines::between(&old, &new), (&old, &new));
        let [same, gone, fresh] = [plan::Line::Same, plan::Line::Gone, plan::Line::New];
        let expected = vec![
            plan::Line::Gap(6),
            same("[program.a]".to_owned()),
            same("command = \"a\"".to_owned()),
            gone("environment = { P = \"*****\" }".to_owned()),
            fresh("environment = { P = \"*****\" }".to_owned()),
            fresh("nice = 1".to_owned()),
            same("# end".to_owned()),
        ];
        assert_eq!(shown, expected);
    }
}
