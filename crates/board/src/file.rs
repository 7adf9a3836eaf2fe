//! The board's file, `board.jsonl`: a header, entries in the order in which they came, and the board's signature of all.
//!
//! Each line is one JSON object, written in one way only: without spaces, fields in the order of the types here, `\n` at its end. The
//! digest of a line is SHA3-256 of its bytes without the `\n`. Each entry holds the digest of the line before it, and the last line,
//! the *head*, holds their number and the digest of the last one, signed by the board. So who has a head has all lines before it, and
//! a board that shows two of its readers different lines has signed the evidence against itself ([`Board::fork`], [`Board::denies`]).
//!
//! ```text
//! {"header":{"terms":{...},"signature":"..."}}        signed by the venue
//! {"entry":{"previous":"...","received_ms":...,"posted":{...}}}
//! {"head":{"venue":"...","batch":...,"header":"...","entries":...,"last":"...","time_ms":...,"signature":"..."}}
//! ```

use std::fmt;

use records::date::check_moment;
use records::files::{At, ImportError};
use records::names::is_name;
use serde::{Deserialize, Serialize};

use crate::bytes::{Digest, Hex, digest, parse, plain_digest};
use crate::keys::{self, SecretKey};
use crate::terms::{Header, Invalid};
use crate::ticket::{Stamp, Ticket};

/// What an order is known by on the board: 32 bytes that bind it and hide it. Its text is 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(pub Hex<32>);

/// A sealed opening ([`crate::seal`]). Its text is lowercase hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        sealed.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Sealed {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let told = "must be an even number of lowercase hexadecimal digits; copy it whole";
        parse(&text).map(Self).ok_or(told)
    }
}

/// What a trader posts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posted {
    /// The order's commitment.
    pub commitment: Commitment,
    /// The round that the opening is locked to; `null` where the venue's key alone seals it.
    pub round: Option<u64>,
    /// The sealed opening.
    pub sealed: Sealed,
    /// The ticket, spent on this.
    pub stamp: Stamp,
}

impl Posted {
    /// Spends a ticket on a sealed opening.
    pub fn new(header: &Header, commitment: Commitment, sealed: Sealed, ticket: &Ticket) -> Self {
        let round = header.terms.lock.as_ref().map(|lock| lock.round);
        let stamp = ticket.stamp(&stamped(&header.digest(), &commitment, round, &sealed));
        Self {
            commitment,
            round,
            sealed,
            stamp,
        }
    }

    /// The digest that the ticket signs.
    pub(crate) fn stamped(&self, header: &Digest) -> Digest {
        stamped(header, &self.commitment, self.round, &self.sealed)
    }
}

fn stamped(
    header: &Digest,
    commitment: &Commitment,
    round: Option<u64>,
    sealed: &Sealed,
) -> Digest {
    let round = round.map_or(Vec::new(), |round| round.to_le_bytes().to_vec());
    let parts: [&[u8]; 4] = [&header.0, &commitment.0.0, &round, &sealed.0];
    digest("sealbook board entry 1", &parts)
}

/// An entry: what was posted, when the board received it, and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The digest of the line before.
    pub previous: Digest,
    /// When it was received, in milliseconds since 1970: the board's word.
    pub received_ms: u64,
    /// What was posted.
    pub posted: Posted,
}

/// How long a board is at a moment, signed by its keeper: the last line of a file, and a part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The venue's key.
    pub venue: Hex<32>,
    /// The batch.
    pub batch: u64,
    /// The digest of the header.
    pub header: Digest,
    /// How many entries there are.
    pub entries: u64,
    /// The digest of the last line before.
    pub last: Digest,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The keeper's signature.
    pub signature: Hex<64>,
}

impl Head {
    fn message(&self) -> Vec<u8> {
        let Self {
            venue,
            batch,
            header,
            entries,
            last,
            time_ms,
            signature: _,
        } = self;
        format!("sealbook board head 1\n{venue}\n{batch}\n{header}\n{entries}\n{last}\n{time_ms}")
            .into_bytes()
    }

    /// Whether this keeper signed it.
    pub fn is_signed_by(&self, keeper: &Hex<32>) -> bool {
        keys::signed(keeper, &self.message(), &self.signature)
    }
}

/// What a trader gets for posting: the entry as it stands on the board, and a head of which it is the last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The entry.
    pub entry: Entry,
    /// The head.
    pub head: Head,
}

impl Receipt {
    /// Checks that it is one for what was posted, received while the board was open. It holds against the keeper whatever the board
    /// shows later ([`Board::denies`]).
    ///
    /// # Errors
    /// Says which field is wrong.
    pub fn check(&self, header: &Header, posted: &Posted) -> Result<(), Invalid> {
        let (terms, received) = (&header.terms, self.entry.received_ms);
        let right = [
            ("posted", self.entry.posted == *posted),
            (
                "received_ms",
                (terms.opens_ms..terms.closes_ms).contains(&received),
            ),
            ("last", self.is_whole()),
            ("header", self.head.header == header.digest()),
            ("signature", self.head.is_signed_by(&terms.board.key)),
        ];
        match right.into_iter().find(|(_, good)| !good) {
            None => Ok(()),
            Some((field, _)) => {
                let told =
                    "is not that of a receipt for this entry; post it again before the close";
                Err(Invalid::new(field, told))
            }
        }
    }

    /// Whether the entry is the last line that the head signs.
    fn is_whole(&self) -> bool {
        plain_digest(line(&LineOut::Entry(&self.entry)).as_bytes()) == self.head.last
    }
}

/// How a board contradicts a head that its keeper signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fork {
    /// Another header for the same batch.
    #[error("the board's keeper signed two headers for one batch")]
    Header,
    /// Another line at the same place.
    #[error("the board's keeper signed two different lines {0}")]
    Line(u64),
    /// A later board with fewer lines.
    #[error("the board's keeper signed {had} entries, and later only {has}")]
    Shorter {
        /// Entries of the earlier head.
        had: u64,
        /// Entries of the later one.
        has: u64,
    },
}

/// A board as it was read: every line of its form, the chain whole, all signatures of header and head good. Entries may still be
/// worthless; which count is decided by [`crate::close`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    header: Header,
    entries: Vec<Entry>,
    head: Option<Head>,
    /// The digests of the lines: header, entries.
    lines: Vec<Digest>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineOut<'a> {
    Header(&'a Header),
    Entry(&'a Entry),
    Head(&'a Head),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Header(Box<Header>),
    Entry(Box<Entry>),
    Head(Box<Head>),
}

pub(crate) fn line(line: &LineOut<'_>) -> String {
    serde_json::to_string(line).expect("plain data")
}

impl Board {
    /// An empty board.
    ///
    /// # Errors
    /// If the header is wrong.
    pub fn open(header: Header) -> Result<Self, Invalid> {
        header.check()?;
        Ok(Self {
            lines: vec![header.digest()],
            header,
            entries: Vec::new(),
            head: None,
        })
    }

    /// Adds what was posted. A keeper asks [`admit`](crate::close::admit) first, against spam; the list does not rest on it, since what
    /// does not count is dropped by everyone.
    ///
    /// # Errors
    /// If the board is finished, or the moment is before the last entry's.
    pub fn post(&mut self, posted: Posted, received_ms: u64) -> Result<(), Invalid> {
        self.append(Entry {
            previous: self.last(),
            received_ms,
            posted,
        })
    }

    fn append(&mut self, entry: Entry) -> Result<(), Invalid> {
        if self.head.is_some() {
            return Err(Invalid::new(
                "entry",
                "stands after the head; the head is the last line",
            ));
        }
        if entry.previous != self.last() {
            return Err(Invalid::new(
                "previous",
                "is not the digest of the line before: a line was changed, added or removed; get the file from the board again",
            ));
        }
        check_moment(entry.received_ms).map_err(|e| Invalid::new("received_ms", e))?;
        let before = self.entries.last().map_or(0, |entry| entry.received_ms);
        if entry.received_ms < before {
            return Err(Invalid::new(
                "received_ms",
                "is before that of the entry before",
            ));
        }
        self.lines
            .push(plain_digest(line(&LineOut::Entry(&entry)).as_bytes()));
        self.entries.push(entry);
        Ok(())
    }

    /// A signed head of the board as it is now.
    pub fn sign(&self, time_ms: u64, keeper: &SecretKey) -> Head {
        let mut head = Head {
            venue: self.header.terms.venue.key,
            batch: self.header.terms.batch,
            header: self.lines[0],
            entries: self.entries.len() as u64,
            last: self.last(),
            time_ms,
            signature: Hex([0; 64]),
        };
        head.signature = keeper.sign(&head.message());
        head
    }

    /// The receipt for the last entry; none on an empty board.
    pub fn receipt(&self, time_ms: u64, keeper: &SecretKey) -> Option<Receipt> {
        Some(Receipt {
            entry: self.entries.last()?.clone(),
            head: self.sign(time_ms, keeper),
        })
    }

    /// Ends the board with a head.
    ///
    /// # Errors
    /// If the board is finished, or the head is not this board's.
    pub fn finish(&mut self, head: Head) -> Result<(), Invalid> {
        let right = [
            ("head", self.head.is_none()),
            ("venue", head.venue == self.header.terms.venue.key),
            ("batch", head.batch == self.header.terms.batch),
            ("header", head.header == self.lines[0]),
            ("entries", head.entries == self.entries.len() as u64),
            ("last", head.last == self.last()),
        ];
        if let Some((field, _)) = right.into_iter().find(|(_, good)| !good) {
            let told = "is not that of the lines before; get the file from the board again";
            return Err(Invalid::new(field, told));
        }
        check_moment(head.time_ms).map_err(|e| Invalid::new("time_ms", e))?;
        if self
            .entries
            .last()
            .is_some_and(|e| e.received_ms > head.time_ms)
        {
            return Err(Invalid::new(
                "time_ms",
                "is before the last entry was received",
            ));
        }
        if !head.is_signed_by(&self.header.terms.board.key) {
            let told =
                "is not the signature of the board's keeper; get the file from the board again";
            return Err(Invalid::new("signature", told));
        }
        self.head = Some(head);
        Ok(())
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The entries in the board's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The head, where the file has one.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The digests of the lines: of the header, then of each entry.
    pub fn lines(&self) -> &[Digest] {
        &self.lines
    }

    fn last(&self) -> Digest {
        *self.lines.last().expect("a header")
    }

    /// The file.
    pub fn text(&self) -> String {
        let header = std::iter::once(LineOut::Header(&self.header));
        let entries = self.entries.iter().map(LineOut::Entry);
        let lines = header
            .chain(entries)
            .chain(self.head.iter().map(LineOut::Head));
        lines.flat_map(|l| [line(&l), "\n".into()]).collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Says which line and field are wrong, and what to do.
    pub fn read(file: &At, bytes: &[u8]) -> Result<Self, ImportError> {
        let Some(bytes) = bytes.strip_suffix(b"\n") else {
            let told = "does not end with a whole line; get it from the board again";
            return Err(file.error(None, told));
        };
        let mut board: Option<Self> = None;
        for (text, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let at = file.line(number);
            let wrong = |e: Invalid| at.error(Some(e.field), e.problem);
            match (read_line(&at, text)?, &mut board) {
                (Line::Header(header), None) => board = Some(Self::open(*header).map_err(wrong)?),
                (Line::Entry(entry), Some(board)) => board.append(*entry).map_err(wrong)?,
                (Line::Head(head), Some(board)) => board.finish(*head).map_err(wrong)?,
                (Line::Header(_), Some(_)) => {
                    return Err(at.error(None, "is a second header; a board is a file of its own"));
                }
                (_, None) => return Err(at.error(None, "must be the header of the board")),
            }
        }
        board.ok_or_else(|| file.error(None, "is empty; the first line is the header"))
    }

    /// Whether this finished board contradicts a head of the same batch that its keeper signed. Board file and head together are the
    /// evidence, which anyone checks by calling this.
    ///
    /// # Errors
    /// If the board has no head, or the other is not signed by its keeper, or is of another batch: then it shows nothing.
    pub fn fork(&self, other: &Head) -> Result<Option<Fork>, Invalid> {
        self.fork_since(other, other.time_ms)
    }

    /// Whether this finished board contradicts a receipt of its keeper. Unlike a head alone, a receipt shows when its last line was
    /// received, whatever time the keeper signed it with.
    ///
    /// # Errors
    /// As [`fork`](Self::fork), and if the receipt's entry is not what its head signs.
    pub fn denies(&self, receipt: &Receipt) -> Result<Option<Fork>, Invalid> {
        if !receipt.is_whole() {
            return Err(Invalid::new(
                "last",
                "is not the digest of the receipt's entry",
            ));
        }
        self.fork_since(&receipt.head, receipt.entry.received_ms)
    }

    /// `since`: the moment from which the other's lines stand on the board.
    fn fork_since(&self, other: &Head, since: u64) -> Result<Option<Fork>, Invalid> {
        let Some(head) = &self.head else {
            return Err(Invalid::new(
                "head",
                "is missing: an unfinished board shows nothing",
            ));
        };
        if !other.is_signed_by(&self.header.terms.board.key) {
            return Err(Invalid::new(
                "signature",
                "is not that of this board's keeper",
            ));
        }
        if (other.venue, other.batch) != (head.venue, head.batch) {
            return Err(Invalid::new("batch", "is another venue's or batch's head"));
        }
        if other.header != head.header {
            return Ok(Some(Fork::Header));
        }
        let place = usize::try_from(other.entries).ok();
        Ok(match place.and_then(|place| self.lines.get(place)) {
            Some(line) if *line == other.last => None,
            Some(_) => Some(Fork::Line(other.entries + 1)),
            None if since <= head.time_ms => Some(Fork::Shorter {
                had: other.entries,
                has: head.entries,
            }),
            None => None,
        })
    }
}

/// Reads a line, which must be written as this program writes it.
fn read_line(at: &At, text: &[u8]) -> Result<Line, ImportError> {
    let read: Line = records::json::read(text).map_err(|e| {
        let told = format!("column {}: {}", e.column, e.problem);
        at.error(field_before(text, &e), told)
    })?;
    let again = line(&match &read {
        Line::Header(header) => LineOut::Header(header),
        Line::Entry(entry) => LineOut::Entry(entry),
        Line::Head(head) => LineOut::Head(head),
    });
    if again.as_bytes() != text {
        let same = again.bytes().zip(text).take_while(|(a, b)| a == *b).count();
        let told = "is not written as boards are: fields in their order, none left out, no spaces; get the file from the board again";
        return Err(at.error(None, format!("column {}: {told}", same + 1)));
    }
    Ok(read)
}

/// The field whose value is wrong: the last name before the place of the error, unless the error names a field itself.
fn field_before<'a>(text: &'a [u8], error: &records::json::JsonError) -> Option<&'a str> {
    if error.problem.contains(" field `") || error.problem.contains("stands twice") {
        return None;
    }
    let end = usize::try_from(error.column).ok()?.min(text.len());
    let before = std::str::from_utf8(text.get(..end)?).ok()?;
    let name = &before[..before.rfind("\":")?];
    let name = &name[name.rfind('"')? + 1..];
    is_name(name).then_some(name)
}
