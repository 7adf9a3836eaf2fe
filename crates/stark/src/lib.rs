//! The proof system: the only crate that names `p3-*`. Knows no finance.
//!
//! Write a [`Table`] by one row function over [`RowBuilder`]; let a [`Statement`] say which tables
//! a claim needs; [`fill`] them from private data; [`prove_part`]; [`verify`]. Hiding, the blinding
//! of published sums, the binding of the whole claim and the fixed table sizes come with it and
//! cannot be left out.

mod blind;
mod budget;
mod check;
mod digest;
mod field;
mod file;
mod poseidon2;
mod profile;
mod proof;
mod row;
mod security;
mod size;
mod statement;
mod table;

pub use check::{
    Unpinned, Unproven, Violation, broken_alone, cell_test, needless, unproven, violated,
    violations,
};
pub use field::{
    Algebra, EF, F, Field, P, PrimeCharacteristicRing, PrimeField32, felt, signed_felt,
};
pub use file::{FileError, MAX_FILE_BYTES, ProofFile, read_bounded};
pub use poseidon2::{
    ROUNDS_F, ROUNDS_P, WIDTH, external_layer, internal_layer, permute, round_constants,
};
pub use profile::{MIN_LOG_HEIGHT, Profile, ProfileParameters};
pub use proof::{PartProof, ProveError, Rejection, most_part_bytes, prove_part, verify};
pub use row::{Bus, Expr, RowBuilder, When};
pub use security::{SecurityReport, TARGET_BITS, TableShape, TheoremReport, security_report};
pub use statement::{HashedChallenge, Part, Statement, Verified, claim_bytes, claim_digest};
pub use table::{Table, TableAir, Tally, Trace, fill};
