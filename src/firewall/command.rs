//! Commands behind a sign that ends the one before: `; id`, `| nc`, `$(whoami)`, `` `ls` ``.
//!
//! Reads the few signs of the shell that separate commands, takes the quotes and escapes out of the
//! word that follows as a shell would, and looks it up. Words that are English, too, need an
//! argument that no sentence has.

use super::{Judgement, prose};

/// How a command's name is used otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Nothing but a command.
    Tool,
    /// A word of English, or short enough to be anything.
    Word,
}

use Name::{Tool, Word};

#[rustfmt::skip]
pub(super) const NAMES: [(&str, Name); 98] = [
    ("whoami", Tool), ("uname", Tool), ("ifconfig", Tool), ("ipconfig", Tool), ("netstat", Tool),
    ("wget", Tool), ("curl", Tool), ("ncat", Tool), ("netcat", Tool), ("bash", Tool), ("zsh", Tool),
    ("dash", Word), ("powershell", Tool), ("pwsh", Tool), ("nslookup", Tool), ("python", Tool),
    ("python3", Tool), ("python2", Tool), ("perl", Tool), ("php", Tool), ("ruby", Tool), ("node", Word),
    ("traceroute", Tool), ("tracert", Tool), ("chmod", Tool), ("chown", Tool), ("mkfifo", Tool),
    ("telnet", Tool), ("ssh", Tool), ("scp", Tool), ("tftp", Tool), ("ftp", Tool), ("systeminfo", Tool),
    ("tasklist", Tool), ("printenv", Tool), ("passwd", Word), ("hostname", Word), ("lsof", Tool),
    ("crontab", Tool), ("systemctl", Tool), ("apt-get", Tool), ("sudo", Tool), ("nohup", Tool),
    ("base64", Tool), ("xxd", Tool), ("openssl", Tool), ("awk", Tool), ("gawk", Tool), ("sed", Tool),
    ("grep", Tool), ("egrep", Tool), ("xargs", Tool), ("certutil", Tool), ("bitsadmin", Tool),
    ("mshta", Tool), ("rundll32", Tool), ("regsvr32", Tool), ("wmic", Tool), ("schtasks", Tool),
    ("busybox", Tool), ("socat", Tool), ("gcc", Tool), ("mysql", Tool), ("psql", Tool), ("nmap", Tool),
    ("cmd", Word), ("ls", Word), ("id", Word), ("cat", Word), ("tac", Word), ("more", Word),
    ("less", Word), ("head", Word), ("tail", Word), ("echo", Word), ("printf", Word), ("ping", Word),
    ("sleep", Word), ("find", Word), ("ps", Word), ("pwd", Word), ("env", Word), ("kill", Word),
    ("rm", Word), ("mv", Word), ("cp", Word), ("touch", Word), ("dir", Word), ("type", Word),
    ("net", Word), ("set", Word), ("who", Word), ("nc", Word), ("sh", Word), ("dig", Word),
    ("host", Word), ("nl", Word), ("exec", Word),
];

/// What may stand for itself at the end of a value: `; id`.
const ALONE: [&[u8]; 9] = [b"id", b"ls", b"ps", b"pwd", b"env", b"dir", b"cmd", b"hostname", b"sh"];

/// How a command is set off from what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `;`, `|`, `&`, a line end.
    Separator,
    /// `$(`, `<(`, `>(`
    Substitution,
    Backtick,
}

/// Commands in one text that make it none.
const COMMANDS_OF_TEXT_MAX: usize = 1;

pub(super) fn judge(value: &[u8]) -> (Judgement, usize) {
    if let Some(at) = shellshock(value) {
        return (Judgement::Attack, at);
    }
    // Several lines are a text, too, and one of them may begin with anything.
    let is_listing = memchr::memchr_iter(b'\n', value).count() > LINE_ENDS_OF_COMMAND_MAX;
    let is_text = is_listing || prose::is_text(value);
    let has_words = memchr::memchr_iter(b' ', value).count() >= SPACES_OF_MARKED_CODE_MIN;
    let mut count = 0;
    let mut first = None;
    let mut at = 0;
    while let Some((sign, start, next)) = sign(value, at) {
        at = next;
        let is_marked = sign == Sign::Backtick && has_words && is_set_off(value, start);
        let is_code = is_marked || (is_listing && value[start] == b'\n');
        if !is_code && is_command(&value[next..], sign) {
            count += 1;
            first.get_or_insert(start);
        }
    }
    // The value is the command.
    if count == 0 && is_path_of_shell(value) {
        return (Judgement::Attack, 0);
    }
    let judgement = match (count, is_text) {
        (0, _) => Judgement::Clean,
        (count, true) if count <= COMMANDS_OF_TEXT_MAX => Judgement::Odd,
        (_, true | false) => Judgement::Attack,
    };
    (judgement, first.unwrap_or(0))
}

/// The next sign from `at` on: which, where it begins, and where the command would.
fn sign(value: &[u8], at: usize) -> Option<(Sign, usize, usize)> {
    (at..value.len()).find_map(|start| {
        let before = start.checked_sub(1).map(|before| value[before]);
        let sign = match (value[start], before) {
            (b';' | b'|' | b'&' | b'\n', _) => Sign::Separator,
            (b'(', Some(b'$' | b'<' | b'>')) => Sign::Substitution,
            (b'`', _) => Sign::Backtick,
            _ => return None,
        };
        Some((sign, start, start + 1))
    })
}

/// Line ends around a command that is put behind one.
const LINE_ENDS_OF_COMMAND_MAX: usize = 3;
/// Spaces of a text that marks code in it.
const SPACES_OF_MARKED_CODE_MIN: usize = 3;

/// Whether the backtick at `start` stands where one marks code in a text, as Markdown has it.
fn is_set_off(value: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).map(|before| value[before]);
    before.is_none_or(|byte| byte.is_ascii_whitespace() || b"(`*_|".contains(&byte))
}

/// The longest name with its quotes and escapes.
const WORD_BYTES_MAX: usize = 48;
/// Signs between one that separates and the command.
const BLANKS_MAX: usize = 8;
/// What is looked at of an argument.
const ARGUMENT_BYTES_MAX: usize = 64;

fn is_command(rest: &[u8], sign: Sign) -> bool {
    let rest = skip_blanks(rest);
    let mut name = [0; WORD_BYTES_MAX];
    let Some((length, read)) = word(rest, &mut name) else { return false };
    let name = &name[..length];
    let has_folder = name.contains(&b'/');
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let base = base.strip_suffix(b".exe").unwrap_or(base);
    let Some((_, kind)) = NAMES.iter().find(|(known, _)| known.as_bytes() == base) else {
        return has_folder && name.contains(&b'?');
    };
    let behind = &rest[read..];
    let behind = &behind[..behind.len().min(ARGUMENT_BYTES_MAX)];
    let is_end = behind.is_empty()
        || matches!(behind[0], b';' | b'|' | b'&' | b')' | b'`' | b'\n' | b'#' | b'>');
    // Quotes and escapes inside of a name serve to hide it.
    if (has_folder || read > length)
        && (is_end || behind[0].is_ascii_whitespace() || behind[0] == b'$')
    {
        return true;
    }
    match (kind, sign) {
        (Word, Sign::Substitution | Sign::Backtick) | (Tool, _) if is_end => true,
        (Tool, Sign::Substitution | Sign::Backtick) => behind[0].is_ascii_whitespace(),
        (Word, _) if is_end => {
            let ends_value = behind.iter().all(|byte| b";|&)`\n#'\" ".contains(byte));
            (ALONE.contains(&base) && ends_value) || behind.first() == Some(&b'|')
        }
        (Tool, Sign::Separator) => has_argument(behind, is_any_argument),
        (Word, Sign::Substitution) if matches!(behind, [b' ', b'\'' | b'"', ..]) => true,
        (Word, _) => {
            has_argument(behind, is_arguments_form)
                || has_argument(behind, |argument| is_argument_of(base, argument))
        }
    }
}

fn skip_blanks(rest: &[u8]) -> &[u8] {
    let mut rest = rest;
    for _ in 0..BLANKS_MAX {
        rest = match rest {
            [b' ' | b'\t' | b'&' | b'|' | b'{', after @ ..]
            | [b'$', b'i', b'f', b's', after @ ..]
            | [b'$', b'{', b'i', b'f', b's', b'}', after @ ..] => after,
            _ => break,
        };
    }
    rest
}

/// Writes the next word as the shell would read it, and says how long it is and what was read.
fn word(rest: &[u8], out: &mut [u8; WORD_BYTES_MAX]) -> Option<(usize, usize)> {
    let mut length = 0;
    let mut read = 0;
    while read < rest.len() && read < WORD_BYTES_MAX {
        match rest[read] {
            b'\'' | b'"' | b'\\' | b'^' => read += 1,
            b'$' if rest[read..].starts_with(b"$@") || rest[read..].starts_with(b"$*") => read += 2,
            b'$' if rest[read..].starts_with(b"$()") || rest[read..].starts_with(b"${}") => {
                read += 3;
            }
            byte if byte.is_ascii_alphanumeric() || b"/._-?*".contains(&byte) => {
                out[length] = byte;
                length += 1;
                read += 1;
            }
            _ => break,
        }
    }
    // `,` as in `{cat,/etc/passwd}` ends a word like a space.
    (length > 0).then_some((length, read))
}

/// Whether an argument follows that `is_one` takes for one.
fn has_argument(behind: &[u8], is_one: impl Fn(&[u8]) -> bool) -> bool {
    match behind {
        [b',' | b'<', ..] | [b'$', b'i', b'f', b's', ..] | [b'$', b'{', b'i', b'f', b's', ..] => {
            true
        }
        [b' ' | b'\t' | b'+', argument @ ..] => is_one(argument),
        _ => false,
    }
}

/// Of a tool: anything but a sentence that goes on.
fn is_any_argument(argument: &[u8]) -> bool {
    let end = argument.iter().position(u8::is_ascii_whitespace).unwrap_or(argument.len());
    let word = &argument[..end];
    is_arguments_form(argument)
        || word.iter().all(u8::is_ascii_digit)
        || word.iter().any(|byte| b"/:.=@".contains(byte) && !word.ends_with(b"."))
        || (end == argument.len() && !word.is_empty())
}

/// Arguments that go with one command alone.
fn is_argument_of(command: &[u8], argument: &[u8]) -> bool {
    let end = argument.iter().position(|byte| b" ;|&\n".contains(byte)).unwrap_or(argument.len());
    let word = &argument[..end];
    match command {
        b"net" => matches!(word, b"user" | b"users" | b"use" | b"view" | b"localgroup" | b"share"),
        b"ps" => matches!(word, b"aux" | b"ax" | b"axu"),
        // A host by its name or its address.
        b"nc" | b"dig" | b"host" | b"ping" => {
            word.contains(&b'.') && !word.ends_with(b".") && word.len() >= HOST_BYTES_MIN
        }
        b"cmd" => word.starts_with(b"/"),
        _ => false,
    }
}

/// Of a name with a dot in it.
const HOST_BYTES_MIN: usize = 4;

/// An option, a path, a variable, a number or an address.
fn is_arguments_form(argument: &[u8]) -> bool {
    let argument = argument.trim_ascii_start();
    match argument {
        [b'-', byte, ..] => byte.is_ascii_alphanumeric() || *byte == b'-',
        [b'/' | b'~' | b'$' | b'*' | b'<' | b'>' | b'|', ..] | [b'.', b'.' | b'/', ..] => true,
        [b'\'' | b'"', byte, ..] => matches!(byte, b'/' | b'$' | b'.'),
        [byte, ..] if byte.is_ascii_digit() => {
            let end = argument.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
            let rest = end.map_or(&b""[..], |end| argument[end..].trim_ascii_start());
            rest.first().is_none_or(|byte| b";|&)`'\"#".contains(byte))
        }
        _ => {
            let end = argument.iter().position(u8::is_ascii_whitespace).unwrap_or(argument.len());
            let word = &argument[..end];
            let is_file = word.iter().any(|byte| b"/\\".contains(byte))
                || [&b".php"[..], b".txt", b".sh", b".conf", b".ini", b".py", b".exe", b".log"]
                    .iter()
                    .any(|ending| word.ends_with(ending));
            is_file || word.windows(2).any(|pair| pair == b"$(" || pair == b"${")
        }
    }
}

/// `() { :; };` as bash once ran it: a value that is a function, and goes on.
fn shellshock(value: &[u8]) -> Option<usize> {
    let start = value.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let body = value[start..].strip_prefix(b"() {")?;
    body.iter().take(WORD_BYTES_MAX).any(|&byte| byte == b';').then_some(start)
}

/// `/bin/sh`, `c:\windows\system32\cmd.exe`
fn is_path_of_shell(value: &[u8]) -> bool {
    let first = value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    [
        &b"/bin/sh"[..],
        b"/bin/bash",
        b"/bin/cat",
        b"cmd.exe",
        b"powershell.exe",
        b"/bin/nc",
        b"/bin/id",
        b"/bin/ls",
    ]
    .iter()
    .any(|shell| first.ends_with(shell))
}
