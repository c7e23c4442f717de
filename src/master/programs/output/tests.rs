//! Lines, rings, followers, files.
