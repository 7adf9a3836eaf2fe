//! The commitments to states, and what hides them.

use gadgets::hash::{Digest, Domain, hash};
use gadgets::sponge::QUAD;
use stark::{F, PrimeCharacteristicRing};
use venue::state::VenueState;

use super::tables::states::{commit, quads, state_elements};
use crate::account::{PublicDigest, Secret};

/// The commitment to a state under a secret. The same state of the same date has the same commitment; `listing` is the
/// digest of what its places stand for, and when.
pub fn commitment(state: &VenueState, secret: &Secret, listing: &Digest) -> PublicDigest {
    commit(state, &salt(state, secret, listing, 0), listing).into()
}

/// The commitment to a state between parts: `link` is the number of the part before it, plus one, and the same
/// state has another commitment behind another part. What is `carried` on stands behind the state.
pub(crate) fn link(
    state: &VenueState,
    secret: &Secret,
    listing: &Digest,
    link: usize,
    carried: Option<[F; QUAD]>,
) -> PublicDigest {
    let mut quads = quads(
        state,
        &salt_of_link(state, secret, listing, link, carried),
        listing,
    );
    quads.extend(carried);
    hash(Domain::Venue, quads.as_flattened()).into()
}

/// What hides the commitment to a state; `link` is zero at the ends of a claim.
pub(crate) fn salt(state: &VenueState, secret: &Secret, listing: &Digest, link: usize) -> Digest {
    salt_of_link(state, secret, listing, link, None)
}

/// As [`salt`], with what is carried on.
pub(super) fn salt_of_link(
    state: &VenueState,
    secret: &Secret,
    listing: &Digest,
    link: usize,
    carried: Option<[F; QUAD]>,
) -> Digest {
    let mut elements = listing.to_vec();
    elements.push(F::from_usize(link));
    elements.extend(state_elements(state));
    elements.extend(carried.into_iter().flatten());
    secret.salt_for(&hash(Domain::Venue, &elements))
}
