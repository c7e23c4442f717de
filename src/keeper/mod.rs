//! The tiny parent that outlives the master.
