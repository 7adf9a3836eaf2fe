//! What a claim rests on that no proof shows, and who vouches for it.

use statements::kit::{Given, Terms};

use crate::Fact;
use crate::attestation::{Attestation, NotAttested, Subject};

/// What an attestation of a subject says of it, if it is about it.
fn attested_as(given: &Given, subject: &Subject) -> Option<String> {
    match (&given.terms, subject) {
        (
            Terms::Pool {
                commitment,
                cut_off,
                loans,
            },
            Subject::Pool {
                commitment: c,
                cut_off: d,
                loans: n,
            },
        ) => ((commitment, cut_off, loans) == (c, d, n))
            .then(|| format!("{} on {cut_off}", given.what)),
        (
            Terms::Market {
                snapshot,
                prices,
                as_of_ms,
                source,
            },
            Subject::Market {
                snapshot: s,
                prices: p,
                as_of_ms: t,
                source: from,
            },
        ) => {
            let whole = snapshot.is_none() || snapshot == s;
            ((prices, as_of_ms, source) == (p, t, from) && whole).then(|| given.what.clone())
        }
        (
            Terms::Scenarios {
                digest, as_of_ms, ..
            },
            Subject::Scenarios {
                digest: d,
                as_of_ms: t,
            },
        ) => ((digest, as_of_ms) == (d, t)).then(|| given.what.clone()),
        (
            Terms::Scenarios { history, .. },
            Subject::Prices {
                history: h,
                first,
                last,
            },
        ) => (history.as_ref() == Some(h)).then(|| {
            format!(
                "the price history from {first} to {last} that those scenarios say they were made from; whether they \
                 were was not checked here (`sealbook scenarios check --prices` makes them again)"
            )
        }),
        _ => None,
    }
}

/// Who vouches for what of a fact, by one attestation, in words.
///
/// # Errors
/// If no trusted key signed it, or it is about nothing that the fact rests on.
pub fn attested(
    fact: &dyn Fact,
    attestation: &Attestation,
    trusted: &[String],
) -> Result<String, NotAttested> {
    let given = fact.given();
    let said = given
        .iter()
        .find_map(|g| attested_as(g, &attestation.subject));
    let Some(said) = said else {
        let kind = attestation.subject.kind();
        let fits = given.iter().any(|g| {
            matches!(
                (&g.terms, &attestation.subject),
                (Terms::Pool { .. }, Subject::Pool { .. })
                    | (Terms::Market { .. }, Subject::Market { .. })
                    | (
                        Terms::Scenarios { .. },
                        Subject::Scenarios { .. } | Subject::Prices { .. }
                    )
            )
        });
        return Err(if fits {
            NotAttested::Other(kind.trim_start_matches("a "))
        } else {
            NotAttested::Kind(kind)
        });
    };
    attestation.check(trusted)?;
    Ok(format!("key {} attests {said}", attestation.key))
}

/// What a fact rests on that none of these attestations is about, a line each. They were accepted before. Who vouches for a
/// price history does not vouch for scenarios that say they were made from it.
pub fn nobody_vouches(fact: &dyn Fact, accepted: &[Attestation]) -> Vec<String> {
    let missing = fact.given().into_iter().filter(|given| {
        let by = |a: &Attestation| {
            !matches!(a.subject, Subject::Prices { .. }) && attested_as(given, &a.subject).is_some()
        };
        given.told && !accepted.iter().any(by)
    });
    missing
        .map(|given| format!("nobody vouches for {}", given.what))
        .collect()
}
