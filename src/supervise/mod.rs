//! What a supervised program should do next.
