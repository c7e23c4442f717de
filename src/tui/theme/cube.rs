//! A theme in 256 colours: the nearest of the terminal's cube and greys that can still be read.
//!
//! The nearest alone is not enough: near black the cube is coarse, and a ground that comes out
//! lighter than it was drowns the text on it.

use super::paint::Rgb;
use super::{READABLE, Role, Theme};

/// The six levels of the 256-colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// How much of its contrast with text a ground may lose.
const GROUND_KEEPS: f64 = 0.9;

/// The number of each role's colour; those of the terminal's own are not asked for.
pub(super) fn indexed(theme: &Theme) -> [u8; Role::ALL.len()] {
    let mut indexes = [0; Role::ALL.len()];
    let rgb = |role: Role| theme.rgb(role);
    let mut grounds: Vec<u8> = Vec::new();
    // In this order: each stands out from those before it.
    for role in Role::GROUNDS {
        let kept = rgb(Role::Text).contrast(rgb(role)) * GROUND_KEEPS;
        let is_fit =
            |index: u8| !grounds.contains(&index) && rgb(Role::Text).contrast(color(index)) >= kept;
        indexes[role as usize] = nearest(rgb(role), is_fit);
        grounds.push(indexes[role as usize]);
    }
    for role in Role::ALL.into_iter().filter(|role| !Role::GROUNDS.contains(role)) {
        let on: &[Role] = match role {
            Role::Faint => &[],
            // On a selected row it is lifted to the text's.
            Role::Dim => &[Role::Background, Role::Panel],
            _ => &Role::GROUNDS,
        };
        let is_fit = |index: u8| {
            let is_read = |ground: &Role| {
                let needed = rgb(role).contrast(rgb(*ground)).min(READABLE);
                color(index).contrast(color(indexes[*ground as usize])) >= needed
            };
            on.iter().all(is_read) && !grounds.contains(&index)
        };
        indexes[role as usize] = nearest(rgb(role), is_fit);
    }
    indexes
}

/// The nearest colour that is fit; the nearest at all when none is.
pub(super) fn nearest(wanted: Rgb, is_fit: impl Fn(u8) -> bool) -> u8 {
    let by_distance = |index: &u8| distance(wanted, color(*index));
    let fit = (16..=255).filter(|index| is_fit(*index)).min_by_key(by_distance);
    fit.or_else(|| (16..=255).min_by_key(by_distance)).unwrap_or(16)
}

/// What the terminal shows for a number from 16 on.
pub(super) fn color(index: u8) -> Rgb {
    if let Some(step) = index.checked_sub(232) {
        let grey = 8 + 10 * step;
        return Rgb(grey, grey, grey);
    }
    let cell = usize::from(index.saturating_sub(16));
    Rgb(CUBE[cell / 36 % 6], CUBE[cell / 6 % 6], CUBE[cell % 6])
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    2 * square(a.0, b.0) + 4 * square(a.1, b.1) + 3 * square(a.2, b.2)
}
