//! A proof that whoever made an envelope knows its secret.
//!
//! Without it, a venue could be made to show an honest order: copy the point `R` of its envelope into rubbish of one's own, post that, and
//! the venue's evidence that it is rubbish is the shared point of both. So an envelope carries a Schnorr proof that its maker knows
//! `r` with `R = r G`, bound to the context and the body, and the venue shows nothing of envelopes without one:
//!
//! ```text
//! A = k G,  c = H(context, R, A, body),  z = k + c r          checked as  A = z G - c R
//! ```

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;

use crate::bytes::Digest;
use crate::disclosure::scalar;

/// Bytes of a proof: challenge and response.
pub(crate) const PROOF: usize = 64;

fn challenge(context: &Digest, point: &RistrettoPoint, a: &RistrettoPoint, body: &[u8]) -> Scalar {
    let [point, a] = [point, a].map(|p| p.compress().to_bytes());
    scalar("sealbook envelope proof 1", &[&context.0, &point, &a, body])
}

/// Proves that `r` is known, with a nonce that nobody else knows and nothing else uses.
pub(crate) fn prove(r: &Scalar, nonce: &Scalar, context: &Digest, body: &[u8]) -> [u8; PROOF] {
    let [point, a] = [r, nonce].map(RistrettoPoint::mul_base);
    let c = challenge(context, &point, &a, body);
    let mut proof = [0; PROOF];
    proof[..32].copy_from_slice(c.as_bytes());
    proof[32..].copy_from_slice((nonce + c * r).as_bytes());
    proof
}

/// Whether the proof is one for the point.
pub(crate) fn check(
    point: &RistrettoPoint,
    context: &Digest,
    body: &[u8],
    proof: &[u8; PROOF],
) -> bool {
    let number = |bytes: &[u8]| -> Option<Scalar> {
        Scalar::from_canonical_bytes(bytes.try_into().ok()?).into()
    };
    let (Some(c), Some(z)) = (number(&proof[..32]), number(&proof[32..])) else {
        return false;
    };
    let a = RistrettoPoint::vartime_double_scalar_mul_basepoint(&-c, point, &z);
    challenge(context, point, &a, body) == c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Hex;

    #[test]
    fn a_proof_is_of_one_point_context_and_body() {
        let [r, nonce] = ["r", "k"].map(|label| scalar(label, &[]));
        let (point, context) = (RistrettoPoint::mul_base(&r), Hex([1; 32]));
        let good = prove(&r, &nonce, &context, b"body");
        assert!(check(&point, &context, b"body", &good));
        assert!(!check(&point, &context, b"bodies", &good));
        assert!(!check(&point, &Hex([2; 32]), b"body", &good));
        assert!(!check(&(point + point), &context, b"body", &good));
        for at in [0, 31, 32, 63] {
            let mut forged = good;
            forged[at] ^= 1;
            assert!(!check(&point, &context, b"body", &forged), "byte {at}");
        }
        // Not by one who knows another secret, nor the nonce alone.
        assert!(!check(
            &point,
            &context,
            b"body",
            &prove(&nonce, &r, &context, b"body")
        ));
        let mut alone = good;
        alone[32..].copy_from_slice(nonce.as_bytes());
        assert!(!check(&point, &context, b"body", &alone));
    }
}
