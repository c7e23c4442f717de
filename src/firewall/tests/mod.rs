//! The detectors' boundaries, and how much they find and mistake over the corpora.

mod any_bytes;
mod boundaries;
mod corpora;
mod crs;
mod rates;
