//! What a Parquet file's footer says: its columns and where their pages stand.

use super::thrift::{self, Struct, Value};

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    /// Bytes of this length.
    Fixed(usize),
}

/// What a column's values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Whatever is stored.
    Plain,
    Text,
    Unsigned,
    /// Digits behind the point.
    Decimal(u8),
    Date,
    /// How many of its units a day has.
    Moment(i64),
    /// What no cell can be, and its name.
    Other(&'static str),
}

/// A column of the schema's first level.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: String,
    /// The number of its chunk in a row group; a group has none.
    pub leaf: Option<usize>,
    pub physical: Physical,
    pub meaning: Meaning,
    pub optional: bool,
}

/// A column's pages in a row group.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub codec: i64,
    pub values: u64,
    pub start: u64,
    pub length: u64,
}

/// A row group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub rows: u64,
    pub chunks: Vec<Chunk>,
}

/// A footer.
#[derive(Clone, Debug)]
pub(super) struct Footer {
    pub fields: Vec<Field>,
    pub groups: Vec<Group>,
    pub rows: u64,
}

/// Reads the footer of a file.
pub(super) fn footer(bytes: &[u8]) -> Result<Footer, String> {
    let end = bytes.len();
    match (bytes.get(..4), end.checked_sub(8)) {
        (Some(b"PARE"), _) => Err("is encrypted; write it without encryption".into()),
        (Some(b"PAR1"), Some(tail)) if tail >= 4 && bytes[end - 4..] == *b"PAR1" => {
            let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().expect("four"));
            let start = tail.checked_sub(length as usize).filter(|s| *s >= 4);
            let start = start.ok_or("is not a Parquet file that can be read: its footer does not fit, so it was cut or is broken")?;
            let (footer, _) = thrift::read(&bytes[start..tail]).ok_or(
                "is not a Parquet file that can be read: its footer is broken; write it again",
            )?;
            read_footer(&footer, start as u64).ok_or_else(|| {
                "is not a Parquet file that can be read: its footer lacks something; write it again".to_string()
            })?
        }
        (Some(b"PAR1"), _) => Err("is not a Parquet file that can be read: it was cut".into()),
        _ => Err("is not a Parquet file; correct its name".into()),
    }
}

fn read_footer(footer: &Struct<'_>, data_end: u64) -> Option<Result<Footer, String>> {
    let (fields, leaves) = fields(footer.list(2)?)?;
    let mut groups = Vec::new();
    for group in footer.list(4)? {
        let group = group.as_struct()?;
        let mut chunks = Vec::new();
        for chunk in group.list(1)? {
            let chunk = chunk.as_struct()?;
            if chunk.text(1).is_some() {
                return Some(Err(
                    "keeps columns in other files; write it as one file".into()
                ));
            }
            chunks.push(read_chunk(chunk.inner(3)?, data_end)?);
        }
        if chunks.len() != leaves {
            return None;
        }
        let rows = u64::try_from(group.int(3)?).ok()?;
        groups.push(Group { rows, chunks });
    }
    let rows = u64::try_from(footer.int(3)?).ok()?;
    let all = groups
        .iter()
        .try_fold(0u64, |sum, g| sum.checked_add(g.rows))?;
    (all == rows).then_some(Ok(Footer {
        fields,
        groups,
        rows,
    }))
}

fn read_chunk(chunk: &Struct<'_>, data_end: u64) -> Option<Chunk> {
    let positive = |id| chunk.int(id).and_then(|n| u64::try_from(n).ok());
    let data = positive(9)?;
    let dictionary = positive(11).filter(|d| *d > 0 && *d < data);
    let start = dictionary.unwrap_or(data);
    let length = positive(7)?;
    (start >= 4 && start.checked_add(length)? <= data_end).then_some(Chunk {
        codec: chunk.int(4)?,
        values: positive(5)?,
        start,
        length,
    })
}

/// The fields of the first level, and how many leaves there are at all levels.
fn fields(elements: &[Value<'_>]) -> Option<(Vec<Field>, usize)> {
    let (root, mut rest) = elements.split_first()?;
    let count = root.as_struct()?.int(5)?;
    let (mut fields, mut leaves) = (Vec::new(), 0);
    for _ in 0..count {
        let element = rest.first()?.as_struct()?;
        let name = element.text(4)?.to_string();
        let repetition = element.int(3).unwrap_or(0);
        let before = leaves;
        let is_leaf = element.int(5).unwrap_or(0) == 0 && element.int(1).is_some();
        rest = skip(rest, &mut leaves)?;
        let (physical, meaning) = if is_leaf && repetition < 2 {
            (physical(element)?, meaning(element)?)
        } else {
            (Physical::Bytes, Meaning::Other("a list or a group"))
        };
        fields.push(Field {
            name,
            leaf: (is_leaf && repetition < 2).then_some(before),
            physical,
            meaning,
            optional: repetition == 1,
        });
    }
    rest.is_empty().then_some((fields, leaves))
}

/// The elements after a whole one, with all its children.
fn skip<'e, 'a>(elements: &'e [Value<'a>], leaves: &mut usize) -> Option<&'e [Value<'a>]> {
    let mut left = 1u64;
    let mut rest = elements;
    while left > 0 {
        let (first, after) = rest.split_first()?;
        let children = first.as_struct()?.int(5).unwrap_or(0);
        *leaves += usize::from(children == 0);
        left = (left - 1).checked_add(u64::try_from(children).ok()?)?;
        rest = after;
    }
    Some(rest)
}

fn physical(element: &Struct<'_>) -> Option<Physical> {
    Some(match element.int(1)? {
        0 => Physical::Boolean,
        1 => Physical::Int32,
        2 => Physical::Int64,
        3 => Physical::Int96,
        4 => Physical::Float,
        5 => Physical::Double,
        6 => Physical::Bytes,
        7 => {
            let length = usize::try_from(element.int(2)?).ok()?;
            Physical::Fixed((1..=1 << 16).contains(&length).then_some(length)?)
        }
        _ => return None,
    })
}

const DAY_MS: i64 = 86_400_000;

fn meaning(element: &Struct<'_>) -> Option<Meaning> {
    let scale = || u8::try_from(element.int(7).unwrap_or(0)).ok();
    let Some(logical) = element.inner(10) else {
        return Some(match element.int(6) {
            None => Meaning::Plain,
            Some(0 | 4 | 19) => Meaning::Text,
            Some(5) => Meaning::Decimal(scale()?),
            Some(6) => Meaning::Date,
            Some(7 | 8) => Meaning::Other("a time of day"),
            Some(9) => Meaning::Moment(DAY_MS),
            Some(10) => Meaning::Moment(DAY_MS * 1000),
            Some(11..=14) => Meaning::Unsigned,
            Some(15..=18) => Meaning::Plain,
            Some(20) => Meaning::Other("BSON"),
            Some(21) => Meaning::Other("an interval"),
            Some(_) => Meaning::Other("of an unknown type"),
        });
    };
    let which = logical.union()?;
    let inner = logical.inner(which)?;
    Some(match which {
        1 | 4 | 12 => Meaning::Text,
        5 => Meaning::Decimal(u8::try_from(inner.int(1).unwrap_or(0)).ok()?),
        6 => Meaning::Date,
        7 => Meaning::Other("a time of day"),
        8 => match inner.inner(2)?.union()? {
            1 => Meaning::Moment(DAY_MS),
            2 => Meaning::Moment(DAY_MS * 1000),
            3 => Meaning::Moment(DAY_MS * 1_000_000),
            _ => Meaning::Other("of an unknown type"),
        },
        10 if inner.bool(2)? => Meaning::Plain,
        10 => Meaning::Unsigned,
        11 => Meaning::Plain,
        14 => Meaning::Other("a UUID in bytes"),
        15 => Meaning::Other("a float"),
        _ => Meaning::Other("of an unknown type"),
    })
}
