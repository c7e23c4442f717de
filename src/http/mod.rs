//! The HTTP/1.1 protocol, without sockets: heads, chunks, addresses.
