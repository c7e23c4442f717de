//! A program that counts into its log for as long as it is let, and one that ends with a status that
//! was agreed on: who loses a byte or an end, or tells one twice, is found out.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::wait;

/// Counts some thousand lines a second into a log that rotates; ends when it is told how.
pub(crate) const PROGRAMS: &str = "
[program.counter]
command = \"\"\"sh -c '
n=0
until [ -e enough ]; do
  for i in 1 2 3 4 5 6 7 8 9 10; do n=$((n+1)); echo $n; done
  sleep 0.005
done
echo end
exec sleep 1000'\"\"\"
directory = \"{folder}\"
stdout = { file = \"{folder}/counter.log\", max_bytes = \"32KB\", backups = 900 }
[program.ender]
command = \"\"\"sh -c 'until [ -s end ]; do sleep 0.01; done; read code <end; rm end; exit $code'\"\"\"
directory = \"{folder}\"
start_seconds = 0
autorestart = false
";

fn file(engine: &Engine, name: &str) -> PathBuf {
    engine.folder.path().join(name)
}

/// The whole log, the oldest of it first.
fn written(path: &Path) -> String {
    let backups = (1..).map(|number| PathBuf::from(format!("{}.{number}", path.display())));
    let mut texts: Vec<String> =
        backups.map_while(|backup| fs::read_to_string(backup).ok()).collect();
    texts.reverse();
    texts.push(fs::read_to_string(path).unwrap_or_default());
    texts.concat()
}

/// Tells the counter to end, and finds each number in its log once.
pub(crate) fn expect_exact_log(engine: &Engine) {
    fs::write(file(engine, "enough"), "").expect("the folder is ours");
    let path = file(engine, "counter.log");
    let text = wait::until("the last line is written", || {
        Some(written(&path)).filter(|text| text.ends_with("\nend\n"))
    });
    let mut lines = text.lines();
    let wrong = (1_u32..).zip(&mut lines).find(|(number, line)| *line != number.to_string());
    let (number, line) = wrong.expect("the last line is no number");
    assert_eq!(line, "end", "in place of line {number}");
    assert!(number > 1 && lines.next().is_none(), "{number} lines");
}

/// Lets the ender end with this status; call `expect_end` next.
pub(crate) fn begin_end(engine: &Engine, code: u8) {
    fs::write(file(engine, "end.new"), format!("{code}\n")).expect("the folder is ours");
    fs::rename(file(engine, "end.new"), file(engine, "end")).expect("the folder is ours");
}

/// Waits until the engine tells how the ender has ended, and starts it again.
pub(crate) fn expect_end(engine: &Engine, code: u8) {
    let row = wait::until("its end is known", || {
        let status = engine.try_status()?;
        let rows = status["programs"].as_array()?;
        let row = rows.iter().find(|row| row["name"] == "ender")?;
        (row["state"] == "EXITED").then(|| row.clone())
    });
    assert_eq!(row["exit_code"].as_i64(), Some(i64::from(code)), "{row}");
    engine.ctl_ok(&["program", "start", "ender"]);
}
