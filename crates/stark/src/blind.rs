//! Blinding of what LogUp publishes.
//!
//! The proof shows each table's sum over its bus messages in the clear, also when the trace is
//! hidden, and that sum is a fingerprint of the messages. So every table carries one more message:
//! on its first row it sends a fresh random message, on its second row it receives the one that the
//! next table (cyclically) sends. The messages cancel over all tables, and the published sums are
//! uniform subject to adding up to zero. With a single table the sum is zero anyway.

use p3_matrix::Matrix;
use rand::{CryptoRng, RngExt};

use crate::field::{F, PrimeCharacteristicRing};
use crate::row::{Bus, RowBuilder, When};
use crate::table::Trace;

pub(crate) const BUS: Bus = Bus::new("blind");

/// Random elements in a message: 6 x 30.99 bits, above the 155 bits of the extension it hides in.
const ELEMENTS: usize = 6;

/// Columns that blinding adds to a table.
pub(crate) const WIDTH: usize = 1 + ELEMENTS;

/// The blinding part of every row. Its flag is 1 on the first row, -1 on the second, 0 below:
/// send, receive, nothing.
pub(crate) fn row<W, B: RowBuilder<W>>(b: &mut B) {
    let (flag, next) = b.state(|_| F::ZERO);
    let one = b.one();
    b.assert_zero("BLIND-1", When::First, flag.clone() - one.clone());
    // 1 -> -1 -> 0 -> 0
    let twice_next = next.clone() + next;
    b.assert_zero(
        "BLIND-2",
        When::Transition,
        twice_next + flag.clone() * (flag.clone() + one),
    );
    let message: [B::E; ELEMENTS] =
        std::array::from_fn(|_| b.free("blinds the published LogUp sum", |_| F::ZERO));
    b.send(BUS, flag, &message);
}

/// Fills the blinding columns of all tables of a proof.
pub(crate) fn randomize(traces: &mut [Trace], rng: &mut impl CryptoRng) {
    let messages: Vec<[F; ELEMENTS]> = traces
        .iter()
        .map(|_| std::array::from_fn(|_| rng.random()))
        .collect();
    for (i, trace) in traces.iter_mut().enumerate() {
        let width = trace.width();
        let next = &messages[(i + 1) % messages.len()];
        for (row, flag, message) in [(0, F::ONE, &messages[i]), (1, F::NEG_ONE, next)] {
            let end = (row + 1) * width;
            let cells = &mut trace.values[end - WIDTH..end];
            cells[0] = flag;
            cells[1..].copy_from_slice(message);
        }
    }
}
