//! How proofs are made: field, hashes, FRI parameters. The only place that names them.

use p3_challenger::{HashChallenger, SerializingChallenger32};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_fri::{FriParameters, HidingFriPcs};
use p3_keccak::{Keccak256Hash, KeccakF, VECTOR_LEN};
use p3_merkle_tree::MerkleTreeHidingMmcs;
use p3_symmetric::{CompressionFunctionFromHasher, PaddingFreeSponge, SerializingHasher};
use p3_uni_stark::StarkConfig;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::field::{EF, F};

type ByteHash = Keccak256Hash;
type LaneHash = PaddingFreeSponge<KeccakF, 25, 17, 4>;
type LeafHash = SerializingHasher<LaneHash>;
type NodeHash = CompressionFunctionFromHasher<LaneHash, 2, 4>;

/// Salt elements per Merkle leaf: five, since four are below 128 bits.
pub(crate) const SALT_ELEMENTS: usize = 5;
type Mmcs = MerkleTreeHidingMmcs<
    [F; VECTOR_LEN],
    [u64; VECTOR_LEN],
    LeafHash,
    NodeHash,
    StdRng,
    2,
    4,
    SALT_ELEMENTS,
>;
type ChallengeMmcs = ExtensionMmcs<F, EF, Mmcs>;
type Challenger = SerializingChallenger32<F, HashChallenger<u8, ByteHash, 32>>;
pub(crate) type Pcs = HidingFriPcs<F, Radix2DitParallel<F>, Mmcs, ChallengeMmcs, StdRng>;
pub(crate) type Config = StarkConfig<Pcs, EF, Challenger>;

/// Random columns per committed matrix: one per coordinate of the extension, as hiding needs.
pub(crate) const RANDOM_CODEWORDS: usize = 5;

/// Collision resistance of Keccak-256 in bits.
pub(crate) const COLLISION_BITS: usize = 128;

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

    /// A configuration whose transcript starts from `transcript`, with masks and salts from `rng`.
    pub(crate) fn config(self, transcript: &[u8], mut rng: StdRng) -> Config {
        use rand::SeedableRng;
        let lanes = LaneHash::new(KeccakF {});
        let mmcs = Mmcs::new(
            LeafHash::new(lanes),
            NodeHash::new(lanes),
            0,
            StdRng::from_rng(&mut rng),
        );
        let fri = self.fri(ChallengeMmcs::new(mmcs.clone()));
        let pcs = Pcs::new(
            Radix2DitParallel::default(),
            mmcs,
            fri,
            RANDOM_CODEWORDS,
            rng,
        );
        Config::new(
            pcs,
            Challenger::from_hasher(transcript.to_vec(), ByteHash {}),
        )
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
