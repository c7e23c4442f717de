//! Sizes as people write them: `50MB`, `10KiB`, `512B`.
//!
//! `KB` and `KiB` are both 1024 bytes, as in nginx and Supervisor, from whose files these values
//! are copied.

const UNITS: [(&str, u64); 10] = [
    ("B", 1),
    ("K", 1 << 10),
    ("KB", 1 << 10),
    ("KiB", 1 << 10),
    ("M", 1 << 20),
    ("MB", 1 << 20),
    ("MiB", 1 << 20),
    ("G", 1 << 30),
    ("GB", 1 << 30),
    ("GiB", 1 << 30),
];

/// The shortest way to write a size exactly.
pub(super) fn display(bytes: u64) -> String {
    match bytes {
        0 => "0B".to_owned(),
        bytes if bytes.is_multiple_of(1 << 30) => format!("{}GB", bytes >> 30),
        bytes if bytes.is_multiple_of(1 << 20) => format!("{}MB", bytes >> 20),
        bytes if bytes.is_multiple_of(1 << 10) => format!("{}KB", bytes >> 10),
        bytes => format!("{bytes}B"),
    }
}

/// Bytes; `None` unless the text is a whole number and a unit.
pub(super) fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start();
    let (_, unit_bytes) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.checked_mul(*unit_bytes)
}
