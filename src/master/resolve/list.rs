//! A file that lists backends, one a line: `10.0.3.1:8080 weight=3 backup`. Who writes it decides who
//! is a member; the engine only looks.
//!
//! A file that cannot be understood whole counts as a failed lookup, so that half of a list, or an
//! empty file on its way to a full one, takes nobody out.

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;

use super::service::in_order;
use crate::config::limits::{LIST_BYTES_MAX, WEIGHT_MAX};
use crate::master::membership::{Found, Rank};

/// The text, bounded. Blocks as long as the file's own disk does.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let read = |file: File| {
        let mut text = String::new();
        file.take(LIST_BYTES_MAX + 1).read_to_string(&mut text).map(|_| text)
    };
    let text = File::open(path).and_then(read).map_err(|error| error.to_string())?;
    if text.len() as u64 > LIST_BYTES_MAX {
        return Err(format!("more than {LIST_BYTES_MAX} bytes"));
    }
    Ok(text)
}

pub(super) fn parse(text: &str) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next() else { continue };
        let address: Option<SocketAddr> = address.parse().ok();
        let address = address.filter(|address| address.port() != 0);
        let mut entry = Found {
            address: address.ok_or_else(|| format!("line {number}: expected ip:port first"))?,
            weight: None,
            rank: Rank::First,
        };
        for word in words {
            match word.split_once('=') {
                None if word == "backup" => entry.rank = Rank::Later,
                Some(("weight", weight)) => {
                    let weight = weight.parse().ok().filter(|w| (1..=WEIGHT_MAX).contains(w));
                    let what = || format!("line {number}: expected a weight of 1 to {WEIGHT_MAX}");
                    entry.weight = Some(weight.ok_or_else(what)?);
                }
                Some(_) | None => {
                    return Err(format!("line {number}: expected weight=N or backup"));
                }
            }
        }
        found.push(entry);
    }
    if found.is_empty() {
        return Err("lists no backend".to_owned());
    }
    Ok(in_order(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_understood_whole_or_not_at_all() {
        let text = "# ours\n\n10.0.0.2:80 backup\n[fd00::1]:81\tweight=7 # far\n10.0.0.1:80\r\n";
        let found = parse(text).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.address.to_string(), found.weight, found.rank))
            .collect();
        let expected = [
            ("10.0.0.1:80".to_owned(), None, Rank::First),
            ("[fd00::1]:81".to_owned(), Some(7), Rank::First),
            ("10.0.0.2:80".to_owned(), None, Rank::Later),
        ];
        assert_eq!(found, expected);
        for (text, error) in [
            ("", "lists no backend"),
            ("# nobody\n", "lists no backend"),
            ("10.0.0.1:80\n10.0.0", "line 2: expected ip:port first"),
            ("app.internal:80", "line 1: expected ip:port first"),
            ("10.0.0.1:0", "line 1: expected ip:port first"),
            ("10.0.0.1:80 weight=0", "line 1: expected a weight of 1 to 1000"),
            ("10.0.0.1:80 weight=1001", "line 1: expected a weight of 1 to 1000"),
            ("10.0.0.1:80 down", "line 1: expected weight=N or backup"),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn a_file_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        assert!(read(&path).unwrap_err().contains("No such file"));
        std::fs::write(&path, vec![b'#'; LIST_BYTES_MAX as usize + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err(), "more than 65536 bytes");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read(&path).is_err(), "not a text");
    }
}
