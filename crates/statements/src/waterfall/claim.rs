//! What a waterfall proof claims, and which tables prove it.

use credit::collections::Collections;
use credit::deal::Deal;
use credit::pool::Template;
use credit::pool::tape::CutOff;
use credit::waterfall::{DealState, Index, MAX_MONTHS, Report, pay};
use gadgets::hash::Domain;
use gadgets::range::RangeTable;
use gadgets::sponge::SpongeTable;
use gadgets::totals::{Register, Show, TotalsTable};
use records::units::Cents;
use serde::{Deserialize, Serialize};
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};

use super::tables::loans::{FIRST_SUM, LoansTable, SUMS};
use crate::account::PublicDigest;
use crate::kit::totals;
use crate::nonce::Nonce;
use crate::ordered::Ordered;
use crate::pools::calendar::CalendarTable;
use crate::pools::codes::CodesTable;
use crate::pools::loan::{LeafLayout, check_pool, segments};
use crate::pools::month::Fields;
use crate::pools::start::Start;

/// The public part of a waterfall proof: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaterfallClaim {
    /// What fields the loans have.
    pub template: Template,
    /// How many loans there are.
    pub loans: u64,
    /// The pool before the first month and after each.
    pub pools: Vec<PoolAt>,
    /// What its loans brought in, month by month.
    pub months: Vec<Month>,
    /// The deal that the pool pays for.
    pub deal: Deal,
    /// The deal before the first month.
    pub deal_before: DealState,
    /// The fixings of the deal's indices.
    pub indices: Vec<Index>,
    /// What the deal paid, period by period.
    pub reports: Vec<Report>,
    /// The deal after the last month.
    pub deal_after: DealState,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

impl WaterfallClaim {
    /// Where it starts.
    ///
    /// # Panics
    /// If it has no pool; a verified claim has two or more.
    pub fn start(&self) -> Start<'_> {
        Start {
            template: &self.template,
            loans: self.loans,
            cut_off: &self.pools[0].cut_off,
            pool: &self.pools[0].pool,
            deal: &self.deal,
            state: &self.deal_before,
            indices: &self.indices,
        }
    }
}

/// A pool at a cut-off date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolAt {
    /// The day.
    pub cut_off: CutOff,
    /// The commitment to the pool, the same as in pool claims.
    pub pool: PublicDigest,
    /// The roots of the subtrees of 2^13 slots; that of the last one has as few slots as hold its loans.
    pub segments: Vec<PublicDigest>,
}

/// A month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Month {
    /// What the loans brought in.
    pub collections: Collections,
    /// Commitments to the running totals after each of the month's parts but the last.
    pub states: Vec<PublicDigest>,
}

/// What the parts of a claim share.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) layout: LeafLayout,
    pub(super) fields: Fields,
    pub(super) codes: CodesTable,
    pub(super) calendar: CalendarTable,
}

impl Context {
    pub(super) fn new(template: &Template) -> Result<Self, String> {
        template.validate().map_err(|e| e.to_string())?;
        let layout = LeafLayout::new(template);
        let (fields, calendar) = Fields::new(template, &layout)?;
        let codes = fields.codes(template, fields.each_status());
        Ok(Self {
            layout,
            fields,
            codes: codes.ok_or("no code of the status has a meaning")?,
            calendar,
        })
    }
}

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Waterfall;

impl Statement for Waterfall {
    const ID: &'static str = "waterfall";
    const VERSION: u32 = 3;
    type Claim = WaterfallClaim;
    type Context = Context;

    fn context(claim: &WaterfallClaim) -> Result<Context, String> {
        let months = claim.months.len();
        if months == 0 || months > MAX_MONTHS || claim.pools.len() != months + 1 {
            return Err(format!(
                "it has 1 to {MAX_MONTHS} months, and a pool more than months"
            ));
        }
        let context = Context::new(&claim.template)?;
        let split = segments(claim.loans);
        for pool in &claim.pools {
            check_pool(
                &split,
                &claim.template,
                &pool.cut_off,
                &pool.segments,
                &pool.pool,
            )?;
        }
        if claim
            .pools
            .windows(2)
            .any(|w| w[0].cut_off.next() != w[1].cut_off)
        {
            return Err("a cut-off date is not a month after the one before".into());
        }
        for month in &claim.months {
            if month.states.len() as u64 != split.count() - 1 {
                return Err("a month needs a state less than a pool has subtrees".into());
            }
        }
        check_waterfall(claim)?;
        Ok(context)
    }

    fn parts(claim: &WaterfallClaim, _: &Context) -> usize {
        claim.months.len() * segments(claim.loans).count() as usize
    }

    fn part(claim: &WaterfallClaim, context: &Context, part: usize) -> Part {
        let tables = PartTables::new(claim, context, part);
        Part {
            profile: Profile::Fast,
            tables: tables.airs(),
            hashed: Vec::new(),
        }
    }
}

/// The deal is public, and so is what the pool brought in: what was paid is computed again.
fn check_waterfall(claim: &WaterfallClaim) -> Result<(), String> {
    let collections: Vec<Collections> = claim.months.iter().map(|m| m.collections).collect();
    let after: Vec<&CutOff> = claim.pools[1..].iter().map(|p| &p.cut_off).collect();
    let (deal, before) = (&claim.deal, &claim.deal_before);
    let paid = pay(deal, before, &claim.indices, &collections, &after);
    let (after, reports) = paid.map_err(|e| e.to_string())?;
    if reports != claim.reports || after != claim.deal_after {
        return Err("what was paid is not what the deal pays".into());
    }
    Ok(())
}

/// What the registers hold after a month's last part, salts aside; nothing is known of the key.
fn shown(c: &Collections) -> Vec<Show> {
    let sums: [Cents; SUMS] = [
        c.balance_before,
        c.interest,
        c.scheduled_principal,
        c.prepaid_principal,
        c.defaulted,
        c.recoveries,
        c.repurchased,
        c.delinquent[0],
        c.delinquent[1],
        c.delinquent[2],
    ];
    let mut shows = vec![Show::Hidden; FIRST_SUM];
    shows.extend(sums.map(|sum| Show::Value(sum.0.into())));
    shows
}

/// The tables of one part: the loans of a subtree in a month.
pub(super) struct PartTables {
    pub loans: LoansTable,
    pub codes: CodesTable,
    pub calendar: CalendarTable,
    pub totals: TotalsTable,
    pub sponge: Option<SpongeTable>,
    pub limbs: RangeTable,
    /// Addresses of all quads.
    pub quads: usize,
}

impl PartTables {
    pub fn new(claim: &WaterfallClaim, context: &Context, part: usize) -> Self {
        let split = segments(claim.loans);
        let (number, segment) = place(claim.loans, part);
        let month = &claim.months[number];
        let mut registers = vec![Register::Counted; FIRST_SUM + SUMS];
        registers[0] = Register::Passed;
        let shown = || shown(&month.collections);
        let totals = totals(&registers, &month.states, segment, shown, 0);
        let streams = totals.streams();
        Self {
            loans: LoansTable {
                leaves: Ordered {
                    log_height: split.log_part(segment),
                    used: split.used(segment),
                    root: claim.pools[number].segments[segment].elements(),
                    domain: Domain::Loan,
                },
                root_after: claim.pools[number + 1].segments[segment].elements(),
                layout: context.layout.clone(),
                fields: context.fields.clone(),
                codes: context.codes.clone(),
                calendar: context.calendar.clone(),
            },
            codes: context.codes.clone(),
            calendar: context.calendar.clone(),
            sponge: (!streams.is_empty()).then(|| SpongeTable::new(streams)),
            totals,
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
            quads: TotalsTable::quads(registers.len()),
        }
    }

    /// In the order: loans, codes, calendar, totals, sponge, limbs.
    pub fn airs(&self) -> Vec<TableAir> {
        let mut airs = vec![
            TableAir::new(self.loans.clone()),
            TableAir::new(self.codes.clone()),
            TableAir::new(self.calendar.clone()),
            TableAir::new(self.totals.clone()),
        ];
        airs.extend(self.sponge.clone().map(TableAir::new));
        airs.push(TableAir::new(self.limbs));
        airs
    }
}

/// The month and the subtree of a part.
pub(super) fn place(loans: u64, part: usize) -> (usize, usize) {
    let subtrees = segments(loans).count() as usize;
    (part / subtrees, part % subtrees)
}
