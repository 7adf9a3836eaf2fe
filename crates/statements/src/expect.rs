//! Comparing a claim with what a verifier expects of it.

use serde_json::Value;
use stark::Statement;

/// Why a claim is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// An expectation that every claim meets.
    #[error("it names no field of a claim, so any claim would meet it; write at least one")]
    Empty,
    /// A field that is not there.
    #[error("the claim has no field {0}")]
    Missing(String),
    /// A field with another value.
    #[error("the claim's {field} is {claimed}, not {expected}")]
    Differs {
        /// The field, such as `subject.root`.
        field: String,
        /// What the claim says.
        claimed: String,
        /// What was expected.
        expected: String,
    },
}

/// Checks that every field that `expected` names stands in a claim with the same value. Values are compared as what they
/// are: 2.5 and 2.50000000 are one amount.
///
/// # Errors
/// Names the first field that differs.
pub fn expect<S: Statement>(claim: &S::Claim, expected: &Value) -> Result<(), Unexpected> {
    if leaves(expected) == 0 {
        return Err(Unexpected::Empty);
    }
    let whole = serde_json::to_value(claim).expect("a claim is plain data");
    // Before any value is compared: some types overlook a member too many.
    missing("", expected, &whole)?;
    Comparison::<S> {
        claim,
        whole: &whole,
    }
    .at(&mut Vec::new(), expected, &whole)
}

/// Checks that the claim has all that an expectation names.
fn missing(place: &str, expected: &Value, claimed: &Value) -> Result<(), Unexpected> {
    let (Value::Object(expected), Value::Object(claimed)) = (expected, claimed) else {
        return Ok(());
    };
    for (name, expected) in expected {
        let place = format!("{place}.{name}");
        match claimed.get(name) {
            None => return Err(Unexpected::Missing(place[1..].to_string())),
            Some(claimed) => missing(&place, expected, claimed)?,
        }
    }
    Ok(())
}

/// How many values an expectation names.
fn leaves(expected: &Value) -> usize {
    match expected {
        Value::Object(members) => members.values().map(leaves).sum(),
        _ => 1,
    }
}

struct Comparison<'a, S: Statement> {
    claim: &'a S::Claim,
    whole: &'a Value,
}

impl<S: Statement> Comparison<'_, S> {
    /// Whether the claim is the same with `expected` in the place of what it has there.
    fn same(&self, place: &[&str], expected: &Value) -> bool {
        let mut changed = self.whole.clone();
        let mut at = &mut changed;
        for name in place {
            let Some(inner) = at.get_mut(*name) else {
                return false;
            };
            at = inner;
        }
        overlay(at, expected);
        serde_json::from_value::<S::Claim>(changed).is_ok_and(|changed| changed == *self.claim)
    }

    fn at<'b>(
        &self,
        place: &mut Vec<&'b str>,
        expected: &'b Value,
        claimed: &Value,
    ) -> Result<(), Unexpected> {
        if self.same(place, expected) {
            return Ok(());
        }
        if let (Value::Object(expected), Value::Object(claimed)) = (expected, claimed) {
            for (name, value) in expected {
                place.push(name);
                self.at(place, value, &claimed[name])?;
                place.pop();
            }
        }
        Err(Unexpected::Differs {
            field: place.join("."),
            claimed: claimed.to_string(),
            expected: expected.to_string(),
        })
    }
}

/// Puts values in the place of others; members that are not named stay.
fn overlay(value: &mut Value, by: &Value) {
    match (value, by) {
        (Value::Object(members), Value::Object(by)) => {
            for (name, by) in by {
                overlay(members.entry(name).or_insert(Value::Null), by);
            }
        }
        (value, by) => *value = by.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Some types read past a member too many, so names are compared before values.
    #[test]
    fn a_member_that_the_claim_lacks_is_named() {
        let claimed = json!({"method": {"kind": "historical"}, "list": [{"a": 1}]});
        let expected = json!({"method": {"kind": "historical", "decay": "0.94"}});
        assert_eq!(
            missing("", &expected, &claimed),
            Err(Unexpected::Missing("method.decay".into()))
        );
        assert_eq!(missing("", &claimed, &claimed), Ok(()));
    }
}
