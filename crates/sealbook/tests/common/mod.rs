//! What several tests of the program share.

pub mod claims;
