//! Why nothing is proven.

use std::error::Error;

type Reason = Box<dyn Error + Send + Sync>;

/// Why a claim is not made. The reason is the finance crates' own error where there is one.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The inputs are well-formed, and the claim is false.
    #[error("{0}")]
    False(Reason),
    /// The inputs contradict themselves, or do not fit the statement.
    #[error("{0}")]
    Input(Reason),
}

impl Refusal {
    /// The claim is false.
    pub fn untrue(reason: impl Into<Reason>) -> Self {
        Self::False(reason.into())
    }

    /// The inputs are malformed.
    pub fn malformed(reason: impl Into<Reason>) -> Self {
        Self::Input(reason.into())
    }

    /// A finance crate's error, which says whether it makes the claim false or its inputs malformed.
    pub fn of<E: Error + Send + Sync + 'static>(error: E, is_false: impl Fn(&E) -> bool) -> Self {
        if is_false(&error) {
            Self::untrue(error)
        } else {
            Self::malformed(error)
        }
    }

    /// Whether the claim is false, and not its inputs malformed.
    pub fn is_false(&self) -> bool {
        matches!(self, Self::False(_))
    }

    /// The reason, if it is of this type.
    pub fn reason<E: Error + 'static>(&self) -> Option<&E> {
        let (Self::False(reason) | Self::Input(reason)) = self;
        reason.downcast_ref()
    }
}

/// Names in a row: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => "nothing".into(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
