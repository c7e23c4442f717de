//! Script in markup: the value is read as a browser would read it, in each place of a page where it
//! could have been put.
//!
//! As text between tags, as the inside of an attribute with either quote or none, as an address,
//! and as the rest of a script's string. A tag or an attribute that runs script is an attack;
//! markup that only looks like something is not.

pub(super) mod script;
mod tags;

use super::Judgement;

pub(super) fn judge(value: &[u8]) -> (Judgement, usize) {
    let first = tags::names(value);
    if first.0 == Judgement::Attack {
        return first;
    }
    let mut worst = first;
    let mut consider = |found: (Judgement, usize)| {
        if found.0 > worst.0 {
            worst = found;
        }
        worst.0 == Judgement::Attack
    };
    if memchr::memchr(b'<', value).is_some() && consider(tags::between(value, 0)) {
        return worst;
    }
    for quote in [b'"', b'\'', b'`'] {
        if let Some(end) = memchr::memchr(quote, value)
            && consider(tags::inside(value, end + 1))
        {
            return worst;
        }
    }
    // Without quotes, the first white space ends the attribute's value.
    if let Some(end) = value.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        && consider(tags::inside(value, end + 1))
    {
        return worst;
    }
    if consider((script::address(value), 0)) {
        return worst;
    }
    consider(script::rest_of_string(value));
    worst
}
