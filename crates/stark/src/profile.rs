//! Rates, queries and grinding. The only place that names them.

use p3_fri::FriParameters;
use serde::{Deserialize, Serialize};

/// The smallest table: its masks must cover all queries of the profile with the most of them.
pub const MIN_LOG_HEIGHT: usize = 8;

/// Trade between prover speed and proof size. Both prove at least [`TARGET_BITS`](crate::TARGET_BITS) bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Rate 1/4: fast, for large tables.
    Fast,
    /// Rate 1/16: small proofs, for small tables.
    Compact,
}

/// The numbers behind a [`Profile`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ProfileParameters {
    /// log2 of the inverse rate.
    pub log_blowup: usize,
    /// FRI queries.
    pub queries: usize,
    /// Grinding before the queries, in bits.
    pub query_grinding: usize,
    /// Grinding before the batching challenge, in bits.
    pub batch_grinding: usize,
    /// log2 of the largest folding arity.
    pub log_arity: usize,
    /// log2 of the length of the final polynomial.
    pub log_final: usize,
}

impl Profile {
    /// The profile's parameters.
    pub const fn parameters(self) -> ProfileParameters {
        match self {
            Self::Fast => ProfileParameters {
                log_blowup: 2,
                queries: 87,
                query_grinding: 16,
                batch_grinding: 10,
                log_arity: 2,
                log_final: 3,
            },
            Self::Compact => ProfileParameters {
                log_blowup: 4,
                queries: 43,
                query_grinding: 16,
                batch_grinding: 12,
                log_arity: 2,
                log_final: 3,
            },
        }
    }

    pub(crate) fn fri<M>(self, mmcs: M) -> FriParameters<M> {
        let p = self.parameters();
        FriParameters {
            log_blowup: p.log_blowup,
            log_final_poly_len: p.log_final,
            max_log_arity: p.log_arity,
            num_queries: p.queries,
            batch_proof_of_work_bits: p.batch_grinding,
            commit_proof_of_work_bits: 0,
            query_proof_of_work_bits: p.query_grinding,
            mmcs,
        }
    }
}
