//! The file of opened orders, one JSON object a line: what a venue found behind the commitments of a board's list, or what a trader
//! keeps of the orders that they sent. It is private: whoever has it knows the orders.
//!
//! ```text
//! {"about":{"board":"...","venue":"...","batch":17,"levels":4,"list":"...","randomness":"..."}}
//! {"opened":{"commitment":"...","order":{"account":...,"instrument":0,"nonce":1,...}}}
//! {"skipped":{"commitment":"...","why":["..."]}}
//! ```
//!
//! The lines behind the first are in the order of the list. A trader's own file has no list and no randomness yet, and with each order
//! the ids of the records that it was made of.

use records::files::{At, ImportError};
use serde::{Deserialize, Serialize};

use super::batch::{LEVELS, MAX_BATCH, Randomness};
use super::opening::{Opening, session};
use crate::auction::Commitment;

/// What the file is about: its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// SHA3-256 of the board's first line.
    pub board: String,
    /// The venue's name.
    pub venue: String,
    /// The batch.
    pub batch: u64,
    /// Levels of an order.
    pub levels: u32,
    /// The digest of the closed list; none in a trader's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// From which it follows where rationing starts; none in a trader's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub randomness: Option<Randomness>,
}

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// An order of the batch.
    Opened {
        /// The ids of the records that it was made of, where its trader wrote the file.
        ids: Vec<String>,
        /// The order.
        order: Opening,
    },
    /// None.
    Skipped {
        /// What the list has.
        commitment: Commitment,
        /// Why, in words, for each entry of the board with this commitment.
        why: Vec<String>,
    },
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openings {
    /// Its first line.
    pub about: About,
    /// In the order of the list.
    pub entries: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenedLine {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    commitment: Commitment,
    order: Opening,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkippedLine {
    commitment: Commitment,
    why: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    About(About),
    Opened(OpenedLine),
    Skipped(SkippedLine),
}

impl Openings {
    /// The commitments, in the order of the list.
    pub fn commitments(&self) -> Vec<Commitment> {
        let commitment = |entry: &Listed| match entry {
            Listed::Opened { order, .. } => self.about.commitment(order),
            Listed::Skipped { commitment, .. } => commitment.clone(),
        };
        self.entries.iter().map(commitment).collect()
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let lines = self.entries.iter().map(|entry| match entry {
            Listed::Opened { ids, order } => Line::Opened(OpenedLine {
                ids: ids.clone(),
                commitment: self.about.commitment(order),
                order: order.clone(),
            }),
            Listed::Skipped { commitment, why } => Line::Skipped(SkippedLine {
                commitment: commitment.clone(),
                why: why.clone(),
            }),
        });
        let about = std::iter::once(Line::About(self.about.clone()));
        let text = |line: Line| serde_json::to_string(&line).expect("plain data") + "\n";
        about.chain(lines).map(text).collect()
    }

    /// Reads a file. Each order is one of the batch, and the one of its commitment.
    ///
    /// # Errors
    /// Says which line and field are wrong, and what to do.
    pub fn read(file: &At, bytes: &[u8]) -> Result<Self, ImportError> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let mut all: Option<Self> = None;
        for (text, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let at = file.line(number);
            let line: Line = records::json::read(text)
                .map_err(|e| at.error(None, format!("column {}: {}", e.column, e.problem)))?;
            match (line, &mut all) {
                (Line::About(about), None) => {
                    about.check(&at)?;
                    let entries = Vec::new();
                    all = Some(Self { about, entries });
                }
                (Line::Opened(line), Some(all)) => {
                    all.about.check_order(&at, &line)?;
                    let OpenedLine { ids, order, .. } = line;
                    all.entries.push(Listed::Opened { ids, order });
                }
                (Line::Skipped(SkippedLine { commitment, why }), Some(all)) => {
                    all.entries.push(Listed::Skipped { commitment, why });
                }
                (Line::About(_), Some(_)) => {
                    let told = "stands twice; each batch has a file of its own";
                    return Err(at.error(Some("about"), told));
                }
                (_, None) => return Err(at.error(Some("about"), "must be the first line")),
            }
        }
        all.ok_or_else(|| file.error(None, "is empty; make it again from the board"))
    }
}

impl About {
    /// The commitment to an order of the batch.
    ///
    /// # Panics
    /// If it has more levels than orders of the batch may have.
    pub fn commitment(&self, order: &Opening) -> Commitment {
        let [commitment, _] = order.digests(self.levels as usize);
        commitment.into()
    }

    fn check(&self, at: &At) -> Result<(), ImportError> {
        let is_digest = |text: &String| Commitment::try_from(text.clone()).is_ok();
        let right = [
            ("board", is_digest(&self.board)),
            ("list", self.list.as_ref().is_none_or(is_digest)),
            ("venue", records::names::is_name(&self.venue)),
            ("batch", self.batch < MAX_BATCH),
            ("levels", LEVELS.contains(&self.levels)),
        ];
        match right.into_iter().find(|(_, right)| !right) {
            None => Ok(()),
            Some((field, _)) => {
                Err(at.error(Some(field), "is none; make the file again from the board"))
            }
        }
    }

    fn check_order(&self, at: &At, line: &OpenedLine) -> Result<(), ImportError> {
        let refused = |field, told: &str| {
            let told = format!("{told}; make the file again from the board");
            Err(at.error(Some(field), told))
        };
        let order = &line.order;
        if order.session != session(&self.venue, self.batch) {
            refused(
                "session",
                "is another venue's or batch's than the first line's",
            )
        } else if order.ladder.0.len() > self.levels as usize {
            refused(
                "levels",
                "has more levels than orders of the batch may have",
            )
        } else if self.commitment(order) != line.commitment {
            refused("commitment", "is not that of the order in this line")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use market::auction::Ladder;
    use stark::felt;

    use super::*;

    fn openings() -> Openings {
        let order = Opening {
            account: (1 << 60) - 1,
            instrument: 1023,
            nonce: (1 << 30) - 1,
            quote: true,
            reduce_only: false,
            ladder: Ladder::ask(12_345, 67_890),
            session: session("example", 5),
            secret: [felt(7); 8],
        };
        let about = About {
            board: "0a".repeat(32),
            venue: "example".into(),
            batch: 5,
            levels: 1,
            list: Some("0b".repeat(32)),
            randomness: Some(Randomness([9; 32])),
        };
        let skipped = Listed::Skipped {
            commitment: "ff".repeat(32).try_into().unwrap(),
            why: vec!["its opening is not that of its commitment".into()],
        };
        let opened = Listed::Opened {
            ids: vec!["a1".into()],
            order,
        };
        Openings {
            about,
            entries: vec![skipped, opened],
        }
    }

    #[test]
    fn a_file_is_read_back() {
        let file = At::file(Path::new("openings.jsonl"));
        let all = openings();
        let text = all.text();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(Openings::read(&file, text.as_bytes()), Ok(all.clone()));
        assert_eq!(String::from(all.commitments()[0].clone()), "ff".repeat(32));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_field() {
        let file = At::file(Path::new("openings.jsonl"));
        let text = openings().text();
        let read = |text: &str| Openings::read(&file, text.as_bytes()).map_err(|e| e.to_string());
        for (from, to, expected) in [
            (
                "\"nonce\":1073741823",
                "\"nonce\":7",
                "jsonl:3: field `commitment`: is not that of the order",
            ),
            (
                "\"nonce\":1073741823",
                "\"nonce\":1073741824",
                "jsonl:3: column",
            ),
            (
                "\"lots\":12345",
                "\"lots\":12346",
                "jsonl:3: field `commitment`",
            ),
            ("\"batch\":5", "\"batch\":6", "jsonl:3: field `session`"),
            ("\"levels\":[", "\"levels\":[{},", "jsonl:3: field `levels`"),
            (
                "\"quote\":true",
                "\"quote\":true,\"extra\":1",
                "unknown field `extra`",
            ),
            (
                "\"levels\":1,\"list\"",
                "\"levels\":3,\"list\"",
                "jsonl:1: field `levels`",
            ),
            ("\"list\":\"0b", "\"list\":\"0B", "jsonl:1: field `list`"),
            ("{\"about\"", "{\"bout\"", "jsonl:1: column"),
            (
                "{\"skipped\"",
                "{\"about\":{}}\n{\"skipped\"",
                "jsonl:2: column",
            ),
        ] {
            assert!(text.contains(from), "{from}");
            let told = read(&text.replacen(from, to, 1)).unwrap_err();
            assert!(told.contains(expected), "{told}\nlacks\n{expected}");
        }
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(read(rest).unwrap_err().contains("must be the first line"));
        let twice = read(&format!("{first}\n{text}")).unwrap_err();
        assert!(
            twice.contains("jsonl:2: field `about`: stands twice"),
            "{twice}"
        );
        assert!(read("").unwrap_err().contains("openings.jsonl:1"));
    }
}
