//! The pairing curve BLS12-381, as far as the board needs it: points of the two groups from bytes, hashing to the first, and the
//! check of a signature. Keys are in the second group (96 bytes), signatures in the first (48 bytes).

use ic_bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use ic_bls12_381::{G1Affine, G1Projective, G2Affine, G2Prepared, Gt, Scalar, multi_miller_loop};
use sha2_for_bls::Sha256;

use crate::bytes::{Hex, stream, take};

/// A point of the first group: on the curve, of the right order, and not the neutral element.
pub(crate) fn signature_point(bytes: &Hex<48>) -> Option<G1Affine> {
    let point: Option<G1Affine> = G1Affine::from_compressed(&bytes.0).into();
    point.filter(|p| !bool::from(p.is_identity()))
}

/// A point of the second group: on the curve, of the right order, and not the neutral element.
pub(crate) fn key_point(bytes: &Hex<96>) -> Option<G2Affine> {
    let point: Option<G2Affine> = G2Affine::from_compressed(&bytes.0).into();
    point.filter(|p| !bool::from(p.is_identity()))
}

/// A message as a point of the first group (RFC 9380, random oracle, SHA-256).
pub(crate) fn hash_to_point(message: &[u8], domain: &[u8]) -> G1Affine {
    <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(message, domain).into()
}

/// The public key of a secret.
pub(crate) fn public_key(secret: &Scalar) -> Hex<96> {
    Hex(G2Affine::from(G2Affine::generator() * secret).to_compressed())
}

/// The signature of a hashed message.
pub(crate) fn sign(secret: &Scalar, hashed: &G1Affine) -> Hex<48> {
    Hex(G1Affine::from(hashed * secret).to_compressed())
}

/// Whether `signature` is that of `hashed` under `key`.
pub(crate) fn signed(signature: &G1Affine, hashed: &G1Affine, key: &G2Affine) -> bool {
    let terms = [
        (signature, &G2Prepared::from(-G2Affine::generator())),
        (hashed, &G2Prepared::from(*key)),
    ];
    multi_miller_loop(&terms).final_exponentiation() == Gt::identity()
}

/// A number below the group's order, uniform, from a label and parts.
pub(crate) fn scalar(label: &str, parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_wide(&take(&mut stream(label, parts)))
}

/// A public 128-bit multiple of a point. Not in constant time: for public numbers only.
pub(crate) fn public_multiple(point: &G1Affine, factor: u128) -> G1Projective {
    (0..128).rev().fold(G1Projective::identity(), |sum, bit| {
        let sum = sum.double();
        match factor >> bit & 1 {
            1 => sum + point,
            _ => sum,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_agree_with_the_library() {
        let point = hash_to_point(b"a point", b"a test");
        for factor in [0, 1, 2, 0xffff_ffff_ffff_ffff_ffff, u128::MAX] {
            let [low, high] = [factor as u64, (factor >> 64) as u64];
            let expected = point * Scalar::from_raw([low, high, 0, 0]);
            assert_eq!(public_multiple(&point, factor), expected, "{factor}");
        }
    }

    #[test]
    fn neutral_elements_are_refused() {
        let zero = Hex(G1Affine::identity().to_compressed());
        assert!(signature_point(&zero).is_none());
        let zero = Hex(G2Affine::identity().to_compressed());
        assert!(key_point(&zero).is_none());
        assert!(signature_point(&Hex([0; 48])).is_none());
        assert!(key_point(&Hex([0xff; 96])).is_none());
    }

    /// RFC 9380, appendix J.9.1: BLS12381G1_XMD:SHA-256_SSWU_RO_, the message `abc`.
    #[test]
    fn hashing_to_the_curve_is_that_of_the_rfc() {
        let domain = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
        let point = hash_to_point(b"abc", domain).to_uncompressed();
        let x = "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903";
        let y = "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d";
        assert_eq!(Hex::<96>(point).to_string(), format!("{x}{y}"));
    }
}
