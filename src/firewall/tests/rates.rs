//! How many attacks are found and how many honest requests are mistaken, at the default threshold.
//!
//! `cargo test --lib firewall::tests::rates -- --nocapture` prints the rates. The parts that are
//! held out were written before the detectors were first run, and nothing was fitted to them.

use super::super::inspector::Inspector;
use super::corpora::{Encoding, Position, lines, score};

pub(super) const THRESHOLD: u32 = 5;

const ATTACKS: [&str; 6] =
    ["sql.txt", "script.txt", "path.txt", "command.txt", "template.txt", "code.txt"];

#[derive(Debug, Default)]
struct Rate {
    hits: u32,
    of: u32,
    /// What counts against us.
    wrong: Vec<String>,
}

impl Rate {
    fn share(&self) -> f64 {
        f64::from(self.hits) / f64::from(self.of.max(1))
    }

    fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.of += other.of;
        self.wrong.extend(other.wrong);
    }
}

/// The share of attacks in one file that are found, over all positions and encodings.
fn found(folder: &str, file: &str) -> Rate {
    let mut rate = Rate::default();
    for line in lines(&format!("{folder}/{file}")) {
        for position in Position::ALL {
            for encoding in Encoding::ALL {
                let is_sql = file == "sql.txt";
                if matches!(encoding, Encoding::Comments | Encoding::Tabs) && !is_sql {
                    continue;
                }
                rate.of += 1;
                if score(&line, position, encoding) >= THRESHOLD {
                    rate.hits += 1;
                } else {
                    rate.wrong.push(format!("{file}: {line:?} in {position:?} as {encoding:?}"));
                }
            }
        }
    }
    rate
}

/// The share of honest values in one file that are taken for attacks.
fn mistaken(folder: &str, file: &str) -> Rate {
    let mut rate = Rate::default();
    for line in lines(&format!("{folder}/{file}")) {
        let mut count = |score: u32, place: &str| {
            rate.of += 1;
            if score >= THRESHOLD {
                rate.hits += 1;
                rate.wrong.push(format!("{file}: {line:?} in {place}"));
            }
        };
        let mut inspector = Inspector::default();
        match file {
            "targets.txt" => {
                inspector.inspect(&[]).target(line.as_bytes());
                count(inspector.score(), "target");
            }
            "headers.txt" => {
                let (name, value) = line.split_once(": ").expect("a header line");
                inspector.inspect(&[]).header(name.as_bytes(), value.as_bytes());
                count(inspector.score(), "header");
            }
            _ => {
                let positions = [Position::Query, Position::Cookie, Position::Form];
                for position in positions.into_iter().chain(Position::OF_BODIES) {
                    count(score(&line, position, Encoding::Once), &format!("{position:?}"));
                }
            }
        }
    }
    rate
}

fn attacks(folder: &str) -> Rate {
    let mut all = Rate::default();
    for file in ATTACKS {
        let rate = found(folder, file);
        eprintln!("{folder}/{file}: {} of {}, {:.1} %", rate.hits, rate.of, rate.share() * 100.0);
        all.add(rate);
    }
    eprintln!("{folder}: {} of {} found, {:.2} %", all.hits, all.of, all.share() * 100.0);
    all
}

fn honest(folder: &str) -> Rate {
    let mut all = Rate::default();
    let path = std::path::Path::new("tests/corpus/firewall").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(path)
        .expect("the corpus is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    for file in files {
        let rate = mistaken(folder, &file);
        eprintln!("{folder}/{file}: {} of {}, {:.2} %", rate.hits, rate.of, rate.share() * 100.0);
        all.add(rate);
    }
    eprintln!("{folder}: {} of {} mistaken, {:.2} %", all.hits, all.of, all.share() * 100.0);
    all
}

#[test]
fn rates() {
    let (found, unseen_found) = (attacks("attacks"), attacks("attacks-held-out"));
    let (mistaken, unseen_mistaken) = (honest("honest"), honest("honest-held-out"));
    if std::env::var_os("PILOTHOUSE_FIREWALL_MISSES").is_some() {
        for line in found.wrong.iter().chain(&mistaken.wrong) {
            eprintln!("{line}");
        }
    }
    assert!(found.of > 20_000 && mistaken.of > 2_000, "{} {}", found.of, mistaken.of);
    assert!(found.share() > 0.95, "{:.4}", found.share());
    assert!(unseen_found.share() > 0.80, "{:.4}", unseen_found.share());
    assert!(mistaken.share() < 0.005, "{:.4}", mistaken.share());
    assert!(unseen_mistaken.share() < 0.01, "{:.4}", unseen_mistaken.share());
}
