//! Chunked bodies and their trailers, byte for byte.

use super::super::framing::{Body, Reader, Taken};
use super::super::{CHUNK_EXCESS_BYTES_MAX, CHUNK_LINE_BYTES_MAX, Error, TRAILER_BYTES_MAX};

fn advance(body: &str) -> Result<(Taken, String), Error> {
    let mut bytes = body.as_bytes().to_vec();
    let taken = Reader::new(Body::Chunked).advance(&mut bytes)?;
    Ok((taken, String::from_utf8_lossy(&bytes[..taken.kept]).into_owned()))
}

#[test]
fn chunks_are_followed_to_their_end() {
    for (body, payload) in [
        ("0\r\n\r\n", 0),
        ("5\r\nhello\r\n0\r\n\r\n", 5),
        ("5;a=b;c=\"d\"\r\nhello\r\n000\r\nX-Sum: x\r\nOther:\r\n\r\n", 5),
        ("5 ;\ta = b ; c ; d=\"; \\\" \\\\\"\t; e\r\nhello\r\n0;f\r\n\r\n", 5),
        ("A  \r\n0123456789\r\n0\t\r\n\r\n", 10),
        ("000000000000000a\r\n0123456789\r\n0000000000000000\r\n\r\n", 10),
        ("2\r\n\r\n\r\n0\r\n\r\n", 2),
    ] {
        let (taken, kept) = advance(&format!("{body}rest")).expect(body);
        assert_eq!((taken.bytes, taken.payload, taken.is_end), (body.len(), payload, true));
        assert_eq!(kept, body, "nothing of it is changed");
    }
}

#[test]
fn chunks_that_can_be_read_twice_are_refused() {
    for body in [
        "\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloo\r\n",
        "5\r\nhello0\r\n\r\n",
        "5 5\r\n",
        " 5\r\n",
        "0x5\r\n",
        "-5\r\n",
        "+5\r\n",
        "5_0\r\n",
        "5\x0b\r\n",
        ";x\r\n",
        "5;\r\n",
        "5;;\r\n",
        "5;=a\r\n",
        "5;a=\r\n",
        "5;a b\r\n",
        "5;a=b c\r\n",
        "5;a=\"b\r\n",
        "5;a=\"b\\\r\n",
        "5;a=\"b\"c\r\n",
        "5;a=b\"\r\n",
        "5;\n\r\n",
        "5;a\n\r\n",
        "5;a\rb\r\n",
        "5;a\0b\r\n",
        "5;a=\"\n\"\r\n",
        "5;a=\"\r\"\r\n",
        "10000000000000000\r\n",
        "00000000000000005\r\n",
        "8000000000000000\r\n",
        "ffffffffffffffff\r\n",
        "0\r\n\n",
        "0\r\n\r\r\n",
        "0\r\nno colon\r\n",
        "0\r\n: x\r\n",
        "0\r\n folded: x\r\n",
        "0\r\nX: a\r\n b\r\n",
        "0\r\nX : a\r\n",
        "0\r\nX: a\nb\r\n",
        "0\r\nX: a\rb\r\n",
        "0\r\nX: a\0\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(advance(body), Err(Error::Chunk), "{body:?}");
    }
    assert!(advance("7fffffffffffffff\r\n").is_ok());
}

#[test]
fn what_surrounds_the_payload_is_bounded() {
    let line = format!("5;{}", "x".repeat(CHUNK_LINE_BYTES_MAX as usize));
    assert_eq!(advance(&line), Err(Error::Chunk));
    let chunk = format!("1;{}\r\nx\r\n", "y".repeat(1000));
    let chunks = CHUNK_EXCESS_BYTES_MAX as usize / 1000;
    assert!(advance(&chunk.repeat(chunks)).is_ok());
    assert_eq!(advance(&chunk.repeat(chunks + 1)), Err(Error::Chunk));
    // Signatures and the like, as long as the payload outweighs them.
    let signed = format!("200;signature={}\r\n{}\r\n", "f".repeat(64), "x".repeat(512));
    assert!(advance(&signed.repeat(1000)).is_ok());
    assert!(advance(&"1\r\nx\r\n".repeat(10_000)).is_ok());
    for line in ["X: y\r\n", "X-Long: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"] {
        let lines = line.repeat(TRAILER_BYTES_MAX / line.len());
        let (partial, _) = advance(&format!("0\r\n{lines}")).expect("they may go on");
        assert_eq!((partial.bytes, partial.is_end), (3, false));
        assert_eq!(advance(&format!("0\r\n{lines}{line}\r\n")), Err(Error::Chunk));
    }
    assert_eq!(advance(&format!("0\r\nX: {}", "y".repeat(TRAILER_BYTES_MAX))), Err(Error::Chunk));
}

#[test]
fn trailers_pass_but_never_what_belongs_in_a_head() {
    let (taken, kept) = advance(
        "3\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nHOST: evil\r\nServer-Timing: a\r\n\
         transfer_encoding: chunked\r\nx-forwarded-for: ::1\r\nX_Forwarded-Proto: https\r\n\
         Set-Cookie: a\r\nAuthorization: b\r\nIf_None_Match: c\r\nTrailer: d\r\nTe: e\r\n\
         Connection: close\r\nX-Last:\r\n\r\nGET /next",
    )
    .expect("a body");
    assert_eq!(kept, "3\r\nabc\r\n0\r\nX-Sum: 1\r\nServer-Timing: a\r\nX-Last:\r\n\r\n");
    assert!(taken.is_end);
    let (_, kept) = advance("0\r\nHost: a\r\n\r\n").expect("a body");
    assert_eq!(kept, "0\r\n\r\n");
}

#[test]
fn trailers_wait_until_they_are_whole() {
    let body = "0\r\nX-Sum: 1\r\nHost: a\r\n\r\n";
    for cut in 3..body.len() {
        let mut reader = Reader::new(Body::Chunked);
        let mut bytes = body.as_bytes()[..cut].to_vec();
        let taken = reader.advance(&mut bytes).expect("so far so good");
        assert_eq!((taken.bytes, taken.kept, taken.is_end), (3, 3, false), "{cut}");
        let mut rest = body.as_bytes()[3..].to_vec();
        let taken = reader.advance(&mut rest).expect("a body");
        assert_eq!((taken.bytes, taken.is_end), (rest.len(), true), "{cut}");
        assert_eq!(&rest[..taken.kept], b"X-Sum: 1\r\n\r\n", "{cut}");
    }
}
