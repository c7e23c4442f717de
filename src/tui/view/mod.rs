//! What each screen shows.
