//! The hidden state that runs through the parts of a claim: the only place where it gets its salts.

use gadgets::hash::{Digest, Domain, hash};
use gadgets::totals::{End, Register, SALTS, Show, TotalsTable, commit};
use serde::Serialize;
use stark::{Statement, felt};

use crate::account::{PublicDigest, Secret, text_digest};

/// Running totals over the parts of a claim, salted between them.
///
/// Salts follow from a secret and from all that the totals depend on, so that the same claim has the same salts (proving
/// can resume) and no two claims share any: with equal salts, two claims would show up to which part they agree.
pub struct Chain<'a> {
    secret: &'a Secret,
    about: Digest,
}

impl<'a> Chain<'a> {
    /// A chain of statement `S`. `about` is everything public that the registers depend on.
    pub fn new<S: Statement>(secret: &'a Secret, about: &impl Serialize) -> Self {
        let about = serde_json::to_string(&(S::ID, about)).expect("plain data");
        Self {
            secret,
            about: text_digest(Domain::Salt, &about),
        }
    }

    /// The states before the first part and after each of `parts` parts. The registers are zero at first; `step` turns them
    /// from what they are before a part into what they are after it. The last state is not committed to, so it has no salt.
    pub fn run(
        &self,
        registers: usize,
        parts: usize,
        mut step: impl FnMut(usize, &mut [u128]),
    ) -> States {
        let mut states = vec![vec![0; SALTS + registers]];
        for part in 0..parts {
            let mut state = states[part].clone();
            state[..SALTS].fill(0);
            if part + 1 < parts {
                state[..SALTS].copy_from_slice(&self.secret.state_salts(&self.about, part));
            }
            step(part, &mut state[SALTS..]);
            states.push(state);
        }
        States(states)
    }

    /// What hides a part of one of the claim's lists, if it commits to lists besides the states.
    pub fn list_salt(&self, list: usize, part: usize) -> Digest {
        let mut elements = self.about.to_vec();
        elements.extend([list, part].map(|number| felt(number as u64)));
        self.secret.salt_for(&hash(Domain::List, &elements))
    }
}

/// The states of a chain, each with its salts first: that before the first part, then that after each.
#[derive(Clone, Debug, Default)]
pub struct States(Vec<Vec<u128>>);

impl States {
    /// The state before a part.
    pub fn before(&self, part: usize) -> &[u128] {
        &self.0[part]
    }

    /// The state after a part.
    pub fn after(&self, part: usize) -> &[u128] {
        &self.0[part + 1]
    }

    /// The commitments to the states after each part but the last, as they stand in claims.
    pub fn links(&self) -> Vec<PublicDigest> {
        let between = self.0.iter().take(self.0.len().saturating_sub(1)).skip(1);
        between.map(|state| commit(state).into()).collect()
    }
}

/// The totals table of a part: it starts from the link before it, if there is one, and ends with the link after it, or shows
/// what the claim says of the registers. `links` are those of the claim; quads of its states are at `address`.
pub fn totals(
    registers: &[Register],
    links: &[PublicDigest],
    part: usize,
    shown: impl FnOnce() -> Vec<Show>,
    address: usize,
) -> TotalsTable {
    let start = part.checked_sub(1).map(|before| links[before].elements());
    let end = match links.get(part) {
        Some(link) => End::Commitment(link.elements()),
        None => End::Shown(shown()),
    };
    TotalsTable::new(registers, start, end, address)
}
