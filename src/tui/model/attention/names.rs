//! Names of backends that could not be looked up: who was found before serves on, but nobody would
//! notice a move.

use crate::control::wire::Severity;

use super::super::Model;
use super::super::key::Key;
use super::Attention;

pub(super) fn names(model: &Model, list: &mut Vec<Attention>) {
    for upstream in &model.moment.upstreams {
        for name in &upstream.names {
            let Some(trouble) = name.trouble() else { continue };
            let (severity, rank) =
                if name.addresses.is_empty() { (Severity::Bad, 1) } else { (Severity::Warn, 4) };
            list.push(Attention {
                key: Key::Upstream { name: upstream.name.clone() },
                severity,
                word: "UNFOUND",
                kind: "name",
                name: format!("{}/{}", upstream.name, name.name),
                text: trouble,
                since_ms: name.since_ms,
                rank,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::control::name::Name;
    use crate::control::wire::{Severity, UpstreamRow};
    use crate::tui::model::{Link, Model, Size, attention};

    #[test]
    fn a_name_that_leads_nowhere_is_worse_than_one_that_did() {
        let mut model = Model::new(Size { width: 80, height: 24 }, 0);
        model.link = Link::Live;
        let name = |name: &str, addresses: &[&str], error: &str| Name {
            name: name.to_owned(),
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
            error: error.to_owned(),
            ..Name::default()
        };
        let names = vec![
            name("good.internal:80", &["10.0.0.1:80"], ""),
            name("kept.internal:80", &["10.0.0.2:80"], "no answer within 5000 ms"),
            name("gone.internal:80", &[], "does not exist"),
        ];
        let app = UpstreamRow { name: "app".to_owned(), names, ..UpstreamRow::default() };
        model.moment.upstreams = vec![app];
        let told: Vec<_> = attention::list(&model)
            .into_iter()
            .map(|row| (row.severity, row.name, row.text))
            .collect();
        let told: Vec<_> =
            told.iter().map(|(severity, name, text)| (*severity, &**name, &**text)).collect();
        let expected = [
            (Severity::Bad, "app/gone.internal:80", "does not exist; no backend by this name"),
            (
                Severity::Warn,
                "app/kept.internal:80",
                "no answer within 5000 ms; its 1 backend serves on",
            ),
        ];
        assert_eq!(told, expected);
    }
}
