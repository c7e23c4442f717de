//! The rewrite module (`set`, `if`, `rewrite`, `return`, `break`) as steps, in the order of the file.
//!
//! What of a condition has no equal is left out with it, and it is said; one that would have kept
//! somebody out shuts its place instead.

use super::lines::Lines;
use super::paths::Placed;
use super::scope::Remarks;
use super::tables;
use super::tree::Directive;
use super::values::{self, Groups, Names};
use crate::import::Place;
use crate::import::page::{self, Page};

/// Directives that are steps.
const STEPS: [&str; 5] = ["set", "if", "rewrite", "return", "break"];

/// What a path that a rewrite makes is called for, from the outside.
pub(super) const HERE: &str = "${scheme}://${http_host}";

/// The steps of a server or a location.
#[derive(Debug, Default)]
pub(super) struct Steps {
    list: Vec<Step>,
    /// The condition that shuts the place, as what it asks for has no equal.
    pub(super) shut_by: Option<Directive>,
}

#[derive(Clone, Debug)]
struct Step {
    pairs: Vec<(String, String)>,
    place: Place,
}

impl Steps {
    /// Whether one of them may answer.
    pub(super) fn answer(&self) -> bool {
        let answers = |(key, value): &(String, String)| {
            ["respond", "redirect"]
                .iter()
                .any(|word| key == word || value.contains(&format!("{word} = ")))
        };
        self.list.iter().flat_map(|step| &step.pairs).any(answers)
    }

    pub(super) fn write(&self, header: &str, page: &mut Page) {
        for step in &self.list {
            page.table(&format!("[[{header}.steps]]"), &step.place);
            let mut lines = Lines::default();
            for (key, value) in &step.pairs {
                lines.add(key, value.as_str(), &step.place);
            }
            lines.write(page);
        }
    }

    /// Nobody passes for whom a variable comes to none of these values.
    pub(super) fn refuse_others(&mut self, variable: &str, values: &[&str], place: &Place) {
        let known: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
        let source = pair("source", page::string(&format!("${{{variable}}}")));
        let others = pair("matches_not", page::string(&format!("^(?:{})$", known.join("|"))));
        let pairs = vec![pair("when", page::inline(&[source, others])), pair("respond", "500")];
        self.list.push(Step { pairs, place: place.clone() });
    }

    /// Nobody comes to the steps who asks by another method; GET brings HEAD.
    pub(super) fn refuse_other_methods(&mut self, methods: &[&str], place: &Place) {
        let mut known: Vec<String> = methods.iter().map(|method| regex::escape(method)).collect();
        if methods.contains(&"GET") {
            known.push("HEAD".to_owned());
        }
        let source = pair("source", page::string("${request_method}"));
        let others = pair("matches_not", page::string(&format!("^(?:{})$", known.join("|"))));
        let when = pair("when", page::inline(&[source, others]));
        self.lead(vec![when, pair("respond", "403")], place);
    }

    /// A step before all others.
    pub(super) fn lead(&mut self, pairs: Vec<(String, String)>, place: &Place) {
        self.list.insert(0, Step { pairs, place: place.clone() });
    }

    /// Nobody passes.
    pub(super) fn shut(&mut self, place: &Place) {
        let pairs = vec![("respond".to_owned(), "403".to_owned())];
        self.lead(pairs, place);
    }
}

/// Those of a block up to the `return` that holds for all: that is its action.
pub(super) fn read(
    block: &[Directive],
    (default_type, placed): (&str, &Placed),
    names: Names<'_>,
    remarks: &mut Remarks,
) -> Steps {
    let mut reading = Reading { names, default_type, placed, remarks };
    let mut steps = Steps::default();
    let own = block.iter().filter(|directive| STEPS.contains(&directive.name.as_str()));
    for directive in own.take_while(|directive| directive.name != "return") {
        if directive.name == "if" {
            match reading.condition(directive) {
                Read::Step(step) => steps.list.push(step),
                Read::LeftOut => {}
                Read::Shut => steps.shut_by = steps.shut_by.or_else(|| Some(directive.clone())),
            }
        } else {
            steps.list.extend(reading.step(directive));
        }
    }
    steps
}

struct Reading<'a, 'r> {
    names: Names<'a>,
    default_type: &'a str,
    placed: &'a Placed,
    remarks: &'r mut Remarks,
}

/// What became of an `if`.
enum Read {
    Step(Step),
    /// It is said.
    LeftOut,
    /// To leave it out would open its place.
    Shut,
}

/// A condition in our words, and the groups of its expression.
type When = (Vec<(String, String)>, Option<Groups>);

fn pair(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_owned(), value.into())
}

impl Reading<'_, '_> {
    /// A directive without a condition.
    fn step(&mut self, directive: &Directive) -> Option<Step> {
        let place = directive.place.clone();
        let made = match directive.name.as_str() {
            "set" => self.set(directive),
            "rewrite" => self.rewrite(directive),
            "return" => self.answer(directive),
            _ => Ok(vec![pair("stop", "true")]),
        };
        match made {
            Ok(pairs) => Some(Step { pairs, place }),
            Err(why) => {
                let text = format!("this `{}` is left out: {why}", directive.name);
                self.remarks.warn(&directive.place, text);
                None
            }
        }
    }

    /// An `if` with its block.
    fn condition(&mut self, directive: &Directive) -> Read {
        let place = &directive.place;
        let asked = condition(&directive.arguments);
        let when = asked.and_then(|asked| self.when(asked));
        let (when, groups) = match when {
            Ok(read) => read,
            Err(why) => {
                if directive.inner().iter().any(shuts) {
                    return Read::Shut;
                }
                let text = format!("this `if` and what it holds is left out: {why}");
                self.remarks.warn(place, text);
                return Read::LeftOut;
            }
        };
        let names = self.names;
        let groups = groups.unwrap_or_else(|| names.groups.clone());
        let mut inner = Reading {
            names: names.with(&groups),
            default_type: self.default_type,
            placed: self.placed,
            remarks: self.remarks,
        };
        let mut effects = Vec::new();
        for directive in directive.inner() {
            if !STEPS.contains(&directive.name.as_str()) || directive.name == "if" {
                let text = format!("`{}` within `if` has no equal here", directive.name);
                inner.remarks.warn(&directive.place, text);
                continue;
            }
            match inner.step(directive) {
                Some(step) => effects.push(step),
                // Nor does what follows it stand where it did.
                None if shuts(directive) => return Read::Shut,
                None => {}
            }
            if directive.name == "return" {
                break;
            }
        }
        let mut pairs = vec![pair("when", page::inline(&when))];
        match effects.as_slice() {
            [] => return Read::LeftOut,
            [one] if !one.pairs.iter().any(|(key, _)| key == "when") => {
                pairs.extend(one.pairs.iter().cloned());
            }
            several => {
                let tables: Vec<String> =
                    several.iter().map(|step| page::inline(&step.pairs)).collect();
                pairs.push(pair("steps", format!("[{}]", tables.join(", "))));
            }
        }
        Read::Step(Step { pairs, place: place.clone() })
    }

    /// What an `if` asks, and the groups of its expression.
    fn when(&self, asked: Asked<'_>) -> Result<When, String> {
        let template = |text: &str| {
            let unknown = |variable| format!("there is no `${variable}` here");
            values::template(text, self.names).map_err(unknown)
        };
        if let Some((sign, "")) = asked.test
            && let Some(wanted) = wanted(sign)
        {
            let path = template(&self.placed.resolve(asked.variable)?)?;
            if !path.starts_with(['/', '$']) {
                return Err(format!("`{path}` is no path from the root on"));
            }
            let key = if sign.starts_with('!') { "exists_not" } else { "exists" };
            let pairs = [pair("source", page::string(&path)), pair(key, page::string(wanted))];
            return Ok((pairs.to_vec(), None));
        }
        let mut pairs = vec![pair("source", page::string(&template(asked.variable)?))];
        let groups = match asked.test {
            None => None,
            Some((sign, text)) => {
                let is_negated = sign.starts_with('!');
                match sign.trim_start_matches('!') {
                    "=" => {
                        let key = if is_negated { "is_not" } else { "is" };
                        pairs.push(pair(key, page::string(&template(text)?)));
                        None
                    }
                    sign => {
                        let case = if sign == "~*" { "(?i)" } else { "" };
                        let pattern = format!("{case}{text}");
                        if values::expression(&pattern).is_err() {
                            return Err(format!("the expression `{text}` is none of ours"));
                        }
                        let key = if is_negated { "matches_not" } else { "matches" };
                        pairs.push(pair(key, page::string(&pattern)));
                        (!is_negated).then(|| Groups::of(&pattern))
                    }
                }
            }
        };
        Ok((pairs, groups))
    }

    fn set(&self, directive: &Directive) -> Result<Vec<(String, String)>, String> {
        let [name, value] = directive.arguments.as_slice() else {
            return Err("it wants a variable and a value".to_owned());
        };
        let name = name.strip_prefix('$').unwrap_or_default();
        if !tables::can_be_set(name) || !self.names.own.iter().any(|known| known == name) {
            return Err(format!("`${name}` can not be set here"));
        }
        let unknown = |variable| format!("there is no `${variable}` here");
        let value = values::template(value, self.names).map_err(unknown)?;
        let set = page::inline(&[(page::bare_or_quoted(name), page::string(&value))]);
        Ok(vec![pair("set", set)])
    }

    fn rewrite(&self, directive: &Directive) -> Result<Vec<(String, String)>, String> {
        let (Some(pattern), Some(to)) = (directive.argument(0), directive.argument(1)) else {
            return Err("it wants an expression and a path".to_owned());
        };
        if values::expression(pattern).is_err() {
            return Err(format!("the expression `{pattern}` is none of ours"));
        }
        let groups = Groups::of(pattern);
        let unknown = |variable| format!("there is no `${variable}` here");
        let target = values::template(to, self.names.with(&groups)).map_err(unknown)?;
        let is_far = ["http://", "https://", "$scheme", "${scheme}"];
        let is_far = is_far.iter().any(|start| to.starts_with(start));
        let flag = directive.argument(2);
        let status = match flag {
            Some("permanent") => Some("301"),
            Some("redirect") => Some("302"),
            _ if is_far => Some("302"),
            _ => None,
        };
        if !is_far && !target.starts_with(['/', '$']) {
            return Err(format!("`{to}` is no path"));
        }
        let rewrite = |more: &[(String, String)]| {
            let own = [pair("match", page::string(pattern)), pair("to", page::string(&target))];
            page::inline(&[&own, more].concat())
        };
        let redirect = |to: &str, status: &str| {
            page::inline(&[pair("to", page::string(to)), pair("status", status)])
        };
        let uri = pair("source", page::string("${uri}"));
        let when = page::inline(&[uri, pair("matches", page::string(pattern))]);
        Ok(match status {
            None => {
                let then = match flag {
                    Some("last") => "find",
                    Some("break") => "stay",
                    _ => "next",
                };
                vec![pair("rewrite", rewrite(&[pair("then", page::string(then))]))]
            }
            // The arguments go along, unless the target ends in a question mark.
            Some(status) if is_far => {
                let target = match target.strip_suffix('?') {
                    Some(bare) => bare.to_owned(),
                    None if target.contains('?') => {
                        return Err("arguments can not be put behind those of another site".into());
                    }
                    None => format!("{target}${{is_args}}${{args}}"),
                };
                vec![pair("when", when), pair("redirect", redirect(&target, status))]
            }
            Some(status) => {
                let first = page::inline(&[pair("rewrite", rewrite(&[]))]);
                let there = format!("{HERE}${{uri}}${{is_args}}${{args}}");
                let second = page::inline(&[pair("redirect", redirect(&there, status))]);
                vec![pair("when", when), pair("steps", format!("[{first}, {second}]"))]
            }
        })
    }

    fn answer(&self, directive: &Directive) -> Result<Vec<(String, String)>, String> {
        match answer(directive, self.default_type, self.names) {
            Ok(answer) => Ok(vec![answer]),
            Err(Unsaid::Variable(variable)) => Err(format!("there is no `${variable}` here")),
            Err(Unsaid::Nothing) => Err("it wants a status, a text or an address".to_owned()),
        }
    }
}

/// Why a `return` says nothing.
pub(super) enum Unsaid {
    /// There is none of that name.
    Variable(String),
    Nothing,
}

/// `return CODE`, `return CODE TEXT`, `return URL` as a key of ours and its value.
pub(super) fn answer(
    directive: &Directive,
    default_type: &str,
    names: Names<'_>,
) -> Result<(String, String), Unsaid> {
    let (status, text) = match directive.arguments.as_slice() {
        [one] => match one.parse::<u16>() {
            Ok(status) => (status, None),
            Err(_) => (302, Some(one)),
        },
        [status, text] => (status.parse().unwrap_or(0), Some(text)),
        _ => (0, None),
    };
    let text = text.map(|text| values::template(text, names)).transpose();
    match (status, text.map_err(Unsaid::Variable)?) {
        (301..=303 | 307 | 308, Some(to)) => {
            let to = if to.starts_with('/') { format!("{HERE}{to}") } else { to };
            let pairs = [pair("to", page::string(&to)), pair("status", status.to_string())];
            Ok(pair("redirect", page::inline(&pairs)))
        }
        (100..=999, None) => Ok(pair("respond", status.to_string())),
        (100..=999, Some(body)) => {
            let pairs = [
                pair("status", status.to_string()),
                pair("body", page::string(&body)),
                pair("content_type", page::string(default_type)),
            ];
            Ok(pair("respond", page::inline(&pairs)))
        }
        _ => Err(Unsaid::Nothing),
    }
}

/// Whether a directive of an `if` keeps somebody out.
fn shuts(directive: &Directive) -> bool {
    let status = directive.argument(0).and_then(|status| status.parse::<u16>().ok());
    directive.name == "return" && status.is_some_and(|status| (400..500).contains(&status))
}

/// What an `if` asks.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    /// Or a path.
    variable: &'a str,
    test: Option<(&'a str, &'a str)>,
}

/// What of the file system a sign asks for, in our words.
fn wanted(sign: &str) -> Option<&'static str> {
    match sign.trim_start_matches('!') {
        "-f" => Some("file"),
        "-d" => Some("folder"),
        "-e" => Some("any"),
        "-x" => Some("executable"),
        _ => None,
    }
}

/// The words between the parentheses.
fn condition(arguments: &[String]) -> Result<Asked<'_>, String> {
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let none = || "it wants a condition in parentheses".to_owned();
    let first = words.first_mut().ok_or_else(none)?;
    *first = first.strip_prefix('(').ok_or_else(none)?;
    let last = words.last_mut().ok_or_else(none)?;
    *last = last.strip_suffix(')').ok_or_else(none)?;
    if words.first() == Some(&"") {
        words.remove(0);
    }
    if words.len() > 1 && words.last() == Some(&"") {
        words.pop();
    }
    match words.as_slice() {
        [variable] if variable.starts_with('$') => Ok(Asked { variable, test: None }),
        [variable, sign @ ("=" | "!=" | "~" | "~*" | "!~" | "!~*"), text]
            if variable.starts_with('$') =>
        {
            Ok(Asked { variable, test: Some((sign, text)) })
        }
        [variable, sign @ ("=" | "!=")] if variable.starts_with('$') => {
            Ok(Asked { variable, test: Some((sign, "")) })
        }
        [sign, path] if wanted(sign).is_some() => {
            Ok(Asked { variable: path, test: Some((sign, "")) })
        }
        [sign, _] => Err(format!("`{sign}` has no equal here")),
        _ => Err("such a condition has no equal here".to_owned()),
    }
}
