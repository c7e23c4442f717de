//! `[program:x]`, `[fcgi-program:x]` and `[eventlistener:x]`.

use super::engine::Daemon;
use super::expand::{has_reference, without_references, written};
use super::ini::{Document, Section};
use super::options::{Names, Options, Placed, Remarks, Scope, is_plain};
use super::{Place, logs, pairs};
use crate::config::limits::{
    PROGRAM_FIRST_INSTANCE_MAX, PROGRAM_INSTANCES_MAX, PROGRAM_PRIORITY_MAX,
};
use crate::import::page::{self, Page};
use crate::sys;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Program,
    FastCgi,
    Listener,
}

/// The section of a program, and what it is called.
#[derive(Clone, Copy)]
pub(super) struct Whereabouts<'a> {
    pub(super) document: &'a Document,
    pub(super) section: &'a Section,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) group: &'a str,
}

/// What is written, and what it is written with.
struct Writing<'a> {
    options: Options<'a>,
    daemon: &'a Daemon,
    kind: Kind,
    page: &'a mut Page,
    remarks: &'a mut Remarks,
}

impl Kind {
    /// What a section's name says.
    pub(super) fn of(section: &str) -> Option<(Self, &str)> {
        let (kind, name) = section.split_once(':')?;
        let kind = match kind {
            "program" => Self::Program,
            "fcgi-program" => Self::FastCgi,
            "eventlistener" => Self::Listener,
            _ => return None,
        };
        Some((kind, name.trim()))
    }
}

pub(super) fn write(it: Whereabouts<'_>, daemon: &Daemon, page: &mut Page, remarks: &mut Remarks) {
    let Some(name) = super::name(it.name, it.section, remarks) else { return };
    let plain = Options::new(it.document, it.section, Scope::default());
    let processes = plain.integer("numprocs", remarks).map_or(1, |(count, _)| count);
    let names = Names { program: it.name, group: it.group, processes };
    let user = plain.entry("user").is_some() || daemon.user.is_some();
    let scope = Scope { program: Some(names), environment: &daemon.environment, is_own_user: user };
    let options = Options::new(it.document, it.section, scope);
    if options.entry("command").is_none() {
        remarks.mistake(&it.section.place, format!("[{}] without `command`", it.section.name));
        return;
    }
    let table = if it.kind == Kind::Listener { "listener" } else { "program" };
    page.table(&format!("[{table}.{}]", page::bare_or_quoted(&name)), &it.section.place);
    let mut writing = Writing { options, daemon, kind: it.kind, page, remarks };
    writing.process();
    writing.instances(it.name, processes);
    writing.life();
    writing.stop();
    writing.output();
    match it.kind {
        Kind::Program => {
            writing.page.implied("stdin", &page::string("open"), "a pipe, as there");
        }
        Kind::FastCgi => writing.socket(),
        Kind::Listener => writing.events(it.section),
    }
}

impl Writing<'_> {
    /// What is run, where, as whom and with what around it.
    fn process(&mut self) {
        if let Some(command) = self.options.text("command", self.remarks) {
            self.text("command", &command);
        }
        let folder = self.options.text("directory", self.remarks);
        match (folder, &self.daemon.directory) {
            (Some(folder), _) => {
                let base = self.daemon.directory.as_ref().map(|(path, _)| path.as_str());
                let path = logs::path(&folder.value, base, &folder.place, self.remarks);
                self.page.key("directory", &page::string(&written(&path)), &folder.place);
            }
            (None, Some((path, place))) => {
                self.page.key("directory", &page::string(&written(path)), place);
            }
            (None, None) => {}
        }
        let user = self.options.text_now("user", self.remarks).map(|it| (it.value, it.place));
        if let Some((user, place)) = user.or_else(|| self.daemon.user.clone()) {
            self.page.key("user", &page::string(&user), &place);
        }
        let umask = self.options.octal("umask", self.remarks);
        if let Some((umask, place)) = umask.or_else(|| self.daemon.umask.clone()) {
            self.page.key("umask", &page::string(&format!("{umask:03o}")), &place);
        }
        self.environment();
    }

    fn environment(&mut self) {
        let mut place = self.daemon.environment_place.clone();
        let mut environment = self.daemon.environment.clone();
        if let Some(text) = self.options.text("environment", self.remarks) {
            match pairs::read(&text.value) {
                Ok(own) => {
                    environment.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
                    environment.extend(own);
                }
                Err(error) => {
                    self.remarks.mistake(&text.place, format!("`environment`: {error}"));
                }
            }
            place = Some(text.place);
        }
        if let Some(url) = self.options.text("serverurl", self.remarks)
            && !url.value.trim().eq_ignore_ascii_case("auto")
        {
            environment.push(("SUPERVISOR_SERVER_URL".to_owned(), url.value));
            place = Some(url.place);
        }
        let Some(place) = place else { return };
        let (named, others): (Vec<_>, Vec<_>) =
            environment.into_iter().partition(|(name, _)| is_plain(name));
        for (name, _) in others {
            self.remarks.warn(&place, format!("`{name}` is left out: no variable's name here"));
        }
        let pairs: Vec<(String, String)> =
            named.into_iter().map(|(name, value)| (name, page::string(&written(&value)))).collect();
        if !pairs.is_empty() {
            self.page.key("environment", &page::inline(&pairs), &place);
        }
    }

    fn instances(&mut self, name: &str, processes: i64) {
        self.count("numprocs", "instances", 1..=PROGRAM_INSTANCES_MAX);
        self.count("numprocs_start", "first_instance", 0..=PROGRAM_FIRST_INSTANCE_MAX);
        let Some(text) = self.options.name("process_name", self.remarks) else {
            if processes > 1 {
                let place = self.place_of("numprocs");
                let text = "`process_name` must hold %(process_num)s with more than one process";
                self.remarks.mistake(&place, text);
            }
            return;
        };
        let ours = written(text.value.trim());
        if without_references(&text.value).trim().contains([' ', ':', '/']) {
            self.remarks.mistake(&text.place, format!("`{ours}` is no process's name"));
        } else if processes > 1 && !has_reference(&text.value) {
            let remark = "`process_name` must hold %(process_num)s with more than one process";
            self.remarks.mistake(&text.place, remark);
        }
        let usual =
            if processes == 1 { name.to_owned() } else { format!("{name}_${{INSTANCE:02}}") };
        if ours != usual {
            self.page.key("process_name", &page::string(&ours), &text.place);
        }
    }

    /// A number that is at most so large here.
    fn count(&mut self, key: &str, ours: &str, range: std::ops::RangeInclusive<u32>) {
        let Some((number, place)) = self.options.integer(key, self.remarks) else { return };
        let (least, most) = (i64::from(*range.start()), i64::from(*range.end()));
        if !(least..=most).contains(&number) {
            let text = format!("`{key}` is {number}: here from {least} to {most}");
            self.remarks.warn(&place, text);
        }
        let number = number.clamp(least, most);
        if number != least {
            self.page.key(ours, &number.to_string(), &place);
        }
    }

    /// When it starts, counts as started, and starts again.
    fn life(&mut self) {
        if let Some((priority, place)) = self.options.integer("priority", self.remarks) {
            let most = i64::from(PROGRAM_PRIORITY_MAX);
            if priority.abs() > most {
                self.remarks.warn(&place, format!("priorities go from -{most} to {most} here"));
            }
            self.page.key("priority", &priority.clamp(-most, most).to_string(), &place);
        }
        if let Some((autostart, place)) = self.options.flag("autostart", self.remarks) {
            self.page.key("autostart", &autostart.to_string(), &place);
        }
        if let Some(word) = self.options.text_now("autorestart", self.remarks) {
            match super::options::boolean(&word.value) {
                Some(flag) => self.page.key("autorestart", &flag.to_string(), &word.place),
                None if word.value.eq_ignore_ascii_case("unexpected") => {
                    self.page.key("autorestart", &page::string("unexpected"), &word.place);
                }
                None => {
                    let text = format!("`autorestart` is `{}`", word.value);
                    self.remarks.mistake(&word.place, text);
                }
            }
        }
        self.exit_codes();
        self.seconds("startsecs", "start_seconds");
        if let Some((retries, place)) = self.options.integer("startretries", self.remarks) {
            let most = 1_000_000;
            let ours = if retries < 0 { 0 } else { retries.min(most) };
            self.page.key("start_retries", &ours.to_string(), &place);
        }
    }

    fn exit_codes(&mut self) {
        let Some(text) = self.options.text_now("exitcodes", self.remarks) else { return };
        let codes: Result<Vec<u8>, _> = match text.value.as_str() {
            "" => Ok(Vec::new()),
            listed => listed.split(',').map(|code| code.trim().parse()).collect(),
        };
        if let Ok(codes) = codes {
            let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
            self.page.key("exit_codes", &format!("[{}]", codes.join(", ")), &text.place);
        } else {
            let remark = format!("`exitcodes` is `{}`, expected numbers to 255", text.value);
            self.remarks.mistake(&text.place, remark);
        }
    }

    fn stop(&mut self) {
        if let Some(word) = self.options.text_now("stopsignal", self.remarks) {
            if sys::signal::parse(word.value.trim()).is_some() {
                let name = word.value.trim().to_uppercase();
                let name = name.strip_prefix("SIG").unwrap_or(&name);
                self.page.key("stop_signal", &page::string(name), &word.place);
            } else {
                let text = format!("`stopsignal` is `{}`, no signal", word.value);
                self.remarks.mistake(&word.place, text);
            }
        }
        self.seconds("stopwaitsecs", "stop_seconds");
        let group = self.options.flag("stopasgroup", self.remarks);
        let kill = self.options.flag("killasgroup", self.remarks);
        match (&group, &kill) {
            (Some((true, place)), Some((false, _))) => {
                self.remarks.mistake(place, "`stopasgroup` is true and `killasgroup` is false");
            }
            (Some((true, place)), _) => self.page.key("stop_group", "true", place),
            _ => {}
        }
        let is_group = matches!(group, Some((true, _)));
        match kill {
            Some((kill, place)) => self.page.key("kill_group", &kill.to_string(), &place),
            None if is_group => {}
            None => self.page.implied("kill_group", "false", "as `killasgroup` is unset"),
        }
        self.page.implied("reap_leftovers", "false", "as there");
    }

    fn seconds(&mut self, key: &str, ours: &str) {
        const MOST: i64 = 365 * 86_400;
        let Some((seconds, place)) = self.options.integer(key, self.remarks) else { return };
        if !(0..=MOST).contains(&seconds) {
            self.remarks.warn(&place, format!("`{key}` is {seconds}: here from 0 to {MOST}"));
        }
        self.page.key(ours, &seconds.clamp(0, MOST).to_string(), &place);
    }

    fn output(&mut self) {
        let folder = self.daemon.directory.as_ref().map(|(path, _)| path.as_str());
        let is_redirected = logs::is_redirected(&self.options);
        if let Some((flag, place)) = self.options.flag("redirect_stderr", self.remarks) {
            match (flag, self.kind) {
                (true, Kind::Listener) => {
                    self.remarks.mistake(&place, "a listener's stderr is none of its answers");
                }
                _ => self.page.key("redirect_stderr", &flag.to_string(), &place),
            }
        }
        for channel in ["stdout", "stderr"] {
            let mut table = logs::read(&self.options, channel, folder, self.remarks);
            if let Some(place) = &self.daemon.strip_ansi {
                let mut whole =
                    table.unwrap_or(logs::Table { pairs: Vec::new(), place: place.clone() });
                whole.pairs.push(("strip_ansi".to_owned(), "true".to_owned()));
                table = Some(whole);
            }
            let Some(table) = table else { continue };
            let is_of_listener = channel == "stdout" && self.kind == Kind::Listener;
            let names_file = table.pairs.iter().any(|(key, _)| key == "file");
            if is_of_listener {
                if names_file {
                    let text = "a listener's stdout is its answers alone, and is not written";
                    self.remarks.warn(&table.place, text);
                }
            } else if channel == "stderr" && is_redirected {
                if names_file {
                    let text = "left out: stderr goes where stdout does";
                    self.remarks.warn(&table.place, text);
                }
            } else if !table.pairs.is_empty() {
                self.page.key(channel, &page::inline(&table.pairs), &table.place);
            }
        }
    }

    /// The socket that is on descriptor 0 of every process.
    fn socket(&mut self) {
        let Some(text) = self.options.text_now("socket", self.remarks) else {
            let place = self.place_of("command");
            self.remarks.mistake(&place, "[fcgi-program] without `socket`");
            return;
        };
        let owner = self.options.text_now("socket_owner", self.remarks);
        let mode = self.options.octal("socket_mode", self.remarks);
        let backlog = self.options.integer("socket_backlog", self.remarks);
        let mut pairs: Vec<(String, String)> = Vec::new();
        if let Some(path) = text.value.strip_prefix("unix://") {
            if !path.starts_with('/') {
                self.remarks.mistake(&text.place, format!("`{path}` is no absolute path"));
            }
            pairs.push(("address".to_owned(), page::string(&format!("unix:{path}"))));
            let user = self.options.text_now("user", self.remarks).map(|user| user.value);
            let of_daemon = self.daemon.user.as_ref().map(|(user, _)| user.clone());
            let owner = owner.map(|owner| owner.value).or(user).or(of_daemon);
            pairs.extend(owner.map(|owner| ("owner".to_owned(), page::string(&owner))));
            let mode = mode.map_or(0o700, |(mode, _)| mode);
            pairs.push(("mode".to_owned(), page::string(&format!("{mode:03o}"))));
        } else if let Some(address) = text.value.strip_prefix("tcp://") {
            if owner.is_some() || mode.is_some() {
                let remark = "`socket_owner` and `socket_mode` are for sockets in the file system";
                self.remarks.mistake(&text.place, remark);
            }
            let address = address.replacen("localhost:", "127.0.0.1:", 1);
            if address.parse::<std::net::SocketAddr>().is_err() {
                let remark = format!("`{address}`: the address is to be written as numbers");
                self.remarks.mistake(&text.place, remark);
            }
            pairs.push(("address".to_owned(), page::string(&address)));
        } else {
            let remark = format!("`{}` is neither unix:// nor tcp://", text.value);
            self.remarks.mistake(&text.place, remark);
        }
        match backlog {
            Some((backlog @ 1..=65_535, _)) => {
                pairs.push(("backlog".to_owned(), backlog.to_string()));
            }
            Some((backlog, place)) => {
                self.remarks.mistake(&place, format!("a backlog of {backlog}"));
            }
            None => {}
        }
        self.page.key("sockets", &format!("[{}]", page::inline(&pairs)), &text.place);
        self.page.key("stdin", &page::string("socket"), &text.place);
    }

    fn events(&mut self, section: &Section) {
        let Some(text) = self.options.text_now("events", self.remarks) else {
            let text = format!("[{}] without `events`", section.name);
            self.remarks.mistake(&section.place, text);
            return;
        };
        let events = text.value.split(',').map(|event| event.trim().to_uppercase());
        self.page.key("events", &page::strings(events.filter(|it| !it.is_empty())), &text.place);
        if let Some((size, place)) = self.options.integer("buffer_size", self.remarks) {
            if size < 1 {
                self.remarks.mistake(&place, format!("a buffer of {size}"));
            }
            self.page.key("buffer", &size.to_string(), &place);
        }
        if let Some(handler) = self.options.entry("result_handler")
            && handler.value != "supervisor.dispatchers:default_handler"
        {
            self.remarks.warn(&handler.place, "`result_handler` has no equal: it is Python");
        }
    }

    fn text(&mut self, key: &str, text: &Placed<String>) {
        self.page.key(key, &page::string(&written(&text.value)), &text.place);
    }

    fn place_of(&self, key: &str) -> Place {
        let entry = self.options.entry(key);
        entry.map(|entry| entry.place.clone()).expect("the caller has found it there")
    }
}
