//! What claims speak of in common, by which proofs are linked.

use credit::deal::Deal;
use credit::waterfall::DealState;
use market::Snapshot;

use super::refusal::listed;
use crate::account::PublicDigest;
use crate::book::BookRef;
use crate::issuance::{IssuanceClaim, PledgedTwice, pledged_twice};
use crate::orders::Batch;
use crate::words::digest;

/// Where in a claim something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The claim is about it as it is.
    Whole,
    /// The claim starts from it.
    Start,
    /// The claim ends with it.
    End,
}

/// Something sealed that a claim speaks of. Two claims with one anchor speak of the same thing.
#[derive(Clone, Debug)]
pub enum Anchor<'a> {
    /// An account book, the snapshot whose lists and moment it has, and what the claim says of a single account in it.
    Book {
        /// The book.
        book: &'a BookRef,
        /// Its lists and its moment.
        snapshot: &'a Snapshot,
        /// What the proof counts of an account, and what not.
        counted: &'static str,
    },
    /// An account book that the claim starts from or ends with, by its commitment.
    State(At, PublicDigest),
    /// One account, which a path may lead to a book.
    Account {
        /// Its leaf.
        commitment: &'a PublicDigest,
        /// Position slots in the commitment.
        slots: u32,
        /// The lists and the moment of its book.
        snapshot: &'a Snapshot,
    },
    /// A venue's state.
    VenueState(At, PublicDigest),
    /// A loan pool.
    Pool(At, PublicDigest),
    /// A deal in a state.
    Deal {
        /// Where in the claim.
        at: At,
        /// The digest of deal and state.
        digest: String,
        /// Payment dates that the state has behind it.
        period: u32,
    },
    /// A batch of orders, and how it cleared.
    Batch(&'a Batch),
    /// The loans of an issuance, of which none may be pledged twice in its registry.
    Pledges(&'a IssuanceClaim),
}

/// How two claims are linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// They share these, where each of them has it.
    Shared {
        /// What they share, in words.
        what: Vec<&'static str>,
        /// Where in the one claim and in the other.
        at: [At; 2],
    },
    /// They pledge different loans in one registry.
    Disjoint,
}

/// Why two claims are not linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLinked {
    /// They speak of no such thing in common.
    #[error(
        "it does not speak of the {0} that the claim speaks of; if proofs lie between, give them, too"
    )]
    Nothing(String),
    /// They share one thing, but not another one that both speak of there.
    #[error("it has the same {shared}, but another {other}")]
    Other {
        /// What is the same.
        shared: String,
        /// What is not.
        other: String,
    },
    /// Two settlements of one chain of books whose batches do not follow each other.
    #[error(
        "it settles batch {later} of {venue} on the book that batch {earlier} of {before} led to: a batch is settled once, and batches follow each other"
    )]
    SettledAgain {
        /// The batch that was settled first, and its venue.
        earlier: u64,
        /// Its venue.
        before: String,
        /// The batch that was settled next.
        later: u64,
        /// Its venue.
        venue: String,
    },
    /// Two settlements that start from one book, or lead to one.
    #[error(
        "both settle the same account book, or lead to the same one: only one of them can stand in a chain of books"
    )]
    Fork,
    /// A loan is pledged twice, or the registries are not one.
    #[error(transparent)]
    Pledges(#[from] PledgedTwice),
}

/// A thing that stands at a place of a claim.
struct Sealed {
    what: &'static str,
    at: At,
    digest: String,
}

impl Anchor<'_> {
    /// A deal in a state.
    pub fn deal(at: At, deal: &Deal, state: &DealState) -> Self {
        Self::Deal {
            at,
            digest: digest(&(deal, state)),
            period: state.period,
        }
    }

    fn sealed(&self) -> Option<Sealed> {
        let (what, at, digest) = match self {
            Self::Book { book, .. } => ("account book", At::Whole, book.commitment.to_string()),
            Self::State(at, digest) => ("account book", *at, digest.to_string()),
            Self::VenueState(at, digest) => ("state of the venue", *at, digest.to_string()),
            Self::Pool(at, digest) => ("pool", *at, digest.to_string()),
            Self::Batch(batch) => ("batch of orders", At::Whole, digest(batch)),
            Self::Deal { at, digest, .. } => ("deal and its state", *at, digest.clone()),
            Self::Account { .. } | Self::Pledges { .. } => return None,
        };
        Some(Sealed { what, at, digest })
    }
}

/// How a claim with the anchors `own` is linked to one with the anchors `other`. Where they meet, all that both speak of
/// must be the same; loans of one registry must be pledged once.
///
/// # Errors
/// Says why they are not linked, or which loan is pledged twice.
pub fn link(own: &[Anchor], other: &[Anchor]) -> Result<Link, NotLinked> {
    fn pledges<'a>(anchors: &[Anchor<'a>]) -> Option<&'a IssuanceClaim> {
        let mut claims = anchors.iter().filter_map(|a| match a {
            Anchor::Pledges(claim) => Some(*claim),
            _ => None,
        });
        claims.next()
    }
    if let (Some(own), Some(other)) = (pledges(own), pledges(other)) {
        pledged_twice(&[own, other])?;
        return Ok(Link::Disjoint);
    }
    if let (Some(own), Some(other)) = (settlement(own), settlement(other)) {
        return follows(own, other);
    }
    let [own, other] =
        [own, other].map(|a| a.iter().filter_map(Anchor::sealed).collect::<Vec<_>>());
    let mut almost = None;
    // What goes on from the other claim comes first: a claim that ends as it starts is linked there.
    let ends = [At::Start, At::End];
    for at in [[0, 1], [1, 0], [0, 0], [1, 1]].map(|places| places.map(|i: usize| ends[i])) {
        match meeting(&own, &other, at) {
            (shared, differing) if !shared.is_empty() && differing.is_empty() => {
                return Ok(Link::Shared {
                    at: exact(&own, &other, at, shared[0]),
                    what: shared,
                });
            }
            (shared, differing) if !shared.is_empty() => {
                almost.get_or_insert(NotLinked::Other {
                    shared: listed(&shared),
                    other: listed(&differing),
                });
            }
            _ => {}
        }
    }
    Err(almost.unwrap_or_else(|| NotLinked::Nothing(listed(&kinds(&own)))))
}

/// The books that a settlement starts from and leads to, and its batch.
type Settlement<'a> = ([PublicDigest; 2], &'a Batch);

/// The settlement that a claim is, if it is one.
fn settlement<'a>(anchors: &[Anchor<'a>]) -> Option<Settlement<'a>> {
    let book = |end: At| {
        anchors.iter().find_map(|anchor| match anchor {
            Anchor::State(at, digest) if *at == end => Some(*digest),
            _ => None,
        })
    };
    let batch = anchors.iter().find_map(|anchor| match anchor {
        Anchor::Batch(batch) => Some(*batch),
        _ => None,
    });
    Some(([book(At::Start)?, book(At::End)?], batch?))
}

/// How one settlement follows another: from book to book, with rising batches of one venue, so that no batch counts twice.
fn follows(own: Settlement<'_>, other: Settlement<'_>) -> Result<Link, NotLinked> {
    let shared = |at: [At; 2]| Link::Shared {
        what: vec!["account book"],
        at,
    };
    let (link, [earlier, later]) = match (own.0, other.0) {
        ([start, _], [_, end]) if start == end => (shared([At::Start, At::End]), [other.1, own.1]),
        ([_, end], [start, _]) if start == end => (shared([At::End, At::Start]), [own.1, other.1]),
        ([a, b], [c, d]) if a == c || b == d => return Err(NotLinked::Fork),
        _ => return Err(NotLinked::Nothing("account book".into())),
    };
    if earlier.venue == later.venue && earlier.number < later.number {
        return Ok(link);
    }
    Err(NotLinked::SettledAgain {
        earlier: earlier.number,
        before: earlier.venue.clone(),
        later: later.number,
        venue: later.venue.clone(),
    })
}

/// What a claim speaks of, each kind once.
fn kinds(sealed: &[Sealed]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for what in sealed.iter().map(|s| s.what) {
        if !kinds.contains(&what) {
            kinds.push(what);
        }
    }
    kinds
}

/// What two claims share and what they do not, of the kinds that both have at these ends.
fn meeting(
    own: &[Sealed],
    other: &[Sealed],
    at: [At; 2],
) -> (Vec<&'static str>, Vec<&'static str>) {
    let here = |sealed: &[Sealed], end: At, what: &str| -> Vec<String> {
        let at = sealed
            .iter()
            .filter(|s| s.what == what && (s.at == end || s.at == At::Whole));
        at.map(|s| s.digest.clone()).collect()
    };
    let (mut shared, mut differing) = (Vec::new(), Vec::new());
    for what in kinds(own) {
        let (mine, theirs) = (here(own, at[0], what), here(other, at[1], what));
        if mine.is_empty() || theirs.is_empty() {
            continue;
        }
        let same = mine.iter().any(|digest| theirs.contains(digest));
        if same { &mut shared } else { &mut differing }.push(what);
    }
    (shared, differing)
}

/// Where exactly a shared thing stands in each claim.
fn exact(own: &[Sealed], other: &[Sealed], at: [At; 2], what: &str) -> [At; 2] {
    let of = |sealed: &[Sealed], end: At| {
        let whole = sealed.iter().any(|s| s.what == what && s.at == At::Whole);
        if whole { At::Whole } else { end }
    };
    [of(own, at[0]), of(other, at[1])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::AuctionClaim;
    use crate::kit::Size;
    use crate::registry::STATEMENTS;

    /// The batch of the auction's example, with another number.
    fn batch(number: u64) -> Batch {
        let kind = STATEMENTS
            .iter()
            .find(|kind| kind.id() == "auction")
            .unwrap();
        let inputs = kind.example("auction", &Size::small()).unwrap();
        let secret = crate::testing::secret();
        let file = (inputs.prepare)(&secret).unwrap().file(Vec::new());
        let claim: AuctionClaim = serde_json::from_slice(&file.claim).unwrap();
        Batch {
            number,
            ..claim.batch
        }
    }

    #[test]
    fn settlements_follow_each_other() {
        let book = |i: u64| PublicDigest::from([stark::felt(i); 8]);
        let [five, six] = [batch(5), batch(6)];
        let settles = |before, after, batch| {
            [
                Anchor::State(At::Start, book(before)),
                Anchor::State(At::End, book(after)),
                Anchor::Batch(batch),
            ]
        };
        let (first, next) = (settles(0, 1, &five), settles(1, 2, &six));
        let shared = |at| Link::Shared {
            what: vec!["account book"],
            at,
        };
        assert_eq!(link(&first, &next), Ok(shared([At::End, At::Start])));
        assert_eq!(link(&next, &first), Ok(shared([At::Start, At::End])));
        // The same batch again, or an earlier one.
        for (earlier, later) in [(&five, &five), (&six, &five)] {
            let again = link(&settles(0, 1, earlier), &settles(1, 2, later));
            assert!(
                matches!(again, Err(NotLinked::SettledAgain { .. })),
                "{again:?}"
            );
        }
        // Another venue's batch.
        let other = Batch {
            venue: "other".into(),
            ..six.clone()
        };
        let foreign = link(&first, &settles(1, 2, &other));
        assert!(matches!(foreign, Err(NotLinked::SettledAgain { .. })));
        // Two batches on one book.
        assert_eq!(link(&first, &settles(0, 2, &six)), Err(NotLinked::Fork));
        // An auction and its settlement, and another one's.
        let auction = [Anchor::Batch(&five)];
        assert!(link(&auction, &first).is_ok());
        assert!(link(&auction, &next).is_err());
    }
}
