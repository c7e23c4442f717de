//! An engine with something of everything: what the screens are tested with.
//!
//! Every number follows from its place, so that a picture of it is the same on every machine.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::control::capacity::Admission;
use crate::control::check::Check;
use crate::control::drain::Drain;
use crate::control::listener::{Kind, Listener};
use crate::control::requests::RequestRecord;
use crate::control::sample::{BackendSample, Sample, WorkerSample};
use crate::control::wire::{
    Backend, BackendRow, BackendState, Connections, EventRecord, Head, Latency, Program,
    ProgramRow, ProgramState, Responses, Role, Severity, Snapshot, UpstreamRow, Worker,
};
use crate::tui::model::key::Key;
use crate::tui::model::log_tail::LogTail;
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::{Link, Model, Size};
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::shelf;
use crate::tui::theme::skin::Skin;
use crate::tui::theme::tier::ColorTier;
use crate::tui::theme::{self};

/// 12:04:31 of some day.
pub(super) const NOW_MS: u64 = 1_763_812_800_000 + 4 * 60_000 + 31_000;
const HISTORY: u64 = 300;
const REQUESTS: u64 = 60;

pub(super) fn skin(colors: ColorTier, glyphs: GlyphTier) -> Skin {
    Skin::new(theme::default_theme(), colors, glyphs)
}

pub(super) fn draw(model: &Model, skin: &Skin) -> Buffer {
    let area = Rect::new(0, 0, model.size.width, model.size.height);
    let mut buffer = Buffer::empty(area);
    super::render(&mut buffer, area, model, skin);
    buffer
}

pub(super) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let row: String =
            (buffer.area.left()..buffer.area.right()).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn model(view: View, (width, height): (u16, u16)) -> Model {
    let mut model = Model::new(Size { width, height }, NOW_MS);
    model.moment = snapshot();
    model.role = Role::Operate;
    model.link = Link::Live;
    model.rtt_ms = Some(38);
    model.view = view;
    model.themes = shelf::Shelf::default().entries();
    model.theme = "harbor".to_owned();
    model.history = (0..HISTORY).map(|at| sample(&model.moment, at)).collect();
    model.events = events().into();
    for (panel, cursor) in [
        (Panel::Attention, Key::Program { name: "mailer".to_owned(), instance: 0 }),
        (Panel::ProgramTable, Key::Program { name: "mailer".to_owned(), instance: 0 }),
        (Panel::BackendTable, Key::of_backend(&model.moment.backends[3])),
        (Panel::BalanceTable, Key::of_backend(&model.moment.backends[0])),
        (Panel::WorkerTable, Key::Worker { slot: 1 }),
        (Panel::RequestTable, Key::Request { worker: 1, seq: 58 }),
        (Panel::EventTable, Key::Event { seq: 41 }),
        (Panel::ConfigTable, Key::Plan { identity: "program mailer".to_owned() }),
    ] {
        model.lists.of_mut(panel).cursor = Some(cursor);
    }
    model.explained.came(Ok(Box::new(super::fixture_fit::explanation(&model.moment))));
    model.planned.ask(true);
    model.planned.came(Ok(Box::new(super::fixture_plan::plan())));
    for at in 0..REQUESTS {
        model.requests.push(request(at));
    }
    model.requests.lost = 1_204;
    model.log.turn_to(Some(Key::Program { name: "mailer".to_owned(), instance: 0 }));
    for line in super::fixture_logs::of_mailer() {
        model.log.push(line);
    }
    let mut logs = LogTail::default();
    for line in super::fixture_logs::merged() {
        logs.push(line);
    }
    model.logs = Some(logs);
    model
}

fn snapshot() -> Snapshot {
    let mut backends = Vec::new();
    let mut add = |upstream: &str, rows: &[(&str, BackendState, u32, f64, f64, u32, u64)]| {
        for (name, state, weight, expected, actual, active, picks) in rows {
            let key = backends.len() as u32;
            backends.push(backend(key, upstream, name, *state));
            let row: &mut BackendRow = backends.last_mut().unwrap();
            row.backend.weight = *weight;
            row.file_weight = *weight;
            row.backend.expected_share = *expected;
            row.backend.actual_share = *actual;
            row.backend.active = *active;
            row.active_by_worker = vec![active - active / 2, active / 2];
            row.window_picks = *picks;
        }
    };
    add(
        "api",
        &[
            ("10.0.3.1:8080", BackendState::Up, 1, 0.333, 0.341, 58, 24_760),
            ("10.0.3.2:8080", BackendState::Up, 1, 0.333, 0.336, 57, 24_397),
            ("10.0.3.4:8080", BackendState::Up, 1, 0.333, 0.319, 56, 23_163),
            ("10.0.3.5:8080", BackendState::Draining, 1, 0.0, 0.004, 17, 290),
            ("10.0.3.7:8080", BackendState::Failed, 1, 0.0, 0.0, 0, 0),
        ],
    );
    add(
        "static",
        &[
            ("10.0.4.1:9000", BackendState::Up, 3, 0.75, 0.75, 9, 22_411),
            ("10.0.4.2:9000", BackendState::Up, 1, 0.25, 0.25, 3, 7_470),
        ],
    );
    add(
        "ws",
        &[
            ("10.0.5.1:7000", BackendState::Up, 1, 0.25, 0.31, 9, 2_480),
            ("10.0.5.2:7000", BackendState::Up, 1, 0.25, 0.22, 7, 1_760),
            ("10.0.5.3:7000", BackendState::Up, 1, 0.25, 0.26, 7, 2_080),
            ("10.0.5.4:7000", BackendState::Up, 1, 0.25, 0.21, 6, 1_680),
        ],
    );
    backends[3].reason = "drained by ana".to_owned();
    backends[3].backend.drain = Some(Drain {
        since_ms: NOW_MS - 12_000,
        deadline_ms: NOW_MS + 18_000,
        by: "ana (1000)".to_owned(),
        active_at_start: 64,
        in_flight: 17,
        upgraded: 0,
        oldest_ms: Some(8_100),
        leaving_per_s: 4.0,
        eta_ms: Some(4_250),
        picks: 0,
        is_removal: false,
    });
    backends[4].reason = "connection refused ×18".to_owned();
    backends[5].window_weight_start = 2;
    Snapshot {
        head: head(),
        workers: vec![worker(0, 21.0, 0), worker(1, 24.0, 1)],
        upstreams: upstreams(),
        backends,
        programs: programs(),
        firewall: None,
    }
}

fn upstreams() -> Vec<UpstreamRow> {
    let mut altered = upstream("static", "round_robin", 29_881, 0);
    altered.differs = vec!["10.0.4.2:9000 added by ana (1000)".to_owned()];
    vec![upstream("api", "least_conn", 72_611, 212), altered, upstream("ws", "ip_hash", 8_000, 0)]
}

fn head() -> Head {
    Head {
        name: "edge-1".to_owned(),
        version: "0.1.0".to_owned(),
        generation: 14,
        uptime_ms: 76 * 3_600_000,
        wall_ms: NOW_MS,
        config: "pilothouse.toml".to_owned(),
        listeners: vec![
            Listener { address: "0.0.0.0:80".to_owned(), ..Listener::default() },
            Listener { address: "127.0.0.1:8080".to_owned(), ..Listener::default() },
        ],
        servers: Vec::new(),
        certificates: Vec::new(),
        limits: Vec::new(),
        refused: Vec::new(),
        master_pid: 4121,
        keeper_pid: 4120,
        is_embedded: false,
        config_error: String::new(),
        orphans_reaped: 0,
    }
}

fn worker(slot: u16, cpu_percent: f32, restarts: u32) -> Worker {
    Worker {
        slot,
        pid: 4130 + u32::from(slot),
        generation: 14,
        state: "running".to_owned(),
        uptime_ms: if restarts > 0 { 41_000 } else { 76 * 3_600_000 },
        cpu_percent,
        rss_bytes: (38 << 20) + (u64::from(slot) << 20),
        connections: Connections { active: 106, idle: 325 },
        requests: 1_204_118,
        restarts,
        user: "www-data".to_owned(),
        lag_us: 240,
        log: None,
    }
}

fn upstream(name: &str, strategy: &str, requests: u64, retries: u64) -> UpstreamRow {
    UpstreamRow {
        name: name.to_owned(),
        kind: if name == "ws" { Kind::Tcp } else { Kind::Http },
        strategy: strategy.to_owned(),
        file_strategy: strategy.to_owned(),
        requests,
        retries,
        retries_withheld: 0,
        refused: 0,
        overflows: 0,
        window_since_ms: NOW_MS - 60_000,
        top_client_share: if strategy == "ip_hash" { 0.31 } else { 0.0 },
        fit: super::fixture_fit::fit(strategy, retries),
        names: Vec::new(),
        admission: Admission::default(),
        all_down: "refuse".to_owned(),
        desperate: 0,
        differs: Vec::new(),
    }
}

fn backend(key: u32, upstream: &str, name: &str, state: BackendState) -> BackendRow {
    BackendRow {
        upstream: upstream.to_owned(),
        backend: Backend {
            name: name.to_owned(),
            address: name.to_owned(),
            state,
            weight: 1,
            active: 0,
            requests: 402_000 + u64::from(key) * 977,
            expected_share: 0.0,
            actual_share: 0.0,
            responses: Responses {
                success: 400_000,
                client_error: 1_800,
                server_error: if state == BackendState::Up { 0 } else { 400 },
                ..Responses::default()
            },
            failures: if state == BackendState::Failed { 18 } else { 0 },
            latency_us: Latency {
                p50: 3_900 + u64::from(key) * 700,
                p90: 12_000,
                p99: 87_000,
                max: 214_000,
            },
            bytes_in: 180_000_000 + u64::from(key),
            bytes_out: 1_070_000_000 + u64::from(key),
            program: (upstream == "api" && key < 2).then(|| format!("api:{key}")),
            host: None,
            capacity: crate::control::capacity::Capacity::default(),
            check: Some(check_of(state)),
            reason: String::new(),
            drain: None,
            cuts: 0,
        },
        key,
        file_weight: 1,
        since_ms: match state {
            BackendState::Draining => NOW_MS - 12_000,
            BackendState::Failed => NOW_MS - 130_000,
            _ => NOW_MS - 76 * 3_600_000,
        },
        reason: String::new(),
        window_picks: 0,
        window_weight_start: 0,
        current_weight: 0,
        active_by_worker: Vec::new(),
        check: "ok, 200 in 2 ms".to_owned(),
    }
}

fn check_of(state: BackendState) -> Check {
    let (result, row) =
        if state == BackendState::Failed { ("connection refused", 64) } else { ("ok, 200", 1_840) };
    let is_good = result.starts_with("ok");
    Check {
        result: result.to_owned(),
        is_good,
        at_ms: NOW_MS - 1_200,
        latency_us: 2_100,
        passes: if is_good { row } else { 0 },
        fails: if is_good { 0 } else { row },
    }
}

fn programs() -> Vec<ProgramRow> {
    let running = |name: &str, instance: u32| ProgramRow {
        program: Program {
            name: name.to_owned(),
            instance,
            state: ProgramState::Running,
            pid: Some(5120 + instance),
            cpu_percent: 31.0 - instance as f32,
            rss_bytes: (212 - u64::from(instance)) << 20,
            backend: Some(format!("api/10.0.3.{}:8080", instance + 1)),
            ..Program::default()
        },
        incarnation: 1,
        since_ms: NOW_MS - 76 * 3_600_000,
        start_retries: Some(3),
        command: format!("/srv/{name}/run"),
        ..ProgramRow::default()
    };
    let mut mailer = running("mailer", 0);
    mailer.program = Program {
        name: "mailer".to_owned(),
        state: ProgramState::Fatal,
        restarts: 5,
        exit_code: Some(1),
        reason: "exit 1; 5 starts in 12 s, gave up".to_owned(),
        ..Program::default()
    };
    mailer.since_ms = NOW_MS - 41_000;
    mailer.start_failures = 5;
    mailer.last_line = "SMTPAuthError: 535 bad credentials".to_owned();
    let mut indexer = running("indexer", 0);
    indexer.program = Program {
        name: "indexer".to_owned(),
        state: ProgramState::Backoff,
        restarts: 2,
        exit_signal: Some(9),
        ..Program::default()
    };
    indexer.retry_at_ms = NOW_MS + 3_400;
    indexer.start_failures = 2;
    indexer.last_line = "out of memory".to_owned();
    let mut stopped = running("report", 0);
    stopped.program = Program { name: "report".to_owned(), ..Program::default() };
    vec![mailer, indexer, running("api", 0), running("api", 1), running("worker", 0), stopped]
}

fn sample(live: &Snapshot, at: u64) -> Sample {
    let wave = |period: u64, size: u64| {
        let phase = at % period;
        if phase * 2 < period {
            size * phase * 2 / period
        } else {
            size * (period - phase) * 2 / period
        }
    };
    let requests = 1_500 + wave(47, 600) + at % 7 * 20;
    let wall_ms = NOW_MS - (HISTORY - at) * 1000;
    let is_failing = (200..204).contains(&at) || (280..283).contains(&at);
    Sample {
        wall_ms,
        requests: requests as u32,
        client_errors: 30,
        server_errors: if is_failing { 40 } else { 0 },
        retries: 3,
        p50_us: 4_100,
        p95_us: (20_000 + wave(31, 9_000)) as u32,
        p99_us: 87_000,
        active: 212,
        connections: 3_120,
        bytes_out: 22_700_000,
        bytes_in: 4_100_000,
        backends: live.backends.iter().map(|row| backend_sample(row, at, requests)).collect(),
        workers: live
            .workers
            .iter()
            .map(|row| WorkerSample {
                slot: row.slot,
                requests: (requests / 2 + u64::from(row.slot) * 9) as u32,
                cpu_percent: row.cpu_percent,
                active: row.connections.active,
                idle: row.connections.idle,
                rss_bytes: row.rss_bytes,
                lag_us: row.lag_us,
            })
            .collect(),
        programs: Vec::new(),
    }
}

/// Five backends at first; one fails half way, another begins to drain twelve seconds ago.
fn backend_sample(row: &BackendRow, at: u64, requests: u64) -> BackendSample {
    let is_out = match row.backend.state {
        BackendState::Failed => at > 170,
        BackendState::Draining => at > HISTORY - 12,
        _ => false,
    };
    let part = match row.upstream.as_str() {
        "api" => requests * (20 + u64::from(row.key) % 3) / 100,
        "static" => requests / 12 * u64::from(row.backend.weight),
        _ => requests / 50,
    };
    let active = match row.backend.state {
        BackendState::Draining if is_out => 17 + (HISTORY - at - 1) * 4,
        BackendState::Draining => 60,
        _ => u64::from(row.backend.active) + at % 5,
    };
    BackendSample {
        key: row.key,
        requests: if is_out { 0 } else { part as u32 },
        active: active as u32,
        failures: u32::from(row.backend.state == BackendState::Failed && at.is_multiple_of(40)),
        p95_us: if is_out { 0 } else { 22_000 + row.key * 1_300 + (at % 9) as u32 * 300 },
        server_errors: u32::from(at.is_multiple_of(11)),
    }
}

/// Mostly good ones, of a few clients; every tenth has something about it.
fn request(at: u64) -> RequestRecord {
    let (status, service_us, tries) = match at % 10 {
        3 => (404, 900, 1),
        5 => (502, 5_003_000, 2),
        7 => (304, 1_200, 1),
        8 => (499, 61_000, 1),
        _ => (200, 4_000 + at as u32 * 310, 1),
    };
    let path = match at % 4 {
        0 => "/api/v1/users".to_owned(),
        1 => format!("/api/v1/orders/{}", 77_000 + at),
        2 => "/search".to_owned(),
        _ => "/assets/app-5c1b0e8f2d.js".to_owned(),
    };
    let backend = if at.is_multiple_of(3) { "10.0.3.5:8080" } else { "[2001:db8::3:7]:8080" };
    RequestRecord {
        wall_ms: NOW_MS - (REQUESTS - at) * 37,
        worker: at.is_multiple_of(2).into(),
        seq: at,
        client: ["10.1.20.7", "192.168.100.201", "2001:db8:7::41"][(at % 3) as usize].to_owned(),
        protocol: if at % 3 == 2 { "HTTP/1.1" } else { "HTTP/2.0" }.to_owned(),
        method: if at % 10 == 5 { "POST" } else { "GET" }.to_owned(),
        host: "shop.example.com".to_owned(),
        is_path_cut: at % 4 == 1,
        path,
        status,
        service_us,
        bytes: at * at * 100,
        upstream: Some("api".to_owned()),
        backend: (status != 304).then(|| backend.to_owned()),
        tries,
        ..RequestRecord::default()
    }
}

fn events() -> Vec<EventRecord> {
    let event = |seq, ago_s: u64, who: &str, verb: &str, target: &str| EventRecord {
        seq,
        wall_ms: NOW_MS - ago_s * 1000,
        who: who.to_owned(),
        verb: verb.to_owned(),
        target: target.to_owned(),
        ..EventRecord::default()
    };
    let mut failed = event(38, 130, "engine", "failed", "api/10.0.3.7:8080");
    failed.severity = Severity::Bad;
    failed.result = "connection refused ×18, out of rotation".to_owned();
    let mut respawn = event(39, 42, "engine", "respawn", "worker 1");
    respawn.severity = Severity::Warn;
    respawn.result = "signal 11; no connection lost in the queue".to_owned();
    let mut fatal = event(40, 41, "engine", "FATAL", "mailer:0");
    fatal.severity = Severity::Bad;
    fatal.result = "start retries exhausted (5)".to_owned();
    let mut drain = event(41, 12, "ana (1000)", "drain", "api/10.0.3.5:8080");
    drain.severity = Severity::Good;
    drain.result = "draining, 64 in flight".to_owned();
    drain.cli = "pilothouse backend drain api/10.0.3.5:8080".to_owned();
    vec![failed, respawn, fatal, drain]
}
