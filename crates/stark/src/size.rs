//! How many bytes a part's proof may have: a bound that follows from its tables, so that larger bytes need not be read.
//!
//! Every list in a proof has a length that tables and parameters fix, but for the siblings in a pruned Merkle proof, which
//! are fewer the more queries meet. A field element takes at most five bytes (and mostly does), a word of a digest ten.

use p3_air::BaseAir;
use p3_fri::fold_schedule;

use crate::layout::Layout;
use crate::statement::Part;
use crate::suite::{RANDOM_CODEWORDS, SALT_ELEMENTS, SuiteParameters};

/// Bytes of a field element, of one of the extension, of a digest: four words, or eight elements.
const ELEMENT: usize = 5;
const EXTENSION: usize = 5 * ELEMENT;
const DIGEST: usize = 4 * 10;
/// Coordinates of the extension.
const COORDINATES: usize = 5;

/// log2 of the heights of tables, as committed, from the tallest.
fn committed_heights(part: &Part, suite: &SuiteParameters) -> Vec<usize> {
    let more = part.profile.parameters().log_blowup;
    let tables = part.tables.iter();
    let mut heights: Vec<usize> = tables.map(|t| suite.log_committed(t) + more).collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    heights.dedup();
    heights
}

/// log2 of the arity of each folding, from the first.
pub(crate) fn foldings(part: &Part, suite: &SuiteParameters) -> Vec<usize> {
    let p = part.profile.parameters();
    let heights = committed_heights(part, suite);
    fold_schedule(&heights, p.log_final + p.log_blowup, p.log_arity)
}

/// Bytes of a list of `n` elements of so many bytes.
fn list(n: usize, bytes: usize) -> usize {
    let digits = (usize::BITS - n.leading_zeros()).div_ceil(7).max(1);
    digits as usize + n * bytes
}

/// Bytes of the openings of matrices of these widths, at all queries, in one tree of `2^log_leaves` leaves.
fn opened(
    queries: usize,
    widths: &[usize],
    element: usize,
    log_leaves: usize,
    salted: bool,
) -> usize {
    let rows: usize = widths.iter().map(|&w| list(w, element)).sum();
    let salts = widths.len() * list(SALT_ELEMENTS, ELEMENT);
    let per_query = |inner: usize| list(queries, list(widths.len(), 0) + inner);
    // On a level of 2^k nodes, each query needs at most one sibling, and two neighbours need none.
    let siblings = (1..=log_leaves).map(|k| queries.min(1 << (k - 1))).sum();
    let salts = if salted { per_query(salts) } else { 0 };
    per_query(rows) + salts + list(siblings, DIGEST)
}

/// Matrices behind one commitment: the width of each, and at how many points it is opened.
struct Round {
    matrices: Vec<(usize, usize)>,
    /// Whether it has random columns.
    masked: bool,
}

/// The most bytes of an honest proof of a part.
pub(crate) fn most_bytes(part: &Part, layout: &Layout, suite: &SuiteParameters) -> usize {
    let p = part.profile.parameters();
    let tables = part.tables.len();
    let lookup_columns = |i: usize| layout.lookup_columns(i) * COORDINATES;
    let main = |i: usize| {
        let table = &part.tables[i];
        (table.width(), 1 + usize::from(table.uses_next()))
    };
    let chunks: usize = layout.chunks.iter().sum();
    let round = |matrices: Vec<(usize, usize)>, masked: bool| Round {
        masked: suite.hiding && masked,
        matrices,
    };
    let mut rounds = vec![
        round((0..tables).map(main).collect(), true),
        round((0..tables).map(|i| (lookup_columns(i), 2)).collect(), true),
        round(vec![(COORDINATES, 1); chunks], true),
    ];
    if suite.hiding {
        rounds.push(round(vec![(COORDINATES, 1); tables], true));
    }
    let fixed = layout.tables.iter().map(|t| (t.preprocessed_width(), 1));
    let fixed: Vec<(usize, usize)> = fixed.filter(|f| f.0 > 0).collect();
    if !fixed.is_empty() {
        rounds.push(round(fixed, false));
    }

    // Four commitments of one root, each perhaps behind a byte that says it is there.
    let mut bytes = 4 * (1 + list(1, DIGEST));
    // Values at the out-of-domain point, with flags of what is absent; behind them those of the masks.
    let extensions = |n: usize| list(n, EXTENSION);
    bytes += list(tables, 4) + layout.chunks.iter().map(|&n| list(n, 0)).sum::<usize>();
    bytes += list(rounds.len(), 0);
    for Round { matrices, masked } in &rounds {
        let masks = if *masked { RANDOM_CODEWORDS } else { 0 };
        bytes += list(matrices.len(), 0);
        for &(width, points) in matrices {
            bytes += points * extensions(width) + list(points, extensions(masks));
        }
    }

    let foldings = foldings(part, suite);
    let heights = committed_heights(part, suite);
    let mut log_height = heights.first().copied().unwrap_or(0);
    bytes += list(rounds.len(), 0);
    for Round { matrices, masked } in &rounds {
        let masks = if *masked { RANDOM_CODEWORDS } else { 0 };
        let widths: Vec<usize> = matrices.iter().map(|m| m.0 + masks).collect();
        bytes += opened(p.queries, &widths, ELEMENT, log_height, suite.hiding);
    }
    // Foldings: a commitment, a witness, and the openings beside each query.
    bytes += list(foldings.len(), list(1, DIGEST)) + list(foldings.len(), ELEMENT);
    bytes += list(foldings.len(), 0);
    for log_arity in &foldings {
        log_height -= log_arity;
        let beside = (1 << log_arity) - 1;
        bytes += opened(p.queries, &[beside], EXTENSION, log_height, suite.hiding);
    }
    // The final polynomial; witnesses of grinding.
    bytes += extensions(1 << p.log_final) + 4 * ELEMENT;
    // Sums of messages, heights, and what says that they are there.
    bytes + list(tables, 1 + EXTENSION) + list(tables, 2) + 2
}
