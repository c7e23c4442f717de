//! Bounds of other programs' configurations that are translated.

/// Of one file.
pub(crate) const IMPORT_BYTES_MAX: u64 = 16 << 20;
/// That one pattern may match.
pub(crate) const IMPORT_FILES_MAX: usize = 4096;
/// Blocks within blocks, and files within files.
pub(crate) const IMPORT_DEPTH_MAX: usize = 32;
