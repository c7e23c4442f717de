//! How a line is written where lines of several programs come together: as it is, with time, name
//! and stream before it, or as an object.

use serde::Serialize;

use crate::config::model::output::Format;
use crate::control::wire::Stream;
use crate::sys;

/// Whose lines they are.
#[derive(Clone, Debug, Default)]
pub(in crate::master::programs) struct Speaker {
    pub(in crate::master::programs) program: String,
    /// The number that the process is told.
    pub(in crate::master::programs) instance: u32,
    /// What both are called in one word.
    pub(in crate::master::programs) name: String,
}

#[derive(Serialize)]
struct Object<'a> {
    time: String,
    program: &'a str,
    instance: u32,
    stream: Stream,
    text: &'a str,
}

impl Speaker {
    /// Adds the line and its end.
    pub(super) fn write(
        &self,
        written: &mut Vec<u8>,
        format: Format,
        (wall_ms, stream): (u64, Stream),
        text: &str,
    ) {
        match format {
            Format::Plain => written.extend_from_slice(text.as_bytes()),
            Format::Prefix => {
                let (time, name) = (sys::log::utc(wall_ms), &self.name);
                let before = format!("{time} {name} {} | ", stream_name(stream));
                written.extend_from_slice(before.as_bytes());
                written.extend_from_slice(text.as_bytes());
            }
            Format::Json => {
                let (time, program) = (sys::log::utc(wall_ms), self.program.as_str());
                let object = Object { time, program, instance: self.instance, stream, text };
                serde_json::to_writer(&mut *written, &object)
                    .expect("a line of text is always JSON");
            }
        }
        written.push(b'\n');
    }
}

fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Mark => "mark",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_one_line() {
        let speaker = Speaker { program: "web".into(), instance: 3, name: "web_03".into() };
        for (format, expected) in [
            (Format::Plain, "say \"hi\"\u{1b}\n"),
            (Format::Prefix, "1970-01-01T00:00:01.500Z web_03 stderr | say \"hi\"\u{1b}\n"),
            (
                Format::Json,
                "{\"time\":\"1970-01-01T00:00:01.500Z\",\"program\":\"web\",\"instance\":3,\
                 \"stream\":\"stderr\",\"text\":\"say \\\"hi\\\"\\u001b\"}\n",
            ),
        ] {
            let mut written = Vec::new();
            speaker.write(&mut written, format, (1500, Stream::Stderr), "say \"hi\"\u{1b}");
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
