"""Keep-alive clients that send an exact number of requests, for what wrk cannot count or hold open."""
import select
import socket

# Or what makes the next one.
REQUEST = b"GET /128 HTTP/1.1\r\nHost: bench\r\n\r\n"
BODY = b"x" * 128


def connect(port, count):
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]


def ask_each(sockets, patience_s=120):
    """One request on each connection, all under way at once; reads every response whole."""
    for one in sockets:
        one.sendall(REQUEST() if callable(REQUEST) else REQUEST)
    for one in sockets:
        one.settimeout(patience_s)
        answer = b""
        while not (b"\r\n\r\n" in answer and answer.endswith(BODY)):
            more = one.recv(4096)
            if not more:
                raise SystemExit(f"a proxy closed in the middle of a response: {answer!r}")
            answer += more
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"a proxy answered {answer[:40]!r}")


def close(sockets):
    for one in sockets:
        one.close()
