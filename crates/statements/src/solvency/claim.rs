//! What a solvency proof claims, and which tables prove it.

use std::ops::Range;
use std::sync::Arc;

use fixed::Decimal;
use gadgets::hash::{Digest, Domain};
use gadgets::limbs::{AMOUNT_LIMBS, LIMB_MAX, limbs_of};
use gadgets::range::{LIMB_BITS, RangeTable};
use gadgets::sponge::SpongeTable;
use gadgets::totals::{Held, Register, Show, TotalsTable};
use market::{Asset, Snapshot};
use serde::{Deserialize, Serialize};
use stark::{Part, Profile, Statement, TableAir};

use super::list::{AssetsTable, List, PiecesTable};
use super::slots::SlotsTable;
use super::split::{SlotSizes, Split};
use super::tables::{AccountsTable, AssetRates, ShortfallTable, register};
use crate::account::{MAX_ASSETS, PublicDigest, SHORT_LIST, listing};
use crate::book::BookRef;
use crate::collateral::{MAX_TIERS, pieces};
use crate::kit::totals;
use crate::nonce::Nonce;
use crate::ordered::Ordered;
use crate::trees::Segments;

/// The public part of a solvency proof: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolvencyClaim {
    /// The book's market: its lists and its moment are the book's, its prices and haircuts value debts and collateral. Marks,
    /// scenarios and margin parameters play no part. Where prices come from is not proven.
    pub snapshot: Snapshot,
    /// The book; every account is in its tree exactly once.
    pub book: BookRef,
    /// Over a list of more than 20 assets, how many accounts a part has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<SlotSizes>,
    /// The roots of the parts' subtrees of 2^14 slots; that of the last part has as few slots as hold its
    /// accounts (a power of two, at least 256), and the rest of its 2^14 is unused. Over a list of more than 20 assets, the
    /// roots of the granules that parts are made of: subtrees of as many leaves as the power of two in a part's accounts.
    pub segments: Vec<PublicDigest>,
    /// Commitments to the running totals after each part but the last.
    pub states: Vec<PublicDigest>,
    /// Accounts whose debts exceed the haircut value of their pledges. With 0, every account's debts
    /// are covered.
    pub uncovered: u64,
    /// The sum of negative equity over uncovered accounts, in the quote currency, each rounded up to
    /// 10^-6.
    pub negative_equity: Decimal,
    /// The book's totals per asset, if published.
    pub totals: Option<Vec<AssetTotals>>,
    /// Reserves per asset, if stated: then liabilities do not exceed them. That they exist is not
    /// proven.
    pub reserves: Option<Vec<Decimal>>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// Totals of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetTotals {
    /// The sum of equity.
    pub equity: Decimal,
    /// The sum of debt.
    pub debt: Decimal,
    /// The sum over accounts of what equity exceeds debt by.
    pub liabilities: Decimal,
}

/// How a book over a short list, of so many accounts, is split into parts.
pub(super) fn segments(accounts: u64) -> Segments {
    Segments::new(accounts, 14)
}

/// How a book is split into parts.
#[derive(Clone, Debug)]
pub(super) enum Parts {
    /// An account a row, with all assets of the list.
    Rows(Segments),
    /// A slot of eight holdings a row.
    Slots(Split, Arc<List>),
}

impl Parts {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Rows(segments) => segments.count() as usize,
            Self::Slots(split, _) => split.count(),
        }
    }

    /// The accounts of a part.
    pub fn accounts(&self, part: usize) -> Range<usize> {
        match self {
            Self::Rows(segments) => {
                let from = part * segments.slots();
                from..from + segments.used(part)
            }
            Self::Slots(split, _) => split.accounts(part),
        }
    }

    /// log2 of the rows of a part.
    fn log_rows(&self, part: usize) -> usize {
        match self {
            Self::Rows(segments) => segments.log_part(part),
            Self::Slots(split, _) => split.log_rows(part),
        }
    }

    /// How many roots a claim has, and what they lead to.
    fn roots(&self) -> usize {
        match self {
            Self::Rows(segments) => segments.count() as usize,
            Self::Slots(split, _) => split.roots(),
        }
    }

    pub fn root(&self, roots: &[Digest]) -> Digest {
        match self {
            Self::Rows(segments) => segments.root(roots),
            Self::Slots(split, _) => split.root(roots),
        }
    }
}

/// What the parts of a claim share.
#[derive(Clone, Debug)]
pub struct Context {
    /// The public numbers of each asset.
    pub rates: Vec<AssetRates>,
    /// How the book is split into parts.
    pub(super) split: Parts,
    shows: Vec<Show>,
    pub(super) allow_uncovered: bool,
}

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Solvency;

/// The public numbers of well-formed assets, as the tables use them.
pub(crate) fn rates(assets: &[Asset]) -> Result<Vec<AssetRates>, String> {
    if assets.is_empty() || assets.len() > MAX_ASSETS {
        return Err(format!(
            "there are {} assets; a proof takes 1 to {MAX_ASSETS}",
            assets.len()
        ));
    }
    let tiers = |a: &Asset| a.haircuts.all().iter().map(|s| s.len()).max().unwrap_or(0);
    if let Some(asset) = assets.iter().find(|a| tiers(a) > MAX_TIERS) {
        return Err(format!(
            "a schedule of {} has more than {MAX_TIERS} tiers",
            asset.symbol
        ));
    }
    assets
        .iter()
        .map(|asset| {
            let rates = market::haircut::AssetRates::new(asset).map_err(|e| e.to_string())?;
            let schedules = rates.schedules.map(|tiers| {
                pieces(
                    &tiers
                        .iter()
                        .map(|p| (p.start, p.base, p.rate))
                        .collect::<Vec<_>>(),
                )
            });
            Ok(AssetRates {
                schedules,
                debt: rates.debt,
                equity: rates.equity,
            })
        })
        .collect()
}

/// The registers of a book over `assets` assets.
pub(crate) fn registers(assets: usize, allow_uncovered: bool) -> Vec<Register> {
    let mut registers = vec![Register::Passed];
    let counted = register::PER_ASSET * assets + if allow_uncovered { 2 } else { 0 };
    registers.extend(vec![Register::Counted; counted]);
    registers
}

/// Units of a stated amount.
fn units(asset: &Asset, amount: &Decimal) -> Result<Held, String> {
    amount
        .rescale_exact(asset.decimals)
        .ok()
        .and_then(|u| u128::try_from(u).ok())
        .and_then(|u| Held::try_from(u).ok())
        .ok_or_else(|| format!("an amount of {} does not fit its decimals", asset.symbol))
}

impl SolvencyClaim {
    /// The root of the book's tree, from those of its subtrees.
    ///
    /// # Errors
    /// If the claim's market, book or sizes of slots are not of those that there are.
    pub fn root(&self) -> Result<Digest, String> {
        self.snapshot.validate().map_err(|e| e.to_string())?;
        self.book.check_sizes()?;
        let split = self.split(&rates(&self.snapshot.assets)?)?;
        Ok(split.root(&self.roots()))
    }

    fn roots(&self) -> Vec<Digest> {
        self.segments.iter().map(PublicDigest::elements).collect()
    }

    /// How the book is split into parts.
    fn split(&self, rates: &[AssetRates]) -> Result<Parts, String> {
        let accounts = self.book.accounts;
        match &self.slots {
            None if rates.len() <= SHORT_LIST => Ok(Parts::Rows(segments(accounts))),
            Some(sizes) if rates.len() > SHORT_LIST => {
                let split = Split::new(accounts, sizes)?;
                Ok(Parts::Slots(split, Arc::new(List::new(rates.to_vec())?)))
            }
            _ => Err(format!(
                "sizes of slots are for lists of more than {SHORT_LIST} assets, and for all of them"
            )),
        }
    }

    fn shows(&self) -> Result<Vec<Show>, String> {
        let assets = &self.snapshot.assets;
        let n = assets.len();
        let mut shows = vec![Show::Hidden; register::FIRST_ASSET + register::PER_ASSET * n];
        let lengths = [
            self.totals.as_ref().map(Vec::len),
            self.reserves.as_ref().map(Vec::len),
        ];
        if lengths.into_iter().flatten().any(|len| len != n) {
            return Err("totals and reserves must have one entry per asset".into());
        }
        if self.totals.is_none() && self.reserves.is_none() {
            return Err("it states neither totals nor reserves".into());
        }
        for (i, asset) in assets.iter().enumerate() {
            let first = register::FIRST_ASSET + register::PER_ASSET * i;
            if asset.price.is_zero() {
                // A debt without a price would count for nothing; so there is none.
                shows[first + 1] = Show::Value(0u64.into());
            }
            let reserve = match &self.reserves {
                Some(reserves) => Some(units(asset, &reserves[i])?),
                None => None,
            };
            if let Some(totals) = &self.totals {
                let total = &totals[i];
                if asset.price.is_zero() && !total.debt.is_zero() {
                    return Err(format!("debts in {}, which has no price", asset.symbol));
                }
                for (k, amount) in [total.equity, total.debt, total.liabilities]
                    .iter()
                    .enumerate()
                {
                    shows[first + k] = Show::Value(units(asset, amount)?);
                }
                if reserve.is_some_and(|r| units(asset, &total.liabilities).is_ok_and(|l| l > r)) {
                    return Err(format!(
                        "reserves of {} are below liabilities",
                        asset.symbol
                    ));
                }
            } else if let Some(reserve) = reserve {
                shows[first + 2] = Show::AtMost(reserve);
            }
        }
        let ticks = self
            .negative_equity
            .rescale_exact(records::units::TICK_DECIMALS)
            .ok()
            .and_then(|t| u128::try_from(t).ok())
            .and_then(|t| Held::try_from(t).ok())
            .ok_or("negative equity does not fit")?;
        if self.uncovered == 0 {
            if ticks != 0.into() {
                return Err("without uncovered accounts there is no negative equity".into());
            }
        } else {
            shows.push(Show::Value(self.uncovered.into()));
            shows.push(Show::Value(ticks));
        }
        Ok(shows)
    }
}

impl Statement for Solvency {
    const ID: &'static str = "solvency";
    const VERSION: u32 = 5;
    type Claim = SolvencyClaim;
    type Context = Context;

    fn context(claim: &SolvencyClaim) -> Result<Context, String> {
        claim.snapshot.validate().map_err(|e| e.to_string())?;
        let rates = rates(&claim.snapshot.assets)?;
        claim.book.check_sizes()?;
        if claim.uncovered > claim.book.accounts {
            return Err("more accounts are uncovered than there are".into());
        }
        let split = claim.split(&rates)?;
        let (roots, states) = (split.roots(), split.count() - 1);
        if claim.segments.len() != roots || claim.states.len() != states {
            return Err(format!(
                "it needs {roots} subtree roots and {states} states"
            ));
        }
        let root = split.root(&claim.roots());
        claim.book.check(&listing(&claim.snapshot), &root)?;
        let shows = claim.shows()?;
        Ok(Context {
            rates,
            split,
            shows,
            allow_uncovered: claim.uncovered > 0,
        })
    }

    fn parts(_: &SolvencyClaim, context: &Context) -> usize {
        context.split.count()
    }

    fn part(claim: &SolvencyClaim, context: &Context, part: usize) -> Part {
        let tables = Tables::new(claim, context, part);
        Part {
            profile: Profile::Fast,
            tables: tables.airs(),
            hashed: Vec::new(),
        }
    }
}

/// The tables of a part's accounts.
pub(crate) enum Accounts {
    /// Over a short list.
    Rows(AccountsTable),
    /// Over a long one.
    Slots(SlotsTable, AssetsTable, PiecesTable),
}

/// The tables of one part.
pub(crate) struct Tables {
    pub accounts: Accounts,
    pub shortfall: Option<ShortfallTable>,
    pub totals: TotalsTable,
    pub sponge: Option<SpongeTable>,
    pub limbs: RangeTable,
}

impl Tables {
    pub fn new(claim: &SolvencyClaim, context: &Context, part: usize) -> Self {
        let log_height = context.split.log_rows(part);
        let registers = registers(claim.snapshot.assets.len(), context.allow_uncovered);
        let totals = totals(&registers, &claim.states, part, || context.shows.clone(), 0);
        let streams = totals.streams();
        let shortfall = context.allow_uncovered.then(|| {
            let rows = claim.uncovered.next_power_of_two().ilog2() as usize;
            ShortfallTable {
                assets: claim.snapshot.assets.len(),
                coefficients: match &context.split {
                    Parts::Rows(_) => equity_shape(&context.rates),
                    Parts::Slots(_, list) => (list.sum_limbs(), 2 * LIMB_MAX + 1),
                },
                log_height: rows.clamp(stark::MIN_LOG_HEIGHT, log_height),
            }
        });
        Self {
            accounts: accounts(claim, context, part),
            shortfall,
            totals,
            sponge: (!streams.is_empty()).then(|| SpongeTable::new(streams)),
            limbs: RangeTable::limbs(stark::MIN_LOG_HEIGHT),
        }
    }

    /// In the order: accounts (or slots, assets, pieces), shortfall, totals, sponge, limbs.
    pub fn airs(&self) -> Vec<TableAir> {
        let mut airs = match &self.accounts {
            Accounts::Rows(accounts) => vec![TableAir::new(accounts.clone())],
            Accounts::Slots(slots, assets, pieces) => vec![
                TableAir::new(slots.clone()),
                TableAir::new(assets.clone()),
                TableAir::new(pieces.clone()),
            ],
        };
        airs.extend(self.shortfall.clone().map(TableAir::new));
        airs.push(TableAir::new(self.totals.clone()));
        airs.extend(self.sponge.clone().map(TableAir::new));
        airs.push(TableAir::new(self.limbs));
        airs
    }
}

fn accounts(claim: &SolvencyClaim, context: &Context, part: usize) -> Accounts {
    let allow_uncovered = context.allow_uncovered;
    match &context.split {
        Parts::Rows(segments) => Accounts::Rows(AccountsTable {
            assets: context.rates.clone(),
            leaves: Ordered {
                log_height: segments.log_part(part),
                used: segments.used(part),
                root: claim.segments[part].elements(),
                domain: Domain::Account,
            },
            allow_uncovered,
        }),
        Parts::Slots(split, list) => {
            let roots = &claim.segments[split.granules(part)];
            let slots = SlotsTable {
                list: list.clone(),
                forest: split.forest(part),
                roots: roots.iter().map(PublicDigest::elements).collect(),
                allow_uncovered,
            };
            let assets = AssetsTable {
                list: list.clone(),
                with_equity: allow_uncovered,
            };
            Accounts::Slots(slots, assets, PiecesTable { list: list.clone() })
        }
    }
}

/// How many coefficients the equity of an account has before it is normalized, and their bound:
/// those of `sum equity * rate - sum debt * rate`.
fn equity_shape(rates: &[AssetRates]) -> (usize, u64) {
    let limb = (1u64 << LIMB_BITS) - 1;
    let (mut len, mut bound) = (0, 0);
    for rate in rates.iter().flat_map(|r| [r.equity, r.debt]) {
        let n = limbs_of(rate.into()).len();
        if n > 0 {
            len = len.max(AMOUNT_LIMBS + n - 1);
            bound += n.min(AMOUNT_LIMBS) as u64 * limb * limb;
        }
    }
    (len, bound)
}
