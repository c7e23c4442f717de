//! The right target: whatever is sorted, added and removed between a look at the screen and a key, an
//! order goes to the row that was drawn under the cursor, in the life that was drawn, or nowhere.
//!
//! On the real wire: keys and frames of a real terminal, orders and rows at the socket, where a
//! stand-in takes the engine's place.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::stand_in::{Order, StandIn};
use crate::engine::{BINARY, Engine};
use crate::origin::Origin;
use crate::proxy::site;
use crate::pty::Screen;
use crate::wait;

const ROWS: usize = 10;
/// Changes, each with a key, between one look at the screen and the next.
const CASES_A_LOOK: usize = 100;
/// In every so manyth look the row under the cursor itself goes away.
const LOSS_EVERY: usize = 10;
/// Between the weights of one look and those of the next: an order's weight tells which look it is
/// of.
const WEIGHTS: u64 = 1_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What a real engine says of itself, and the first line that it tells whoever watches it.
fn from_life() -> (Value, Value) {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let mut stream = UnixStream::connect(engine.socket()).expect("the engine listens");
    stream.write_all(b"GET /v1/watch HTTP/1.0\r\n\r\n").expect("it reads");
    let lines = BufReader::new(stream).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with('{'));
    let frame = line.expect("a frame follows the head");
    (engine.status(), serde_json::from_str(&frame).expect("a JSON line"))
}

/// The table that the console is told of, and what it may be drawn as.
struct Table {
    rows: Vec<Value>,
    pattern: Value,
    next_life: u64,
    dice: Dice,
}

impl Table {
    fn new(pattern: Value, seed: u64) -> Self {
        let mut table = Self { rows: Vec::new(), pattern, next_life: 1, dice: Dice(seed) };
        for number in 0..ROWS {
            let row = table.row(&format!("backend-{number}"));
            table.rows.push(row);
        }
        table
    }

    /// Of a life that never was.
    fn row(&mut self, name: &str) -> Value {
        let mut row = self.pattern.clone();
        row["key"] = json!(self.next_life << 16);
        row["backend"]["name"] = json!(name);
        row["backend"]["address"] = json!(name);
        row["backend"]["state"] = json!("up");
        self.next_life += 1;
        self.shuffle_share(&mut row);
        row
    }

    fn shuffle_share(&mut self, row: &mut Value) {
        row["backend"]["actual_share"] = json!(self.dice.below(1_000) as f64 / 1_000.0);
    }

    fn set_weights(&mut self, weight: u64) {
        self.pattern["backend"]["weight"] = json!(weight);
        for row in &mut self.rows {
            row["backend"]["weight"] = json!(weight);
        }
    }

    fn life_of(&self, name: &str) -> u64 {
        let row = self.rows.iter().find(|row| row["backend"]["name"] == name);
        row.expect("what is drawn was told")["key"].as_u64().expect("a number")
    }

    fn whole(&self) -> Value {
        json!({ "backends": { "all": self.rows } })
    }

    /// One change: figures by which rows are sorted, most often; or the table's own order, with one of
    /// the others gone or in another life. The row called `kept` stays as it is.
    fn change(&mut self, kept: &str) -> Value {
        if self.dice.below(8) > 0 {
            let mut places = [self.dice.below(self.rows.len()), self.dice.below(self.rows.len())];
            places.sort_unstable();
            let mut changed = Vec::new();
            for at in places {
                let mut row = self.rows[at].clone();
                self.shuffle_share(&mut row);
                self.rows[at] = row.clone();
                changed.push(row);
            }
            changed.dedup_by_key(|row| row["key"].clone());
            return json!({ "backends": { "changed": changed } });
        }
        let (one, other) = (self.dice.below(self.rows.len()), self.dice.below(self.rows.len()));
        self.rows.swap(one, other);
        let name = format!("backend-{}", self.dice.below(ROWS));
        if name != kept {
            let there = self.rows.iter().position(|row| row["backend"]["name"] == *name);
            match there {
                Some(at) if self.dice.below(2) == 0 && self.rows.len() > 3 => {
                    self.rows.remove(at);
                }
                Some(at) => self.rows[at] = self.row(&name),
                None => {
                    let row = self.row(&name);
                    self.rows.push(row);
                }
            }
        }
        self.whole()
    }
}

/// The name in the row that the cursor's bar stands before.
fn under_cursor(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with('▌'))?;
    line.split_whitespace().find(|word| word.starts_with("backend-")).map(str::to_owned)
}

/// Names in the order in which they are drawn.
fn drawn(text: &str) -> Vec<String> {
    let rows = text.lines().skip_while(|line| !line.contains("app")).skip(1).take(ROWS);
    let names = rows.filter_map(|line| {
        line.split_whitespace().find(|word| word.starts_with("backend-")).map(str::to_owned)
    });
    names.collect()
}

/// A console beside its stand-in, and whom the orders of each look may go to.
struct Stage {
    table: Table,
    stand_in: StandIn,
    screen: Screen,
    /// By number of the look.
    allowed: BTreeMap<u64, (String, u64)>,
    look: u64,
    head: Value,
}

impl Stage {
    fn open(folder: &std::path::Path, seed: u64) -> Self {
        let (status, mut frame) = from_life();
        let snapshot = &mut frame["snapshot"];
        let table = Table::new(snapshot["backends"][0].clone(), seed);
        snapshot["backends"] = json!(table.rows);
        let head = snapshot["head"].clone();
        let stand_in = StandIn::start(folder, status, frame);
        let socket = stand_in.socket.display().to_string();
        let mut screen = Screen::open(BINARY, &["console", "-s", &socket], folder, &[]);
        screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
        screen.press("2ooo");
        screen.wait("sorted by a figure", |text| text.contains("by share"));
        screen.press("j");
        screen.wait("the cursor is on a row", |text| under_cursor(text).is_some());
        Self { table, stand_in, screen, allowed: BTreeMap::new(), look: 0, head }
    }

    /// Tells of weights that mark a look, and waits until all that was told is drawn.
    fn mark(&mut self) {
        self.look += 1;
        self.table.set_weights(self.look * WEIGHTS);
        let name = format!("look-{}-", self.look);
        self.head["name"] = json!(name);
        let mut delta = self.table.whole();
        delta["head"] = self.head.clone();
        self.stand_in.tell(&delta);
        self.screen.wait("what was told is drawn", |text| text.contains(&name));
    }

    /// Another row, and the one that is drawn under the cursor then.
    fn move_on(&mut self) -> String {
        let text = self.screen.text();
        let before = under_cursor(&text).expect("the cursor is on a row");
        let rows = drawn(&text);
        let key = match rows.iter().position(|name| *name == before) {
            Some(0) => "j",
            Some(at) if at + 1 == rows.len() => "k",
            _ => ["j", "k"][self.table.dice.below(2)],
        };
        self.screen.press(key);
        let is_other = |text: &str| under_cursor(text).is_some_and(|name| name != before);
        let text = self.screen.wait("the cursor has moved", is_other);
        under_cursor(&text).expect("just seen")
    }

    fn allow(&mut self, name: &str) {
        self.allowed.insert(self.look, (name.to_owned(), self.table.life_of(name)));
    }

    /// Changes and keys without a look between them.
    fn cases(&mut self, count: usize, kept: &str) {
        for _ in 0..count {
            let change = self.table.change(kept);
            self.stand_in.tell(&change);
            self.screen.press("+");
        }
    }

    /// Orders of a row come one after another, as their keys did.
    fn wait_for_the_last(&self, from: usize) {
        let is_last = |order: &Order| order.verb == "drain";
        wait::until("the last order", || self.stand_in.has(from, is_last).then_some(()));
    }

    /// One look and what follows from it, unseen. Every order has to come.
    fn play(&mut self) {
        self.mark();
        let name = self.move_on();
        self.allow(&name);
        let from = self.stand_in.count();
        // While the cursor moves rows stay where they are; that ends here.
        self.screen.press("O");
        self.cases(CASES_A_LOOK, &name);
        self.screen.press("d");
        self.wait_for_the_last(from);
        let orders = self.stand_in.orders().split_off(from);
        assert_eq!(orders.len(), CASES_A_LOOK + 1, "{orders:?}");
        assert!(orders.iter().all(|order| order.backend == name), "{name}: {orders:?}");
    }

    /// The row goes away between the keys. Those that come later may not reach the one that takes its
    /// place before that was seen there.
    fn lose(&mut self) {
        self.mark();
        let name = self.move_on();
        self.allow(&name);
        self.screen.press("O");
        self.cases(5, &name);
        self.table.rows.retain(|row| row["backend"]["name"] != *name);
        self.stand_in.tell(&self.table.whole());
        self.screen.press("+++");
        self.screen.wait("another row is under the cursor", |text| {
            under_cursor(text).is_some_and(|other| other != name)
        });
        self.mark();
        let other = under_cursor(&self.screen.text()).expect("the cursor is on a row");
        self.allow(&other);
        let from = self.stand_in.count();
        // If it had orders just before, its weight goes on from theirs, which an earlier look was of.
        let is_its = |order: &Order| order.verb == "weight" && order.backend == other;
        wait::until("orders are taken again", || {
            self.screen.press("+");
            self.stand_in.has(from, is_its).then_some(())
        });
        // The last of this look, so that none is left for the next.
        self.screen.press("d");
        self.wait_for_the_last(from);
    }

    /// Every order against the look that it is of.
    fn judge(&self) -> usize {
        let orders = self.stand_in.orders();
        for order in orders.iter().filter(|order| order.verb == "weight") {
            let weight = order.body["weight"].as_u64().expect("a number");
            let (name, life) = &self.allowed[&(weight / WEIGHTS)];
            let hit = (&order.backend, order.body["key"].as_u64());
            assert_eq!(hit, (name, Some(*life)), "the row that was drawn under the cursor");
        }
        orders.len()
    }
}

fn play(looks: usize) {
    let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
    let mut stage = Stage::open(folder.path(), 0x5eed_1e55);
    for look in 1..=looks {
        if look % LOSS_EVERY == 0 {
            stage.lose();
        }
        stage.play();
    }
    assert!(stage.judge() > looks * CASES_A_LOOK, "every key was answered");
}

#[test]
fn orders_go_to_the_row_that_was_drawn_under_the_cursor() {
    play(30);
}

/// Ten thousand cases, as the console's design asks for:
/// `cargo test --test e2e ten_thousand -- --ignored`.
#[test]
#[ignore = "half a minute; the test above plays fewer of the same"]
fn ten_thousand_orders_go_to_the_row_that_was_drawn_under_the_cursor() {
    play(100);
}
