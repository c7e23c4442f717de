//! `cors` and `security_headers`: what browsers are told about a site, as rules for responses.
//!
//! Each comes to rules as `response_headers` has them, and gives way to one of those of the same name.

use toml::de::DeValue;

use super::super::headers;
use super::super::model::guard::{Cors, Origins};
use super::super::model::route::{Change, HeaderRule, Shape};
use super::super::report::{Located, Report};
use super::super::section::Section;
use super::super::template::{Part, Template, Variable};
use super::Choice;

const SECURITY: [(&str, &str, &str); 5] = [
    ("content_type", "X-Content-Type-Options", "nosniff"),
    ("frame", "X-Frame-Options", "SAMEORIGIN"),
    ("referrer", "Referrer-Policy", "strict-origin-when-cross-origin"),
    ("content_security", "Content-Security-Policy", ""),
    ("permissions", "Permissions-Policy", ""),
];

const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const VARY: &str = "Vary";

const METHODS: [&str; 3] = ["GET", "HEAD", "POST"];

/// Rules that were asked for by a preset's name.
#[derive(Default)]
pub(in super::super) struct Presets {
    rules: Vec<HeaderRule>,
}

impl Presets {
    /// Adds the rules to those of a server or route, which come first.
    pub(in super::super) fn extend(self, shape: &mut Shape) {
        for rule in self.rules {
            let is_given = |own: &HeaderRule| own.name.eq_ignore_ascii_case(&rule.name);
            // Several lines of this one are one list.
            if rule.name == VARY || !shape.response_headers.iter().any(is_given) {
                shape.response_headers.push(rule);
            }
        }
    }

    fn set(&mut self, name: &str, part: Part) {
        let change = Change::Set(Template { parts: vec![part] });
        self.rules.push(HeaderRule { name: name.to_owned(), change });
    }

    /// What came by that name passes as it is, whatever the server says.
    fn pass(&mut self, name: &str) {
        let change = Change::Rename(name.to_owned());
        self.rules.push(HeaderRule { name: name.to_owned(), change });
    }
}

/// `security_headers = true`, or a table of texts in place of the usual ones.
pub(super) fn security(section: &mut Section<'_>, presets: &mut Presets) {
    let Some(value) = section.value("security_headers") else { return };
    match value.get_ref() {
        DeValue::Boolean(true) => {
            for (_, name, text) in SECURITY.iter().filter(|(.., text)| !text.is_empty()) {
                presets.set(name, Part::Text((*text).to_owned()));
            }
        }
        DeValue::Boolean(false) => SECURITY.iter().for_each(|(_, name, _)| presets.pass(name)),
        DeValue::Table(_) => {
            let Some(mut table) = section.section("security_headers") else { return };
            for (key, name, usual) in SECURITY {
                let text = table.text(key).filter(|text| is_line(table.report, text));
                let text = text.map_or_else(|| usual.to_owned(), |text| text.value);
                if !text.is_empty() {
                    presets.set(name, Part::Text(text));
                }
            }
            table.finish(&[("csp", "content_security"), ("x_frame_options", "frame")]);
        }
        _ => {
            let _told: Option<()> = section.unexpected(value, "true, false or a table");
        }
    }
}

fn is_line(report: &Report<'_>, text: &Located<String>) -> bool {
    let is_line = !text.value.contains(|c: char| c.is_control());
    if !is_line {
        report.error(&text.span, "a header's value holds a control character", "it is one line");
    }
    is_line
}

/// `cors = { origins = ["https://app.example.com"] }`, or "off".
pub(super) fn cors(section: &mut Section<'_>, presets: &mut Presets) -> Option<Choice<Cors>> {
    let value = section.value("cors")?;
    if let DeValue::String(text) = value.get_ref()
        && text == "off"
    {
        presets.pass(ALLOW_ORIGIN);
        presets.pass(VARY);
        return Some(Choice::Off);
    }
    let mut table = section.section("cors")?;
    let report = table.report;
    let origins = origins(&mut table)?;
    let credentials = table.flag("credentials").unwrap_or(false);
    if let (true, Origins::Any, Some(span)) = (credentials, &origins, table.key_span("credentials"))
    {
        let hint = "browsers send none where everybody may read the answer: name the origins";
        report.error(&span, "`credentials` of every origin", hint);
    }
    let mut words = |key: &'static str| -> Vec<String> {
        let words = table.texts(key).into_iter();
        words.filter(|word| headers::is_name(report, word)).map(|word| word.value).collect()
    };
    let (methods, headers, exposed) = (words("methods"), words("headers"), words("expose"));
    let max_age_s = table.duration("max_age").map(|ms| ms / 1000);
    table.finish(&[("allow_origins", "origins"), ("origin", "origins"), ("exposed", "expose")]);
    presets.set(ALLOW_ORIGIN, Part::Variable(Variable::CorsOrigin));
    if credentials {
        presets.set("Access-Control-Allow-Credentials", Part::Text("true".to_owned()));
    }
    if !exposed.is_empty() {
        presets.set("Access-Control-Expose-Headers", Part::Text(exposed.join(", ")));
    }
    match origins {
        Origins::Any => presets.pass(VARY),
        Origins::Listed(_) => {
            let vary = Template { parts: vec![Part::Text("Origin".to_owned())] };
            presets.rules.push(HeaderRule { name: VARY.to_owned(), change: Change::Add(vary) });
        }
    }
    let usual = || METHODS.map(str::to_owned).to_vec();
    let methods = if methods.is_empty() { usual() } else { methods };
    Some(Choice::On(Cors { origins, methods, headers, max_age_s }))
}

/// `"*"`, or a list of origins; `https://*.example.com` stands for all below it.
fn origins(table: &mut Section<'_>) -> Option<Origins> {
    let report = table.report;
    let texts = table.texts("origins");
    if table.key_span("origins").is_none() {
        table.missing("origins", "such as `origins = [\"https://app.example.com\"]`, or \"*\"");
        return None;
    }
    if let [one] = texts.as_slice()
        && one.value == "*"
    {
        return Some(Origins::Any);
    }
    let mut listed = Vec::new();
    for text in &texts {
        let value = text.value.to_ascii_lowercase();
        let host = value.split_once("://").map_or("", |(_, host)| host);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        let bare = host.strip_prefix("*.").unwrap_or(host);
        if bare.is_empty() || !bare.chars().all(is_plain) {
            let message = format!("`{}` is no origin", text.value.escape_debug());
            let hint = "such as \"https://app.example.com\" or \"https://*.example.com\"";
            report.error(&text.span, message, hint);
        }
        listed.push(value);
    }
    Some(Origins::Listed(listed))
}
