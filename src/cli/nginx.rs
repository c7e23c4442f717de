//! `pilothouse --nginx -t`, or this binary under the name `nginx`: its command line, so that scripts
//! written for it go on working. The words are its own, as far as they mean the same here.
//!
//! Reads and tests as `import` and `check` do, runs as `run` does; what is here is the way of saying.

mod options;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::options::{Options, Shows, Signal};
use super::background::{self, Birth};
use super::failure::Failure;
use super::out;
use super::place::Place;
use super::{engine, namesake, wait};
use crate::config::Dates;
use crate::config::model::Address;
use crate::config::source::{Files, Stead};
use crate::import::nginx::stead::{self, Outline};
use crate::import::{self, Mistakes};
use crate::sys::socket::{self, BindError};
use crate::sys::{pidfd, signal};

/// The name that this binary may be called by.
const NAME: &str = "nginx";
const OPTION: &str = "--nginx";
/// Whose behaviour is followed; scripts compare the number.
const FOLLOWED: &str = "1.22.1";
/// What of its build scripts look for.
const BUILD: &str = "--prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
                     --pid-path=/run/nginx.pid --with-http_ssl_module --with-http_realip_module \
                     --with-http_gzip_static_module --with-stream --with-threads";
const NO_EVENTS: &str = "no \"events\" section in configuration";
const HELP: &str = "\
Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: /usr/share/nginx)
  -e filename   : set error log file
  -c filename   : set configuration file (default: /etc/nginx/nginx.conf)
  -g directives : set global directives out of configuration file
";

/// Runs as nginx would, if this is how we were called: by its name, or `--nginx` and its options.
pub(crate) fn called(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let own = words.next()?;
    let rest: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    if Path::new(&own).file_name().is_some_and(|name| name == NAME) {
        return Some(run(rest));
    }
    let (first, rest) = rest.split_first()?;
    let is_option = |word: &String| word.starts_with('-') && !word.starts_with("--");
    (first == OPTION && rest.first().is_none_or(is_option)).then(|| run(rest.to_vec()))
}

/// In the foreground of a process that was started for it: prefix, file and directives.
pub(crate) fn foreground(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let mut next = || words.next().unwrap_or_default();
    let (prefix, conf) = (PathBuf::from(next()), PathBuf::from(next()));
    let globals = next().to_string_lossy().into_owned();
    let place = Place::in_stead_of_nginx(files(conf, Stead { prefix, globals }));
    ended(place.and_then(|place| engine::become_keeper(&place)))
}

fn files(conf: PathBuf, stead: Stead) -> Files {
    Files { nginx: Some(conf), supervisor: None, stead: Some(stead) }
}

fn run(words: Vec<String>) -> ExitCode {
    let options = match Options::parse(words.into_iter()) {
        Ok(options) => options,
        Err(text) => {
            out::complain(&format!("nginx: {text}"));
            return ExitCode::FAILURE;
        }
    };
    show(options.shows);
    if options.shows != Shows::Nothing && !options.tests {
        return ExitCode::SUCCESS;
    }
    let called = Called::new(options);
    ended(if called.options.tests { called.test() } else { called.obey() })
}

/// Status 1 for whatever went wrong, as there.
fn ended(result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        say("emerg", &failure.to_string());
        ExitCode::FAILURE
    })
}

fn show(shows: Shows) {
    let version =
        format!("nginx version: nginx/{FOLLOWED} (pilothouse/{})", env!("CARGO_PKG_VERSION"));
    match shows {
        Shows::Nothing => {}
        Shows::Version => out::complain(&version),
        Shows::Build => out::complain(&format!(
            "{version}\nbuilt with rustls\nTLS SNI support enabled\nconfigure arguments: {BUILD}"
        )),
        Shows::Help => out::complain(&format!("{version}\n{HELP}")),
    }
}

fn say(level: &str, text: &str) {
    for line in text.lines().filter(|line| !line.is_empty()) {
        out::complain(&format!("nginx: [{level}] {line}"));
    }
}

/// What was called for, with whole paths.
struct Called {
    options: Options,
    conf: PathBuf,
    stead: Stead,
}

impl Called {
    fn new(options: Options) -> Self {
        let prefix = PathBuf::from(options.prefix.as_deref().unwrap_or(stead::PREFIX));
        let prefix = std::path::absolute(&prefix).unwrap_or(prefix);
        let conf = prefix.join(options.conf.as_deref().unwrap_or(stead::CONF));
        let globals = match &options.error_log {
            // Before others, so that the file's own counts.
            Some(path) => format!("error_log \"{path}\"; {}", options.globals),
            None => options.globals.clone(),
        };
        Self { options, conf, stead: Stead { prefix, globals } }
    }

    fn place(&self) -> Result<Place, Failure> {
        Place::in_stead_of_nginx(files(self.conf.clone(), self.stead.clone()))
    }

    fn outline(&self) -> Result<Outline, Failure> {
        if let Err(error) = fs::File::open(&self.conf) {
            return Err(Failure::Failed(format!(
                "open() \"{}\" failed ({})",
                self.conf.display(),
                numbered(&error)
            )));
        }
        stead::outline(&self.conf, &self.stead).map_err(|mistakes| placed(&mistakes))
    }

    /// `-t`: all that a start would find wrong.
    fn test(&self) -> Result<ExitCode, Failure> {
        let conf = self.conf.display();
        let fail = |reason: &str| {
            say("emerg", reason);
            out::complain(&format!("nginx: configuration file {conf} test failed"));
            Ok(ExitCode::FAILURE)
        };
        let outline = match self.outline().and_then(|outline| self.judge().map(|()| outline)) {
            Ok(outline) => outline,
            Err(failure) => return fail(&failure.to_string()),
        };
        if !self.options.is_quiet {
            out::complain(&format!("nginx: the configuration file {conf} syntax is ok"));
        }
        if !outline.has_events {
            return fail(NO_EVENTS);
        }
        if !self.options.is_quiet {
            out::complain(&format!("nginx: configuration file {conf} test is successful"));
        }
        if self.options.dumps {
            dump(&outline)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What has no equal is a warning; what would keep it from starting, an error. A port in use is
    /// none: it may be in use by what is tested for.
    fn judge(&self) -> Result<(), Failure> {
        self.warn()?;
        let config = engine::load(&self.place()?, Dates::Passed)?;
        let addresses = config.servers.iter().flat_map(|server| &server.listen);
        let addresses = addresses.chain(config.streams.iter().flat_map(|stream| &stream.listen));
        for listen in addresses {
            // A file would be there from then on.
            let Address::Tcp(address) = listen.address else { continue };
            if let Err(BindError::Io { address, cause }) = socket::bind(address) {
                let cause = numbered(&cause);
                return Err(Failure::Failed(format!("bind() to {address} failed ({cause})")));
            }
        }
        Ok(())
    }

    fn warn(&self) -> Result<(), Failure> {
        let translation = import::files(&files(self.conf.clone(), self.stead.clone()));
        let translation = translation.map_err(|mistakes| placed(&mistakes))?;
        for warning in &translation.warnings {
            let import::Place { file, line } = &warning.place;
            say("warn", &format!("{} in {}:{line}", warning.text, file.display()));
        }
        Ok(())
    }

    fn obey(&self) -> Result<ExitCode, Failure> {
        let outline = self.outline()?;
        if let Some(signal) = self.options.signal {
            if signal == Signal::Reload {
                self.warn()?;
            }
            return Ok(send(&outline.pid, signal));
        }
        self.judge()?;
        if !outline.has_events {
            return Err(Failure::Failed(NO_EVENTS.to_owned()));
        }
        let place = self.place()?;
        wait(namesake::refuse_second(&place))?;
        if !outline.is_daemon {
            return engine::become_keeper(&place);
        }
        let words = [
            OsString::from(super::roles::NGINX),
            self.stead.prefix.clone().into_os_string(),
            self.conf.clone().into_os_string(),
            OsString::from(&self.stead.globals),
        ];
        let birth = Birth { words: words.to_vec(), log: outline.error_log };
        wait(background::start(&place, birth))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `-T`: every file as it was read.
fn dump(outline: &Outline) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    for (path, text) in &outline.texts {
        write!(stdout, "# configuration file {}:\n{text}\n", path.display())?;
    }
    Ok(stdout.flush()?)
}

/// To the process that the pid file names. Told to stop twice, an engine stops at once, as nginx does
/// when it is told to stop.
fn send(path: &Path, signal: Signal) -> ExitCode {
    let numbers: &[i32] = match signal {
        Signal::Stop => &[signal::TERM, signal::INT],
        Signal::Quit => &[signal::QUIT],
        Signal::Reopen => &[signal::USR1],
        Signal::Reload => &[signal::HUP],
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let error = numbered(&error);
            say("error", &format!("open() \"{}\" failed ({error})", path.display()));
            return ExitCode::FAILURE;
        }
    };
    let Some(pid) = text.trim().parse::<u32>().ok().filter(|pid| *pid > 0) else {
        let text = text.trim().escape_debug();
        say("error", &format!("invalid PID number \"{text}\" in \"{}\"", path.display()));
        return ExitCode::FAILURE;
    };
    let sent = pidfd::open(pid)
        .and_then(|process| numbers.iter().try_for_each(|number| pidfd::signal(&process, *number)));
    if let Err(error) = sent {
        say("alert", &format!("kill({pid}, {}) failed ({})", numbers[0], numbered(&error)));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn placed(mistakes: &Mistakes) -> Failure {
    let line = |remark: &import::Remark| {
        let import::Place { file, line } = &remark.place;
        match line {
            0 => format!("{} in {}", remark.text, file.display()),
            line => format!("{} in {}:{line}", remark.text, file.display()),
        }
    };
    Failure::Failed(mistakes.0.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// `13: Permission denied`, as nginx has it.
fn numbered(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    format!("{}: {text}", error.raw_os_error().unwrap_or(0))
}
