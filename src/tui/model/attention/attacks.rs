//! Attacks that come all the time, and limits that refuse many: nothing is broken, and somebody should
//! know.
//!
//! A stray scanner is everybody's daily bread and is told elsewhere.

use crate::control::text;
use crate::control::wire::Severity;

use super::super::Model;
use super::super::key::Key;
use super::Attention;

/// From so many within a minute on.
const ATTACKS_MIN: u64 = 60;
const REFUSALS_MIN: u64 = 60;
/// After what needs doing, before what goes by itself.
const RANK: u8 = 3;

pub(super) fn attacks(model: &Model, list: &mut Vec<Attention>) {
    let Some(firewall) = &model.moment.firewall else { return };
    let Some(last) = firewall.alarms.first().filter(|_| firewall.last_minute >= ATTACKS_MIN) else {
        return;
    };
    let most = firewall.offenders.first().map_or("", |offender| offender.client.as_str());
    list.push(Attention {
        key: Key::Alarm { identity: last.identity() },
        severity: Severity::Warn,
        word: "ATTACKED",
        kind: "firewall",
        name: text::plain(&last.host).into_owned(),
        text: format!(
            "{} a minute, {most} most; {} blocked, {} let pass",
            firewall.last_minute, firewall.blocked, firewall.detected
        ),
        since_ms: 0,
        rank: RANK,
    });
}

pub(super) fn refusals(model: &Model, list: &mut Vec<Attention>) {
    let limits = &model.moment.head.limits;
    for limit in limits.iter().filter(|limit| limit.refused_last_minute >= REFUSALS_MIN) {
        let most = limit.offenders.first().map_or("", |offender| offender.key.as_str());
        list.push(Attention {
            key: Key::Record { identity: format!("limit {}", limit.name) },
            severity: Severity::Warn,
            word: "LIMITED",
            kind: "limit",
            name: limit.name.clone(),
            text: format!(
                "{} a minute, {} most; {} refused",
                limit.refused_last_minute,
                text::plain(most),
                limit.refused
            ),
            since_ms: 0,
            rank: RANK,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::control::firewall::{Alarm, Firewall, Offender};
    use crate::control::limit::{self, Limit};
    use crate::tui::model::{Link, Model, Size, attention};

    fn told(model: &Model) -> Vec<String> {
        let line = |it: attention::Attention| format!("{} {}: {}", it.word, it.name, it.text);
        attention::list(model).into_iter().map(line).collect()
    }

    #[test]
    fn floods_are_told_of_and_strays_are_not() {
        let mut model = Model::new(Size { width: 80, height: 24 }, 0);
        model.link = Link::Live;
        let alarm = Alarm { host: "shop.test".to_owned(), ..Alarm::default() };
        let by = |client: &str| Offender { client: client.to_owned(), detected: 1, blocked: 70 };
        let firewall = |last_minute| Firewall {
            detected: 4,
            blocked: 90,
            last_minute,
            alarms: vec![alarm.clone()],
            offenders: vec![by("192.0.2.7"), by("192.0.2.8")],
            ..Firewall::default()
        };
        let key = "192.0.2.9".to_owned();
        let limit = |name: &str, refused_last_minute| Limit {
            name: name.to_owned(),
            refused: 5_000,
            refused_last_minute,
            offenders: vec![limit::Offender { key: key.clone(), refused: 5_000 }],
            ..Limit::default()
        };
        model.moment.firewall = Some(firewall(59));
        model.moment.head.limits = vec![limit("calm", 59)];
        assert_eq!(told(&model), Vec::<String>::new());
        model.moment.firewall = Some(firewall(60));
        model.moment.head.limits = vec![limit("calm", 0), limit("busy", 60)];
        let expected = [
            "LIMITED busy: 60 a minute, 192.0.2.9 most; 5000 refused",
            "ATTACKED shop.test: 60 a minute, 192.0.2.7 most; 90 blocked, 4 let pass",
        ];
        assert_eq!(told(&model), expected);
    }
}
