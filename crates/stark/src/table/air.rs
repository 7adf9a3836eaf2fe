//! A table as the proof system sees it.

use p3_air::{Air, BaseAir};
use p3_batch_stark::folder::{
    ProverConstraintFolderWithLookups, VerifierConstraintFolderWithLookups,
};
use p3_lookup::InteractionSymbolicBuilder;

use super::{PACK_ABOVE, PACKING_DEGREE, TableAir};
use crate::field::{EF, F};
use crate::profile::Config;

impl BaseAir<F> for TableAir {
    fn width(&self) -> usize {
        self.width
    }
    fn num_periodic_columns(&self) -> usize {
        self.fixed.len()
    }
    fn periodic_columns(&self) -> std::borrow::Cow<'_, [Vec<F>]> {
        std::borrow::Cow::Borrowed(&self.fixed)
    }
    fn main_next_row_columns(&self) -> Vec<usize> {
        if self.uses_next {
            (0..self.width).collect()
        } else {
            Vec::new()
        }
    }
    fn num_public_values(&self) -> usize {
        self.public.len()
    }
    fn max_constraint_degree(&self) -> Option<usize> {
        (self.interactions.0 > PACK_ABOVE).then_some(PACKING_DEGREE)
    }
}

impl Air<InteractionSymbolicBuilder<F, EF>> for TableAir {
    fn eval(&self, b: &mut InteractionSymbolicBuilder<F, EF>) {
        self.table.eval_symbolic(b);
    }
}
impl<'a> Air<ProverConstraintFolderWithLookups<'a, Config>> for TableAir {
    fn eval(&self, b: &mut ProverConstraintFolderWithLookups<'a, Config>) {
        self.table.eval_prover(b);
    }
}
impl<'a> Air<VerifierConstraintFolderWithLookups<'a, Config>> for TableAir {
    fn eval(&self, b: &mut VerifierConstraintFolderWithLookups<'a, Config>) {
        self.table.eval_verifier(b);
    }
}
#[cfg(debug_assertions)]
impl<'a> Air<p3_air::DebugConstraintBuilder<'a, F, EF>> for TableAir {
    fn eval(&self, b: &mut p3_air::DebugConstraintBuilder<'a, F, EF>) {
        self.table.eval_debug(b);
    }
}
