//! From a claim to its tables.

use gadgets::hash::Digest;
use gadgets::range::RangeTable;
use gadgets::sponge::SpongeTable;
use gadgets::totals::{Show, TotalsTable};
use market::margin::MarginTables;
use market::settlement::Settlement;
use market::{Level, Snapshot};
use records::units::TICK_DECIMALS;
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};

use super::claim::SettleClaim;
use super::plan::{Plan, REGISTERS};
use super::tables::changes::ChangesTable;
use super::tables::orders::OrdersTable;
use super::tables::prices::{LotTerms, PricesTable};
use super::tables::secrets::SecretsTable;
use super::tables::touched::TouchedTable;
use super::tables::trades::TradesTable;
use super::traded::{Traded, traded};
use crate::account::{PublicDigest, SHORT_LIST, listing_at, lists};
use crate::kit::totals;
use crate::margin::digits::{Carries, balanced_len};
use crate::margin::plan::{MAX_SUM, Plan as MarginPlan, Sizes};
use crate::margin::statement::CARRIES_LOG_HEIGHT;
use crate::margin::tables::accounts::AccountsTable;
use crate::margin::tables::lines::LinesTable;
use crate::margin::tables::losses::LossesTable;
use crate::margin::tables::moves::MovesTable;
use crate::margin::tables::rates::RatesTable;
use crate::margin::{parameters_digest, snapshot_digest};
use crate::owner::LOG_SECRETS;
use crate::trees::tree;

/// The settlement statement.
#[derive(Clone, Copy, Debug)]
pub struct Settle;

/// Most accounts of a book.
const MAX_ACCOUNTS: u64 = 1 << 24;
/// Most orders of a batch.
const MAX_ORDERS: u64 = 1 << 24;
/// Most parts.
const MAX_PARTS: usize = 1 << 12;

/// The public numbers of a claim, derived once.
#[derive(Debug)]
pub struct Context {
    pub(super) plan: Plan,
    /// What the places of the lists stand for.
    pub(super) lists: Digest,
    /// The place of the quote currency among the assets.
    pub(super) cash: usize,
    /// How much is free in an account.
    pub(super) margin: MarginPlan,
    /// What traded, by instrument.
    pub(super) traded: Vec<Traded>,
    /// What counts for reserves, by instrument, and the digits of a worst value.
    pub(super) terms: Vec<LotTerms>,
    pub(super) digits: usize,
}

/// The market without what offsets between underlyings would take off: they don't count for what is free.
pub(super) fn without_offsets(snapshot: &Snapshot) -> Snapshot {
    let mut market = snapshot.clone();
    market.parameters.offset_groups.clear();
    market
}

/// What counts for reserves, by instrument.
fn lot_terms(tables: &MarginTables, traded: &[Traded]) -> Vec<LotTerms> {
    let lots = tables.arrays.lots.iter().zip(traded);
    let terms = lots.map(|(lot, traded)| LotTerms {
        worst: [0, 1].map(|side| {
            let changes = lot.changes[side].iter().copied();
            lot.value[side] + changes.min().unwrap_or(0)
        }),
        fee: traded.fee,
    });
    terms.collect()
}

/// The place of the quote currency among the assets.
pub(super) fn cash(snapshot: &Snapshot) -> Option<usize> {
    let mut assets = snapshot.assets.iter();
    assets.position(|a| a.symbol == snapshot.quote && a.decimals == TICK_DECIMALS)
}

/// The sizes of a part, if they are possible.
pub(super) fn plan(
    snapshot: &Snapshot,
    accounts: u64,
    slots: u32,
    [number, levels, orders]: [u64; 3],
) -> Result<Plan, String> {
    let assets = snapshot.assets.len();
    if assets > SHORT_LIST {
        return Err(format!(
            "{assets} assets: over a list of more than {SHORT_LIST} a leaf has a digest of what is held, which this statement does not open; leave out assets"
        ));
    }
    if accounts > MAX_ACCOUNTS || orders > MAX_ORDERS || orders == 0 {
        return Err(format!(
            "{accounts} accounts and {orders} orders; at most {MAX_ACCOUNTS} and 1 to {MAX_ORDERS} fit"
        ));
    }
    if !matches!(levels, 1 | 2 | 4) {
        return Err(format!("{levels} levels an order; use 1, 2 or 4"));
    }
    if number >> LOG_SECRETS != 0 {
        let most = 1u64 << LOG_SECRETS;
        return Err(format!("batch {number}: batches are numbered below {most}"));
    }
    let (slots, levels) = (slots as usize, levels as usize);
    Ok(Plan::new(accounts, orders, slots, assets, levels))
}

impl Context {
    fn new(claim: &SettleClaim) -> Result<Self, String> {
        let SettleClaim {
            snapshot,
            before,
            after,
            batch,
            ..
        } = claim;
        before.check_sizes()?;
        if (before.accounts, before.slots) != (after.accounts, after.slots) {
            return Err("the books before and after differ in accounts or slots".into());
        }
        if claim.before_as_of_ms > snapshot.as_of_ms {
            return Err("the book before is of a later moment than the one after".into());
        }
        let numbers = [batch.number, batch.levels.into(), batch.orders];
        let plan = plan(snapshot, before.accounts, before.slots, numbers)?;
        let traded = traded(snapshot, batch)?;
        if snapshot_digest(snapshot) != claim.snapshot_digest {
            return Err("the snapshot does not have the claimed digest".into());
        }
        if parameters_digest(snapshot) != claim.parameters_digest {
            return Err("the margin parameters do not have the claimed digest".into());
        }
        let market = without_offsets(snapshot);
        Settlement::new(&market, plan.slots).map_err(|e| e.to_string())?;
        let tables = MarginTables::new(&market, Level::Initial).map_err(|e| e.to_string())?;
        let sizes = Sizes {
            single: false,
            accounts: plan.touched(),
            slots: plan.slots,
            underlyings: claim.underlyings as usize,
        };
        let margin = MarginPlan::new(&tables, &sizes)?;
        if margin.compared_bound() + plan.needed_bound() > MAX_SUM {
            return Err("equity has too many terms for one sum; leave out assets".into());
        }
        let terms = lot_terms(&tables, &traded);
        let parts = claim.segments.len();
        if !parts.is_power_of_two() || parts > MAX_PARTS {
            return Err(format!(
                "{parts} parts; use a power of two up to {MAX_PARTS}"
            ));
        }
        if claim.roots.len() != parts + 1 || claim.states.len() + 1 != parts {
            return Err(format!("{parts} parts need {} roots", parts + 1));
        }
        let segments = claim.segments.iter().map(PublicDigest::elements).collect();
        if batch.log_slots as usize != plan.log_receipts + parts.ilog2() as usize {
            return Err("the receipts' slots are not those of the parts".into());
        }
        if batch.receipts != tree(segments)[1].into() {
            return Err("the receipts' root is not that of the parts".into());
        }
        let lists = lists(snapshot);
        let root = |at: usize| claim.roots[at].elements();
        before.check(&listing_at(&lists, claim.before_as_of_ms), &root(0))?;
        after.check(&listing_at(&lists, snapshot.as_of_ms), &root(parts))?;
        Ok(Self {
            plan,
            lists,
            cash: cash(snapshot).ok_or("the market has no cash")?,
            margin,
            digits: balanced_len(terms.iter().flat_map(|t| t.worst)),
            terms,
            traded,
        })
    }
}

/// The tables of a part.
pub(super) struct PartTables {
    pub orders: OrdersTable,
    pub trades: TradesTable,
    pub touched: TouchedTable,
    pub changes: ChangesTable,
    pub prices: PricesTable,
    pub secrets: SecretsTable,
    pub lines: LinesTable,
    pub losses: LossesTable,
    pub rates: RatesTable,
    pub moves: MovesTable,
    pub totals: TotalsTable,
    pub sponge: SpongeTable,
    pub limbs: RangeTable,
    /// Where carries of losses are looked up whole.
    pub carries: Option<RangeTable>,
}

impl PartTables {
    pub fn new(claim: &SettleClaim, context: &Context, part: usize) -> Self {
        let plan = context.plan;
        let margin = &context.margin;
        let shown = || {
            let [orders, room] = [claim.batch.orders, claim.without_room];
            vec![
                Show::Hidden,
                Show::Value(orders.into()),
                Show::Value(room.into()),
            ]
        };
        let totals = totals(&REGISTERS, &claim.states, part, shown, plan.state_address());
        let prices = context.traded.iter();
        let prices = prices.map(|t| t.price.map_or(0, |price| price.0));
        Self {
            orders: OrdersTable {
                plan,
                digits: context.digits,
                root: claim.segments[part].elements(),
                session: claim.batch.session(),
            },
            trades: TradesTable { plan },
            touched: TouchedTable {
                plan,
                cash: context.cash,
                margin: AccountsTable {
                    plan: margin.clone(),
                    lists: context.lists,
                    used: plan.touched(),
                },
                accounts: claim.before.accounts,
            },
            changes: ChangesTable {
                plan,
                roots: [part, part + 1].map(|at| claim.roots[at].elements()),
            },
            prices: PricesTable {
                prices: prices.collect(),
                terms: context.terms.clone(),
                digits: context.digits,
            },
            lines: LinesTable {
                plan: margin.clone(),
                used: plan.touched(),
                tells: true,
            },
            losses: LossesTable {
                plan: margin.clone(),
            },
            rates: RatesTable {
                plan: margin.clone(),
            },
            moves: MovesTable {
                plan: margin.clone(),
            },
            carries: (margin.carries() == Carries::Whole)
                .then(|| RangeTable::carries(CARRIES_LOG_HEIGHT)),
            secrets: SecretsTable {
                plan,
                batch: claim.batch.number,
            },
            sponge: SpongeTable::new(plan.streams(&totals)),
            totals,
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
        }
    }

    pub fn airs(&self) -> Vec<TableAir> {
        let mut airs = vec![
            TableAir::new(self.orders.clone()),
            TableAir::new(self.trades.clone()),
            TableAir::new(self.touched.clone()),
            TableAir::new(self.changes.clone()),
            TableAir::new(self.prices.clone()),
            TableAir::new(self.secrets.clone()),
            TableAir::new(self.lines.clone()),
            TableAir::new(self.losses.clone()),
            TableAir::new(self.rates.clone()),
            TableAir::new(self.moves.clone()),
            TableAir::new(self.totals.clone()),
            TableAir::new(self.sponge.clone()),
            TableAir::new(self.limbs),
        ];
        airs.extend(self.carries.map(TableAir::new));
        airs
    }
}

impl Statement for Settle {
    const ID: &'static str = "settle";
    const VERSION: u32 = 1;
    type Claim = SettleClaim;
    type Context = Context;

    fn context(claim: &SettleClaim) -> Result<Context, String> {
        Context::new(claim)
    }

    fn parts(claim: &SettleClaim, _: &Context) -> usize {
        claim.segments.len()
    }

    fn part(claim: &SettleClaim, context: &Context, part: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: PartTables::new(claim, context, part).airs(),
            hashed: Vec::new(),
        }
    }
}
