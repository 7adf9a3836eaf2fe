//! Proving and verifying the parts of a claim.

use std::panic::{AssertUnwindSafe, catch_unwind};

use p3_batch_stark::{BatchProof, ProverData, StarkInstance, prove_batch, verify_batch};
use rand::rngs::StdRng;
use rayon::prelude::*;

use crate::blind;
use crate::budget::{from_postcard, is_postcard_of};
use crate::field::F;
use crate::layout::{Layout, root};
use crate::size::most_bytes;
use crate::statement::{Part, Place, Statement, Verified, claim_digest};
use crate::suite::{Config, Outer, Setup, Suite};
use crate::table::Trace;

/// Why a proof was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The claim contradicts itself.
    #[error("the claim is malformed: {0}")]
    Claim(String),
    /// The proof has the wrong number of parts.
    #[error("the claim needs {expected} proof part(s), the proof has {got}")]
    Parts {
        /// Parts the claim needs.
        expected: usize,
        /// Parts the proof has.
        got: usize,
    },
    /// A part's bytes are not a proof.
    #[error("part {part} is not a well-formed proof")]
    Malformed {
        /// The part.
        part: usize,
    },
    /// A part has more bytes than an honest proof.
    #[error("part {part} has {got} bytes, and a proof of it has at most {most}")]
    Size {
        /// The part.
        part: usize,
        /// The most bytes of a proof.
        most: usize,
        /// The bytes it has.
        got: usize,
    },
    /// A part's tables have other sizes than the claim demands.
    #[error("part {part} proves tables of other sizes than the claim demands")]
    Shape {
        /// The part.
        part: usize,
    },
    /// A part's proof does not verify under this claim.
    #[error("part {part} does not verify under this claim: {reason}")]
    Invalid {
        /// The part.
        part: usize,
        /// The proof system's reason.
        reason: String,
    },
}

/// Proving failed. The witness is not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The claim contradicts itself.
    #[error("the claim is malformed: {0}")]
    Claim(String),
    /// The proof system refused.
    #[error("the proof system failed: {0}")]
    System(String),
}

/// The bytes of one part's proof.
pub type PartProof = Vec<u8>;

/// The most bytes that an honest proof of a part has: a function of its tables, and not far above what it does have.
///
/// # Panics
/// If the part's tables cannot be laid out, which no claim accepted by its statement allows.
pub fn most_part_bytes(part: &Part) -> usize {
    most_part_bytes_with::<Outer>(part)
}

/// As [`most_part_bytes`], of a proof made with suite `P`.
///
/// # Panics
/// As there.
pub fn most_part_bytes_with<P: Suite>(part: &Part) -> usize {
    let layout = Layout::new(part, &P::PARAMETERS).expect("the statement's tables have a layout");
    most_bytes(part, &layout, &P::PARAMETERS)
}

/// Proves part number `part` of a claim from its filled tables, for publication. Masks, salts and blinding come from
/// the operating system's generator.
///
/// # Errors
/// If the claim is malformed or the proof system refuses. A false witness is not noticed here: it
/// gives a proof that does not verify.
pub fn prove_part<S: Statement>(
    claim: &S::Claim,
    context: &S::Context,
    part: usize,
    traces: Vec<Trace>,
) -> Result<PartProof, ProveError> {
    prove_by::<S>(claim, context, part, traces, prove_outer)
}

/// As [`prove_part`], with suite `P`. If the suite doesn't hide, the proof reveals private data to whoever has its bytes.
///
/// # Errors
/// As [`prove_part`].
pub fn prove_part_with<S: Statement, P: Suite>(
    claim: &S::Claim,
    context: &S::Context,
    part: usize,
    traces: Vec<Trace>,
) -> Result<PartProof, ProveError> {
    prove_by::<S>(claim, context, part, traces, prove_tables::<P>)
}

fn prove_by<S: Statement>(
    claim: &S::Claim,
    context: &S::Context,
    part: usize,
    traces: Vec<Trace>,
    prove: fn(&Place<'_>, Vec<Trace>, StdRng) -> Result<PartProof, ProveError>,
) -> Result<PartProof, ProveError> {
    let tables = S::part(claim, context, part);
    let parts = S::parts(claim, context);
    let place = Place::new::<S>(claim_digest::<S>(claim), part, parts, &tables);
    prove(&place, traces, rand::make_rng())
}

/// Not generic, so that it is compiled here, once, and optimized also where what uses it is not.
fn prove_outer(
    place: &Place<'_>,
    traces: Vec<Trace>,
    rng: StdRng,
) -> Result<PartProof, ProveError> {
    prove_tables::<Outer>(place, traces, rng)
}

fn prove_tables<P: Suite>(
    place: &Place<'_>,
    traces: Vec<Trace>,
    rng: StdRng,
) -> Result<PartProof, ProveError> {
    let part = place.tables;
    let layout = Layout::new(part, &P::PARAMETERS).map_err(ProveError::System)?;
    let keys = layout
        .prover_keys::<P>(part.profile)
        .map_err(ProveError::System)?;
    prove_laid_out::<P>(place, &layout, &keys, traces, rng)
}

fn prove_laid_out<P: Suite>(
    place: &Place<'_>,
    layout: &Layout,
    keys: &ProverData<Config<P>>,
    mut traces: Vec<Trace>,
    mut rng: StdRng,
) -> Result<PartProof, ProveError> {
    let part = place.tables;
    assert_eq!(traces.len(), part.tables.len(), "one trace per table");
    blind::randomize(&mut traces, &mut rng);
    let challenger = P::challenger(place, layout, root::<P>(&keys.common));
    let config = Config::<P>::new(P::pcs(part.profile, Some(rng)), challenger);
    let instances: Vec<_> = layout
        .tables
        .iter()
        .zip(&traces)
        .map(|(air, trace)| StarkInstance {
            air,
            trace,
            public_values: air.public().to_vec(),
        })
        .collect();
    let proof =
        prove_batch(&config, &instances, keys).map_err(|e| ProveError::System(e.to_string()))?;
    Ok(postcard::to_allocvec(&proof).expect("a proof is plain data"))
}

/// Checks a published proof against a claim. Never panics, whatever the bytes.
///
/// # Errors
/// Says why the proof was rejected.
pub fn verify<S: Statement>(
    claim: &S::Claim,
    parts: &[PartProof],
) -> Result<Verified<S>, Rejection> {
    // What was shown together with the private data is no fact to hand on.
    const { assert!(Outer::PARAMETERS.hiding) };
    guarded(|| verify_parts::<S>(claim, parts, check_outer))?;
    Ok(Verified::new(claim.clone()))
}

/// Checks a proof made with suite `P` against a claim, as its maker or whoever aggregates it does. It makes no [`Verified`]
/// fact: that takes a proof for publication. Never panics, whatever the bytes.
///
/// # Errors
/// Says why the proof was rejected.
pub fn check_with<S: Statement, P: Suite>(
    claim: &S::Claim,
    parts: &[PartProof],
) -> Result<(), Rejection> {
    guarded(|| verify_parts::<S>(claim, parts, check_part::<P>))
}

fn guarded(check: impl FnOnce() -> Result<(), Rejection>) -> Result<(), Rejection> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| {
        Err(Rejection::Invalid {
            part: 0,
            reason: "verification stopped unexpectedly".into(),
        })
    })
}

/// Parts do not depend on each other: they are checked side by side, and the first that is wrong is named.
fn verify_parts<S: Statement>(
    claim: &S::Claim,
    parts: &[PartProof],
    check: fn(&Place<'_>, &[u8]) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let (context, digest) = rayon::join(|| S::context(claim), || claim_digest::<S>(claim));
    let context = context.map_err(Rejection::Claim)?;
    let expected = S::parts(claim, &context);
    if parts.len() != expected {
        return Err(Rejection::Parts {
            expected,
            got: parts.len(),
        });
    }
    // A proof in memory is larger than its bytes, so there is at most one for each thread. Once one is wrong, those
    // behind it are left alone.
    let threads = rayon::current_num_threads();
    let checked = |part: usize| {
        let tables = S::part(claim, &context, part);
        let place = Place::new::<S>(digest, part, expected, &tables);
        check(&place, &parts[part])
    };
    for first in (0..expected).step_by(threads) {
        let some = first..expected.min(first + threads);
        let wrong = some
            .into_par_iter()
            .find_map_first(|part| checked(part).err());
        wrong.map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// Memory that an honest proof takes, in bytes for a byte of it: an element takes four for five, and short lists take more.
const MEMORY: usize = 2;

/// Reads a proof of at most `most` bytes. A second encoding of the same proof is refused: field elements and lengths are
/// canonical.
fn decode<P: Suite>(
    part: usize,
    bytes: &[u8],
    most: usize,
) -> Result<BatchProof<Config<P>>, Rejection> {
    if bytes.len() > most {
        let got = bytes.len();
        return Err(Rejection::Size { part, most, got });
    }
    let malformed = Rejection::Malformed { part };
    let proof = from_postcard(bytes, MEMORY * most).map_err(|_| malformed.clone())?;
    if is_postcard_of(&proof, bytes) {
        Ok(proof)
    } else {
        Err(malformed)
    }
}

/// A commitment is one root. More would be a level of a tree, with a choice of what is committed.
fn has_one_root_each<P: Suite>(proof: &BatchProof<Config<P>>) -> bool {
    let all = &proof.commitments;
    [&all.main, &all.quotient_chunks]
        .into_iter()
        .chain(&all.permutation)
        .chain(&all.random)
        .chain(P::foldings(&proof.opening_proof))
        .all(|commitment| commitment.num_roots() == 1)
}

/// Not generic, as [`prove_outer`].
fn check_outer(place: &Place<'_>, bytes: &[u8]) -> Result<(), Rejection> {
    check_part::<Outer>(place, bytes)
}

fn check_part<P: Suite>(place: &Place<'_>, bytes: &[u8]) -> Result<(), Rejection> {
    let (part, tables) = (place.part, place.tables);
    let invalid = |reason: String| Rejection::Invalid { part, reason };
    let layout = Layout::new(tables, &P::PARAMETERS).map_err(invalid)?;
    let proof = decode::<P>(part, bytes, most_bytes(tables, &layout, &P::PARAMETERS))?;
    let heights = tables.tables.iter();
    let heights = heights.map(|t| P::PARAMETERS.log_committed(t));
    if !proof.degree_bits.iter().copied().eq(heights) {
        return Err(Rejection::Shape { part });
    }
    if !has_one_root_each::<P>(&proof) {
        return Err(invalid("a commitment has more than one root".into()));
    }
    let fixed = layout.fixed_commitment::<P>(tables.profile);
    let common = layout.common::<P>(fixed.map_err(invalid)?);
    let challenger = P::challenger(place, &layout, root::<P>(&common));
    let config = Config::<P>::new(P::pcs(tables.profile, Some(rand::make_rng())), challenger);
    let public: Vec<Vec<F>> = layout.tables.iter().map(|t| t.public().to_vec()).collect();
    verify_batch(&config, &layout.tables, &proof, &public, &common)
        .map_err(|e| invalid(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{MIN_LOG_HEIGHT, Profile};
    use crate::row::RowBuilder;
    use crate::table::{Table, TableAir, Tally, fill};

    #[derive(Clone)]
    struct Bits;
    impl Table for Bits {
        type Row = usize;
        fn name(&self) -> &'static str {
            "bits"
        }
        fn log_height(&self) -> usize {
            MIN_LOG_HEIGHT
        }
        fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
            for i in 0..8 {
                b.bit("BITS", |w| (w >> i) & 1 == 1);
            }
        }
    }

    #[derive(Debug)]
    struct Some;
    impl Statement for Some {
        const ID: &'static str = "some";
        const VERSION: u32 = 1;
        type Claim = ();
        type Context = ();
        fn context((): &()) -> Result<(), String> {
            Ok(())
        }
        fn parts((): &(), (): &()) -> usize {
            1
        }
        fn part((): &(), (): &(), _: usize) -> Part {
            Part {
                profile: Profile::Compact,
                tables: vec![TableAir::new(Bits)],
                hashed: Vec::new(),
            }
        }
    }

    /// What the proof system itself says, without the checks before it.
    fn system_accepts(part: &Part, proof: &BatchProof<Config<Outer>>) -> bool {
        let place = Place::new::<Some>(claim_digest::<Some>(&()), 0, 1, part);
        let layout = Layout::new(part, &Outer::PARAMETERS).unwrap();
        let challenger = Outer::challenger(&place, &layout, None);
        let pcs = Outer::pcs(part.profile, std::option::Option::Some(rand::make_rng()));
        let common = layout.common::<Outer>(None);
        let public = vec![Vec::new()];
        let config = Config::<Outer>::new(pcs, challenger);
        verify_batch(&config, &part.tables, proof, &public, &common).is_ok()
    }

    /// A commitment with its root twice, or with another root beside it, is another proof of the same facts, or leaves a
    /// choice of what is committed. Every commitment of a proof is looked at: those of the columns, messages, quotients,
    /// masks and of every folding; by the proof system, and before it by us.
    #[test]
    fn every_commitment_has_exactly_one_root() {
        let part = Some::part(&(), &(), 0);
        let trace = fill(&Bits, &part.tables[0], &Tally::default(), |row| row);
        let bytes = prove_part::<Some>(&(), &(), 0, vec![trace]).unwrap();
        let most = most_part_bytes(&part);
        let honest = || decode::<Outer>(0, &bytes, most).unwrap();
        assert!(system_accepts(&part, &honest()) && has_one_root_each::<Outer>(&honest()));
        let foldings = crate::size::foldings(&part, &Outer::PARAMETERS).len();
        assert_eq!(
            honest().opening_proof.1.commit_phase_commits.len(),
            foldings
        );
        for which in 0..4 + foldings {
            for another in [false, true] {
                let mut proof = honest();
                let all = &mut proof.commitments;
                let commitment = match which {
                    0 => &mut all.main,
                    1 => &mut all.quotient_chunks,
                    2 => all.permutation.as_mut().expect("messages"),
                    3 => all.random.as_mut().expect("masks"),
                    i => &mut proof.opening_proof.1.commit_phase_commits[i - 4],
                };
                let root = commitment.roots()[0];
                let beside = if another { [0; 4] } else { root };
                *commitment = vec![root, beside].into();
                assert!(!has_one_root_each::<Outer>(&proof), "{which}");
                assert!(!system_accepts(&part, &proof), "{which}");
                let padded = postcard::to_allocvec(&proof).unwrap();
                let refused = verify::<Some>(&(), &[padded]).unwrap_err().to_string();
                assert!(
                    refused.contains("more than one root") || refused.contains("bytes"),
                    "{refused}"
                );
            }
        }
        // No roots, or three, are no level of a tree.
        let mut none = bytes.clone();
        none[0] = 0;
        assert!(decode::<Outer>(0, &none, most).is_err());
    }

    /// Lists of nothing where a proof has lists of numbers: within the bytes of a proof, and not within its memory.
    #[test]
    fn a_proof_may_not_take_more_memory_than_an_honest_one() {
        let part = Some::part(&(), &(), 0);
        let most = most_part_bytes(&part);
        let trace = fill(&Bits, &part.tables[0], &Tally::default(), |row| row);
        let bytes = prove_part::<Some>(&(), &(), 0, vec![trace]).unwrap();
        let mut proof = decode::<Outer>(0, &bytes, most).unwrap();
        proof.opening_proof.0 = vec![vec![Vec::new(); most / 2]];
        let swollen = postcard::to_allocvec(&proof).unwrap();
        // The size alone would let it through if the rest were left out.
        assert!(from_postcard::<BatchProof<Config<Outer>>>(&swollen, MEMORY * most).is_err());
        assert!(from_postcard::<BatchProof<Config<Outer>>>(&swollen, 64 * most).is_ok());
        let malformed = Err(Rejection::Malformed { part: 0 });
        let head = &swollen[..most.min(swollen.len())];
        assert_eq!(verify::<Some>(&(), &[head.to_vec()]).map(|_| ()), malformed);
        let too_long = verify::<Some>(&(), &[vec![0; most + 1]]).unwrap_err();
        assert_eq!(
            too_long,
            Rejection::Size {
                part: 0,
                most,
                got: most + 1
            }
        );
    }

    /// One public column, which a cell copies.
    #[derive(Clone)]
    struct Copied(u32);
    impl Table for Copied {
        type Row = ();
        fn name(&self) -> &'static str {
            "copied"
        }
        fn log_height(&self) -> usize {
            MIN_LOG_HEIGHT
        }
        fn fixed(&self) -> Vec<Vec<F>> {
            vec![vec![F::new(1), F::new(self.0)]]
        }
        fn row<B: RowBuilder<()>>(&self, b: &mut B) {
            b.pinned("COPIED", 0);
        }
    }

    /// The most a forger can do to a fixed column: everything follows the true commitment, but other columns are opened.
    #[test]
    fn fixed_columns_are_those_of_the_commitment() {
        fn refuse<P: Suite>() {
            let [honest, other] = [2, 3].map(|value| Part {
                profile: Profile::Compact,
                tables: vec![TableAir::new(Copied(value))],
                hashed: Vec::new(),
            });
            let layouts = [&honest, &other].map(|p| Layout::new(p, &P::PARAMETERS).unwrap());
            let place = Place::new::<Some>([0; 32], 0, 1, &honest);
            let prove = |value: u32, layout: &Layout, keys: &ProverData<Config<P>>| {
                let trace = fill(&Copied(value), &layout.tables[0], &Tally::default(), |_| ());
                prove_laid_out::<P>(&place, layout, keys, vec![trace], rand::make_rng()).unwrap()
            };
            let mut keys = layouts[1].prover_keys::<P>(other.profile).unwrap();
            let true_keys = layouts[0].prover_keys::<P>(honest.profile).unwrap();
            check_part::<P>(&place, &prove(2, &layouts[0], &true_keys)).unwrap();
            assert!(keys.common.preprocessed.is_some());
            keys.common = true_keys.common;
            let refused = check_part::<P>(&place, &prove(3, &layouts[1], &keys)).unwrap_err();
            assert!(
                matches!(refused, Rejection::Invalid { .. })
                    && !refused.to_string().contains("unexpectedly"),
                "{refused}"
            );
        }
        refuse::<crate::suite::Inner>();
        refuse::<crate::suite::InnerHiding>();
    }
}
