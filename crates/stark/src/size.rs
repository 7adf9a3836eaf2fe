//! How many bytes a part's proof may have: a bound that follows from its tables, so that larger bytes need not be read.
//!
//! Every list in a proof has a length that tables and parameters fix, but for the siblings in a pruned Merkle proof, which
//! are fewer the more queries meet. A field element takes at most five bytes (and mostly does), a word of a digest ten.

use p3_fri::fold_schedule;

use crate::profile::{Profile, RANDOM_CODEWORDS, SALT_ELEMENTS};
use crate::proof::Layout;
use crate::statement::Part;

/// Bytes of a field element, of one of the extension, of a digest.
const ELEMENT: usize = 5;
const EXTENSION: usize = 5 * ELEMENT;
const DIGEST: usize = 4 * 10;
/// Coordinates of the extension.
const COORDINATES: usize = 5;

/// log2 of the heights of tables, as committed, from the tallest.
fn committed_heights(part: &Part, profile: Profile) -> Vec<usize> {
    let more = 1 + profile.parameters().log_blowup;
    let mut heights: Vec<usize> = part.tables.iter().map(|t| t.log_height() + more).collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    heights.dedup();
    heights
}

/// log2 of the arity of each folding, from the first.
pub(crate) fn foldings(part: &Part) -> Vec<usize> {
    let p = part.profile.parameters();
    let heights = committed_heights(part, part.profile);
    fold_schedule(&heights, p.log_final + p.log_blowup, p.log_arity)
}

/// Bytes of a list of `n` elements of so many bytes.
fn list(n: usize, bytes: usize) -> usize {
    let digits = (usize::BITS - n.leading_zeros()).div_ceil(7).max(1);
    digits as usize + n * bytes
}

/// Bytes of the openings of matrices of these widths, at all queries, in one tree of `2^log_leaves` leaves.
fn opened(queries: usize, widths: &[usize], element: usize, log_leaves: usize) -> usize {
    let rows: usize = widths.iter().map(|&w| list(w, element)).sum();
    let salts = widths.len() * list(SALT_ELEMENTS, ELEMENT);
    let per_query = |inner: usize| list(queries, list(widths.len(), 0) + inner);
    // On a level of 2^k nodes, each query needs at most one sibling, and two neighbours need none.
    let siblings = (1..=log_leaves).map(|k| queries.min(1 << (k - 1))).sum();
    per_query(rows) + per_query(salts) + list(siblings, DIGEST)
}

/// The most bytes of an honest proof of a part.
pub(crate) fn most_bytes(part: &Part, layout: &Layout) -> usize {
    let p = part.profile.parameters();
    let tables = part.tables.len();
    let lookup_columns = |i: usize| layout.lookup_columns(i) * COORDINATES;
    let points = |i: usize| 1 + usize::from(part.tables[i].uses_next());
    let chunks: usize = layout.chunks.iter().sum();

    // Four commitments of one root, each perhaps behind a byte that says it is there.
    let mut bytes = 4 * (1 + list(1, DIGEST));
    // Values at the out-of-domain point: flags of what is absent, columns, chunks, messages, masks.
    let extensions = |n: usize| list(n, EXTENSION);
    bytes += list(tables, 4);
    for (i, table) in part.tables.iter().enumerate() {
        bytes += points(i) * extensions(table.width());
        bytes += list(layout.chunks[i], extensions(COORDINATES)) + extensions(COORDINATES);
        bytes += 2 * extensions(lookup_columns(i));
    }
    // Those of the masks, for all four commitments, by matrix and point.
    let masks = |matrices: usize, points: usize| {
        list(matrices, list(2, 0)) + points * extensions(RANDOM_CODEWORDS)
    };
    bytes += list(4, 0)
        + masks(tables, (0..tables).map(points).sum())
        + masks(tables, 2 * tables)
        + masks(chunks, chunks)
        + masks(tables, tables);

    let foldings = foldings(part);
    let heights = committed_heights(part, part.profile);
    let mut log_height = heights.first().copied().unwrap_or(0);
    // The four commitments' openings.
    let main = part.tables.iter().map(|t| t.width() + RANDOM_CODEWORDS);
    let messages = (0..tables).map(|i| lookup_columns(i) + RANDOM_CODEWORDS);
    let mask = COORDINATES + RANDOM_CODEWORDS;
    let rounds = [
        main.collect(),
        messages.collect(),
        vec![mask; chunks],
        vec![mask; tables],
    ];
    bytes += list(4, 0);
    for widths in rounds {
        bytes += opened(p.queries, &widths, ELEMENT, log_height);
    }
    // Foldings: a commitment, a witness, and the openings beside each query.
    bytes += list(foldings.len(), list(1, DIGEST)) + list(foldings.len(), ELEMENT);
    bytes += list(foldings.len(), 0);
    for log_arity in &foldings {
        log_height -= log_arity;
        let beside = (1 << log_arity) - 1;
        bytes += opened(p.queries, &[beside], EXTENSION, log_height);
    }
    // The final polynomial; witnesses of grinding.
    bytes += extensions(1 << p.log_final) + 4 * ELEMENT;
    // Sums of messages, heights, and what says that they are there.
    bytes + list(tables, 1 + EXTENSION) + list(tables, 2) + 2
}
