//! What belongs to the binary and not to an engine: shells' completions and the manual pages. Both
//! are made from the words of `arguments`, so neither can tell of a verb that is not there; the
//! console's keys come from its registry.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;

use clap::CommandFactory as _;

use super::arguments::{Arguments, Paper};
use super::failure::Failure;
use super::import;
use super::out::Out;
use crate::tui::action;

pub(crate) fn write(out: Out, paper: Paper) -> Result<ExitCode, Failure> {
    let mut words = Arguments::command();
    match paper {
        Paper::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut words, "pilothouse", &mut script);
            out.text(&String::from_utf8_lossy(&script))?;
        }
        Paper::Import(verb) => return import::run(out, &verb),
        Paper::Man { folder } => {
            clap_mangen::generate_to(words, &folder).map_err(|error| {
                Failure::Failed(format!("write the manual to {}: {error}", folder.display()))
            })?;
            let console = folder.join("pilothouse-console.1");
            OpenOptions::new()
                .append(true)
                .open(&console)
                .and_then(|mut page| page.write_all(keys().as_bytes()))
                .map_err(|error| {
                    Failure::Failed(format!("write the keys to {}: {error}", console.display()))
                })?;
            out.line(&format!(
                "the pages are in {}; read one: man -l pilothouse.1",
                folder.display()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const KEYS: &str = r".SH KEYS
What they do where they do it, and what each is called in a file of settings.
";

const SETTINGS: &str = r#".SH SETTINGS
.B ~/.config/pilothouse/console.toml
(the folder follows XDG_CONFIG_HOME) may set
.BR theme ,
.BR colors ,
.B glyphs
and
.B notify
as the options of the same names do, and in
.B [keys]
an action's keys in place of its own:
.PP
.nf
notify = "bell"
[keys]
drain = "d"
down = ["n", "Down"]
roll = []
.fi
.PP
Keys are called such as d, D, Ctrl\-D, Space, F5, PgUp, Shift\-Tab. A key that would mean two things in
one place is refused, and so is one that could be a piece of an arrow key where it would order
something unasked. Boxes keep theirs: Esc, Enter, the arrows, j and k, y and n.
"#;

/// The console's keys and how to change them, as a part of a manual page.
fn keys() -> String {
    let mut page = KEYS.to_owned();
    for action in action::all() {
        let keys: Vec<String> = action.keys.iter().map(|key| roff(&key.to_string())).collect();
        let keys = if keys.is_empty() { "(none)".to_owned() } else { keys.join(", ") };
        page.extend([".TP\n\\fB", &keys, "\\fR \\(em ", &roff(action.name), "\n"]);
        page.extend([roff(action.help), roff(action.scope.place()), "\n".to_owned()]);
    }
    page + SETTINGS
}

fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga")
}
