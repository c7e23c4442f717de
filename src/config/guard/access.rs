//! `access = ["allow 10.0.0.0/8", "deny all"]`: nginx's `allow` and `deny`, in the order written.

use std::ops::Range;

use super::super::address;
use super::super::limits;
use super::super::model::guard::{AccessRule, Whom, Word};
use super::super::report::{Located, Report};
use super::super::section::Section;

const FORMS: &str = "expected \"allow 10.0.0.0/8\", \"deny all\" or \"allow unix:\"";

/// `None` where the key is not given; an empty list lets everybody pass, whatever the server says.
pub(super) fn read(section: &mut Section<'_>) -> Option<Vec<AccessRule>> {
    let texts = section.texts("access");
    section.key_span("access")?;
    let report = section.report;
    if let Some(first) = texts.get(limits::guards::ACCESS_RULES_MAX) {
        let message =
            format!("{} rules, more than {}", texts.len(), limits::guards::ACCESS_RULES_MAX);
        report.error(&first.span, message, "");
    }
    Some(texts.iter().filter_map(|text| rule(report, text)).collect())
}

fn rule(report: &Report<'_>, text: &Located<String>) -> Option<AccessRule> {
    let Some((word, whom)) = text.value.trim().split_once([' ', '\t']) else {
        let message = format!("`{}` is no rule", text.value.escape_debug());
        report.error(&text.span, message, FORMS);
        return None;
    };
    let whom = whom.trim_start();
    let word = match word {
        "allow" => Word::Allow,
        "deny" => Word::Deny,
        other => {
            let message = format!("`{}` is neither allow nor deny", other.escape_debug());
            report.error(&report.within(text, place(text, other)), message, FORMS);
            return None;
        }
    };
    let whom = match whom {
        "all" => Whom::All,
        "unix:" => Whom::Unix,
        network => match address::network(network) {
            Ok(cidr) => Whom::Network(address::canonical(cidr)),
            Err(hint) => {
                let message = format!("`{}` is not a network", network.escape_debug());
                report.error(&report.within(text, place(text, network)), message, hint);
                return None;
            }
        },
    };
    Some(AccessRule { word, whom })
}

/// Where a word stands that was taken out of the text.
fn place(text: &Located<String>, word: &str) -> Range<usize> {
    let start = word.as_ptr() as usize - text.value.as_ptr() as usize;
    start..start + word.len()
}
