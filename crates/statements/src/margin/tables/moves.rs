//! How each coin moves.

use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, signed_felt};

use super::MOVES;
use crate::margin::plan::Plan;
use crate::margin::tables::rates::RateRow;

/// One underlying and sign of a balance a row: all of it public, recomputed by the verifier.
///
/// - MOVES-1: the cells are the public numbers.
///
/// Row 0 is for who has nothing in the coin; it moves nothing, as do rows of underlyings that are no coins and those below the
/// last. Multiplicities are free; a wrong one unbalances the bus.
#[derive(Clone, Debug)]
pub(crate) struct MovesTable {
    pub plan: Plan,
}

impl Table for MovesTable {
    type Row = RateRow;

    fn name(&self) -> &'static str {
        "moves"
    }

    fn log_height(&self) -> usize {
        let rows = self.plan.moves.rows().next_power_of_two().ilog2() as usize;
        rows.max(stark::MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let moves = &self.plan.moves;
        let height = 1usize << self.log_height();
        // Below the last, the first again.
        let rows: Vec<usize> = (0..height)
            .map(|row| if row < moves.rows() { row } else { 0 })
            .collect();
        let column = |f: &dyn Fn(usize) -> F| rows.iter().map(|&row| f(row)).collect::<Vec<F>>();
        let mut columns = vec![
            column(&|row| F::from_usize(row / 2)),
            column(&|row| F::from_usize(row % 2)),
        ];
        if !self.plan.offsets.is_empty() {
            columns.push(column(&|row| F::from_bool(moves.is_grouped(row / 2))));
        }
        for s in 0..self.plan.rates.columns {
            for digit in 0..moves.digits {
                columns.push(column(&|row| signed_felt(moves.of(row, s)[digit])));
            }
        }
        columns
    }

    fn row<B: RowBuilder<RateRow>>(&self, b: &mut B) {
        let id = "MOVES-1";
        let [underlying, sign] = [0, 1].map(|column| b.pinned(id, column));
        let grouped: Vec<B::E> = match self.plan.offsets.is_empty() {
            true => Vec::new(),
            false => vec![b.pinned(id, 2)],
        };
        let first = 2 + grouped.len();
        let per_row = self.plan.width * self.plan.moves.digits;
        for row in 0..self.plan.loss_rows() {
            let row_number = b.constant(F::from_usize(row));
            let mut message = vec![underlying.clone(), sign.clone(), row_number];
            message.extend(grouped.iter().cloned());
            message.extend((0..per_row).map(|i| b.pinned(id, first + row * per_row + i)));
            let multiplicity = b.multiplicity(|w| F::new(w.multiplicities[row]));
            b.provide(MOVES, multiplicity, &message);
        }
    }
}
