//! What a claim says.

use stark::Statement;

use super::{Anchor, Given};
use crate::nonce::Nonce;

/// A statement whose claims can be said in words, linked to other claims, and vouched for.
pub trait Spoken: Statement<Claim: 'static, Context: 'static> {
    /// The claim in words: the sentence first, then its details. All that the prover chose and that decides the fact stands
    /// there, and nothing that is not proven.
    fn words(claim: &Self::Claim) -> Vec<String>;

    /// The verifier's challenge that the claim repeats, if there is one.
    fn nonce(claim: &Self::Claim) -> Option<&Nonce>;

    /// What other claims may speak of, too.
    fn anchors(claim: &Self::Claim) -> Vec<Anchor<'_>>;

    /// What the claim takes as given and no proof shows.
    fn given(claim: &Self::Claim) -> Vec<Given>;
}
