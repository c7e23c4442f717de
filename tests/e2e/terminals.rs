//! Verbs on terminals of their own, beside an engine.

use crate::engine::{BINARY, Engine};
use crate::pty::{self, Screen};

impl Engine {
    /// `pilothouse console ARGS` on a terminal of its own.
    pub(crate) fn console(&self, args: &[&str]) -> Screen {
        self.on_terminal("console", args)
    }

    /// `pilothouse VERB ARGS` on a terminal of its own.
    pub(crate) fn on_terminal(&self, verb: &str, args: &[&str]) -> Screen {
        self.on_terminal_of(verb, args, &[], pty::SIZE)
    }

    /// The same on a terminal of this size, with these variables.
    pub(crate) fn on_terminal_of(
        &self,
        verb: &str,
        args: &[&str],
        variables: &[(&str, &str)],
        size: (u16, u16),
    ) -> Screen {
        let folder = self.folder.path();
        let path = |name: &str| folder.join(name).display().to_string();
        let (config, run, state) = (path("pilothouse.toml"), path("run"), path("state"));
        let args = [&[verb, "-c", &config], args].concat();
        let own =
            [("PILOTHOUSE_RUNTIME_DIR", run.as_str()), ("PILOTHOUSE_STATE_DIR", state.as_str())];
        Screen::open_sized(BINARY, &args, folder, &[&own, variables].concat(), size)
    }
}
