//! Whether a value is a text that somebody wrote.
//!
//! People write about attacks, quote commands and link to files. A detector that would take such a
//! value for the attack itself finds it odd instead: two odd findings still come to a whole one.

/// Words that make a text.
const WORDS_MIN: usize = 6;
/// Letters of a word.
const LETTERS_MIN: usize = 2;
/// Bytes beyond ASCII that make a word: scripts without spaces have two signs to a word.
const HIGH_BYTES_OF_WORD: usize = 6;

pub(super) fn is_text(value: &[u8]) -> bool {
    let mut words = 0;
    let mut of_text = 0;
    for word in value.split(u8::is_ascii_whitespace) {
        // A word may have signs around it and an apostrophe or a hyphen in it.
        let trimmed = trim_signs(word);
        let high = trimmed.iter().filter(|byte| !byte.is_ascii()).count();
        let letters = trimmed.iter().filter(|byte| byte.is_ascii_alphabetic()).count() + high;
        let joints = trimmed.iter().filter(|byte| matches!(byte, b'\'' | b'-')).count();
        if letters >= LETTERS_MIN && letters + joints == trimmed.len() && joints <= 2 {
            words += 1 + high / HIGH_BYTES_OF_WORD;
            of_text += word.len() + 1;
        }
    }
    // What is no word may be as much as what is.
    words >= WORDS_MIN && of_text * 2 >= value.len()
}

fn trim_signs(word: &[u8]) -> &[u8] {
    let is_sign =
        |byte: &u8| matches!(byte, b'.' | b',' | b'!' | b'?' | b':' | b'"' | b'\'' | b'(' | b')');
    let start = word.iter().position(|byte| !is_sign(byte)).unwrap_or(word.len());
    let end = word.iter().rposition(|byte| !is_sign(byte)).map_or(start, |last| last + 1);
    &word[start..end]
}
