//! What a client of gRPC is told in place of a page that it could not read: the status of its own
//! protocol, in an answer that is nothing but its head ("Trailers-Only").
//!
//! HTTP's status is 200 then, as the protocol asks for; what is counted and logged stays what it is.

use super::super::stream::Stream;

pub(crate) const CONTENT_TYPE: &[u8] = b"application/grpc";
pub(crate) const STATUS: u16 = 200;

/// The lines that say it. What the protocol's table makes of HTTP's statuses ("HTTP to gRPC Status
/// Code Mapping") is told as that; a request that took too long or was too large, more exactly.
fn lines_of(status: u16) -> Option<&'static [u8]> {
    Some(match status {
        400 => b"Grpc-Status: 13\r\nGrpc-Message: the request is malformed\r\n",
        401 => b"Grpc-Status: 16\r\nGrpc-Message: a login is asked for\r\n",
        403 => b"Grpc-Status: 7\r\nGrpc-Message: access is denied\r\n",
        404 => b"Grpc-Status: 12\r\nGrpc-Message: there is nothing of this name\r\n",
        408 => b"Grpc-Status: 4\r\nGrpc-Message: the request took too long\r\n",
        413 => b"Grpc-Status: 8\r\nGrpc-Message: the request is too large\r\n",
        429 => b"Grpc-Status: 14\r\nGrpc-Message: too many requests\r\n",
        500 => b"Grpc-Status: 2\r\nGrpc-Message: an error within the proxy\r\n",
        502 => b"Grpc-Status: 14\r\nGrpc-Message: no backend could be reached\r\n",
        503 => b"Grpc-Status: 14\r\nGrpc-Message: not available now\r\n",
        504 => b"Grpc-Status: 4\r\nGrpc-Message: no backend answered in time\r\n",
        _ => return None,
    })
}

/// `None`: it is no such client, or this status says what it has to.
pub(crate) fn lines_for(client: &Stream, status: u16) -> Option<&'static [u8]> {
    match client {
        Stream::Inbound(stream) if stream.is_of_grpc() => lines_of(status),
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
    use super::{is_grpc, lines_of};

    #[test]
    fn what_is_no_error_has_no_status_of_grpc() {
        for status in (100..400).chain([418, 499, 507]) {
            assert_eq!(lines_of(status), None, "{status}");
        }
        for status in [400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504] {
            let lines = std::str::from_utf8(lines_of(status).unwrap()).unwrap();
            let mut fields = lines.split_terminator("\r\n");
            let number = fields.next().and_then(|it| it.strip_prefix("Grpc-Status: "));
            assert!((1..=16).contains(&number.unwrap().parse::<u8>().unwrap()), "{status}");
            // Printable ASCII without a percent sign stands for itself in such a message.
            let message = fields.next().and_then(|it| it.strip_prefix("Grpc-Message: ")).unwrap();
            assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'%'));
            assert_eq!(fields.next(), None);
        }
    }

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
