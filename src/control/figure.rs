//! Figures as they go over the wire: with as many digits as anybody reads. More of them are noise
//! that no compression takes back.

use serde::Serializer;

/// A share of one, to a hundredth of a percent.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
pub(super) fn share<S: Serializer>(share: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((share * 10_000.0).round() / 10_000.0)
}

/// Percent of a core, to a hundredth.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
pub(super) fn percent<S: Serializer>(percent: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f32((percent * 100.0).round() / 100.0)
}
