//! A verifier's challenge: text that a claim repeats, so that a proof made before it was asked for is told apart.

use serde::{Deserialize, Serialize};

/// What a verifier asked to stand in a claim: 1 to 64 letters, digits and `-_./+&#%*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(String);

impl TryFrom<String> for Nonce {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if records::names::is_name(&text) {
            Ok(Self(text))
        } else {
            Err(format!("a nonce {}", records::names::NO_NAME))
        }
    }
}

impl std::str::FromStr for Nonce {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_string())
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        nonce.0
    }
}

impl AsRef<str> for Nonce {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The line of a claim's words that says what it answers.
pub fn line(nonce: &Option<Nonce>) -> Vec<String> {
    nonce
        .iter()
        .map(|nonce| format!("made for the challenge {}", crate::words::quoted(&nonce.0)))
        .collect()
}
