//! Suites: with which hash a proof is made, whether it hides, and how fixed columns reach its verifier.
//!
//! One suite is for publication, [`Outer`]; the others are for proofs that a later proof checks.

use std::convert::Infallible;
use std::fmt::{Debug, Display};

use p3_challenger::{
    CanObserve, CanSample, DuplexChallenger, FieldChallenger, GrindingChallenger, HashChallenger,
    SerializingChallenger32,
};
use p3_commit::{ExtensionMmcs, Pcs, UnivariateStarkPcs};
use p3_dft::Radix2DitParallel;
use p3_field::Field;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_fri::{HidingFriPcs, TwoAdicFriPcs};
use p3_keccak::{Keccak256Hash, KeccakF, VECTOR_LEN};
use p3_koala_bear::{Poseidon2KoalaBear, default_koalabear_poseidon2_24};
use p3_merkle_tree::{MerkleTreeHidingMmcs, MerkleTreeMmcs};
use p3_symmetric::{
    CompressionFunctionFromHasher, MerkleCap, PaddingFreeSponge, SerializingHasher,
};
use p3_uni_stark::StarkConfig;
use rand::rngs::StdRng;
use rand::{SeedableRng, TryCryptoRng, TryRng};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::field::{EF, F};
use crate::layout::Layout;
use crate::leaf::{ProgramDigest, StatementDigest};
use crate::poseidon2::{RATE, WIDTH};
use crate::profile::Profile;
use crate::statement::Place;
use crate::table::TableAir;

/// Salt elements per Merkle leaf: five, since four are below 128 bits.
pub(crate) const SALT_ELEMENTS: usize = 5;
/// Random columns per committed matrix: one per coordinate of the extension, as hiding needs.
pub(crate) const RANDOM_CODEWORDS: usize = 5;
/// Elements of a digest of Poseidon2.
pub(crate) const DIGEST: usize = 8;

/// The first bytes of files of all suites but [`Outer`].
pub(crate) const INNER: &[u8; 7] = b"SBINNER";

/// With which hash proofs are made, whether they hide, and how fixed columns reach the verifier. The suites of this crate are
/// all there are.
pub trait Suite: Setup + Copy + Debug + Eq {}

/// What a suite is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SuiteParameters {
    /// What transcripts start from, with the protocol's version.
    pub protocol: &'static str,
    /// Whether a proof hides the private data. One that doesn't shows parts of it to whoever has its bytes.
    pub hiding: bool,
    /// Whether fixed columns are preprocessed columns, opened from a commitment that the verifier recomputes. Otherwise the
    /// verifier evaluates them itself.
    pub commits_fixed: bool,
    /// Collision resistance of the hash, in bits.
    pub collision_bits: f64,
}

impl SuiteParameters {
    /// log2 of the length of a table's committed columns: hiding doubles it.
    pub(crate) fn log_committed(&self, table: &TableAir) -> usize {
        table.log_height() + usize::from(self.hiding)
    }
}

/// Keccak-256, hiding: for publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer;
/// Keccak-256, not hiding: to measure others by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerKeccak;
/// Poseidon2, not hiding: for proofs that are checked by a proof of the same party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner;
/// Poseidon2, hiding: for proofs that are handed to another party, which checks them by a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerHiding;

impl Suite for Outer {}
impl Suite for InnerKeccak {}
impl Suite for Inner {}
impl Suite for InnerHiding {}

/// What the proof system needs of a suite.
pub trait Setup: Sized + 'static {
    /// What it is.
    const PARAMETERS: SuiteParameters;
    /// The first bytes of its proof files: those of an inner suite start with [`INNER`].
    const MAGIC: [u8; 8];
    /// A node of its Merkle trees.
    type Digest: Copy + Eq + Send + Sync + Serialize + DeserializeOwned;
    /// Its commitments.
    type Pcs: UnivariateStarkPcs<
            EF,
            Self::Challenger,
            Domain = TwoAdicMultiplicativeCoset<F>,
            Commitment = MerkleCap<F, Self::Digest>,
            ProverData: Sync,
            ProverError: Send + Display,
        > + Clone
        + Sync;
    /// Its transcripts.
    type Challenger: FieldChallenger<F>
        + GrindingChallenger<Witness = F>
        + CanObserve<MerkleCap<F, Self::Digest>>
        + CanSample<EF>
        + Clone;

    /// Commitments with masks and salts from `rng`; without it for what is public, whose commitment anyone can recompute.
    fn pcs(profile: Profile, rng: Option<StdRng>) -> Self::Pcs;
    /// A transcript that has absorbed all that a proof is about, but for what the proof system itself absorbs.
    fn challenger(
        place: &Place<'_>,
        layout: &Layout,
        fixed: Option<&Self::Digest>,
    ) -> Self::Challenger;
    /// The commitments of a proof's foldings.
    fn foldings(proof: &OpeningProof<Self>) -> &[MerkleCap<F, Self::Digest>];
}

/// The configuration of a suite.
pub(crate) type Config<P> = StarkConfig<<P as Setup>::Pcs, EF, <P as Setup>::Challenger>;
/// What opens a suite's commitments.
pub type OpeningProof<P> = <<P as Setup>::Pcs as Pcs<EF, <P as Setup>::Challenger>>::Proof;

type Dft = Radix2DitParallel<F>;
type Hiding<M, R> = HidingFriPcs<F, Dft, M, ExtensionMmcs<F, EF, M>, R>;
type Plain<M> = TwoAdicFriPcs<F, Dft, M, ExtensionMmcs<F, EF, M>>;

fn hiding<M: Clone, R>(profile: Profile, mmcs: M, rng: R) -> Hiding<M, R> {
    let fri = profile.fri(ExtensionMmcs::new(mmcs.clone()));
    Hiding::new(Dft::default(), mmcs, fri, RANDOM_CODEWORDS, rng)
}

fn plain<M: Clone>(profile: Profile, mmcs: M) -> Plain<M> {
    let fri = profile.fri(ExtensionMmcs::new(mmcs.clone()));
    Plain::new(Dft::default(), mmcs, fri)
}

type Lanes = PaddingFreeSponge<KeccakF, 25, 17, 4>;
type KeccakLeaf = SerializingHasher<Lanes>;
type KeccakNode = CompressionFunctionFromHasher<Lanes, 2, 4>;
type KeccakTree = MerkleTreeMmcs<[F; VECTOR_LEN], [u64; VECTOR_LEN], KeccakLeaf, KeccakNode, 2, 4>;
type KeccakSalted = MerkleTreeHidingMmcs<
    [F; VECTOR_LEN],
    [u64; VECTOR_LEN],
    KeccakLeaf,
    KeccakNode,
    StdRng,
    2,
    4,
    SALT_ELEMENTS,
>;
type KeccakChallenger = SerializingChallenger32<F, HashChallenger<u8, Keccak256Hash, 32>>;

fn keccak() -> (KeccakLeaf, KeccakNode) {
    let lanes = Lanes::new(KeccakF {});
    (KeccakLeaf::new(lanes), KeccakNode::new(lanes))
}

fn keccak_challenger<P: Suite>(place: &Place<'_>) -> KeccakChallenger {
    let start = place.transcript(P::PARAMETERS.protocol);
    KeccakChallenger::from_hasher(start, Keccak256Hash {})
}

impl Setup for Outer {
    const PARAMETERS: SuiteParameters = SuiteParameters {
        protocol: "sealbook/2 p3-batch-stark/0.9 koala-bear^5 keccak-256",
        hiding: true,
        commits_fixed: false,
        collision_bits: 128.0,
    };
    const MAGIC: [u8; 8] = *b"SEALBOOK";
    type Digest = [u64; 4];
    type Pcs = Hiding<KeccakSalted, StdRng>;
    type Challenger = KeccakChallenger;

    fn pcs(profile: Profile, rng: Option<StdRng>) -> Self::Pcs {
        let mut rng = rng.expect("nothing public is committed");
        let (leaf, node) = keccak();
        let mmcs = KeccakSalted::new(leaf, node, 0, StdRng::from_rng(&mut rng));
        hiding(profile, mmcs, rng)
    }
    fn challenger(place: &Place<'_>, _: &Layout, _: Option<&[u64; 4]>) -> KeccakChallenger {
        keccak_challenger::<Self>(place)
    }
    fn foldings(proof: &OpeningProof<Self>) -> &[MerkleCap<F, [u64; 4]>] {
        &proof.1.commit_phase_commits
    }
}

impl Setup for InnerKeccak {
    const PARAMETERS: SuiteParameters = SuiteParameters {
        protocol: "sealbook/2 p3-batch-stark/0.9 koala-bear^5 keccak-256 not hiding",
        hiding: false,
        ..Outer::PARAMETERS
    };
    const MAGIC: [u8; 8] = *b"SBINNERK";
    type Digest = [u64; 4];
    type Pcs = Plain<KeccakTree>;
    type Challenger = KeccakChallenger;

    fn pcs(profile: Profile, _: Option<StdRng>) -> Self::Pcs {
        let (leaf, node) = keccak();
        plain(profile, KeccakTree::new(leaf, node, 0))
    }
    fn challenger(place: &Place<'_>, _: &Layout, _: Option<&[u64; 4]>) -> KeccakChallenger {
        keccak_challenger::<Self>(place)
    }
    fn foldings(proof: &OpeningProof<Self>) -> &[MerkleCap<F, [u64; 4]>] {
        &proof.commit_phase_commits
    }
}

type Permutation = Poseidon2KoalaBear<WIDTH>;
type Sponge = PaddingFreeSponge<Permutation, WIDTH, RATE, DIGEST>;
/// Two digests fill the rate, so a node is a sponge of one block: its capacity is neither set by anyone nor shown.
type SpongeNode = CompressionFunctionFromHasher<Sponge, 2, DIGEST>;
type Packed = <F as Field>::Packing;
type SpongeTree = MerkleTreeMmcs<Packed, Packed, Sponge, SpongeNode, 2, DIGEST>;
type SpongeSalted =
    MerkleTreeHidingMmcs<Packed, Packed, Sponge, SpongeNode, Salts, 2, DIGEST, SALT_ELEMENTS>;
type SpongeChallenger = DuplexChallenger<F, Permutation, WIDTH, RATE>;

fn sponge() -> (Sponge, SpongeNode) {
    let sponge = Sponge::new(default_koalabear_poseidon2_24());
    (sponge.clone(), SpongeNode::new(sponge))
}

/// A transcript behind one block: what program ran, and what it says.
fn sponge_challenger<P: Suite>(
    place: &Place<'_>,
    layout: &Layout,
    fixed: Option<&[F; DIGEST]>,
) -> SpongeChallenger {
    let mut challenger = SpongeChallenger::new(default_koalabear_poseidon2_24());
    let program = ProgramDigest::new(&P::PARAMETERS, place.tables.profile, layout);
    challenger.observe_slice(&program.0);
    challenger.observe_slice(&StatementDigest::new(place, fixed).0);
    challenger
}

/// Random salts; or zeros, for what is public.
pub enum Salts {
    Random(Box<StdRng>),
    Zero,
}

impl TryRng for Salts {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        match self {
            Self::Random(rng) => rng.try_next_u32(),
            Self::Zero => Ok(0),
        }
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        match self {
            Self::Random(rng) => rng.try_next_u64(),
            Self::Zero => Ok(0),
        }
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match self {
            Self::Random(rng) => rng.try_fill_bytes(bytes),
            Self::Zero => {
                bytes.fill(0);
                Ok(())
            }
        }
    }
}
impl TryCryptoRng for Salts {}
impl SeedableRng for Salts {
    type Seed = <StdRng as SeedableRng>::Seed;
    fn from_seed(seed: Self::Seed) -> Self {
        Self::Random(Box::new(StdRng::from_seed(seed)))
    }
}

impl Setup for Inner {
    const PARAMETERS: SuiteParameters = SuiteParameters {
        protocol: "sealbook/2 p3-batch-stark/0.9 koala-bear^5 poseidon2-24 not hiding",
        hiding: false,
        commits_fixed: true,
        // Half of eight elements of 30.988 bits: of the digest, and of the sponge's capacity.
        collision_bits: 123.9,
    };
    const MAGIC: [u8; 8] = *b"SBINNERP";
    type Digest = [F; DIGEST];
    type Pcs = Plain<SpongeTree>;
    type Challenger = SpongeChallenger;

    fn pcs(profile: Profile, _: Option<StdRng>) -> Self::Pcs {
        let (leaf, node) = sponge();
        plain(profile, SpongeTree::new(leaf, node, 0))
    }
    fn challenger(
        place: &Place<'_>,
        layout: &Layout,
        fixed: Option<&[F; DIGEST]>,
    ) -> SpongeChallenger {
        sponge_challenger::<Self>(place, layout, fixed)
    }
    fn foldings(proof: &OpeningProof<Self>) -> &[MerkleCap<F, [F; DIGEST]>] {
        &proof.commit_phase_commits
    }
}

impl Setup for InnerHiding {
    const PARAMETERS: SuiteParameters = SuiteParameters {
        protocol: "sealbook/2 p3-batch-stark/0.9 koala-bear^5 poseidon2-24",
        hiding: true,
        ..Inner::PARAMETERS
    };
    const MAGIC: [u8; 8] = *b"SBINNERH";
    type Digest = [F; DIGEST];
    type Pcs = Hiding<SpongeSalted, Salts>;
    type Challenger = SpongeChallenger;

    fn pcs(profile: Profile, rng: Option<StdRng>) -> Self::Pcs {
        let (leaf, node) = sponge();
        let (salts, masks) = match rng {
            Some(mut rng) => (Salts::from_rng(&mut rng), Salts::Random(Box::new(rng))),
            None => (Salts::Zero, Salts::Zero),
        };
        hiding(profile, SpongeSalted::new(leaf, node, 0, salts), masks)
    }
    fn challenger(
        place: &Place<'_>,
        layout: &Layout,
        fixed: Option<&[F; DIGEST]>,
    ) -> SpongeChallenger {
        sponge_challenger::<Self>(place, layout, fixed)
    }
    fn foldings(proof: &OpeningProof<Self>) -> &[MerkleCap<F, [F; DIGEST]>] {
        &proof.1.commit_phase_commits
    }
}
