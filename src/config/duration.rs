//! Durations as people write them: `30s`, `500ms`, `2m`, `1h30m`.

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Milliseconds; `None` unless the text is one or more of a whole number and a unit.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (_, unit_ms) = UNITS.iter().find(|(unit, _)| *unit == &rest[..letters])?;
        total_ms = total_ms.checked_add(number.checked_mul(*unit_ms)?)?;
        rest = &rest[letters..];
    }
    (!text.is_empty()).then_some(total_ms)
}
