//! Certificates that have expired or soon will, and those whose renewal did not work.

use crate::control::certificate::Standing;
use crate::control::wire::Severity;

use super::super::Model;
use super::super::key::Key;
use super::Attention;

pub(super) fn certificates(model: &Model, list: &mut Vec<Attention>) {
    let head = &model.moment.head;
    for certificate in &head.certificates {
        let Some(text) = certificate.complaint(head.wall_ms) else { continue };
        let (severity, word, rank) = match certificate.standing(head.wall_ms) {
            Standing::Expired => (Severity::Bad, "EXPIRED", 0),
            Standing::Early => (Severity::Bad, "EARLY", 0),
            Standing::Refusing => (Severity::Bad, "REFUSING", 0),
            Standing::Soon => (Severity::Warn, "EXPIRES", 3),
            Standing::Stuck | Standing::Good => (Severity::Warn, "NOT TAKEN", 4),
        };
        list.push(Attention {
            key: Key::Config,
            severity,
            word,
            kind: "cert",
            name: certificate.server.clone(),
            text,
            since_ms: 0,
            rank,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::control::certificate::Certificate;
    use crate::control::wire::Severity;
    use crate::tui::model::{Link, Model, Size, attention};

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn certificates_that_run_out_are_told_of() {
        let mut model = Model::new(Size { width: 80, height: 24 }, 0);
        model.link = Link::Live;
        model.moment.head.wall_ms = 100 * DAY_MS as u64;
        let certificate = |server: &str, days: i64, trouble: &str| Certificate {
            server: server.to_owned(),
            not_after_ms: (100 + days) * DAY_MS,
            days_left: days,
            trouble: trouble.to_owned(),
            ..Certificate::default()
        };
        model.moment.head.certificates = vec![
            certificate("good", 60, ""),
            certificate("soon", 3, ""),
            certificate("stuck", 60, "read site.key: no such file"),
            certificate("over", -2, ""),
            Certificate { refuses_clients: true, ..certificate("shut", 60, "clients are refused") },
        ];
        let told: Vec<_> = attention::list(&model)
            .into_iter()
            .map(|row| (row.severity, row.word, row.name, row.text))
            .collect();
        let told: Vec<_> = told
            .iter()
            .map(|(severity, word, name, text)| (*severity, *word, &**name, &**text))
            .collect();
        let expected = [
            (Severity::Bad, "EXPIRED", "over", "expired 2 days ago"),
            (Severity::Bad, "REFUSING", "shut", "clients are refused"),
            (Severity::Warn, "EXPIRES", "soon", "3 days left"),
            (Severity::Warn, "NOT TAKEN", "stuck", "read site.key: no such file"),
        ];
        assert_eq!(told, expected);
    }
}
