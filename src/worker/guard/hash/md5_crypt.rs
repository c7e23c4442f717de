//! The password hash of FreeBSD (`$1$`, Poul-Henning Kamp) and Apache (`$apr1$`), which differ in
//! their magic alone.

use super::{encode, md5};

const ROUNDS: usize = 1000;

/// The 22 letters behind the salt.
pub(super) fn digest(magic: &str, salt: &str, password: &[u8]) -> String {
    let salt = salt.as_bytes();
    let inner = md5::digest(&[password, salt, password].concat());
    let mut text = [password, magic.as_bytes(), salt].concat();
    text.extend(inner.iter().cycle().take(password.len()));
    let mut bits = password.len();
    while bits > 0 {
        // As it was first written: the letter of an empty password's end, or its first.
        let letter = if bits & 1 == 1 { 0 } else { password[0] };
        text.push(letter);
        bits >>= 1;
    }
    let mut last = md5::digest(&text);
    for round in 0..ROUNDS {
        text.clear();
        text.extend_from_slice(if round % 2 == 1 { password } else { &last });
        if round % 3 != 0 {
            text.extend_from_slice(salt);
        }
        if round % 7 != 0 {
            text.extend_from_slice(password);
        }
        text.extend_from_slice(if round % 2 == 1 { &last } else { password });
        last = md5::digest(&text);
    }
    let mut letters = String::with_capacity(22);
    for [high, middle, low] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        encode(&mut letters, [last[high], last[middle], last[low]], 4);
    }
    encode(&mut letters, [0, 0, last[11]], 2);
    letters
}
