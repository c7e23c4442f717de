//! What `configs/grafana-dashboard.json` asks for, with Grafana's variables as one would choose them.

use std::fs;

use serde_json::Value;

use super::page::Page;

/// Every expression, of panels and annotations, and the names that variables are filled from.
pub(super) fn expressions() -> Vec<String> {
    let text = fs::read_to_string("configs/grafana-dashboard.json").expect("it is offered");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let targets = panel["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(targets.is_empty(), panel["type"] == "row", "{panel}");
        found.extend(targets.iter().filter_map(|target| target["expr"].as_str()));
    }
    for annotation in dashboard["annotations"]["list"].as_array().expect("annotations") {
        found.push(annotation["expr"].as_str().expect("an expression"));
    }
    for variable in dashboard["templating"]["list"].as_array().expect("variables") {
        if let Some(query) = variable["definition"].as_str() {
            let inner = query.strip_prefix("label_values(").expect("labels' values");
            found.push(inner.rsplit_once(',').expect("a selector and a label").0);
        }
    }
    let chosen = |expression: &str| {
        let expression = expression.replace("$__rate_interval", "1m");
        let expression = expression.replace("$node", ".+").replace("$upstream", ".+");
        assert!(!expression.contains('$'), "an unknown variable: {expression}");
        expression
    };
    found.into_iter().map(chosen).collect()
}

/// Everything that looks like a name of ours is one.
#[track_caller]
pub(super) fn check_names(text: &str, page: &Page) {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_of_name(c));
    let names: Vec<&str> = words.filter(|word| word.starts_with("pilothouse_")).collect();
    for name in &names {
        assert!(
            page.has(name) || page.families().any(|family| family == *name),
            "no {name}: {text}"
        );
    }
    let is_of_prometheus = text.starts_with("up{");
    assert!(is_of_prometheus || !names.is_empty(), "asks for nothing of ours: {text}");
}
