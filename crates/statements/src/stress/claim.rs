//! What a stress proof claims, and which tables prove it.

use credit::coarse;
use credit::deal::Deal;
use credit::pool::Template;
use credit::pool::tape::CutOff;
use credit::projection::{Schedule, check_doubtful};
use credit::stress::{Model, OutcomeError, Scenario, Setting, check_work};
use credit::waterfall::{DealState, Index};
use gadgets::hash::Domain;
use gadgets::range::RangeTable;
use gadgets::sponge::SpongeTable;
use gadgets::totals::{Register, Show, TotalsTable};
use records::units::Cents;
use serde::{Deserialize, Serialize};
use stark::{Part, Profile, Statement, TableAir};

use super::tables::loans::LoansTable;
use super::tables::months::MonthsTable;
use super::tables::schedule::{PER_ROW, ScheduleTable};
use crate::account::PublicDigest;
use crate::kit::totals;
use crate::nonce::Nonce;
use crate::ordered::Ordered;
use crate::pools::calendar::CalendarTable;
use crate::pools::codes::CodesTable;
use crate::pools::loan::{LeafLayout, check_pool};
use crate::pools::month::Fields;
use crate::pools::start::Start;
use crate::trees::Segments;

/// The register of the scheduled balance, salts aside.
pub const BALANCE: usize = 1;
/// The register of the doubtful balance.
pub const DOUBTFUL: usize = 2;
/// The register of the first step's interest; its balance and the other steps follow.
pub const FIRST_STEP: usize = 3;
/// log2 of the loans of a part.
pub const LOG_SEGMENT: usize = 8;

/// The public part of a stress proof: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StressClaim {
    /// What fields the loans have.
    pub template: Template,
    /// The day the tape is of.
    pub cut_off: CutOff,
    /// How many loans there are.
    pub loans: u64,
    /// The commitment to the pool, the same as in pool claims.
    pub pool: PublicDigest,
    /// The roots of the subtrees of 256 slots that the proof's parts are about, from left to right.
    pub segments: Vec<PublicDigest>,
    /// Commitments to the running totals after each part but the last.
    pub states: Vec<PublicDigest>,
    /// A loan this many days past due, or past maturity, is doubtful: it defaults in the first month.
    pub doubtful_days: u16,
    /// What the pool brings in when all loans but the doubtful ones pay as scheduled: a row a step.
    pub schedule: Schedule,
    /// How many months each step has; empty if each is a month. Within a step the projection spreads what comes in evenly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<u16>,
    /// The deal that the pool pays for.
    pub deal: Deal,
    /// The deal at the cut-off date.
    pub deal_state: DealState,
    /// The fixings of the deal's indices.
    pub indices: Vec<Index>,
    /// Stresses, and what becomes of the tranches under each.
    pub scenarios: Vec<Scenario>,
    /// Stresses whose defaults come together by a factor, and what the tranches are expected to lose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Model>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

impl StressClaim {
    /// Where it starts.
    pub fn start(&self) -> Start<'_> {
        Start {
            template: &self.template,
            loans: self.loans,
            cut_off: &self.cut_off,
            pool: &self.pool,
            deal: &self.deal,
            state: &self.deal_state,
            indices: &self.indices,
        }
    }

    /// The months that the schedule has, or takes: within a step what comes in is spread evenly ([`coarse::spread`]).
    ///
    /// # Errors
    /// If schedule and steps do not fit.
    pub fn monthly(&self) -> Result<Schedule, String> {
        coarse::spread(&self.schedule, &self.steps).map_err(|e| e.to_string())
    }
}

/// The fields that are read of a loan.
pub(super) fn read_fields(fields: &Fields) -> [usize; 9] {
    [
        fields.balance,
        fields.rate,
        fields.term,
        fields.frequency,
        fields.rule,
        fields.instalment,
        fields.accrued,
        fields.status,
        fields.days,
    ]
}

/// What the parts of a claim share.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) layout: LeafLayout,
    pub(super) fields: Fields,
    pub(super) codes: CodesTable,
    pub(super) calendar: CalendarTable,
    /// log2 of the rows of a loan.
    pub(super) log_rows: usize,
}

impl Context {
    /// The public numbers of a template and a schedule of so many months, at most [`credit::amortization::MAX_TERM`].
    pub(super) fn new(template: &Template, months: usize) -> Result<Self, String> {
        template.validate().map_err(|e| e.to_string())?;
        let layout = LeafLayout::new(template);
        let (fields, calendar) = Fields::new(template, &layout)?;
        let codes = fields.codes(template, vec![fields.open.clone(), fields.closed.clone()]);
        let rows = months.div_ceil(PER_ROW).max(1).next_power_of_two();
        Ok(Self {
            layout,
            fields,
            codes: codes.ok_or("no status is open")?,
            calendar,
            log_rows: rows.ilog2() as usize,
        })
    }

    /// Months for which a loan has rows.
    pub(super) fn slots(&self) -> usize {
        PER_ROW << self.log_rows
    }
}

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Stressed;

impl Statement for Stressed {
    const ID: &'static str = "stress";
    const VERSION: u32 = 3;
    type Claim = StressClaim;
    type Context = Context;

    fn context(claim: &StressClaim) -> Result<Context, String> {
        let split = Segments::new(claim.loans, LOG_SEGMENT);
        let months = coarse::months(&claim.steps, claim.schedule.rows.len());
        let months = months.map_err(|e| e.to_string())?;
        let context = Context::new(&claim.template, months)?;
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
        let mut owed = claim.schedule.balance;
        for row in &claim.schedule.rows {
            if row.balance.checked_add(row.principal) != Some(owed) {
                return Err("the schedule's balances do not fall by its principal".into());
            }
            owed = row.balance;
        }
        // More months would be more payment dates.
        if claim
            .schedule
            .rows
            .last()
            .is_some_and(|row| row.principal == Cents(0))
        {
            return Err("the schedule goes on after everything is paid".into());
        }
        if owed != Cents(0) {
            return Err("the schedule ends before everything is paid".into());
        }
        check_doubtful(claim.doubtful_days).map_err(|e| e.to_string())?;
        check_outcomes(claim, &claim.monthly()?).map_err(|e| e.to_string())?;
        Ok(context)
    }

    fn parts(claim: &StressClaim, _: &Context) -> usize {
        claim.segments.len()
    }

    fn part(claim: &StressClaim, context: &Context, part: usize) -> Part {
        let tables = PartTables::new(claim, context, part);
        Part {
            profile: Profile::Fast,
            tables: tables.airs(),
            hashed: Vec::new(),
        }
    }
}

/// The deal is public, and so is all that the pool brings in: outcomes are computed again.
fn check_outcomes(claim: &StressClaim, monthly: &Schedule) -> Result<(), OutcomeError> {
    let nodes = claim.models.iter().map(|model| model.factor.nodes);
    check_work(&claim.deal, claim.scenarios.len(), nodes)?;
    let setting = Setting {
        deal: &claim.deal,
        state: &claim.deal_state,
        indices: &claim.indices,
        monthly,
    };
    setting.check_dates(&claim.cut_off)?;
    setting.confirm(&claim.scenarios, &claim.models)
}

/// What the registers hold after the last part, salts aside; nothing is known of the key.
fn shown(schedule: &Schedule) -> Vec<Show> {
    let value = |v: u64| Show::Value(v.into());
    let mut shows = vec![
        Show::Hidden,
        value(schedule.balance.0),
        value(schedule.doubtful.0),
    ];
    let rows = schedule.rows.iter();
    shows.extend(rows.flat_map(|row| [value(row.interest.0), value(row.balance.0)]));
    shows
}

/// The tables of one part.
pub(super) struct PartTables {
    pub loans: LoansTable,
    pub schedule: ScheduleTable,
    pub months: MonthsTable,
    pub codes: CodesTable,
    pub totals: TotalsTable,
    pub sponge: Option<SpongeTable>,
    pub limbs: RangeTable,
    /// Addresses of all quads.
    pub quads: usize,
}

impl PartTables {
    pub fn new(claim: &StressClaim, context: &Context, part: usize) -> Self {
        let used = (claim.loans - ((part as u64) << LOG_SEGMENT)).min(1 << LOG_SEGMENT) as usize;
        let shows = shown(&claim.schedule);
        let mut registers = vec![Register::Counted; shows.len()];
        registers[0] = Register::Passed;
        let totals = totals(&registers, &claim.states, part, || shows, 0);
        let streams = totals.streams();
        Self {
            loans: LoansTable {
                leaves: Ordered {
                    log_height: LOG_SEGMENT,
                    used,
                    root: claim.segments[part].elements(),
                    domain: Domain::Loan,
                },
                layout: context.layout.clone(),
                fields: context.fields.clone(),
                codes: context.codes.clone(),
                doubtful_days: claim.doubtful_days,
            },
            schedule: ScheduleTable {
                log_loans: LOG_SEGMENT,
                log_rows: context.log_rows,
                calendar: context.calendar.clone(),
            },
            months: MonthsTable {
                steps: (0..claim.schedule.rows.len())
                    .map(|row| coarse::months_of(&claim.steps, row))
                    .collect(),
                slots: context.slots(),
            },
            codes: context.codes.clone(),
            sponge: (!streams.is_empty()).then(|| SpongeTable::new(streams)),
            totals,
            limbs: RangeTable::limbs(stark::MIN_LOG_HEIGHT),
            quads: TotalsTable::quads(registers.len()),
        }
    }

    /// In the order: loans, schedule, months, codes, calendar, totals, sponge, limbs.
    pub fn airs(&self) -> Vec<TableAir> {
        let mut airs = vec![
            TableAir::new(self.loans.clone()),
            TableAir::new(self.schedule.clone()),
            TableAir::new(self.months.clone()),
            TableAir::new(self.codes.clone()),
            TableAir::new(self.schedule.calendar.clone()),
            TableAir::new(self.totals.clone()),
        ];
        airs.extend(self.sponge.clone().map(TableAir::new));
        airs.push(TableAir::new(self.limbs));
        airs
    }
}
