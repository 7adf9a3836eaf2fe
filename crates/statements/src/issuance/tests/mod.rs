//! Tests of the issuance statement: what is true is accepted, what is false is not.

mod attack;
mod forged;
mod needed;
mod positive;

use credit::deal::Deal;
use credit::import::tape::read_template;
use credit::issuance::{IssuanceError, backing};
use credit::pool::{Tape, TapeError};
use credit::sample_deal::sample_deal_for;
use credit::sample_pool;
use fixed::Decimal;
use gadgets::product::registers_of;
use gadgets::totals::SALTS;
use stark::{F, PrimeCharacteristicRing, Statement, verify, violated};

use super::claim::PartTables;
use super::witness::Rows;
use super::*;
use crate::account::{Identity, Secret};
use crate::pools::loan::Sealed;
use crate::testing::*;

fn key() -> RegistryKey {
    Secret::from_hex(&"00000011".repeat(8))
        .expect("a constant")
        .into()
}

fn other_key() -> RegistryKey {
    Secret::from_hex(&"00000012".repeat(8))
        .expect("a constant")
        .into()
}

fn deal(tape: &Tape) -> Deal {
    sample_deal_for(sample_pool::owed(tape))
}

fn prepared_of(tape: &Tape) -> Prepared {
    Prepared::new(tape, &deal(tape), &key(), &secret()).expect("it is true")
}

fn prepared(loans: usize) -> Prepared {
    prepared_of(&mortgages(3, loans))
}

fn rows(prepared: &Prepared) -> Rows {
    prepared.witness.rows(prepared.claim(), 0)
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = rows(prepared);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}

/// What is wrong with the honest tables of this pool under another claim, which is well formed, and a key: everything that
/// follows from the claim, and all running values, are as a forger would have them.
fn forged(
    tape: &Tape,
    key: &RegistryKey,
    change: impl FnOnce(&mut IssuanceClaim, &mut Sealed),
) -> Vec<String> {
    let mut claim = prepared_of(tape).claim().clone();
    let mut sealed = Sealed::new(tape, &secret()).expect("ids differ");
    change(&mut claim, &mut sealed);
    claim.nullifiers.sort_unstable();
    let forged = Prepared::unchecked(claim, sealed, key, &secret());
    broken(&forged.expect("the claim is well formed"), 0)
}

/// Why a claim is refused before its proof is looked at.
fn refused(claim: &IssuanceClaim) -> String {
    Issuance::context(claim).expect_err("it contradicts itself")
}
