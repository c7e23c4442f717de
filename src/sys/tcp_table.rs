//! The kernel's own list of TCP sockets (`/proc/net/tcp`, `/proc/net/tcp6`), as far as it is of use.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) local_port: u16,
    pub(super) state: State,
    pub(super) inode: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Listening,
    /// A client that has connected and that nobody can accept yet.
    Opening,
    Other,
}

/// Best effort: a table that cannot be read has no rows. Line by line: a busy machine has a hundred
/// thousand of them.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter();
    let tables = tables.filter_map(|table| File::open(table).ok());
    let lines = tables.flat_map(|table| BufReader::new(table).lines().map_while(Result::ok));
    lines.filter_map(|line| parse(&line))
}

/// `sl local_address rem_address st ... inode`, addresses in hex; the heading is no row.
fn parse(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    let state = match fields.nth(1)? {
        "0A" => State::Listening,
        "03" => State::Opening,
        _ => State::Other,
    };
    let inode = fields.nth(5)?.parse().ok()?;
    let local_port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    Some(Row { local_port, state, inode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_a_listener_is_told_from_a_connection() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0 100 0 0 10 0\n\
            1: 0100007F:1F90 0100007F:C350 03 00000000:00000000 01:00000000 00000000     0        0 0 1 0 20 4 30 10 -1\n\
            2: 0100007F:0050 0100007F:C351 01 00000000:00000000 00:00000000 00000000     0        0 778 1 0 20 4 30 10 -1\n";
        let rows: Vec<Row> = table.lines().filter_map(parse).collect();
        let row = |local_port, state, inode| Row { local_port, state, inode };
        assert_eq!(
            rows,
            [
                row(8080, State::Listening, 777),
                row(8080, State::Opening, 0),
                row(80, State::Other, 778)
            ]
        );
        assert_eq!(parse("garbage"), None);
    }
}
