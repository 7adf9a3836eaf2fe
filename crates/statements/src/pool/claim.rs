//! What a pool proof claims, and which tables prove it.

use std::sync::Arc;

use credit::pool::tape::CutOff;
use credit::pool::{Claimed, Figure, Template};
use gadgets::hash::Domain;
use gadgets::product::{Challenge, message_len};
use gadgets::range::RangeTable;
use gadgets::sponge::{SpongeTable, Stream, Target};
use gadgets::totals::{Register, SALTS, Show, TotalsTable};
use serde::{Deserialize, Serialize};
use stark::{HashedChallenge, MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};

use super::plan::{DEFAULTED, OPEN, Plan, group};
use super::tables::figures::FiguresTable;
use super::tables::groups::GroupsTable;
use super::tables::loans::LoansTable;
use crate::account::PublicDigest;
use crate::kit::totals;
use crate::nonce::Nonce;
use crate::ordered::Ordered;
use crate::pools::codes::CodesTable;
use crate::pools::loan::{check_counts, check_pool, segments};

/// The public part of a pool proof: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolClaim {
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
    /// The commitment to the pool: template, cut-off date, number of loans and the root of their tree, under which every
    /// loan stands exactly once.
    pub pool: PublicDigest,
    /// The roots of the parts' subtrees of 2^13 slots; that of the last part has as few slots as hold its loans.
    pub segments: Vec<PublicDigest>,
    /// Per concentration, commitments to the parts of the list of loans in the order of their groups.
    pub lists: Vec<Vec<PublicDigest>>,
    /// Commitments to the running totals after each part but the last.
    pub states: Vec<PublicDigest>,
    /// Rules that every loan satisfies unless it is closed.
    pub eligibility: Vec<String>,
    /// Figures of the pool.
    pub figures: Vec<Figure<Claimed>>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// What the parts of a claim share.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) plan: Arc<Plan>,
    pub(super) challenges: Vec<Challenge>,
    pub(super) codes: Option<CodesTable>,
}

/// The statement.
#[derive(Clone, Copy, Debug)]
pub struct Pool;

impl Context {
    /// Limbs of a concentration's groups and weights.
    pub(super) fn limbs(&self, concentration: usize) -> [usize; 2] {
        let c = &self.plan.concentrations[concentration];
        [c.by, c.weight].map(|field| self.plan.layout.fields[field].1)
    }

    /// What all registers are, salts aside.
    fn registers(&self) -> Vec<Register> {
        let mut registers = vec![Register::Passed];
        for _ in &self.plan.concentrations {
            registers.extend((0..group::COUNT).map(|r| match r {
                0..group::THRESHOLD => Register::Elements,
                group::THRESHOLD..group::CHOSEN_TOTAL => Register::Passed,
                _ => Register::Counted,
            }));
        }
        registers.resize(self.plan.registers(), Register::Counted);
        registers
    }

    /// What is shown of the registers after the last part, salts aside: how many loans are open and defaulted.
    fn shown(&self, claim: &PoolClaim) -> Vec<Show> {
        let mut shows = vec![Show::Hidden; self.plan.registers()];
        shows[self.plan.sum_register(OPEN)] = Show::Value(claim.open.into());
        shows[self.plan.sum_register(DEFAULTED)] = Show::Value(claim.defaulted.into());
        shows
    }
}

impl Statement for Pool {
    const ID: &'static str = "pool";
    const VERSION: u32 = 3;
    type Claim = PoolClaim;
    type Context = Context;

    fn context(claim: &PoolClaim) -> Result<Context, String> {
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
        check_counts(claim.loans, claim.open, claim.defaulted)?;
        let plan = Plan::new(&claim.template, &claim.eligibility, &claim.figures)?;
        if claim.lists.len() != plan.concentrations.len()
            || claim.lists.iter().any(|l| l.len() as u64 != parts)
        {
            return Err("it needs a list for each concentration and part".into());
        }
        let codes: Vec<usize> = claim
            .template
            .fields
            .iter()
            .map(|f| f.kind.codes().len())
            .collect();
        let codes = CodesTable::new(&plan.sets, &codes);
        // All that the products compare: the loans' leaves and the lists, and what is asked of them.
        let asked = (
            Self::ID,
            &claim.pool,
            &claim.segments,
            &claim.lists,
            &claim.figures,
        );
        let committed = serde_json::to_vec(&asked).map_err(|e| e.to_string())?;
        let mut context = Context {
            plan: Arc::new(plan),
            challenges: Vec::new(),
            codes,
        };
        context.challenges = (0..context.plan.concentrations.len())
            .map(|i| Challenge::new(&committed, i, message_len(context.limbs(i).iter().sum())))
            .collect();
        Ok(context)
    }

    fn parts(claim: &PoolClaim, _: &Context) -> usize {
        claim.segments.len()
    }

    fn part(claim: &PoolClaim, context: &Context, part: usize) -> Part {
        let tables = PartTables::new(claim, context, part);
        Part {
            profile: Profile::Fast,
            tables: tables.airs(),
            hashed: products(claim, context),
        }
    }
}

/// The two orders of each concentration are compared by products of a factor a loan.
fn products(claim: &PoolClaim, context: &Context) -> Vec<HashedChallenge> {
    (0..context.challenges.len())
        .map(|i| HashedChallenge {
            name: "groups",
            degree: claim.loans * message_len(context.limbs(i).iter().sum()) as u64,
        })
        .collect()
}

/// The tables of one part.
pub(super) struct PartTables {
    pub loans: LoansTable,
    pub groups: Vec<GroupsTable>,
    pub codes: Option<CodesTable>,
    pub totals: TotalsTable,
    /// In the last part, if there are figures.
    pub figures: Option<FiguresTable>,
    pub sponge: Option<SpongeTable>,
    pub limbs: RangeTable,
    /// Addresses of all quads.
    pub quads: usize,
}

impl PartTables {
    pub fn new(claim: &PoolClaim, context: &Context, part: usize) -> Self {
        let plan = &context.plan;
        let segments = segments(claim.loans);
        let used = segments.used(part);
        let log_height = segments.log_part(part);
        let registers = context.registers();
        let is_last = part + 1 == claim.segments.len();
        let mut totals = totals(&registers, &claim.states, part, || context.shown(claim), 0);
        if is_last {
            totals = totals.answering();
        }
        let mut streams = totals.streams();
        let mut address = TotalsTable::quads(registers.len());
        let groups: Vec<GroupsTable> = (0..plan.concentrations.len())
            .map(|i| {
                let table = GroupsTable {
                    log_height,
                    used,
                    is_first: part == 0,
                    limbs: context.limbs(i),
                    register: plan.group_register(i),
                    address,
                    challenge: context.challenges[i].clone(),
                };
                streams.push(Stream {
                    domain: Domain::List,
                    address,
                    quads: table.quads(),
                    headed: false,
                    target: Target::Public(claim.lists[i][part].elements()),
                });
                address += table.quads();
                table
            })
            .collect();
        debug_assert!(registers.len() + SALTS <= 1 << MIN_LOG_HEIGHT);
        Self {
            loans: LoansTable {
                leaves: Ordered {
                    log_height,
                    used,
                    root: claim.segments[part].elements(),
                    domain: Domain::Loan,
                },
                plan: plan.clone(),
                codes: context.codes.clone(),
                challenges: context.challenges.clone(),
            },
            groups,
            codes: context.codes.clone(),
            totals,
            figures: is_last.then(|| FiguresTable {
                inequalities: plan.inequalities.clone(),
            }),
            sponge: (!streams.is_empty()).then(|| SpongeTable::new(streams)),
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
            quads: address,
        }
    }

    /// In the order: loans, groups, codes, totals, figures, sponge, limbs.
    pub fn airs(&self) -> Vec<TableAir> {
        let mut airs = vec![TableAir::new(self.loans.clone())];
        airs.extend(self.groups.iter().cloned().map(TableAir::new));
        airs.extend(self.codes.clone().map(TableAir::new));
        airs.push(TableAir::new(self.totals.clone()));
        airs.extend(self.figures.clone().map(TableAir::new));
        airs.extend(self.sponge.clone().map(TableAir::new));
        airs.push(TableAir::new(self.limbs));
        airs
    }
}
