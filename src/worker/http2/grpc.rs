//! What a client of gRPC is told in place of a page that it could not read: the status of its own
//! protocol, in an answer that is nothing but its head ("Trailers-Only").
//!
//! HTTP's status is 200 then, as the protocol asks for; what is counted and logged stays what it is.

use super::super::stream::Stream;

pub(crate) const CONTENT_TYPE: &[u8] = b"application/grpc";
pub(crate) const STATUS: u16 = 200;

/// The lines that say it.
const DEADLINE_EXCEEDED: &[u8] = b"Grpc-Status: 4\r\nGrpc-Message: no backend answered in time\r\n";
const UNAVAILABLE: &[u8] = b"Grpc-Status: 14\r\nGrpc-Message: no backend could be reached\r\n";

/// `None`: it is no such client, or this status says what it has to.
pub(crate) fn lines_for(client: &Stream, status: u16) -> Option<&'static [u8]> {
    let lines = match status {
        502 | 503 => UNAVAILABLE,
        504 => DEADLINE_EXCEEDED,
        _ => return None,
    };
    match client {
        Stream::Inbound(stream) if stream.is_of_grpc() => Some(lines),
        Stream::Inbound(_)
        | Stream::Tcp(_)
        | Stream::Unix(_)
        | Stream::Tls(_)
        | Stream::Outbound(_)
        | Stream::Copy(_) => None,
    }
}

/// With or without a format (`+proto`) or parameters; `application/grpc-web` is another protocol.
pub(super) fn is_grpc(content_type: &[u8]) -> bool {
    let (kind, rest) = content_type.split_at(content_type.len().min(CONTENT_TYPE.len()));
    kind.eq_ignore_ascii_case(CONTENT_TYPE)
        && matches!(rest.first(), None | Some(b'+' | b';' | b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::is_grpc;

    #[test]
    fn grpc_is_known_by_its_content_type() {
        for (text, is) in [
            ("application/grpc", true),
            ("Application/gRPC+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grp", false),
            ("text/html", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(text.as_bytes()), is, "{text}");
        }
    }
}
