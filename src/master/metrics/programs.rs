//! Families of supervised programs, by name and instance.

use super::series::Kind::{self, Counter, Gauge};
use super::series::{Labels, Text, Value};
use crate::control::text;
use crate::control::wire::{Program, ProgramRow, ProgramState};

const STATES: [ProgramState; 8] = [
    ProgramState::Stopped,
    ProgramState::Starting,
    ProgramState::Running,
    ProgramState::Backoff,
    ProgramState::Stopping,
    ProgramState::Exited,
    ProgramState::Fatal,
    ProgramState::Unknown,
];

type Reading = fn(&Program) -> Value;

pub(super) fn write(text: &mut Text, programs: &[ProgramRow]) {
    let rows: Vec<(Labels, &Program)> = programs
        .iter()
        .map(|row| {
            let labels = Labels::none().with("program", &row.program.name);
            (labels.with("program_instance", &row.program.instance.to_string()), &row.program)
        })
        .collect();
    let mut family =
        text.family("pilothouse_program_state", Gauge, "1 for the state the instance is in.");
    for (labels, program) in &rows {
        let of =
            |state: ProgramState| (text::program_state(state), Value::from(state == program.state));
        family.each(labels, "state", STATES.map(of));
    }
    let families: [(&'static str, Kind, &str, Reading); 4] = [
        (
            "pilothouse_program_restarts_total",
            Counter,
            "Starts again after an end that nobody asked for.",
            |program| Value::Count(u64::from(program.restarts)),
        ),
        (
            "pilothouse_program_uptime_seconds",
            Gauge,
            "Since its start; 0 without one.",
            |program| Value::Milliseconds(program.uptime_ms),
        ),
        (
            "pilothouse_program_cpu_usage_ratio",
            Gauge,
            "Processor time in the last second; 1 is one core.",
            |program| Value::percent(program.cpu_percent),
        ),
        ("pilothouse_program_resident_memory_bytes", Gauge, "Memory in use.", |program| {
            Value::Count(program.rss_bytes)
        }),
    ];
    for (name, kind, help, reading) in families {
        let mut family = text.family(name, kind, help);
        for (labels, program) in &rows {
            family.sample(labels, reading(program));
        }
    }
}
