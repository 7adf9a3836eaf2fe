//! From a claim to its tables.

use gadgets::hash::{Digest, Domain};
use gadgets::range::RangeTable;
use gadgets::sponge::{SpongeTable, Stream, Target};
use market::Snapshot;
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};
use venue::inventory::{check_moment, instruments_of};
use venue::scenarios::MAX_MARKETS;

use super::claim::InventoryClaim;
use super::tables::{LeavesTable, MAX_SLOTS, PositionsTable, StateTable};
use crate::account::{MAX_ASSETS, PublicDigest, listing_at, lists};
use crate::book::BookRef;
use crate::opening::Opening;
use crate::trees::{book_root, log_slots};
use crate::venues::commitments::commitment_quads;
use crate::venues::markets_listing;

/// The inventory statement.
#[derive(Clone, Copy, Debug)]
pub struct Inventory;

/// Most accounts of a book.
const MAX_ACCOUNTS: u64 = 1 << 24;
/// Account slots of a part.
const SEGMENT: usize = 1024;

/// The public numbers of a claim, derived once.
#[derive(Debug)]
pub struct Context {
    pub(super) opening: Opening,
    pub(super) lists: Digest,
    /// What the places of the state stand for.
    pub(super) markets: Digest,
    /// Per market, its instrument's number.
    pub(super) instruments: Vec<usize>,
}

/// Account slots per part of a book of so many accounts with so many position slots each.
pub fn segment(accounts: u64, slots: usize) -> usize {
    SEGMENT.min(MAX_SLOTS / slots).min(1 << log_slots(accounts))
}

/// How the positions of a book are opened part by part, and the digest of what its lists stand for. The parts' subtrees have
/// the roots `segments`, and there are `links` commitments between parts.
///
/// # Errors
/// If the sizes do not fit, the snapshot is malformed, or the roots do not lead to the book's commitment.
pub fn open_book(
    book: &BookRef,
    snapshot: &Snapshot,
    segments: &[PublicDigest],
    links: usize,
) -> Result<(Opening, Digest), String> {
    book.check_sizes()?;
    let (slots, accounts, assets) = (book.slots as usize, book.accounts, snapshot.assets.len());
    if accounts > MAX_ACCOUNTS || assets > MAX_ASSETS {
        return Err(format!(
            "{accounts} accounts and {assets} assets; at most {MAX_ACCOUNTS} and {MAX_ASSETS} fit"
        ));
    }
    snapshot.validate().map_err(|e| e.to_string())?;
    let size = segment(accounts, slots);
    let parts = accounts.div_ceil(size as u64) as usize;
    if segments.len() != parts || links + 1 != parts {
        return Err(format!("{accounts} accounts need {parts} segments"));
    }
    let roots: Vec<Digest> = segments.iter().map(|r| r.elements()).collect();
    let root = book_root(&roots, size.ilog2() as usize, log_slots(accounts));
    let lists = lists(snapshot);
    book.check(&listing_at(&lists, snapshot.as_of_ms), &root)?;
    let opening = Opening {
        accounts: size,
        slots,
        assets,
        single: false,
    };
    Ok((opening, lists))
}

/// Used accounts of a part of an opened book of so many.
pub fn used(opening: &Opening, accounts: u64, part: usize) -> usize {
    let size = opening.accounts as u64;
    (accounts - part as u64 * size).min(size) as usize
}

impl Context {
    fn new(claim: &InventoryClaim) -> Result<Self, String> {
        if claim.markets.len() > MAX_MARKETS {
            return Err(format!(
                "{} markets; at most {MAX_MARKETS} fit",
                claim.markets.len()
            ));
        }
        let Snapshot {
            quote, instruments, ..
        } = &claim.snapshot;
        let (segments, links) = (&claim.segments, claim.links.len());
        let (opening, lists) = open_book(&claim.book, &claim.snapshot, segments, links)?;
        // As many instruments as markets, so this bounds the instruments too.
        let order = instruments_of(instruments, &claim.markets).map_err(|e| e.to_string())?;
        check_moment(claim.snapshot.as_of_ms, claim.state_as_of_ms).map_err(|e| e.to_string())?;
        Ok(Self {
            opening,
            lists,
            markets: markets_listing(
                quote,
                &claim.markets,
                claim.state_as_of_ms,
                claim.state_collected_since_ms,
            ),
            instruments: order,
        })
    }
}

/// The tables of a part.
pub(super) struct PartTables {
    pub positions: PositionsTable,
    pub leaves: LeavesTable,
    pub state: StateTable,
    pub sponge: SpongeTable,
    pub limbs: RangeTable,
}

impl PartTables {
    pub fn new(claim: &InventoryClaim, context: &Context, part: usize) -> Self {
        let opening = context.opening;
        let used = used(&opening, claim.book.accounts, part);
        let quads = commitment_quads(claim.markets.len());
        let mut streams = opening.streams(used, claim.segments[part].elements());
        let before = part.checked_sub(1).map(|p| claim.links[p]);
        let after = claim.links.get(part).unwrap_or(&claim.state);
        for (i, digest) in [before.as_ref(), Some(after)].into_iter().enumerate() {
            streams.extend(digest.map(|digest| Stream {
                domain: Domain::Venue,
                address: opening.end() + i * quads,
                quads,
                headed: false,
                target: Target::Public(digest.elements()),
            }));
        }
        Self {
            positions: PositionsTable { opening, used },
            leaves: LeavesTable {
                opening,
                lists: context.lists,
                used,
            },
            state: StateTable {
                instruments: context.instruments.clone(),
                listing: context.markets,
                first: part == 0,
                address: opening.end(),
            },
            sponge: SpongeTable::new(streams),
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
        }
    }

    pub fn airs(&self) -> Vec<TableAir> {
        vec![
            TableAir::new(self.positions.clone()),
            TableAir::new(self.leaves.clone()),
            TableAir::new(self.state.clone()),
            TableAir::new(self.sponge.clone()),
            TableAir::new(self.limbs),
        ]
    }
}

impl Statement for Inventory {
    const ID: &'static str = "inventory";
    const VERSION: u32 = 5;
    type Claim = InventoryClaim;
    type Context = Context;

    fn context(claim: &InventoryClaim) -> Result<Context, String> {
        Context::new(claim)
    }

    fn parts(claim: &InventoryClaim, _: &Context) -> usize {
        claim.segments.len()
    }

    fn part(claim: &InventoryClaim, context: &Context, part: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: PartTables::new(claim, context, part).airs(),
            hashed: Vec::new(),
        }
    }
}
