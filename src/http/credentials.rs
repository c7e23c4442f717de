//! The user's name in `Authorization: Basic`, for logs and headers. Nothing is verified here.

/// The name, decoded up to the colon, appended to `out`; `None`, and nothing appended, when the
/// value is not of that scheme or not base64.
pub(crate) fn basic_user(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (scheme, encoded) = value.split_at_checked("basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let start = out.len();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &byte in encoded.trim_ascii().iter().take_while(|byte| **byte != b'=') {
        let Some(six) = six_bits(byte) else {
            out.truncate(start);
            return None;
        };
        held = held << 6 | six;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            match (held >> bits) as u8 {
                b':' => return Some(()),
                decoded => out.push(decoded),
            }
        }
    }
    // Without a colon there is no name.
    out.truncate(start);
    None
}

fn six_bits(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
