//! What an issuance proof claims, and which tables prove it.

use records::units::Cents;
use std::collections::BTreeSet;

use credit::deal::Deal;
use credit::issuance::{Backing, PledgeFields, backing};
use credit::pool::Template;
use credit::pool::tape::CutOff;
use gadgets::hash::{DIGEST, Domain};
use gadgets::product::{self, Challenge, DEGREE, Element, multiply, registers_of};
use gadgets::range::RangeTable;
use gadgets::sponge::{QUAD, SpongeTable, Stream, Target};
use gadgets::totals::{Held, Register, Show, TotalsTable};
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};
use stark::{
    F, HashedChallenge, MIN_LOG_HEIGHT, Part, PrimeCharacteristicRing, Profile, Statement, TableAir,
};

use super::registry::{NULLIFIER, Nullifier, is_of_zeros};
use super::tables::LoansTable;
use crate::account::PublicDigest;
use crate::kit::totals;
use crate::nonce::Nonce;
use crate::ordered::Ordered;
use crate::pools::codes::CodesTable;
use crate::pools::loan::{LeafLayout, check_counts, check_pool, segments};

/// The register of the pool's balance, salts aside; the first holds the last key.
pub const BALANCE: usize = 1;
/// That of the number of open loans.
pub const OPEN: usize = 2;
/// That of the number of defaulted ones.
pub const DEFAULTED: usize = 3;
/// Registers that loans are counted in, from [`BALANCE`] on.
pub const COUNTED: usize = 3;
/// The first register of the product over the nullifiers.
pub const PRODUCT: usize = BALANCE + COUNTED;
/// All registers.
pub const REGISTERS: usize = PRODUCT + product::REGISTERS;

/// The public part of an issuance proof: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuanceClaim {
    /// What fields the loans have.
    pub template: Template,
    /// The day the tape is of.
    pub cut_off: CutOff,
    /// How many loans there are.
    pub loans: u64,
    /// How many of them are open ([`credit::pool::standing`]).
    pub open: u64,
    /// How many were given up. The others are closed and owe nothing.
    pub defaulted: u64,
    /// The commitment to the pool, the same as in pool claims.
    pub pool: PublicDigest,
    /// The roots of the parts' subtrees of 2^13 slots; that of the last part has as few slots as hold its loans.
    pub segments: Vec<PublicDigest>,
    /// Commitments to the running totals after each part but the last.
    pub states: Vec<PublicDigest>,
    /// The commitment to the registry's key.
    pub registry: PublicDigest,
    /// The nullifiers of all loans under that key, rising. Their order says nothing about the loans.
    pub nullifiers: Vec<Nullifier>,
    /// What the pool's open loans owe together, in cents.
    pub balance: Cents,
    /// The deal that the pool backs.
    pub deal: Deal,
    /// The deal's tranches, the most senior first, and where they stand in the pool.
    pub tranches: Vec<Backing>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// What the parts of a claim share.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) layout: LeafLayout,
    pub(super) fields: PledgeFields,
    pub(super) codes: CodesTable,
    pub(super) challenge: Challenge,
    /// The product over the claim's nullifiers.
    pub(super) product: Element<F>,
}

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Issuance;

impl Statement for Issuance {
    const ID: &'static str = "issuance";
    const VERSION: u32 = 4;
    type Claim = IssuanceClaim;
    type Context = Context;

    fn context(claim: &IssuanceClaim) -> Result<Context, String> {
        claim.template.validate().map_err(|e| e.to_string())?;
        let split = segments(claim.loans);
        check_pool(
            &split,
            &claim.template,
            &claim.cut_off,
            &claim.segments,
            &claim.pool,
        )?;
        let parts = split.count();
        if claim.states.len() as u64 != parts - 1 {
            return Err(format!("it needs {} states", parts - 1));
        }
        if claim.nullifiers.len() as u64 != claim.loans {
            return Err("it needs a nullifier for each loan".into());
        }
        if claim.nullifiers.windows(2).any(|w| w[0] >= w[1]) {
            return Err(
                "the nullifiers do not rise: a loan is pledged twice, or the list is not sorted"
                    .into(),
            );
        }
        check_counts(claim.loans, claim.open, claim.defaulted)?;
        check_registry(&claim.registry)?;
        check_deal(claim)?;
        let fields = PledgeFields::new(&claim.template).map_err(|e| e.to_string())?;
        let mut sets = vec![Vec::new(); claim.template.fields.len()];
        sets[fields.status] = status_sets(&fields);
        let codes: Vec<usize> = claim
            .template
            .fields
            .iter()
            .map(|f| f.kind.codes().len())
            .collect();
        let codes = CodesTable::new(&sets, &codes).ok_or("no status is open")?;
        let challenge = challenge(claim)?;
        let one: Element<F> = std::array::from_fn(|i| F::from_bool(i == 0));
        let product = claim.nullifiers.iter().fold(one, |product, nullifier| {
            multiply(&product, &challenge.factor(&nullifier.elements()))
        });
        Ok(Context {
            layout: LeafLayout::new(&claim.template),
            fields,
            codes,
            challenge,
            product,
        })
    }

    fn parts(claim: &IssuanceClaim, _: &Context) -> usize {
        claim.segments.len()
    }

    fn part(claim: &IssuanceClaim, context: &Context, part: usize) -> Part {
        let tables = PartTables::new(claim, context, part);
        Part {
            profile: Profile::Fast,
            tables: tables.airs(),
            hashed: vec![HashedChallenge {
                name: "nullifiers",
                degree: claim.loans * NULLIFIER as u64,
            }],
        }
    }
}

/// The sets of codes that a status is looked up in: open, defaulted.
pub(super) fn status_sets(fields: &PledgeFields) -> Vec<BTreeSet<u64>> {
    let standings = &fields.standings;
    vec![standings.open.clone(), standings.defaulted.clone()]
}

/// A registry under a key that everyone knows keeps nothing apart.
fn check_registry(registry: &PublicDigest) -> Result<(), String> {
    if is_of_zeros(registry) {
        Err("the registry's key is all zeros: whoever can read the list can test guesses of loans; make a random one".into())
    } else {
        Ok(())
    }
}

/// The deal and the balance are public, and so are the points that follow from them.
fn check_deal(claim: &IssuanceClaim) -> Result<(), String> {
    // What a claim makes its verifier do is bounded.
    let size = claim.deal.check_size();
    size.map_err(|e| format!("deal: {e}"))?;
    let backing = backing(&claim.deal, claim.balance).map_err(|e| e.to_string())?;
    // As they are written: numbers are equal by value, and a point has one text, which records quote.
    let text = |tranches: &[Backing]| serde_json::to_string(tranches).map_err(|e| e.to_string());
    if text(&backing)? == text(&claim.tranches)? {
        Ok(())
    } else {
        Err("the tranches are not where the deal and the pool's balance put them".into())
    }
}

/// What the products over the leaves' nullifiers and over the claim's are made of: drawn from all that they compare.
fn challenge(claim: &IssuanceClaim) -> Result<Challenge, String> {
    let compared = (
        Issuance::ID,
        &claim.pool,
        &claim.segments,
        &claim.registry,
        &claim.nullifiers,
    );
    let bytes = serde_json::to_vec(&compared).map_err(|e| e.to_string())?;
    Ok(Challenge::new(&Sha3_256::digest(bytes), 0, NULLIFIER))
}

/// The tables of one part.
pub(super) struct PartTables {
    pub loans: LoansTable,
    pub codes: CodesTable,
    pub totals: TotalsTable,
    pub sponge: SpongeTable,
    pub limbs: RangeTable,
    /// Addresses of all quads.
    pub quads: usize,
}

impl PartTables {
    pub fn new(claim: &IssuanceClaim, context: &Context, part: usize) -> Self {
        let segments = segments(claim.loans);
        let mut registers = [Register::Passed; REGISTERS];
        registers[BALANCE..PRODUCT].fill(Register::Counted);
        registers[PRODUCT..].fill(Register::Elements);
        let shown = || shown(claim, &context.product);
        let totals = totals(&registers, &claim.states, part, shown, 0);
        let key = TotalsTable::quads(REGISTERS);
        let mut streams = totals.streams();
        // The key is opened in every part, so all of them speak of one registry.
        streams.push(Stream {
            domain: Domain::Registry,
            address: key,
            quads: DIGEST / QUAD,
            headed: false,
            target: Target::Public(claim.registry.elements()),
        });
        Self {
            loans: LoansTable {
                leaves: Ordered {
                    log_height: segments.log_part(part),
                    used: segments.used(part),
                    root: claim.segments[part].elements(),
                    domain: Domain::Loan,
                },
                layout: context.layout.clone(),
                fields: context.fields.clone(),
                codes: context.codes.clone(),
                challenge: context.challenge.clone(),
                key,
            },
            codes: context.codes.clone(),
            totals,
            sponge: SpongeTable::new(streams),
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
            quads: key + DIGEST / QUAD,
        }
    }

    /// In the order: loans, codes, totals, sponge, limbs.
    pub fn airs(&self) -> Vec<TableAir> {
        vec![
            TableAir::new(self.loans.clone()),
            TableAir::new(self.codes.clone()),
            TableAir::new(self.totals.clone()),
            TableAir::new(self.sponge.clone()),
            TableAir::new(self.limbs),
        ]
    }
}

/// What the registers hold after the last part, salts aside; nothing is said of the key of the last leaf.
fn shown(claim: &IssuanceClaim, product: &[F; DEGREE]) -> Vec<Show> {
    let mut shows = vec![Show::Hidden; PRODUCT];
    shows[BALANCE] = Show::Value(claim.balance.0.into());
    shows[OPEN] = Show::Value(claim.open.into());
    shows[DEFAULTED] = Show::Value(claim.defaulted.into());
    let elements = registers_of(*product).map(Held::try_from);
    shows.extend(elements.map(|e| Show::Value(e.expect("two elements take 71 bits"))));
    shows
}
