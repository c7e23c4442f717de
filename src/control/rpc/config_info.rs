//! The struct of `getAllConfigInfo`: Supervisor's keys, in whose place ours have other names.

use super::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct ConfigInfo {
    pub(crate) name: String,
    pub(crate) group: String,
    /// Its group is one of those that run.
    pub(crate) is_used: bool,
    pub(crate) autostart: bool,
    pub(crate) directory: Option<String>,
    pub(crate) uid: Option<i64>,
    pub(crate) command: String,
    pub(crate) exit_codes: Vec<i64>,
    pub(crate) group_priority: i64,
    pub(crate) process_priority: i64,
    pub(crate) start_retries: i64,
    pub(crate) start_seconds: i64,
    pub(crate) stop_signal: i64,
    pub(crate) stop_seconds: i64,
    pub(crate) is_whole_group_killed: bool,
    pub(crate) stdout: LogInfo,
    pub(crate) stderr: LogInfo,
}

#[derive(Clone, Debug)]
pub(crate) struct LogInfo {
    pub(crate) file: Option<String>,
    pub(crate) backups: i64,
    pub(crate) max_bytes: i64,
    pub(crate) capture_bytes: i64,
    pub(crate) has_events: bool,
    pub(crate) has_syslog: bool,
    /// It is written where stdout is.
    pub(crate) is_redirected: bool,
}

impl ConfigInfo {
    pub(crate) fn value(&self) -> Value {
        let mut members = vec![
            ("autostart".to_owned(), Value::Boolean(self.autostart)),
            ("directory".to_owned(), or_none(self.directory.as_ref())),
            ("uid".to_owned(), self.uid.map_or_else(|| Value::text("none"), Value::Int)),
            ("command".to_owned(), Value::text(&self.command)),
            ("exitcodes".to_owned(), numbers(&self.exit_codes)),
            ("group".to_owned(), Value::text(&self.group)),
            ("group_prio".to_owned(), Value::Int(self.group_priority)),
            ("inuse".to_owned(), Value::Boolean(self.is_used)),
            ("killasgroup".to_owned(), Value::Boolean(self.is_whole_group_killed)),
            ("name".to_owned(), Value::text(&self.name)),
            ("process_prio".to_owned(), Value::Int(self.process_priority)),
            ("redirect_stderr".to_owned(), Value::Boolean(self.stderr.is_redirected)),
            ("startretries".to_owned(), Value::Int(self.start_retries)),
            ("startsecs".to_owned(), Value::Int(self.start_seconds)),
            ("stopsignal".to_owned(), Value::Int(self.stop_signal)),
            ("stopwaitsecs".to_owned(), Value::Int(self.stop_seconds)),
            ("serverurl".to_owned(), or_none(None)),
        ];
        for (stream, log) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            for (word, value) in [
                ("capture_maxbytes", Value::Int(log.capture_bytes)),
                ("events_enabled", Value::Boolean(log.has_events)),
                ("logfile", or_none(log.file.as_ref())),
                ("logfile_backups", Value::Int(log.backups)),
                ("logfile_maxbytes", Value::Int(log.max_bytes)),
                ("syslog", Value::Boolean(log.has_syslog)),
            ] {
                members.push((format!("{stream}_{word}"), value));
            }
        }
        Value::Struct(members)
    }
}

/// The protocol has no word for nothing.
fn or_none(text: Option<&String>) -> Value {
    text.map_or_else(|| Value::text("none"), Value::text)
}

fn numbers(numbers: &[i64]) -> Value {
    Value::Array(numbers.iter().copied().map(Value::Int).collect())
}
