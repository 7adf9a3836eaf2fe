//! What follows from verified issuances: whether a loan stands in two pools, and the record that tokens are minted from.

use std::collections::BTreeMap;

use credit::issuance::Backing;
use serde::Serialize;
use sha3::{Digest, Sha3_256};
use stark::{Statement, Verified, claim_digest};

use super::claim::{Issuance, IssuanceClaim};
use super::registry::Nullifier;
use crate::account::PublicDigest;

/// Why pools cannot be said to share no loan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PledgedTwice {
    /// Nullifiers under different keys say nothing about each other.
    #[error(
        "pools {first} and {second} are of different registries: only pools of one registry can be compared"
    )]
    Registry {
        /// One pool.
        first: PublicDigest,
        /// Another pool.
        second: PublicDigest,
    },
    /// A loan stands in both.
    #[error(
        "{loans} loan(s) stand in pool {first} and in pool {second}, the first under nullifier {nullifier}"
    )]
    Loan {
        /// One pool.
        first: PublicDigest,
        /// Another pool.
        second: PublicDigest,
        /// How many loans both hold.
        loans: usize,
        /// One of them.
        nullifier: Nullifier,
    },
}

/// Whether some loan stands in two of these claims' pools. A claim counts as another one each time it is given.
///
/// # Errors
/// Names two pools that share a loan, or that are not of one registry.
pub fn pledged_twice(claims: &[&IssuanceClaim]) -> Result<(), PledgedTwice> {
    let Some(first) = claims.first() else {
        return Ok(());
    };
    if let Some(other) = claims.iter().find(|c| c.registry != first.registry) {
        return Err(PledgedTwice::Registry {
            first: first.pool,
            second: other.pool,
        });
    }
    let mut seen: BTreeMap<Nullifier, usize> = BTreeMap::new();
    let mut twice: Option<(usize, usize, Nullifier, usize)> = None;
    for (i, claim) in claims.iter().enumerate() {
        for nullifier in &claim.nullifiers {
            let Some(before) = seen.insert(*nullifier, i) else {
                continue;
            };
            match &mut twice {
                None => twice = Some((before, i, *nullifier, 1)),
                Some((a, b, _, loans)) if (*a, *b) == (before, i) => *loans += 1,
                Some(_) => {}
            }
        }
    }
    match twice {
        None => Ok(()),
        Some((a, b, nullifier, loans)) => Err(PledgedTwice::Loan {
            first: claims[a].pool,
            second: claims[b].pool,
            loans,
            nullifier,
        }),
    }
}

/// What minting reads. It can only be made from claims that were verified as issuances: a fact of another statement over the
/// same claims is of another type.
///
/// ```compile_fail
/// use stark::{Part, Statement, verify};
/// use statements::issuance::{IssuanceClaim, Record};
///
/// /// A statement that proves nothing.
/// struct Forged;
/// impl Statement for Forged {
///     const ID: &'static str = "issuance";
///     const VERSION: u32 = 1;
///     type Claim = IssuanceClaim;
///     type Context = ();
///     fn context(_: &IssuanceClaim) -> Result<(), String> {
///         Ok(())
///     }
///     fn parts(_: &IssuanceClaim, _: &()) -> usize {
///         0
///     }
///     fn part(_: &IssuanceClaim, _: &(), _: usize) -> Part {
///         unreachable!()
///     }
/// }
///
/// fn record(claim: &IssuanceClaim) -> Record {
///     let forged = verify::<Forged>(claim, &[]).unwrap();
///     Record::new(&forged, &[]).unwrap()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    statement: &'static str,
    version: u32,
    claim: String,
    pool: PublicDigest,
    template: String,
    template_digest: String,
    cut_off: String,
    loans: u64,
    open: u64,
    defaulted: u64,
    registry: PublicDigest,
    distinct_from: Vec<PublicDigest>,
    deal: String,
    deal_digest: String,
    currency: String,
    balance: u64,
    tranches: Vec<Backing>,
}

impl Record {
    /// The record of an issuance that shares no loan with `others` of its registry. It says which they were: of pools that are
    /// not among them it says nothing.
    ///
    /// # Errors
    /// If it shares a loan with one of them, or one is of another registry.
    pub fn new(
        issuance: &Verified<Issuance>,
        others: &[&Verified<Issuance>],
    ) -> Result<Self, PledgedTwice> {
        let claim = issuance.claim();
        for other in others {
            pledged_twice(&[claim, other.claim()])?;
        }
        Ok(Self {
            statement: Issuance::ID,
            version: Issuance::VERSION,
            claim: hex(&claim_digest::<Issuance>(claim)),
            pool: claim.pool,
            template: claim.template.name.clone(),
            template_digest: claim.template.digest(),
            cut_off: claim.cut_off.to_string(),
            loans: claim.loans,
            open: claim.open,
            defaulted: claim.defaulted,
            registry: claim.registry,
            distinct_from: others.iter().map(|o| o.claim().pool).collect(),
            deal: claim.deal.name.clone(),
            deal_digest: claim.deal_digest(),
            currency: claim.deal.currency.clone(),
            balance: claim.balance.0,
            tranches: claim.tranches.clone(),
        })
    }
}

impl IssuanceClaim {
    /// SHA3-256 of the deal's canonical JSON: its fields in the order of their declaration, without spaces.
    pub fn deal_digest(&self) -> String {
        let bytes = serde_json::to_vec(&self.deal).expect("a deal is plain data");
        hex(&Sha3_256::digest(bytes))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
