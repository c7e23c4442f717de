//! What `Authorization: Basic` says: the user's name for logs and headers, and the whole of it for
//! whoever verifies it. Nothing is verified here.

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

/// Name and password, decoded whole with the colon between them and appended to `out`, which is
/// empty: where the colon is. `None` when the value is not of that scheme, not base64, or without one.
pub(crate) fn basic_pair(value: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (scheme, encoded) = value.split_at_checked("basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let digits = encoded.trim_ascii();
    let padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &byte in &digits[..digits.len() - padding] {
        held = held << 6 | six_bits(byte)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
    }
    out.iter().position(|byte| *byte == b':')
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
