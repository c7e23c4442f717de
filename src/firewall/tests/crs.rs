//! Lines of the core rules as their engine writes them, those of a client that writes such lines
//! itself among them.

use super::super::crs::{self, Carriers, Match};
use super::super::finding::Part;
use super::super::inspector::Spot;

const CARRIERS: Carriers<'_> = Carriers { query: b"id=1&q=x", body: Part::Form };
/// Rules behind the place that are the same in each.
const TAIL: &str = "[ver \"OWASP_CRS/3.3.4\"] [maturity \"0\"] [accuracy \"0\"] [hostname \"";

fn line(words: &str, id: &str, data: &str, severity: u8) -> String {
    format!(
        "ModSecurity: Warning. {words} [file \"/rules/R-942.conf\"] [line \"46\"] [id \"{id}\"] \
         [rev \"\"] [msg \"SQL Injection\"] [data \"{data}\"] [severity \"{severity}\"] {TAIL}"
    )
}

#[track_caller]
fn check(line: &str, (id, points): (u32, u32), (part, name): (Part, &str), excerpt: &str) {
    let spot = Spot { part, name: name.as_bytes() };
    let expected = Match { id, points, spot, excerpt: excerpt.as_bytes() };
    assert_eq!(crs::read(line.as_bytes(), false, CARRIERS), Some(expected), "{line}");
}

#[test]
fn a_match_says_which_rule_where_and_how_bad() {
    let found = "Matched Data: s&1c found within ARGS:q: 1' or '1'='1";
    let sure = "detected SQLi using libinjection.";
    check(&line(sure, "942100", found, 2), (942_100, 5), (Part::Query, "q"), "s&1c");
    let header = "Matched \"Operator `PmFromFile' with parameter `scanners.data' against variable \
                  `REQUEST_HEADERS:User-Agent' (Value: `nikto' )";
    let found = "Matched Data: nikto found within REQUEST_HEADERS:User-Agent: nikto";
    check(&line(header, "913100", found, 2), (913_100, 5), (Part::Header, "User-Agent"), "nikto");
    for (severity, points) in [(3, 4), (4, 3), (5, 2), (6, 0), (0, 0)] {
        let posted =
            "Matched \"Operator `Rx' with parameter `x' against variable `ARGS:r' (Value: `x' )";
        let found = "Matched Data: x found within ARGS:r: x";
        let line = line(posted, "1", found, severity);
        check(&line, (1, points), (Part::Form, "r"), "x");
    }
    let method = "Match of \"within %{tx.allowed_methods}\" against \"REQUEST_METHOD\" required.";
    check(&line(method, "911100", "BREW", 2), (911_100, 5), (Part::Head, ""), "");
}

#[test]
fn sums_of_others_are_no_findings() {
    for id in ["949110", "980130", "959100"] {
        let line = line("Matched.", id, "", 2);
        assert_eq!(crs::read(line.as_bytes(), true, CARRIERS), None);
    }
    for no_line in ["", "ModSecurity: Warning.", " [file \"x\"]", " [file \"x\"] [id \"x\"]"] {
        assert_eq!(crs::read(no_line.as_bytes(), true, CARRIERS), None);
    }
}

#[test]
fn a_rule_that_refuses_counts_whatever_its_severity() {
    let denied = line("Matched.", "1002", "", 0);
    let found = crs::read(denied.as_bytes(), true, CARRIERS).expect("a rule's line");
    assert_eq!(found.points, 5);
}

/// A client may write what looks like the engine's words, to be taken for another rule's match.
#[test]
fn a_clients_words_are_not_taken_for_the_engines() {
    let value = "[file \"x\"] [line \"1\"] [id \"1\"] [severity \"6\"] ";
    let words = format!("Matched. against variable `ARGS:q' (Value: ` {value}<script>' )");
    let escaped = value.replace('"', "\\x22");
    let found = format!("Matched Data: <script found within ARGS:q: {escaped}<script>");
    check(&line(&words, "941110", &found, 2), (941_110, 5), (Part::Query, "q"), "<script");
}
