//! The proof system: the only crate that names `p3-*`. Knows no finance.
//!
//! Write a [`Table`] by one row function over [`RowBuilder`]; let a [`Statement`] say which tables
//! a claim needs; [`fill`] them from private data; [`prove_part`]; [`verify`]. Hiding, the blinding
//! of published sums, the binding of the whole claim and the fixed table sizes come with it and
//! cannot be left out.
//!
//! Proofs that a later proof checks are made with another [`Suite`], by [`prove_part_with`]. Some of them don't hide.

mod blind;
mod budget;
#[cfg(feature = "check")]
mod check;
mod digest;
mod field;
mod file;
mod layout;
mod leaf;
mod poseidon2;
mod profile;
mod proof;
mod row;
mod security;
mod size;
mod statement;
mod suite;
mod table;

#[cfg(feature = "check")]
pub use check::{
    Unpinned, Unproven, Violation, broken_alone, cell_test, needless, unproven, violated,
    violations,
};
pub use field::{
    Algebra, EF, F, Field, P, PrimeCharacteristicRing, PrimeField32, felt, signed_felt,
};
pub use file::{FileError, MAX_FILE_BYTES, ProofFile, ProofFileOf, read_bounded};
pub use leaf::{ProgramDigest, StatementDigest, program_digest, statement_digest};
pub use poseidon2::{
    RATE, ROUNDS_F, ROUNDS_P, WIDTH, external_layer, internal_layer, permute, round_constants,
};
pub use profile::{MIN_LOG_HEIGHT, Profile, ProfileParameters};
pub use proof::{
    PartProof, ProveError, Rejection, check_with, most_part_bytes, most_part_bytes_with,
    prove_part, prove_part_with, verify,
};
pub use row::{Bus, Expr, RowBuilder, When};
pub use security::{
    SecurityReport, TARGET_BITS, TableShape, TheoremReport, security_report, security_report_with,
};
pub use statement::{HashedChallenge, Part, Statement, Verified, claim_bytes, claim_digest};
pub use suite::{Inner, InnerHiding, InnerKeccak, Outer, Suite, SuiteParameters};
pub use table::{Table, TableAir, Tally, Trace, fill};
