//! How many bits a proof's soundness is proven to, for its actual shape. No conjecture is used.
//!
//! A word that is opened may be close to several codewords, at most a list of them, up to the Johnson bound. What a random
//! combination of words then says about each word follows from a theorem on proximity gaps, of which there are two:
//! the older one bounds the challenges that fail by `(m + 1/2)^5`, the newer one, a recent preprint, by
//! `(m + 1/2)^3`, where `m` says how near to the Johnson bound a proof is read. Both are computed, each with the `m`
//! that is best for it, and the lower result counts.
//!
//! A part has several tables; each term is taken for all of them together: constraints and messages are added up, heights
//! and degrees are the largest. In list decoding a challenge must be right for every codeword of the list, so the terms
//! of constraints, messages and the out-of-domain point are multiplied by its length.

use p3_air::BaseAir;
use p3_air::symbolic::AirLayout;
use p3_batch_stark::num_batched_openings;
use p3_batch_stark::symbolic::{get_max_constraint_degree, get_symbolic_constraints};
use p3_lookup::{LogUpGadget, Lookup};
use p3_security::proximity::{LDR_M_CAP, compute_upper_m, list_size_ldr_m};
use p3_security::{InstanceShape, SecurityAssumption, StarkAirParams, deep};
use p3_uni_stark::OpeningShape;
use serde::Serialize;

use crate::field::{EF, F, P};
use crate::layout::Layout;
use crate::profile::ProfileParameters;
use crate::size::foldings;
use crate::statement::{HashedChallenge, Part};
use crate::suite::{Outer, RANDOM_CODEWORDS, Suite, SuiteParameters};
use crate::table::TableAir;

/// Proven bits every statement must reach.
pub const TARGET_BITS: f64 = 100.0;

const EXTENSION_DEGREE: usize = 5;
/// Points at which a column is opened: its row and the next.
const POINTS: usize = 2;
/// Bits that `p3-security` is told the challenge field has; what it says is raised to [`field_bits`].
const WHOLE_BITS: usize = 154;

/// Bits of the challenge field: 5 x 30.99.
fn field_bits() -> f64 {
    EXTENSION_DEGREE as f64 * f64::from(P).log2()
}

/// The soundness of one part.
#[derive(Clone, Debug, Serialize)]
pub struct SecurityReport {
    /// Proven bits: the least term under the theorem that gives fewer.
    pub proven_bits: f64,
    /// Bits of all errors added up, under the theorem that gives fewer.
    pub total_bits: f64,
    /// What follows from each theorem.
    pub theorems: Vec<TheoremReport>,
    /// The parameters.
    pub parameters: ProfileParameters,
    /// The suite.
    pub suite: SuiteParameters,
    /// The tables.
    pub tables: Vec<TableShape>,
}

/// What follows from one theorem on proximity gaps.
#[derive(Clone, Debug, Serialize)]
pub struct TheoremReport {
    /// The theorem's name, with where it stands.
    pub theorem: &'static str,
    /// Codewords that a word may be read as lie at `(1 + 1/2m)` times the Johnson bound's agreement.
    pub m: usize,
    /// The least term.
    pub proven_bits: f64,
    /// All errors added up.
    pub total_bits: f64,
    /// Every term with its bits.
    pub terms: Vec<(String, f64)>,
}

/// The size of one table.
#[derive(Clone, Debug, Serialize)]
pub struct TableShape {
    /// Its name.
    pub name: String,
    /// log2 of its rows.
    pub log_height: usize,
    /// Main columns.
    pub width: usize,
    /// Whether a constraint looks at the next row.
    pub uses_next: bool,
    /// Bus messages per row.
    pub interactions: usize,
    /// Extension columns the messages take, accumulator included.
    pub lookup_columns: usize,
    /// Constraints, those of the buses included.
    pub constraints: usize,
    /// Largest constraint degree.
    pub degree: usize,
    /// Quotient chunks.
    pub quotient_chunks: usize,
    /// Fixed columns, if they are committed.
    pub committed_fixed: usize,
}

impl TableShape {
    fn new(air: &TableAir, lookups: &[Lookup<F>], quotient_chunks: usize) -> Self {
        let gadget = LogUpGadget::new();
        let layout = AirLayout::from_air(air);
        let (base, ext) = get_symbolic_constraints::<F, EF, _, _>(air, layout, lookups, &gadget);
        let degree =
            get_max_constraint_degree::<F, EF, _, _>(air, layout, air.height(), lookups, &gadget);
        Self {
            name: air.name().to_string(),
            log_height: air.log_height(),
            width: air.width(),
            uses_next: air.uses_next(),
            interactions: air.interactions().0,
            lookup_columns: lookups.len() + 1,
            constraints: base.len() + ext.len(),
            degree,
            quotient_chunks,
            committed_fixed: air.preprocessed_width(),
        }
    }

    /// Openings that one challenge combines: columns, masks, quotient chunks and messages, at their points.
    fn openings(&self, hiding: bool) -> usize {
        num_batched_openings(
            self.width,
            self.uses_next,
            self.committed_fixed,
            false,
            self.quotient_chunks,
            self.lookup_columns - 1,
            EXTENSION_DEGREE,
            if hiding {
                OpeningShape::hiding(RANDOM_CODEWORDS)
            } else {
                OpeningShape::new()
            },
        )
    }
}

/// A theorem on how many points of a line of words can be closer to the code than the line is, up to the Johnson bound.
#[derive(Clone, Copy)]
enum Theorem {
    /// Ben-Sasson, Carmon, Haböck, Kopparty, Saraf: theorem 4.2, with `m = max(ceil(sqrt(rate) / 2 eta), 3)` (its statement
    /// there lacks the 2, theorem 1.5 has it).
    Bchks25,
    /// Theorem 5.12 with appendix B, for curves as derived in `p3-security`.
    Dkt26,
}

impl Theorem {
    fn name(self) -> &'static str {
        match self {
            Self::Bchks25 => "BCHKS25 (ePrint 2025/2055, theorem 4.2)",
            Self::Dkt26 => "DKT26 (ePrint 2026/2056, theorem 5.12)",
        }
    }

    /// log2 of the number of points, for codes of dimension `2^log_degree` and rate `2^-log_blowup`. A curve of degree `d`
    /// has at most `d` times as many.
    fn exceptions(self, log_degree: usize, log_blowup: usize, m: usize) -> f64 {
        match self {
            Self::Bchks25 => {
                let rate = (-(log_blowup as f64)).exp2();
                let n = ((log_degree + log_blowup) as f64).exp2();
                let m = m as f64;
                let gamma = 1.0 - rate.sqrt() * (1.0 + 0.5 / m);
                let shifted = m + 0.5;
                let first = (2.0 * shifted.powi(5) + 3.0 * shifted * gamma * rate) * n
                    / (3.0 * rate * rate.sqrt());
                (first + shifted / rate.sqrt()).log2()
            }
            Self::Dkt26 => {
                let bits = WHOLE_BITS;
                let line = SecurityAssumption::prox_gaps_error_jb_at_m;
                bits as f64 - line(log_degree, log_blowup, bits, 2, m)
            }
        }
    }
}

/// What the terms are computed from.
struct Shape<'a> {
    parameters: ProfileParameters,
    collision_bits: f64,
    /// log2 of the rows of the tallest committed table.
    log_rows: usize,
    openings: usize,
    constraints: usize,
    degree: usize,
    quotient_chunks: usize,
    /// Messages of all rows of all tables.
    messages: f64,
    /// The elements of the longest message.
    message_width: usize,
    hashed: &'a [HashedChallenge],
    /// log2 of the arity of each folding.
    foldings: Vec<usize>,
}

impl Shape<'_> {
    /// The report under a theorem, with the `m` that gives the most bits over all terms.
    fn report(&self, theorem: Theorem) -> TheoremReport {
        let most = compute_upper_m(1 << self.log_rows, POINTS).min(LDR_M_CAP);
        (3..=most.max(3))
            .map(|m| {
                let terms = self.terms(theorem, m);
                let least = terms.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
                let sum: f64 = terms.iter().map(|t| (-t.1).exp2()).sum();
                TheoremReport {
                    theorem: theorem.name(),
                    m,
                    proven_bits: least,
                    total_bits: -sum.log2(),
                    terms,
                }
            })
            .max_by(|a, b| a.total_bits.total_cmp(&b.total_bits))
            .expect("m = 3 is always possible")
    }

    fn terms(&self, theorem: Theorem, m: usize) -> Vec<(String, f64)> {
        let (p, field) = (self.parameters, field_bits());
        let list = list_size_ldr_m(p.log_blowup, m);
        let mut terms = vec![
            (
                "constraints".to_string(),
                field - list.log2() - (self.constraints as f64).log2(),
            ),
            ("out-of-domain point".into(), self.out_of_domain(list)),
            (
                "openings in one combination".into(),
                field
                    - theorem.exceptions(self.log_rows, p.log_blowup, m)
                    - ((self.openings - 1) as f64).log2()
                    + p.batch_grinding as f64,
            ),
        ];
        // Each folding combines as many words as its arity says and what joins at the next height.
        let mut log_degree = self.log_rows;
        for log_arity in &self.foldings {
            let curve = *log_arity as f64;
            let bits = field - theorem.exceptions(log_degree, p.log_blowup, m) - curve;
            log_degree -= log_arity;
            terms.push((format!("folding to 2^{log_degree}"), bits));
        }
        let agreement = (1.0 + 0.5 / m as f64) * (-0.5 * p.log_blowup as f64).exp2();
        terms.push((
            "queries".into(),
            p.query_grinding as f64 - p.queries as f64 * agreement.log2(),
        ));
        if self.messages > 0.0 {
            // A fingerprint that is no fingerprint, or that meets another: messages times width, and messages.
            let factors = self.messages * (self.message_width.max(1) + 2) as f64;
            terms.push((
                "messages between tables".into(),
                field - list.log2() - factors.log2(),
            ));
        }
        for hashed in self.hashed {
            terms.push((
                format!("{}, compared over all parts", hashed.name),
                field - (hashed.degree.max(1) as f64).log2(),
            ));
        }
        terms.push(("hash collisions".into(), self.collision_bits));
        terms
    }

    /// With the square of the list, as in ePrint 2024/1553, theorem 2; `p3-security` has the list itself.
    fn out_of_domain(&self, list: f64) -> f64 {
        let air = StarkAirParams {
            num_constraints: self.constraints,
            max_constraint_degree: self.degree,
            num_quotient_chunks: self.quotient_chunks,
            max_combo: POINTS,
        };
        let instance = InstanceShape {
            log_trace_length: self.log_rows,
            modulus_bits: WHOLE_BITS,
            collision_resistance: self.collision_bits as usize,
            num_batched_functions: self.openings,
        };
        deep::deep_ali_error(&air, &instance, list * list).bits() + field_bits() - WHOLE_BITS as f64
    }
}

/// The security report of a part.
///
/// # Panics
/// If the part's tables cannot be laid out, which no claim accepted by its statement allows.
pub fn security_report(part: &Part) -> SecurityReport {
    security_report_with::<Outer>(part)
}

/// The security report of a part whose proof is made with suite `P`.
///
/// # Panics
/// As [`security_report`].
pub fn security_report_with<P: Suite>(part: &Part) -> SecurityReport {
    report(part, &P::PARAMETERS)
}

fn report(part: &Part, suite: &SuiteParameters) -> SecurityReport {
    let layout = Layout::new(part, suite).expect("the statement's tables have a layout");
    let tables: Vec<TableShape> = layout
        .tables
        .iter()
        .zip(&layout.lookups)
        .zip(&layout.chunks)
        .map(|((table, lookups), &chunks)| TableShape::new(table, lookups, chunks))
        .collect();
    let widest = part.tables.iter().map(|t| t.interactions().1).max();
    let largest = |of: fn(&TableShape) -> usize| tables.iter().map(of).max().unwrap_or(1);
    let shape = Shape {
        parameters: part.profile.parameters(),
        collision_bits: suite.collision_bits,
        // Hiding doubles the committed height.
        log_rows: largest(|t| t.log_height) + usize::from(suite.hiding),
        openings: tables.iter().map(|t| t.openings(suite.hiding)).sum(),
        constraints: tables.iter().map(|t| t.constraints).sum(),
        degree: largest(|t| t.degree),
        quotient_chunks: largest(|t| t.quotient_chunks),
        messages: tables
            .iter()
            .map(|t| t.interactions as f64 * (t.log_height as f64).exp2())
            .sum(),
        message_width: widest.unwrap_or(0),
        hashed: &part.hashed,
        foldings: foldings(part, suite),
    };
    let theorems = [Theorem::Bchks25, Theorem::Dkt26].map(|t| shape.report(t));
    let lower = |of: fn(&TheoremReport) -> f64| of(&theorems[0]).min(of(&theorems[1]));
    SecurityReport {
        proven_bits: lower(|t| t.proven_bits),
        total_bits: lower(|t| t.total_bits),
        theorems: theorems.to_vec(),
        parameters: shape.parameters,
        suite: *suite,
        tables,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p3_security::fri::FriRegime;
    use p3_security::stark::proven_security_report;
    use p3_security::{GrindingSites, Regime};

    fn shape(log_rows: usize) -> Shape<'static> {
        Shape {
            parameters: crate::Profile::Fast.parameters(),
            collision_bits: 128.0,
            log_rows,
            openings: 4500,
            constraints: 2000,
            degree: 4,
            quotient_chunks: 8,
            messages: 0.0,
            message_width: 0,
            hashed: &[],
            foldings: vec![2; 6],
        }
    }

    /// Under the newer theorem the terms are those of the proof system's own accounting, but for what is counted here in
    /// excess of it: the whole field, the list's square, and one more word in a folding.
    #[test]
    fn terms_agree_with_the_proof_system() {
        let shape = shape(15);
        let p = shape.parameters;
        let regime = FriRegime {
            log_blowup: p.log_blowup,
            num_queries: p.queries,
            log_final_poly_len: p.log_final,
            max_log_arity: p.log_arity,
            commit_pow_bits: 0,
            query_pow_bits: p.query_grinding,
        };
        let air = StarkAirParams {
            num_constraints: shape.constraints,
            max_constraint_degree: shape.degree,
            num_quotient_chunks: shape.quotient_chunks,
            max_combo: POINTS,
        };
        let instance = InstanceShape {
            log_trace_length: shape.log_rows,
            modulus_bits: WHOLE_BITS,
            collision_resistance: 128,
            num_batched_functions: shape.openings,
        };
        let grinding = GrindingSites {
            batch_combination: p.batch_grinding,
            ..GrindingSites::NONE
        };
        let theirs = proven_security_report(&regime, &air, &instance, &[], &grinding);
        let theirs = theirs.ldr.expect("list decoding");
        let Regime::ListDecoding { m } = theirs.regime else {
            panic!("{:?}", theirs.regime)
        };
        let ours = shape.terms(Theorem::Dkt26, m);
        let find = |name: &str| ours.iter().find(|t| t.0 == name).expect(name).1;
        let rest = field_bits() - WHOLE_BITS as f64;
        for term in theirs.terms() {
            let (name, excess) = match term.label {
                "air-composition" => ("constraints", 0.0),
                "deep-ali" => ("out-of-domain point", list_size_ldr_m(2, m).log2()),
                "batch-combination" => ("openings in one combination", 0.0),
                "commitment-collision" => continue,
                // The least of queries and foldings: queries, here.
                "low-degree-test" => {
                    assert!((find("queries") - term.bits.bits()).abs() < 1e-6);
                    continue;
                }
                other => panic!("the proof system counts `{other}` too"),
            };
            let expected = term.bits.bits() + rest - excess;
            assert!(
                (find(name) - expected).abs() < 1e-6,
                "{name}: {} {expected}",
                find(name)
            );
        }
    }

    /// The older theorem at numbers worked out by hand: m = 3, rate 1/4, n = 2^17, so `gamma = 5/12` and
    /// `(2 * 3.5^5 + 3 * 3.5 * 5/48) / (3/8) * 2^17 + 7 = 367,536,818`.
    #[test]
    fn the_older_theorem_counts_what_it_says() {
        let points = Theorem::Bchks25.exceptions(15, 2, 3).exp2();
        assert!((points - 367_536_818.0).abs() < 1.0, "{points}");
    }

    /// Both theorems are read; the lower result is what counts, and grinding before the openings are combined is needed.
    #[test]
    fn the_older_theorem_needs_the_grinding() {
        let mut tall = shape(16);
        let [older, newer] = [Theorem::Bchks25, Theorem::Dkt26].map(|t| tall.report(t));
        assert!(older.proven_bits >= TARGET_BITS && older.proven_bits < newer.proven_bits);
        assert!(older.total_bits >= TARGET_BITS && older.total_bits < older.proven_bits);
        tall.parameters.batch_grinding = 0;
        tall.parameters.queries -= 1;
        assert!(tall.report(Theorem::Bchks25).proven_bits < TARGET_BITS);
        assert!(tall.report(Theorem::Dkt26).proven_bits >= TARGET_BITS);
    }
}
