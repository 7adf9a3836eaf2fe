//! What an exposure proof claims, and which tables prove it.

use fixed::Decimal;
use gadgets::hash::Digest;
use gadgets::range::RangeTable;
use gadgets::sponge::SpongeTable;
use gadgets::totals::{Held, Register, Show, TotalsTable};
use market::Snapshot;
use market::exposure::Exposed;
use records::units::Lots;
use serde::{Deserialize, Serialize};
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};

use super::tables::{ExposureTable, OFFSET};
use crate::account::PublicDigest;
use crate::book::BookRef;
use crate::inventory::statement::{open_book, used};
use crate::inventory::tables::{LeavesTable, PositionsTable};
use crate::kit::totals;
use crate::nonce::Nonce;
use crate::opening::Opening;

/// An exposure claim: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureClaim {
    /// The book's market: its lists and its moment are the book's. Prices play no part.
    pub snapshot: Snapshot,
    /// The book.
    pub book: BookRef,
    /// The instruments whose positions count, by their symbols: linear perpetuals and futures of one size of lot.
    pub instruments: Vec<String>,
    /// What all accounts together are net long is at least this much of the underlying.
    pub low: Decimal,
    /// And at most this much.
    pub high: Decimal,
    /// The roots of the subtrees that the proof's parts are about, from left to right.
    pub segments: Vec<PublicDigest>,
    /// Commitments to the exposure of the accounts after each part but the last.
    pub states: Vec<PublicDigest>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// Most instruments of a book: each has eighteen columns of a table.
const MAX_INSTRUMENTS: usize = 256;

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Exposure;

/// The public numbers of a claim, derived once.
#[derive(Debug)]
pub struct Context {
    pub(super) opening: Opening,
    pub(super) lists: Digest,
    pub(super) exposed: Exposed,
    /// Least and most lots.
    pub(super) interval: [Lots<i128>; 2],
}

/// What runs through the parts: the offset and the net lots, and the offset less the net lots.
pub(super) const REGISTERS: [Register; 2] = [Register::Counted, Register::Counted];

impl Context {
    /// Each register is at most what the interval allows.
    fn shown(&self) -> Vec<Show> {
        let [low, high] = self.interval;
        let most = |lots: Lots<i128>| {
            let held = u128::try_from(OFFSET as i128 + lots.0).ok();
            let held = held.and_then(|held| Held::try_from(held).ok());
            Show::AtMost(held.expect("bounds are below 2^64 lots"))
        };
        vec![most(high), most(-low)]
    }
}

impl Statement for Exposure {
    const ID: &'static str = "exposure";
    const VERSION: u32 = 4;
    type Claim = ExposureClaim;
    type Context = Context;

    fn context(claim: &ExposureClaim) -> Result<Context, String> {
        let instruments = claim.snapshot.instruments.len();
        if instruments > MAX_INSTRUMENTS {
            return Err(format!(
                "{instruments} instruments; at most {MAX_INSTRUMENTS} fit"
            ));
        }
        let (segments, links) = (&claim.segments, claim.states.len());
        let (opening, lists) = open_book(&claim.book, &claim.snapshot, segments, links)?;
        let exposed = Exposed::new(&claim.snapshot, &claim.instruments);
        let exposed = exposed.map_err(|e| e.to_string())?;
        let interval = exposed.interval(&claim.low, &claim.high);
        Ok(Context {
            opening,
            lists,
            exposed,
            interval: interval.map_err(|e| e.to_string())?,
        })
    }

    fn parts(claim: &ExposureClaim, _: &Context) -> usize {
        claim.segments.len()
    }

    fn part(claim: &ExposureClaim, context: &Context, part: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: PartTables::new(claim, context, part).airs(),
            hashed: Vec::new(),
        }
    }
}

/// The tables of a part.
pub(super) struct PartTables {
    pub positions: PositionsTable,
    pub leaves: LeavesTable,
    pub exposure: ExposureTable,
    pub totals: TotalsTable,
    pub sponge: SpongeTable,
    pub limbs: RangeTable,
}

impl PartTables {
    pub fn new(claim: &ExposureClaim, context: &Context, part: usize) -> Self {
        let opening = context.opening;
        let used = used(&opening, claim.book.accounts, part);
        let shown = || context.shown();
        let totals = totals(&REGISTERS, &claim.states, part, shown, opening.end());
        let mut streams = opening.streams(used, claim.segments[part].elements());
        streams.extend(totals.streams());
        Self {
            positions: PositionsTable { opening, used },
            leaves: LeavesTable {
                opening,
                lists: context.lists,
                used,
            },
            exposure: ExposureTable {
                instruments: claim.snapshot.instruments.len(),
                exposed: context.exposed.instruments.clone(),
                is_first: part == 0,
            },
            totals,
            sponge: SpongeTable::new(streams),
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
        }
    }

    /// In the order: positions, leaves, exposure, totals, sponge, limbs.
    pub fn airs(&self) -> Vec<TableAir> {
        vec![
            TableAir::new(self.positions.clone()),
            TableAir::new(self.leaves.clone()),
            TableAir::new(self.exposure.clone()),
            TableAir::new(self.totals.clone()),
            TableAir::new(self.sponge.clone()),
            TableAir::new(self.limbs),
        ]
    }
}
