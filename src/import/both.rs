//! Two translations as one: what they both say of the engine stands in one table.

use toml::{Table, Value};

use super::Translation;

pub(super) fn join(one: Translation, other: Translation) -> Translation {
    let warnings = [one.warnings, other.warnings].concat();
    let (Ok(mut whole), Ok(beside)) = (one.toml.parse::<Table>(), other.toml.parse::<Table>())
    else {
        // Whoever reads it says what is wrong with it.
        return Translation { toml: one.toml + &other.toml, warnings };
    };
    for (key, value) in beside {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(known)), Value::Table(more)) => known.extend(more),
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
    Translation { toml: whole.to_string(), warnings }
}
