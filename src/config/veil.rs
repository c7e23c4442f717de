//! What of a configuration is told to nobody: passwords, tokens, what programs find in their
//! environment. Each character of such a value is shown as another one, so that the places in a text
//! stay where they are.
//!
//! Pure. Knows values by the names they have, and in free text (a command, a path with arguments) by
//! the names before them; a secret that nothing calls one is not known.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// In a name, in lower case.
const SECRET: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "api-key",
    "api_key",
    "apikey",
];
/// A table of them.
const ENVIRONMENT: &str = "environment";
/// Names of arguments in a query, whole.
const ARGUMENTS: [&str; 6] = ["key", "sig", "signature", "auth", "pwd", "pass"];
/// What stands before a credential.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// Whether what has this name is a secret; where one lies is none.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_place = ["file", "files", "path", "dir"].iter().any(|end| name.ends_with(end));
    name.contains(ENVIRONMENT) || !is_place && SECRET.iter().any(|word| name.contains(word))
}

/// A whole text of TOML, broken or not.
pub(crate) fn document(whole: &str) -> String {
    let (document, flaws) = DeTable::parse_recoverable(whole);
    let mut spans = Vec::new();
    for (kind, value) in document.get_ref() {
        // What is called `token` there is somebody's name for a limit or an upstream.
        match value.get_ref() {
            DeValue::Table(named) if named.values().all(|it| it.get_ref().is_table()) => {
                named.values().for_each(|value| in_value(value, false, &mut spans));
            }
            _ => in_value(value, is_secret(kind.get_ref()), &mut spans),
        }
    }
    let mut cover = Cover::of(whole);
    for span in spans {
        let value = whole.get(span.clone()).unwrap_or_default();
        let inner = value.trim_start_matches(['"', '\'']);
        let start = span.end - inner.len();
        cover.hide(start, start + inner.trim_end_matches(['"', '\'']).len());
    }
    for flaw in flaws.iter().filter_map(toml::de::Error::span) {
        cover.hide_broken_line(flaw.start);
    }
    text(&cover.into_text())
}

/// Free text: what follows a name that says so is covered, and passwords in addresses.
pub(crate) fn text(text: &str) -> String {
    // Of the same length, since only ASCII is changed.
    let lower = text.to_ascii_lowercase();
    let mut cover = Cover::of(text);
    for word in SECRET {
        for (at, _) in lower.match_indices(word) {
            let from = lower[..at].rfind(|c: char| !is_of_name(c)).map_or(0, |before| before + 1);
            let from = text.ceil_char_boundary(from);
            let rest = lower[at..].find(|c: char| !is_of_name(c)).unwrap_or(lower.len() - at);
            let name = &lower[from..at + rest];
            // The last part of a path is no name.
            if is_secret(name) && !lower[..from].ends_with('/') {
                let is_query = lower[..from].ends_with(['?', '&']);
                cover.hide_value(at + rest, name, if is_query { "&" } else { "" });
            }
        }
    }
    for name in ARGUMENTS {
        for (at, _) in lower.match_indices(name) {
            if lower[..at].ends_with(['?', '&']) && lower[at + name.len()..].starts_with('=') {
                cover.hide_value(at + name.len(), name, "&");
            }
        }
    }
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            cover.hide_credential(at + scheme.len());
        }
    }
    for (at, mark) in lower.match_indices("://") {
        let rest = &text[at + mark.len()..];
        let host = &rest[..rest.find(|c| is_end(c) || c == '/').unwrap_or(rest.len())];
        if let Some((user, _)) = host.rsplit_once('@')
            && let Some(colon) = user.find(':')
        {
            let start = at + mark.len();
            cover.hide(start + colon + 1, start + user.len());
        }
    }
    cover.into_text()
}

/// Spans of all texts below a name that makes them secrets.
fn in_table(table: &DeTable<'_>, is_below: bool, spans: &mut Vec<std::ops::Range<usize>>) {
    for (name, value) in table {
        in_value(value, is_below || is_secret(name.get_ref()), spans);
    }
}

fn in_value(value: &Spanned<DeValue<'_>>, is_below: bool, spans: &mut Vec<std::ops::Range<usize>>) {
    match value.get_ref() {
        DeValue::String(_) if is_below => spans.push(value.span()),
        DeValue::Array(list) => list.iter().for_each(|value| in_value(value, is_below, spans)),
        DeValue::Table(table) => in_table(table, is_below, spans),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Of a value without quotes.
fn is_end(c: char) -> bool {
    c.is_whitespace() || "\"'&;,)}]".contains(c)
}

/// A text of which some is covered.
struct Cover<'t> {
    text: &'t str,
    /// By bytes.
    is_hidden: Vec<bool>,
}

impl<'t> Cover<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, is_hidden: vec![false; text.len()] }
    }

    fn hide(&mut self, start: usize, end: usize) {
        let end = end.min(self.is_hidden.len());
        self.is_hidden[start.min(end)..end].fill(true);
    }

    /// What is said to have a value: `NAME=VALUE`, `"NAME": "VALUE"`, a header's `NA-ME: VALUE`, and of
    /// an option `--NAME VALUE`. In prose a colon says something else.
    /// Without quotes it goes to a blank or one of `ends`: what else there is, it may hold.
    fn hide_value(&mut self, after_name: usize, name: &str, ends: &str) {
        let text = self.text;
        let rest = text[after_name..].trim_start_matches(['"', '\'']);
        let is_quoted = rest.len() < text.len() - after_name;
        let is_header = name.contains('-') || name == "authorization";
        let value = rest.trim_start_matches([' ', '\t']);
        let mark = value.chars().next();
        let value = match mark {
            Some('=') => value[1..].trim_start_matches([' ', '\t']),
            Some(':') if is_quoted || is_header => value[1..].trim_start_matches([' ', '\t']),
            Some(_) if name.starts_with('-') && value.len() < rest.len() => value,
            Some(_) | None => return,
        };
        let escape = value.len() - value.trim_start_matches('\\').len();
        let (value, end) = if let Some(quote @ ('"' | '\'')) = value[escape..].chars().next() {
            let value = &value[escape + 1..];
            (value, value.find([quote, '\n']))
        } else {
            let is_end = |c: char| c.is_whitespace() || "\"'".contains(c) || ends.contains(c);
            (value, value.find(is_end))
        };
        let start = text.len() - value.len();
        self.hide(start, start + end.unwrap_or(value.len()));
    }

    /// A word that is none of a language.
    fn hide_credential(&mut self, start: usize) {
        let rest = &self.text[start..];
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let is_odd = |c: char| !c.is_lowercase() && !"*-".contains(c);
        if word.chars().skip(1).any(is_odd) || word.contains('-') {
            self.hide(start, start + word.len());
        }
    }

    /// What a line with a syntax error holds is a guess: beside an environment or the name of a secret,
    /// all values are covered.
    fn hide_broken_line(&mut self, place: usize) {
        let text = self.text;
        let place = text.floor_char_boundary(place.min(text.len()));
        let start = text[..place].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[place..].find('\n').map_or(text.len(), |length| place + length);
        let is_header = |line: &&str| line.trim_start().starts_with('[');
        let header = text[..start].lines().rev().find(is_header).unwrap_or_default();
        let line = &text[start..end];
        let lower = line.to_lowercase();
        let is_named = SECRET.iter().any(|word| lower.contains(word));
        if (is_named || header.contains(ENVIRONMENT) || lower.contains(ENVIRONMENT))
            && let Some(equals) = line.find('=')
        {
            for (at, c) in line[equals..].char_indices().filter(|(_, c)| c.is_alphanumeric()) {
                let at = start + equals + at;
                self.hide(at, at + c.len_utf8());
            }
        }
    }

    /// Each hidden character as one that is as long.
    fn into_text(self) -> String {
        let shown = |(at, c): (usize, char)| match (self.is_hidden[at], c.len_utf8()) {
            (false, _) => c,
            (true, _) if c == '\n' => c,
            (true, 1) => '*',
            (true, 2) => '·',
            (true, 3) => '•',
            (true, _) => '𐄂',
        };
        self.text.char_indices().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(plain: &str, expected: &str) {
        assert_eq!(text(plain), expected);
        assert_eq!(text(expected), expected, "what is covered stays");
    }

    #[test]
    fn what_follows_a_name_that_says_so_is_covered() {
        check("app --password=abc --user=ann", "app --password=*** --user=ann");
        check("app --token abc -v", "app --token *** -v");
        check("DB_PASSWORD=abc exec app", "DB_PASSWORD=*** exec app");
        check("app --token-file /run/token", "app --token-file /run/token");
        check("the token is here: yes", "the token is here: yes");
        check("/healthz?key=abc&x=1", "/healthz?key=***&x=1");
        check("/healthz?monkey=abc", "/healthz?monkey=abc");
        check("Authorization: Basic YTpi", "Authorization: ***** ****");
        check("postgres://ann:abc@db/x", "postgres://ann:***@db/x");
        check("a basic string, a bearer of news", "a basic string, a bearer of news");
        check("run /etc/passwd: not executable", "run /etc/passwd: not executable");
        check("read password: no such file", "read password: no such file");
        check("X-Auth-Token: abc", "X-Auth-Token: ***");
        check("http://[::1]:80/@a:b@", "http://[::1]:80/@a:b@");
        check("--password=${A}b,c;d&e)f}g h", "--password=*************** h");
        check("--token=\\\"a b\\\" -v", "--token=\\\"****\" -v");
        check("/x?token=a,b&y=1", "/x?token=***&y=1");
        check("{\"token\": \"a b\"}", "{\"token\": \"***\"}");
        check("--secret", "--secret");
        check("token=", "token=");
        check("pässword=ä --passwordä=ö token=öä", "pässword=ä --passwordä=ö token=··");
    }

    #[test]
    fn values_of_a_document_are_covered_by_their_names() {
        let plain = "# a\n[program.a]\nenvironment = { DB = \"x\\\"y\", TWO = 'ü' }\n\
            command = \"run --password=p\"\n[program.a.environment]\nTHREE = \"\"\"a\nb\"\"\"\n\
            [control]\ntoken_file = \"token\"\n[upstream.u.check.headers]\nAuthorization = \"Bearer x\"\n\
            X-Api-Key = \"k\"\nHost = \"h\"\n[limit.token]\nkey = \"$remote_addr\"\n";
        let expected = "# a\n[program.a]\nenvironment = { DB = \"****\", TWO = '·' }\n\
            command = \"run --password=*\"\n[program.a.environment]\nTHREE = \"\"\"*\n*\"\"\"\n\
            [control]\ntoken_file = \"token\"\n[upstream.u.check.headers]\nAuthorization = \"********\"\n\
            X-Api-Key = \"*\"\nHost = \"h\"\n[limit.token]\nkey = \"$remote_addr\"\n";
        assert_eq!(document(plain), expected);
    }

    #[test]
    fn a_broken_line_of_an_environment_shows_no_value() {
        for broken in [
            "[program.a]\nenvironment = { DB = \"hidden\n",
            "[program.a.environment]\nDB = \"hidden\n",
            "[program.a.environment]\nDB = hidden\n",
            "[program.a]\nenvironment = { DB = hidden }\n",
            "[program.a]\nenvironment = { DB = \"hidden\" X = \"hidden\" }\n",
            "[x]\nDB_PASSWORD = \"hidden\n",
            "[x]\nset = { X-Api-Key = 3 = \"hidden\" }\n",
        ] {
            let shown = document(broken);
            assert!(!shown.contains("hidden"), "{shown}");
            assert_eq!(shown.len(), broken.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn places_stay_whatever_the_text(plain in "([a-z ]|[=:\"'{}\\[\\]\n&?/@äß→😀]|token|--secret|environment|bearer |://){0,40}") {
            for shown in [text(&plain), document(&plain)] {
                let places = |text: &str| text.char_indices().map(|it| it.0).collect::<Vec<_>>();
                proptest::prop_assert_eq!(places(&shown), places(&plain));
                proptest::prop_assert_eq!(shown.matches('\n').count(), plain.matches('\n').count());
            }
        }
    }
}
