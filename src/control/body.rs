//! The JSON bodies of commands: one type a verb, so that a member that belongs to another verb is
//! an error and not ignored.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::call::Pace;

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Drain {
    pub(super) timeout_ms: Option<u64>,
    pub(super) key: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Weight {
    pub(super) weight: u32,
    pub(super) key: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct MaxConns {
    pub(super) max_conns: u32,
    pub(super) key: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    pub(super) address: String,
    pub(super) weight: Option<u32>,
    #[serde(default)]
    pub(super) backup: bool,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Remove {
    #[serde(default)]
    pub(super) now: bool,
    pub(super) timeout_ms: Option<u64>,
    pub(super) key: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) key: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Strategy {
    pub(super) strategy: String,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    pub(super) instances: u32,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    pub(super) incarnation: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Roll {
    pub(super) max_unavailable: Option<u32>,
    pub(super) max_surge: Option<u32>,
    pub(super) min_ready_ms: Option<u64>,
    pub(super) stop_on_failure: Option<bool>,
    pub(super) incarnation: Option<u32>,
}

impl Roll {
    pub(super) fn new(pace: &Pace, incarnation: Option<u32>) -> Self {
        let Pace { max_unavailable, max_surge, min_ready_ms, stop_on_failure } = *pace;
        Self { max_unavailable, max_surge, min_ready_ms, stop_on_failure, incarnation }
    }

    pub(super) fn pace(&self) -> Pace {
        let Self { max_unavailable, max_surge, min_ready_ms, stop_on_failure, .. } = *self;
        Pace { max_unavailable, max_surge, min_ready_ms, stop_on_failure }
    }
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    #[serde(deserialize_with = "name_or_number")]
    pub(super) signal: String,
    pub(super) incarnation: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

fn name_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Signal {
        Name(String),
        Number(u32),
    }
    Ok(match Signal::deserialize(deserializer)? {
        Signal::Name(name) => name,
        Signal::Number(number) => number.to_string(),
    })
}

/// An empty body counts as `{}`.
pub(super) fn read<Body: DeserializeOwned>(body: &[u8]) -> Result<Body, String> {
    let body = match body.trim_ascii() {
        b"" => b"{}",
        // A list would be taken for the members in their order.
        [b'{', ..] => body,
        _ => return Err("read body: expected an object".to_owned()),
    };
    serde_json::from_slice(body).or_else(|error| {
        // To JSON, 1.0 is as whole a number as 1.
        let whole = serde_json::from_slice(body).ok().map(whole_numbers);
        let read = whole.and_then(|value| serde_json::from_value(value).ok());
        read.ok_or_else(|| format!("read body: {error}"))
    })
}

/// With numbers that have nothing behind the point as integers; the members of a body are numbers and
/// texts.
fn whole_numbers(value: Value) -> Value {
    /// Above it not every integer can be written so.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let whole = |value: Value| match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() <= EXACT_MAX => {
            Value::from(number as i64)
        }
        Some(_) | None => value,
    };
    let Value::Object(members) = value else { return value };
    members.into_iter().map(|(name, value)| (name, whole(value))).collect()
}
