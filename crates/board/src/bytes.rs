//! Bytes as text, and hashes with a label.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

/// `N` public bytes. Their text is `2 N` lowercase hexadecimal digits, and nothing else is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A SHA3-256 digest.
pub type Digest = Hex<32>;

impl<const N: usize> Hex<N> {
    /// The bytes of a text.
    pub fn parse(text: &str) -> Option<Self> {
        parse(text)?.try_into().ok().map(Self)
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> From<Hex<N>> for String {
    fn from(bytes: Hex<N>) -> Self {
        bytes.to_string()
    }
}

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| {
            let digits = 2 * N;
            format!("must be {digits} lowercase hexadecimal digits; copy it whole")
        })
    }
}

/// The bytes of an even number of lowercase hexadecimal digits.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

/// SHA3-256 of bytes as they are, which any tool computes.
pub(crate) fn plain_digest(bytes: &[u8]) -> Digest {
    Hex(Sha3_256::digest(bytes).into())
}

/// SHA3-256 of a label and parts, each with its length before it.
pub(crate) fn digest(label: &str, parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha3_256::new();
    for part in [label.as_bytes()].iter().chain(parts) {
        Update::update(&mut hasher, &(part.len() as u64).to_le_bytes());
        Update::update(&mut hasher, part);
    }
    Hex(hasher.finalize().into())
}

/// SHAKE256 of a label and parts, each with its length before it: as many bytes as are read.
pub(crate) fn stream(label: &str, parts: &[&[u8]]) -> impl XofReader + use<> {
    let mut hasher = Shake256::default();
    for part in [label.as_bytes()].iter().chain(parts) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize_xof()
}

/// The next bytes of a stream.
pub(crate) fn take<const N: usize>(stream: &mut impl XofReader) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read(&mut bytes);
    bytes
}

/// Adds a stream to bytes: encrypts and decrypts.
pub(crate) fn mask(bytes: &mut [u8], stream: &mut impl XofReader) {
    let mut key = vec![0; bytes.len()];
    stream.read(&mut key);
    bytes.iter_mut().zip(key).for_each(|(byte, k)| *byte ^= k);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_text() {
        let bytes = Hex::<3>::parse("00ff1a").unwrap();
        assert_eq!(bytes.0, [0, 255, 26]);
        assert_eq!(bytes.to_string(), "00ff1a");
        for text in ["", "00ff1", "00ff1A", "00ff1a00", "+0ff1a", "00ff1g"] {
            assert!(Hex::<3>::parse(text).is_none(), "{text}");
        }
        let told = serde_json::from_str::<Hex<3>>("\"00\"").unwrap_err();
        assert!(
            told.to_string().contains("6 lowercase hexadecimal"),
            "{told}"
        );
    }

    /// Against `printf abc | openssl dgst -sha3-256`.
    #[test]
    fn lines_are_hashed_as_any_tool_does() {
        let told = plain_digest(b"abc").to_string();
        assert_eq!(
            told,
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
        );
    }

    /// Against `openssl dgst -shake256 -xoflen 16` of the two parts with their lengths.
    #[test]
    fn parts_do_not_run_into_each_other() {
        let read = |parts: &[&[u8]]| take::<16>(&mut stream("l", parts));
        assert_ne!(read(&[b"ab", b"c"]), read(&[b"a", b"bc"]));
        assert_ne!(read(&[b"ab"]), read(&[b"ab", b""]));
        assert_ne!(digest("l", &[b"ab", b"c"]), digest("l", &[b"a", b"bc"]));
        assert_ne!(digest("l", &[b"a"]), digest("m", &[b"a"]));
        assert_eq!(
            Hex(take::<16>(&mut stream("l", &[b"ab"]))).to_string(),
            "ccfcb47573582b1cd66ca0347e46f6d7"
        );
    }
}
