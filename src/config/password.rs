//! What a password file says: the password, or as Supervisor writes it `{SHA}` and its SHA-1.
//!
//! Never shown, and no part of a configuration.

use std::fmt;

/// Of a SHA-1 digest.
const DIGEST_BYTES: usize = 20;
const SCHEME: &str = "{SHA}";

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Password {
    Plain(String),
    Sha1([u8; DIGEST_BYTES]),
}

impl Password {
    /// The error tells nothing of the text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix(SCHEME) {
            None => Ok(Self::Plain(text.to_owned())),
            Some(digits) => {
                digest(digits).map(Self::Sha1).ok_or("`{SHA}` without its 40 hexadecimal digits")
            }
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

fn digest(digits: &str) -> Option<[u8; DIGEST_BYTES]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8; 2]| u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    if rest.is_empty() { bytes?.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_neither_is_shown() {
        let digits = "82ab876d1387bfafe46cc1c8a2ef074eae50cb1d";
        let read = |text: &str| Password::parse(text);
        assert_eq!(read("thepassword"), Ok(Password::Plain("thepassword".to_owned())));
        let Ok(Password::Sha1(bytes)) = read(&format!("{{SHA}}{digits}")) else { panic!() };
        assert_eq!((bytes[0], bytes[19]), (0x82, 0x1d));
        assert_eq!(read(&format!("{{SHA}}{}", digits.to_uppercase())), Ok(Password::Sha1(bytes)));
        for bad in ["", "82", &digits[1..], &format!("{digits}00"), &digits.replace('8', "g")] {
            assert!(read(&format!("{{SHA}}{bad}")).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", read("thepassword")).contains("the"));
    }
}
