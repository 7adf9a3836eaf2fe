//! What a claim rests on that no proof shows, and who vouches for it.

use market::Snapshot;
use records::date::moment;
use statements::account::PublicDigest;
use statements::margin::snapshot_digest;
use statements::words::quoted;
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::Source;

use crate::Fact;
use crate::attestation::{Attestation, NotAttested, Subject};

/// Something that a claim takes as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What it is, in words.
    what: String,
    /// Whether the claim says nothing worth having if nobody vouches for it, so that this is told.
    told: bool,
    terms: Terms,
}

/// What identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Terms {
    Pool {
        commitment: PublicDigest,
        cut_off: String,
        loans: u64,
    },
    /// A market, of which everything counts or, without a digest of the whole, its assets' prices and haircuts.
    Market {
        snapshot: Option<String>,
        prices: String,
        as_of_ms: u64,
        source: String,
    },
    /// Scenarios, and the digest of the price history that they say they were made from.
    Scenarios {
        digest: String,
        as_of_ms: u64,
        history: Option<String>,
    },
}

impl Given {
    fn pool(
        commitment: PublicDigest,
        cut_off: &impl ToString,
        loans: u64,
        what: String,
        told: bool,
    ) -> Self {
        Self {
            what,
            told,
            terms: Terms::Pool {
                commitment,
                cut_off: cut_off.to_string(),
                loans,
            },
        }
    }

    fn market(snapshot: &Snapshot, whole: bool) -> Self {
        let source = match snapshot.source.as_str() {
            market::snapshot::UNSTATED => "source unstated".to_string(),
            source => format!("source {}", quoted(source)),
        };
        let at = moment(snapshot.as_of_ms);
        Self {
            what: match whole {
                true => format!("that market of {at} ({source}): its prices and its terms"),
                false => format!("the prices and haircuts of {at} ({source})"),
            },
            told: true,
            terms: Terms::Market {
                snapshot: whole.then(|| snapshot_digest(snapshot)),
                prices: snapshot.prices_digest(),
                as_of_ms: snapshot.as_of_ms,
                source: snapshot.source.clone(),
            },
        }
    }

    fn scenarios(set: &ScenarioSet, digest: &str) -> Self {
        Self {
            what: format!("those scenarios of {}", moment(set.as_of_ms)),
            told: true,
            terms: Terms::Scenarios {
                digest: digest.to_string(),
                as_of_ms: set.as_of_ms,
                history: match &set.source {
                    Source::Made(recipe) => Some(recipe.prices.clone()),
                    Source::Given { .. } => None,
                },
            },
        }
    }

    /// What an attestation of a subject says of it, if it is about it.
    fn attested(&self, subject: &Subject) -> Option<String> {
        match (&self.terms, subject) {
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
                .then(|| format!("{} on {cut_off}", self.what)),
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
                ((prices, as_of_ms, source) == (p, t, from) && whole).then(|| self.what.clone())
            }
            (
                Terms::Scenarios {
                    digest, as_of_ms, ..
                },
                Subject::Scenarios {
                    digest: d,
                    as_of_ms: t,
                },
            ) => ((digest, as_of_ms) == (d, t)).then(|| self.what.clone()),
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
}

/// The one pool of a claim.
fn that_pool(commitment: PublicDigest, cut_off: &impl ToString, loans: u64) -> Given {
    Given::pool(commitment, cut_off, loans, "that pool".into(), true)
}

/// What a fact takes as given.
pub fn given(fact: &Fact) -> Vec<Given> {
    match fact {
        Fact::Margin(fact) => vec![Given::market(&fact.claim().snapshot, true)],
        // Of its market a solvency claim takes what assets are worth.
        Fact::Solvency(fact) => vec![Given::market(&fact.claim().snapshot, false)],
        Fact::Inventory(fact) => vec![Given::market(&fact.claim().snapshot, true)],
        Fact::Risk(fact) => {
            let claim = fact.claim();
            vec![Given::scenarios(&claim.scenarios, &claim.scenarios_digest)]
        }
        Fact::Systemic(fact) => {
            let claim = fact.claim();
            vec![Given::scenarios(&claim.scenarios, &claim.scenarios_digest)]
        }
        Fact::Pool(fact) => {
            let claim = fact.claim();
            vec![that_pool(claim.pool, &claim.cut_off, claim.loans)]
        }
        Fact::Stress(fact) => {
            let claim = fact.claim();
            vec![that_pool(claim.pool, &claim.cut_off, claim.loans)]
        }
        Fact::Issuance(fact) => {
            let claim = fact.claim();
            vec![that_pool(claim.pool, &claim.cut_off, claim.loans)]
        }
        // What the loans paid is what lies between two pools, so the first and the last count.
        Fact::Waterfall(fact) => {
            let claim = fact.claim();
            let pools = claim.pools.iter().enumerate();
            let pools = pools.map(|(number, pool)| {
                let (when, told) = match number {
                    0 => ("before the first month".to_string(), true),
                    n if n == claim.months.len() => {
                        ("after the last month, not the first one".into(), true)
                    }
                    n => (format!("after month {n}, not the first one"), false),
                };
                let what = format!("the pool {when} ({})", pool.pool);
                Given::pool(pool.pool, &pool.cut_off, claim.loans, what, told)
            });
            pools.collect()
        }
    }
}

/// Who vouches for what of a fact, by one attestation, in words.
///
/// # Errors
/// If no trusted key signed it, or it is about nothing that the fact rests on.
pub fn attested(
    fact: &Fact,
    attestation: &Attestation,
    trusted: &[String],
) -> Result<String, NotAttested> {
    let given = given(fact);
    let said = given.iter().find_map(|g| g.attested(&attestation.subject));
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
pub fn nobody_vouches(fact: &Fact, accepted: &[Attestation]) -> Vec<String> {
    let missing = given(fact).into_iter().filter(|given| {
        let by = |a: &Attestation| {
            !matches!(a.subject, Subject::Prices { .. }) && given.attested(&a.subject).is_some()
        };
        given.told && !accepted.iter().any(by)
    });
    missing
        .map(|given| format!("nobody vouches for {}", given.what))
        .collect()
}
