//! Showing what one envelope holds, without the key that opens all of them.
//!
//! An envelope holds a point `R = r G`, and is encrypted under the shared point `S = r X = x R`, where `X = x G` is the venue's key.
//! To show what is inside, the venue publishes `S` and a proof (Chaum and Pedersen 1992, made non-interactive) that the logarithm of
//! `S` to the base `R` is that of `X` to the base `G`:
//!
//! ```text
//! A = k G,  B = k R,  c = H(context, X, R, S, A, B),  z = k + c x          checked as  A = z G - c X,  B = z R - c S
//! ```
//!
//! It says nothing about `x`, so all other envelopes stay closed. The group is ristretto255, of prime order: no small subgroups, and
//! one encoding for each point.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use serde::{Deserialize, Serialize};

use crate::bytes::{Digest, Hex, stream, take};

/// The shared point of one envelope, and the proof that it is the right one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// The shared point.
    pub shared: Hex<32>,
    /// The proof's challenge.
    pub challenge: Hex<32>,
    /// The proof's response.
    pub response: Hex<32>,
}

/// The point of an encoding.
pub(crate) fn point(bytes: &Hex<32>) -> Option<RistrettoPoint> {
    CompressedRistretto(bytes.0).decompress()
}

/// A number below the group's order, uniform, from a label and parts.
pub(crate) fn scalar(label: &str, parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&take(&mut stream(label, parts)))
}

fn challenge(context: &Digest, points: [&RistrettoPoint; 5]) -> Scalar {
    let points = points.map(|point| point.compress().to_bytes());
    let mut parts: Vec<&[u8]> = vec![&context.0];
    parts.extend(points.iter().map(<[u8; 32]>::as_slice));
    scalar("sealbook disclosure 1", &parts)
}

/// Makes the disclosure of the envelope with point `r`.
pub(crate) fn disclose(secret: &Scalar, r: &RistrettoPoint, context: &Digest) -> Disclosure {
    let (key, shared) = (RistrettoPoint::mul_base(secret), secret * r);
    // As in Ed25519 the nonce follows from the secret and all that is proven, so none is used for two challenges.
    let parts: [&[u8]; 3] = [&secret.to_bytes(), &context.0, &r.compress().to_bytes()];
    let nonce = scalar("sealbook disclosure nonce 1", &parts);
    let (a, b) = (RistrettoPoint::mul_base(&nonce), nonce * r);
    let challenge = challenge(context, [&key, r, &shared, &a, &b]);
    Disclosure {
        shared: Hex(shared.compress().to_bytes()),
        challenge: Hex(challenge.to_bytes()),
        response: Hex((nonce + challenge * secret).to_bytes()),
    }
}

/// The shared point, if the disclosure is that of the envelope with point `r` under the venue's key.
pub(crate) fn check(
    key: &RistrettoPoint,
    r: &RistrettoPoint,
    context: &Digest,
    disclosure: &Disclosure,
) -> Option<RistrettoPoint> {
    let number = |bytes: Hex<32>| Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes.0));
    let shared = point(&disclosure.shared)?;
    let (c, z) = (number(disclosure.challenge)?, number(disclosure.response)?);
    let a = RistrettoPoint::mul_base(&z) - c * key;
    let b = z * r - c * shared;
    (challenge(context, [key, r, &shared, &a, &b]) == c).then_some(shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::traits::Identity;

    #[test]
    fn a_disclosure_is_of_one_envelope_and_one_key() {
        let (x, other) = (scalar("x", &[]), scalar("y", &[]));
        let key = RistrettoPoint::mul_base(&x);
        let r = RistrettoPoint::mul_base(&scalar("r", &[]));
        let context = Hex([1; 32]);
        let good = disclose(&x, &r, &context);
        assert_eq!(check(&key, &r, &context, &good), Some(x * r));
        // Another key, envelope or context.
        assert!(check(&(key + key), &r, &context, &good).is_none());
        assert!(check(&key, &(r + r), &context, &good).is_none());
        assert!(check(&key, &r, &Hex([2; 32]), &good).is_none());
        // The right proof of another venue's key.
        assert!(check(&key, &r, &context, &disclose(&other, &r, &context)).is_none());
        // Every field.
        for field in 0..3 {
            let mut forged = good.clone();
            let bytes = [
                &mut forged.shared,
                &mut forged.challenge,
                &mut forged.response,
            ];
            bytes.into_iter().nth(field).unwrap().0[0] ^= 2;
            assert!(check(&key, &r, &context, &forged).is_none(), "{field}");
        }
    }

    /// Who does not know the secret, or wants another shared point, has no proof: not by simulating it with a challenge of its own,
    /// nor by encodings that are not reduced.
    #[test]
    fn a_forged_shared_point_has_no_proof() {
        let x = scalar("x", &[]);
        let key = RistrettoPoint::mul_base(&x);
        let r = RistrettoPoint::mul_base(&scalar("r", &[]));
        let context = Hex([1; 32]);
        let shared = RistrettoPoint::mul_base(&scalar("wrong", &[]));
        let nonce = scalar("nonce", &[]);
        let (a, b) = (RistrettoPoint::mul_base(&nonce), nonce * r);
        let c = challenge(&context, [&key, &r, &shared, &a, &b]);
        let forged = |response: Scalar| Disclosure {
            shared: Hex(shared.compress().to_bytes()),
            challenge: Hex(c.to_bytes()),
            response: Hex(response.to_bytes()),
        };
        assert!(check(&key, &r, &context, &forged(nonce + c * x)).is_none());
        assert!(check(&key, &r, &context, &forged(nonce)).is_none());
        let mut large = disclose(&x, &r, &context);
        large.response = Hex([0xff; 32]);
        assert!(check(&key, &r, &context, &large).is_none());
    }

    /// The neutral element as an envelope's point: the shared point is it too, and no other can be shown.
    #[test]
    fn the_neutral_element_has_one_shared_point() {
        let x = scalar("x", &[]);
        let key = RistrettoPoint::mul_base(&x);
        let zero = RistrettoPoint::identity();
        let context = Hex([1; 32]);
        let shown = disclose(&x, &zero, &context);
        assert_eq!(check(&key, &zero, &context, &shown), Some(zero));
        let mut forged = shown;
        forged.shared = Hex(key.compress().to_bytes());
        assert!(check(&key, &zero, &context, &forged).is_none());
    }
}
