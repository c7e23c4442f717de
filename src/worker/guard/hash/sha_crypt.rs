//! The password hashes of glibc, `$5$` and `$6$` (Ulrich Drepper, "Unix crypt using SHA-256 and
//! SHA-512", version 0.6).

use ring::digest::Context;

use super::{algorithm, encode};
use crate::config::users::Width;

/// Which bytes of a digest make a word of four letters.
const WORDS_256: [[usize; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];

/// The letters behind the salt.
pub(super) fn digest(width: Width, rounds: u32, salt: &[u8], password: &[u8]) -> String {
    let hash = |parts: &[&[u8]]| {
        let mut context = Context::new(algorithm(width));
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    };
    let inner = hash(&[password, salt, password]);
    let mut text = [password, salt].concat();
    text.extend(inner.iter().cycle().take(password.len()));
    let mut bits = password.len();
    while bits > 0 {
        text.extend_from_slice(if bits & 1 == 1 { &inner } else { password });
        bits >>= 1;
    }
    let first = hash(&[&text]);
    let spread = |digest: Vec<u8>, length: usize| -> Vec<u8> {
        digest.into_iter().cycle().take(length).collect()
    };
    let of_password = spread(hash(&vec![password; password.len()]), password.len());
    let of_salt = spread(hash(&vec![salt; 16 + usize::from(first[0])]), salt.len());
    let mut last = first;
    for round in 0..rounds {
        let salt = if round % 3 == 0 { &[][..] } else { &of_salt };
        let password = if round % 7 == 0 { &[][..] } else { &of_password };
        last = if round % 2 == 1 {
            hash(&[&of_password, salt, password, &last])
        } else {
            hash(&[&last, salt, password, &of_password])
        };
    }
    match width {
        Width::Sha256 => letters_256(&last),
        Width::Sha512 => letters_512(&last),
    }
}

fn letters_256(digest: &[u8]) -> String {
    let mut letters = String::with_capacity(43);
    for [high, middle, low] in WORDS_256 {
        encode(&mut letters, [digest[high], digest[middle], digest[low]], 4);
    }
    encode(&mut letters, [0, digest[31], digest[30]], 3);
    letters
}

/// Words of 0, 21 and 42, each next one turned by one place.
fn letters_512(digest: &[u8]) -> String {
    let mut letters = String::with_capacity(86);
    for word in 0..21 {
        let mut bytes = [digest[word], digest[word + 21], digest[word + 42]];
        bytes.rotate_left(word % 3);
        encode(&mut letters, bytes, 4);
    }
    encode(&mut letters, [0, 0, digest[63]], 2);
    letters
}
