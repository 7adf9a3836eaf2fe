//! The commitments to a venue's states, and what hides them: the only place where states get their salts.

use gadgets::hash::{DIGEST, Digest, Domain, hash};
use gadgets::limbs::halves_of;
use gadgets::sponge::QUAD;
use sha3::{Digest as _, Sha3_256};
use stark::{F, PrimeCharacteristicRing};
use venue::scenarios::{Market, ScenarioSet};
use venue::state::VenueState;

use super::tables::{ENTRY_DIGITS, QUANTITY_DIGITS, packed, signed_digits};
use crate::account::{PublicDigest, Secret, text_digest};

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
pub(crate) fn salt_of_link(
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

/// The elements a state is committed as, behind its salt.
pub fn state_elements(state: &VenueState) -> Vec<F> {
    let mut elements = Vec::new();
    let raised = |value: i128, digits: usize| -> Vec<F> {
        let digits = signed_digits(value, digits).into_iter();
        digits.map(|d| F::from_i64(d + 512)).collect()
    };
    for &q in &state.quantities {
        elements.extend(packed(&raised(q.0.into(), QUANTITY_DIGITS)));
    }
    elements.extend(packed(&raised(state.entry.0.into(), ENTRY_DIGITS)));
    for amount in [state.capital, state.providers, state.collected] {
        elements.extend(halves_of(amount.0));
    }
    elements
}

/// What the places in a state stand for, and when: the quote currency, each market's symbol and lot, the state's date, and
/// since when its window collected. A quantity in a commitment is a number at a place; without this digest it could be opened
/// with other markets or lots, and pass as a state of another day, and old cash as this window's.
pub fn markets_listing(quote: &str, markets: &[Market], as_of_ms: u64, since_ms: u64) -> Digest {
    let markets: Vec<_> = markets
        .iter()
        .map(|m| (&m.symbol, m.lot.normalized()))
        .collect();
    let text =
        serde_json::to_string(&(quote, markets, as_of_ms, since_ms)).expect("lists are plain data");
    text_digest(Domain::Listing, &text)
}

/// The elements of a commitment, four by four: salt, listing, state.
pub fn quads(state: &VenueState, salt: &Digest, listing: &Digest) -> Vec<[F; QUAD]> {
    let mut elements = salt.to_vec();
    elements.extend(listing);
    elements.extend(state_elements(state));
    elements.resize(elements.len().next_multiple_of(QUAD), F::ZERO);
    elements.as_chunks().0.to_vec()
}

/// The commitment to a state.
pub fn commit(state: &VenueState, salt: &Digest, listing: &Digest) -> Digest {
    hash(Domain::Venue, quads(state, salt, listing).as_flattened())
}

/// Quads of a commitment over so many markets.
pub fn commitment_quads(markets: usize) -> usize {
    let quantities = markets * QUANTITY_DIGITS.div_ceil(3);
    (2 * DIGEST + quantities + ENTRY_DIGITS.div_ceil(3) + 3 * 2).div_ceil(QUAD)
}

/// SHA3-256 of a scenario set's canonical JSON, in hex.
pub fn scenarios_digest(scenarios: &ScenarioSet) -> String {
    let json = serde_json::to_vec(scenarios).expect("plain data");
    Sha3_256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
