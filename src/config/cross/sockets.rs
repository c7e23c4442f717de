//! Sockets in the file system: servers of one path share its socket, and so its mode.

use std::collections::HashMap;

use super::super::model::Address;
use super::super::report::{Report, Span};
use super::super::server;
use super::line;

pub(super) fn check(report: &Report<'_>, servers: &[server::Draft]) {
    let mut seen: HashMap<&Address, (u32, &Span)> = HashMap::new();
    for draft in servers {
        for (listen, at) in draft.server.listen.iter().zip(&draft.listen) {
            let (mode, first) = *seen.entry(&listen.address).or_insert((listen.mode, at));
            if mode != listen.mode {
                let (address, own) = (&listen.address, listen.mode);
                let message = format!("{address} has mode {own:o} here, and {mode:o} elsewhere");
                report.error(at, message, format!("first on line {}", line(report, first)));
            }
        }
    }
}
