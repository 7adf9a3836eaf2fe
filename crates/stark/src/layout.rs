//! How a part's tables lie before the proof system: their messages in columns, and the commitment to their fixed columns.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use p3_air::BaseAir;
use p3_batch_stark::common::{GlobalPreprocessed, PreprocessedInstanceMeta};
use p3_batch_stark::{CommonData, ProverData, ProverOnlyData};
use p3_commit::{Pcs, UnivariateStarkPcs};
use p3_lookup::{Lookups, check_bus_widths};
use p3_symmetric::MerkleCap;

use crate::digest::Items;
use crate::field::{EF, F};
use crate::profile::Profile;
use crate::statement::Part;
use crate::suite::{Config, Setup, Suite, SuiteParameters};
use crate::table::TableAir;

/// How a part's tables are laid out: a function of the tables, and so of the claim, and of the suite.
pub struct Layout {
    /// The tables as the suite reads them.
    pub(crate) tables: Vec<TableAir>,
    /// Each table's columns of messages.
    pub(crate) lookups: Vec<Lookups<F>>,
    /// Quotient chunks of each table.
    pub(crate) chunks: Vec<usize>,
}

impl Layout {
    pub(crate) fn new(part: &Part, suite: &SuiteParameters) -> Result<Self, String> {
        let tables: Vec<TableAir> = part.tables.iter().map(|t| t.with(suite)).collect();
        let (lookups, chunks): (Vec<_>, _) = tables.iter().map(|t| t.layout(suite.hiding)).unzip();
        // A message and the same message with zeros in front of it have one fingerprint, so all
        // messages of a bus must be equally long. The proof system checks that within a table only.
        check_bus_widths(&lookups).map_err(|e| e.to_string())?;
        Ok(Self {
            tables,
            lookups,
            chunks,
        })
    }

    /// Extension columns of a table's messages, their running sum included.
    pub(crate) fn lookup_columns(&self, table: usize) -> usize {
        self.lookups[table].len() + 1
    }

    /// The tables with fixed columns that are committed to, with their numbers.
    fn committed(&self) -> impl Iterator<Item = (usize, &TableAir)> {
        let tables = self.tables.iter().enumerate();
        tables.filter(|(_, table)| table.preprocessed_width() > 0)
    }

    /// What prover and verifier share: messages, and the commitment to the fixed columns.
    pub(crate) fn common<P: Suite>(
        &self,
        commitment: Option<Commitment<P>>,
    ) -> CommonData<Config<P>> {
        let preprocessed = commitment.map(|commitment| {
            let mut instances = vec![None; self.tables.len()];
            for (matrix_index, (i, table)) in self.committed().enumerate() {
                instances[i] = Some(PreprocessedInstanceMeta {
                    matrix_index,
                    width: table.preprocessed_width(),
                    degree_bits: P::PARAMETERS.log_committed(table),
                });
            }
            GlobalPreprocessed {
                commitment,
                instances,
                matrix_to_instance: self.committed().map(|(i, _)| i).collect(),
            }
        });
        CommonData::new(preprocessed, self.lookups.clone())
    }

    /// The same with what the prover opens the commitment by.
    pub(crate) fn prover_keys<P: Suite>(
        &self,
        profile: Profile,
    ) -> Result<ProverData<Config<P>>, String> {
        let (commitment, data) = self.commit::<P>(profile)?.unzip();
        Ok(ProverData {
            common: self.common::<P>(commitment),
            prover_only: ProverOnlyData {
                preprocessed_prover_data: data,
            },
        })
    }

    /// Commits to the fixed columns, if there are any to commit to.
    fn commit<P: Suite>(&self, profile: Profile) -> Result<Option<Committed<P>>, String> {
        if self.committed().next().is_none() {
            return Ok(None);
        }
        let pcs = P::pcs(profile, None);
        let columns = self.committed().filter_map(|(_, table)| {
            let size = 1 << P::PARAMETERS.log_committed(table);
            let domain = pcs.natural_domain_for_degree(size);
            Some((domain, table.preprocessed_trace()?))
        });
        let committed = pcs.commit_preprocessing(columns);
        committed.map(Some).map_err(|e| e.to_string())
    }

    /// The commitment to the fixed columns, as a verifier computes it. Parts often have the same ones, and hashing them takes a
    /// fraction of the time, so roots are kept, in memory only: on disk they would be trusted.
    pub(crate) fn fixed_commitment<P: Suite>(
        &self,
        profile: Profile,
    ) -> Result<Option<Commitment<P>>, String> {
        /// Roots as bytes by the digest of all that they follow from.
        static KNOWN: Mutex<BTreeMap<[u8; 32], Vec<u8>>> = Mutex::new(BTreeMap::new());
        const MOST: usize = 1 << 12;
        if self.committed().next().is_none() {
            return Ok(None);
        }
        let key = self.fixed_digest(&P::PARAMETERS, profile);
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let root = known.get(&key).map(|root| postcard::from_bytes(root));
        drop(known);
        if let Some(root) = root {
            let root: P::Digest = root.map_err(|e| e.to_string())?;
            return Ok(Some(vec![root].into()));
        }
        let commitment = self.commit::<P>(profile)?.map(|(commitment, _)| commitment);
        if let Some(root) = commitment.as_ref().map(|c| c.roots()[0]) {
            let bytes = postcard::to_allocvec(&root).map_err(|e| e.to_string())?;
            let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(key, bytes);
        }
        Ok(commitment)
    }

    /// A digest of all that the commitment to the fixed columns follows from.
    fn fixed_digest(&self, suite: &SuiteParameters, profile: Profile) -> [u8; 32] {
        let mut items = Items::default();
        items.text(suite.protocol);
        items.number(profile.parameters().log_blowup);
        for (_, table) in self.committed() {
            items.number(table.log_height());
            items.number(table.fixed().len());
            for column in table.fixed() {
                items.number(column.len());
                column.iter().for_each(|&v| items.element(v));
            }
        }
        items.finish()
    }
}

type Commitment<P> = MerkleCap<F, <P as Setup>::Digest>;
type Committed<P> = (
    Commitment<P>,
    <<P as Setup>::Pcs as Pcs<EF, <P as Setup>::Challenger>>::ProverData,
);

/// The root of a part's fixed columns, if there are any to commit to.
pub(crate) fn root<P: Suite>(common: &CommonData<Config<P>>) -> Option<&P::Digest> {
    let fixed = common.preprocessed.as_ref()?;
    fixed.commitment.roots().first()
}

/// The same from the tables.
pub(crate) fn fixed_root<P: Suite>(part: &Part) -> Result<Option<P::Digest>, String> {
    let layout = Layout::new(part, &P::PARAMETERS)?;
    let commitment = layout.fixed_commitment::<P>(part.profile)?;
    Ok(commitment.map(|c| c.roots()[0]))
}
