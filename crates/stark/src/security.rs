//! How many bits a proof's soundness is proven to, for its actual shape.
//!
//! The terms are those of `p3-security`: composition of constraints, out-of-domain sampling, FRI's
//! commit and query phases, batching of all openings, LogUp fingerprints, and hash collisions; the
//! best of unique decoding and list decoding up to the Johnson bound. No conjecture is used. A part
//! has several tables; each term is taken for all of them together: constraints and interactions
//! are added up, heights and degrees are the largest.

use p3_air::symbolic::AirLayout;
use p3_batch_stark::num_batched_openings;
use p3_batch_stark::symbolic::{get_max_constraint_degree, get_symbolic_constraints};
use p3_lookup::{LogUpGadget, Lookup};
use p3_security::logup::{LogUpAir, security_term};
use p3_security::stark::proven_security_report;
use p3_security::{InstanceShape, StarkAirParams};
use p3_uni_stark::OpeningShape;
use serde::Serialize;

use crate::field::{EF, F};
use crate::profile::{COLLISION_BITS, ProfileParameters, RANDOM_CODEWORDS};
use crate::proof::keys;
use crate::statement::Part;
use crate::table::TableAir;

/// Proven bits every statement must reach.
pub const TARGET_BITS: f64 = 100.0;

/// Bits of the challenge field, rounded down: 5 x 30.98.
const FIELD_BITS: usize = 154;
const EXTENSION_DEGREE: usize = 5;

/// The soundness of one part.
#[derive(Clone, Debug, Serialize)]
pub struct SecurityReport {
    /// Proven bits: the least of the terms.
    pub proven_bits: f64,
    /// The regime the bound is taken in.
    pub regime: String,
    /// Every term with its bits.
    pub terms: Vec<(String, f64)>,
    /// The parameters.
    pub parameters: ProfileParameters,
    /// The tables.
    pub tables: Vec<TableShape>,
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
}

fn shape(air: &TableAir, lookups: &[Lookup<F>]) -> TableShape {
    let gadget = LogUpGadget::new();
    let layout = AirLayout::from_air(air);
    let (base, ext) = get_symbolic_constraints::<F, EF, _, _>(air, layout, lookups, &gadget);
    let degree =
        get_max_constraint_degree::<F, EF, _, _>(air, layout, air.height(), lookups, &gadget);
    // Hiding adds one to the degree and doubles the chunks.
    let quotient_chunks = 2 * degree.max(1).next_power_of_two();
    TableShape {
        name: air.name().to_string(),
        log_height: air.log_height(),
        width: air.width(),
        interactions: air.interactions().0,
        lookup_columns: lookups.len() + 1,
        constraints: base.len() + ext.len(),
        degree,
        quotient_chunks,
    }
}

/// The security report of a part.
///
/// # Panics
/// If the part's tables cannot be laid out, which no claim accepted by its statement allows.
pub fn security_report(part: &Part) -> SecurityReport {
    let keys = keys(part).expect("the statement's tables have a layout");
    let tables: Vec<TableShape> = part
        .tables
        .iter()
        .zip(&keys.common.lookups)
        .map(|(t, l)| shape(t, l))
        .collect();
    let openings: usize = part
        .tables
        .iter()
        .zip(&tables)
        .map(|(air, t)| {
            num_batched_openings(
                air.width(),
                air.uses_next(),
                0,
                false,
                t.quotient_chunks,
                t.lookup_columns - 1,
                EXTENSION_DEGREE,
                OpeningShape::hiding(RANDOM_CODEWORDS),
            )
        })
        .sum();
    // Hiding doubles the committed height.
    let log_rows = tables.iter().map(|t| t.log_height).max().unwrap_or(0) + 1;
    let air = StarkAirParams {
        num_constraints: tables.iter().map(|t| t.constraints).sum(),
        max_constraint_degree: tables.iter().map(|t| t.degree).max().unwrap_or(1),
        num_quotient_chunks: tables.iter().map(|t| t.quotient_chunks).max().unwrap_or(1),
        max_combo: 2,
    };
    let instance = InstanceShape {
        log_trace_length: log_rows,
        modulus_bits: FIELD_BITS,
        collision_resistance: COLLISION_BITS,
        num_batched_functions: openings,
    };
    let messages: usize = tables.iter().map(|t| t.interactions << t.log_height).sum();
    let logup = LogUpAir {
        num_interactions: messages.div_ceil(1 << log_rows),
        max_message_width: part
            .tables
            .iter()
            .map(|t| t.interactions().1)
            .max()
            .unwrap_or(1),
    };
    let fri = part.profile.fri(());
    let grinding = fri.grinding_sites();
    let extras: Vec<_> = security_term(&logup, &instance, &grinding)
        .into_iter()
        .collect();
    let report =
        proven_security_report(&fri.security_regime(), &air, &instance, &extras, &grinding);
    let best = match &report.ldr {
        Some(ldr) if ldr.security_bits() > report.udr.security_bits() => ldr,
        _ => &report.udr,
    };
    SecurityReport {
        proven_bits: best.security_bits(),
        regime: format!("{:?}", best.regime),
        terms: best
            .terms()
            .iter()
            .map(|t| (t.label.to_string(), t.bits.bits()))
            .collect(),
        parameters: part.profile.parameters(),
        tables,
    }
}
