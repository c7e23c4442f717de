//! Reason phrases, nginx's where nginx has its own because people's scripts match them, and the
//! pages of the proxy's own answers.

pub(crate) fn reason(code: u16) -> &'static str {
    match code {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        408 => "Request Time-out",
        409 => "Conflict",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

const PAGE: [&str; 4] = [
    "<html>\r\n<head><title>",
    "</title></head>\r\n<body>\r\n<center><h1>",
    "</h1></center>\r\n<hr><center>pilothouse</center>\r\n",
    "</body>\r\n</html>\r\n",
];

/// Appends the page that explains `code` to a person.
pub(crate) fn page(out: &mut Vec<u8>, code: u16) {
    let [title, heading, rule, end] = PAGE;
    out.extend_from_slice(title.as_bytes());
    say(out, code);
    out.extend_from_slice(heading.as_bytes());
    say(out, code);
    out.extend_from_slice(rule.as_bytes());
    out.extend_from_slice(end.as_bytes());
}

/// The length of `page(code)`.
pub(crate) fn page_bytes(code: u16) -> usize {
    let said = "000 ".len() + reason(code).len();
    PAGE.iter().map(|part| part.len()).sum::<usize>() + 2 * said
}

fn say(out: &mut Vec<u8>, code: u16) {
    out.extend_from_slice(itoa::Buffer::new().format(code).as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(code).as_bytes());
}
