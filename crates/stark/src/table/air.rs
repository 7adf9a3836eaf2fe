//! A table as the proof system sees it.

use p3_air::{Air, BaseAir};
use p3_batch_stark::folder::{
    ProverConstraintFolderWithLookups, VerifierConstraintFolderWithLookups,
};
use p3_challenger::{CanObserve, CanSample, FieldChallenger};
use p3_commit::UnivariateStarkPcs;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_lookup::{InteractionSymbolicBuilder, LogUpGadget, Lookup, Lookups};
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::{ProverConstraintFolder, StarkConfig, VerifierConstraintFolder};

use super::TableAir;
use crate::field::{EF, F};
use crate::suite::{Config, Outer, SuiteParameters};

/// Messages above which it pays to pack three into a column, at the price of degree 4: a degree-2
/// table has four quotient chunks, one of degree 3 or 4 has eight.
const PACK_ABOVE: usize = 12;
/// The degree that makes the proof system pack three messages into a column.
const PACKING_DEGREE: usize = 3;

impl TableAir {
    /// The table as proofs of a suite read it.
    pub(crate) fn with(&self, suite: &SuiteParameters) -> Self {
        Self {
            commits_fixed: suite.commits_fixed,
            ..self.clone()
        }
    }

    /// The messages in the columns they are packed into: as many to a column as leave the number of
    /// quotient chunks what it is; and that number. The proof system finds the same by walking every constraint (17 ms
    /// for a single account's tables, a third of its verification); here the degrees it needs are at hand.
    pub(crate) fn layout(&self, hiding: bool) -> (Lookups<F>, usize) {
        let gadget = LogUpGadget::new();
        let degree_of = |lookup: &Lookup<F>| gadget.constraint_degree_with_transition(lookup, 0);
        let unpacked = Lookups::<F>::from_air::<EF, Self>(self);
        let degree = unpacked
            .iter()
            .map(degree_of)
            .chain([self.degree, self.max_constraint_degree().unwrap_or(0)])
            .max()
            .unwrap_or(0);
        // Division takes one from the degree. Hiding adds it again, and doubles the chunks; a quotient has a power of two of
        // them.
        let hides = usize::from(hiding);
        let chunks = ((degree + hides).max(2) - 1).next_power_of_two();
        let packed = unpacked.pack_same_bus_with_degree(chunks + 1 - hides, degree_of);
        (packed, chunks << hides)
    }
}

impl BaseAir<F> for TableAir {
    fn width(&self) -> usize {
        self.width
    }
    fn num_periodic_columns(&self) -> usize {
        if self.commits_fixed {
            0
        } else {
            self.fixed.len()
        }
    }
    fn periodic_columns(&self) -> std::borrow::Cow<'_, [Vec<F>]> {
        std::borrow::Cow::Borrowed(if self.commits_fixed { &[] } else { &self.fixed })
    }
    fn preprocessed_width(&self) -> usize {
        if self.commits_fixed {
            self.fixed.len()
        } else {
            0
        }
    }
    /// The fixed columns, each repeated down to the last row.
    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        let width = self.preprocessed_width();
        let row = |row: usize| self.fixed.iter().map(move |c| c[row % c.len()]);
        (width > 0).then(|| RowMajorMatrix::new((0..self.height()).flat_map(row).collect(), width))
    }
    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        Vec::new()
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

// What folders hold has the same type in every suite. So a row function is compiled for those of `Outer` only, and what the
// others hold is moved there and back.

impl<'a, P, C> Air<ProverConstraintFolderWithLookups<'a, StarkConfig<P, EF, C>>> for TableAir
where
    P: UnivariateStarkPcs<EF, C, Domain = TwoAdicMultiplicativeCoset<F>> + Clone,
    C: FieldChallenger<F> + CanObserve<P::Commitment> + CanSample<EF> + Clone,
{
    fn eval(&self, b: &mut ProverConstraintFolderWithLookups<'a, StarkConfig<P, EF, C>>) {
        let inner = &mut b.inner;
        let mut outer = ProverConstraintFolderWithLookups::<'a, Config<Outer>> {
            inner: ProverConstraintFolder {
                main: inner.main,
                preprocessed: inner.preprocessed,
                preprocessed_window: inner.preprocessed_window,
                periodic_values: inner.periodic_values,
                public_values: inner.public_values,
                is_first_row: inner.is_first_row,
                is_last_row: inner.is_last_row,
                is_transition: inner.is_transition,
                base_alpha_powers: inner.base_alpha_powers,
                ext_alpha_powers: inner.ext_alpha_powers,
                base_constraints: std::mem::take(&mut inner.base_constraints),
                ext_constraints: std::mem::take(&mut inner.ext_constraints),
                constraint_index: inner.constraint_index,
                constraint_count: inner.constraint_count,
            },
            permutation: b.permutation,
            permutation_challenges: b.permutation_challenges,
            permutation_values: b.permutation_values,
        };
        self.table.eval_prover(&mut outer);
        inner.base_constraints = outer.inner.base_constraints;
        inner.ext_constraints = outer.inner.ext_constraints;
        inner.constraint_index = outer.inner.constraint_index;
    }
}

impl<'a, P, C> Air<VerifierConstraintFolderWithLookups<'a, StarkConfig<P, EF, C>>> for TableAir
where
    P: UnivariateStarkPcs<EF, C, Domain = TwoAdicMultiplicativeCoset<F>> + Clone,
    C: FieldChallenger<F> + CanObserve<P::Commitment> + CanSample<EF> + Clone,
{
    fn eval(&self, b: &mut VerifierConstraintFolderWithLookups<'a, StarkConfig<P, EF, C>>) {
        let inner = &mut b.inner;
        let mut outer = VerifierConstraintFolderWithLookups::<'a, Config<Outer>> {
            inner: VerifierConstraintFolder {
                main: inner.main,
                preprocessed: inner.preprocessed,
                preprocessed_window: inner.preprocessed_window,
                periodic_values: inner.periodic_values,
                public_values: inner.public_values,
                is_first_row: inner.is_first_row,
                is_last_row: inner.is_last_row,
                is_transition: inner.is_transition,
                alpha: inner.alpha,
                accumulator: inner.accumulator,
            },
            permutation: b.permutation,
            permutation_challenges: b.permutation_challenges,
            permutation_values: b.permutation_values,
        };
        self.table.eval_verifier(&mut outer);
        inner.accumulator = outer.inner.accumulator;
    }
}

#[cfg(debug_assertions)]
impl<'a> Air<p3_air::DebugConstraintBuilder<'a, F, EF>> for TableAir {
    fn eval(&self, b: &mut p3_air::DebugConstraintBuilder<'a, F, EF>) {
        self.table.eval_debug(b);
    }
}
