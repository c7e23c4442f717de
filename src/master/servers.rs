//! Servers: their slots on the board, and what workers say became of their requests.

use crate::config::model::Config;
use crate::control::server_row::{Served, ServerListen, ServerRow};
use crate::control::wire::Responses;
use crate::scoreboard::Board;
use crate::scoreboard::server::{self, Figures};

/// Gives those of the configuration their slots; before workers hear of it.
pub(super) fn publish(board: Board, config: &Config) {
    let digests: Vec<u64> =
        config.servers.iter().map(|server| server::digest(&server.identity())).collect();
    server::publish(board, &digests);
}

/// In the order of the file. `days_left` of each server's certificate, where it has one.
pub(super) fn rows(
    board: Board,
    config: &Config,
    days_left: impl Fn(&crate::config::model::Server) -> Option<i64>,
) -> Vec<ServerRow> {
    let row = |server: &crate::config::model::Server| ServerRow {
        name: server.name(),
        hosts: server.hosts.clone(),
        listens: server
            .listen
            .iter()
            .map(|listen| ServerListen {
                address: listen.address.to_string(),
                tls: listen.tls,
                http2: listen.http2,
            })
            .collect(),
        routes: u32::try_from(server.routes.len()).unwrap_or(u32::MAX),
        certificate_days_left: days_left(server),
        served: server::figures(board, server::digest(&server.identity())).map(served),
    };
    config.servers.iter().map(row).collect()
}

fn served(figures: Figures) -> Served {
    let [informational, success, redirection, client_error, server_error] = figures.responses;
    Served {
        requests: figures.responses.iter().sum(),
        responses: Responses { informational, success, redirection, client_error, server_error },
        bytes_in: figures.bytes_in,
        bytes_out: figures.bytes_out,
    }
}
