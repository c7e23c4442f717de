//! Frames of HTTP/2: however the bytes come, as many of a kind are too many, and what a plain count of
//! them says is what the meter says.

use crate::http::http2::PREFACE;
use crate::http::http2::meter::{Allowance, Allowances, Flood, Meter};

const BURST: u32 = 3;
const CONTINUATIONS_MAX: u32 = 2;
const HEADER_BYTES: usize = 9;
/// All bytes come at once.
const NOW_US: u64 = 1;

const fn allowances() -> Allowances {
    let allowance = Allowance { burst: BURST, per_second: 1 };
    Allowances {
        resets: allowance,
        pings: allowance,
        settings: allowance,
        empty: allowance,
        continuations_max: CONTINUATIONS_MAX,
    }
}

/// The first byte says how the others, which follow the preface, are cut.
pub(crate) fn http2_frames(bytes: &[u8]) {
    let Some((&seed, frames)) = bytes.split_first() else { return };
    let wire = [PREFACE, frames].concat();
    let mut at_once = Meter::of_client(allowances());
    let seen = at_once.see(&wire, NOW_US);
    let mut in_pieces = Meter::of_client(allowances());
    let pieces = wire.chunks(1 + usize::from(seed) % 64);
    let cut = pieces.map(|piece| in_pieces.see(piece, NOW_US)).find(Result::is_err);
    assert_eq!(seen, cut.unwrap_or(Ok(())), "{}", frames.escape_ascii());
    assert_eq!(at_once.has_settings(), in_pieces.has_settings());
    assert_eq!(seen, counted(frames), "{}", frames.escape_ascii());
}

/// The same by a list of whole headers and plain counts.
fn counted(mut bytes: &[u8]) -> Result<(), Flood> {
    let [mut resets, mut pings, mut settings, mut empty, mut continuations] = [0; 5];
    while let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) {
        let length =
            usize::from(header[0]) * 65_536 + usize::from(header[1]) * 256 + usize::from(header[2]);
        let is_answer = header[4] % 2 == 1;
        let (count, flood) = match header[3] {
            0 if length > 0 || header[4] % 2 == 1 => {
                pings = u32::saturating_sub(pings, 1);
                empty = u32::saturating_sub(empty, 1);
                (&mut 0, None)
            }
            1 => {
                pings = u32::saturating_sub(pings, 1);
                empty = u32::saturating_sub(empty, 1);
                continuations = 0;
                (&mut 0, None)
            }
            8 => (&mut 0, None),
            9 => {
                continuations += 1;
                if continuations > CONTINUATIONS_MAX {
                    return Err(Flood::Continuations);
                }
                (&mut 0, None)
            }
            3 => (&mut resets, Some(Flood::Resets)),
            6 if !is_answer => (&mut pings, Some(Flood::Pings)),
            4 if !is_answer => (&mut settings, Some(Flood::Settings)),
            _ => (&mut empty, Some(Flood::Empty)),
        };
        *count += 1;
        if let Some(flood) = flood
            && *count > BURST
        {
            return Err(flood);
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}
