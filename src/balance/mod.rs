//! Which backend takes a request. Pure: peers, client and time in; an index out.
//!
//! Sequences, ties, failure windows and hashes are nginx's, bit for bit (`balancing` rules 1 to 9 of
//! nginx 1.31's upstream modules). Holds no state of its own: the caller loads peers from wherever
//! they live, and stores them back.
