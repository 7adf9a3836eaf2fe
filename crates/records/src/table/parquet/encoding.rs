//! The encodings of Parquet's values. Every reader takes what the bytes hold and nothing that they do not.

use super::schema::Physical;

/// The values of a page or of a dictionary, without nulls.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Booleans, dates, all integers of up to 64 bits.
    Ints(Vec<i64>),
    /// Bytes, and where each value starts and ends in them.
    Bytes {
        bytes: Vec<u8>,
        ends: Vec<(u32, u32)>,
    },
    /// Numbers of a dictionary's values.
    Indices(Vec<u32>),
    /// Floats: so many, which no one reads.
    Floats(usize),
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Bytes { ends, .. } => ends.len(),
            Self::Indices(values) => values.len(),
            Self::Floats(count) => *count,
        }
    }
}

/// Reads so many values in an encoding; `None` if the bytes do not hold them.
pub(super) fn values(
    encoding: i64,
    physical: Physical,
    bytes: &[u8],
    count: usize,
) -> Result<Values, String> {
    let broken = || "a page does not hold the values that it says; the file is broken".to_string();
    let values = match (encoding, physical) {
        (0, _) => plain(physical, bytes, count),
        (2 | 8, _) => indices(bytes, count),
        (3, Physical::Boolean) => rle_booleans(bytes, count),
        (5, Physical::Int32 | Physical::Int64) => {
            deltas(bytes, count).map(|(ints, _)| ints).map(|ints| {
                let narrow = physical == Physical::Int32;
                let kept = |n: i64| if narrow { i64::from(n as i32) } else { n };
                Values::Ints(ints.into_iter().map(kept).collect())
            })
        }
        (6, Physical::Bytes) => delta_lengths(bytes, count),
        (7, Physical::Bytes | Physical::Fixed(_)) => delta_strings(bytes, count),
        (9, _) => split_streams(physical, bytes, count),
        _ => {
            return Err(format!(
                "uses encoding {encoding} of Parquet, which is not read; write it with another"
            ));
        }
    };
    values.filter(|v| v.len() == count).ok_or_else(broken)
}

/// Values one after another.
fn plain(physical: Physical, bytes: &[u8], count: usize) -> Option<Values> {
    let fixed = |size: usize| bytes.get(..count.checked_mul(size)?);
    Some(match physical {
        Physical::Boolean => {
            let bytes = bytes.get(..count.div_ceil(8))?;
            Values::Ints(
                (0..count)
                    .map(|i| i64::from(bytes[i / 8] >> (i % 8) & 1))
                    .collect(),
            )
        }
        Physical::Int32 => {
            let word = |b: &[u8]| i64::from(i32::from_le_bytes(b.try_into().expect("four bytes")));
            Values::Ints(fixed(4)?.chunks_exact(4).map(word).collect())
        }
        Physical::Int64 => {
            let word = |b: &[u8]| i64::from_le_bytes(b.try_into().expect("eight bytes"));
            Values::Ints(fixed(8)?.chunks_exact(8).map(word).collect())
        }
        Physical::Float => fixed(4).map(|_| Values::Floats(count))?,
        Physical::Double => fixed(8).map(|_| Values::Floats(count))?,
        Physical::Int96 => of_length(fixed(12)?, 12)?,
        Physical::Fixed(length) => of_length(fixed(length)?, length)?,
        Physical::Bytes => {
            let mut ends = Vec::new();
            let mut at = 0usize;
            for _ in 0..count {
                let length = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
                let start = at + 4;
                at = start.checked_add(length as usize)?;
                bytes.get(start..at)?;
                ends.push((u32::try_from(start).ok()?, u32::try_from(at).ok()?));
            }
            Values::Bytes {
                bytes: bytes.to_vec(),
                ends,
            }
        }
    })
}

/// Values of one length.
fn of_length(bytes: &[u8], length: usize) -> Option<Values> {
    let at = |i: usize| u32::try_from(i * length).ok();
    let ends = (0..bytes.len() / length).map(|i| Some((at(i)?, at(i + 1)?)));
    Some(Values::Bytes {
        ends: ends.collect::<Option<_>>()?,
        bytes: bytes.to_vec(),
    })
}

fn indices(bytes: &[u8], count: usize) -> Option<Values> {
    let (width, rest) = bytes.split_first()?;
    hybrid(rest, u32::from(*width), count).map(Values::Indices)
}

fn rle_booleans(bytes: &[u8], count: usize) -> Option<Values> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let bits = hybrid(rest.get(..length)?, 1, count)?;
    Some(Values::Ints(bits.into_iter().map(i64::from).collect()))
}

/// A number in groups of seven bits.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let n = varint(bytes)?;
    Some((n >> 1) as i64 ^ -((n & 1) as i64))
}

/// The `i`-th number of so many bits, the little end first.
fn packed(bytes: &[u8], i: usize, width: u32) -> Option<u64> {
    let bit = i.checked_mul(width as usize)?;
    let mut value = 0u64;
    for k in 0..width as usize {
        let at = bit + k;
        let byte = bytes.get(at / 8)?;
        value |= u64::from(byte >> (at % 8) & 1) << k;
    }
    Some(value)
}

/// Runs of one number and stretches of packed numbers. Runs may say more than is asked for, and no less.
pub(super) fn hybrid(bytes: &[u8], width: u32, count: usize) -> Option<Vec<u32>> {
    if width > 32 {
        return None;
    }
    let mut bytes = bytes;
    let mut out = Vec::new();
    while out.len() < count {
        let head = varint(&mut bytes)?;
        let left = count - out.len();
        if head & 1 == 0 {
            let run = usize::try_from(head >> 1).ok()?.min(left);
            let (value, rest) = bytes.split_at_checked(width.div_ceil(8) as usize)?;
            let value = value.iter().rev().fold(0u32, |n, b| n << 8 | u32::from(*b));
            if run == 0 {
                return None;
            }
            out.resize(out.len() + run, value);
            bytes = rest;
        } else {
            let groups = usize::try_from(head >> 1).ok()?;
            let length = groups.checked_mul(width as usize)?;
            // A writer may cut the last stretch at what is needed.
            let (stretch, rest) = bytes.split_at(length.min(bytes.len()));
            let run = groups.checked_mul(8)?.min(left);
            if run == 0 {
                return None;
            }
            for i in 0..run {
                out.push(packed(stretch, i, width)? as u32);
            }
            bytes = rest;
        }
    }
    Some(out)
}

/// Differences in blocks; and what bytes are left.
fn deltas(bytes: &[u8], count: usize) -> Option<(Vec<i64>, &[u8])> {
    let mut bytes = bytes;
    let block = usize::try_from(varint(&mut bytes)?).ok()?;
    let minis = usize::try_from(varint(&mut bytes)?).ok()?;
    let total = usize::try_from(varint(&mut bytes)?).ok()?;
    let first = zigzag(&mut bytes)?;
    let size = block.checked_div(minis)?;
    if total != count || size == 0 || size % 8 != 0 || minis > 1 << 10 || block > 1 << 20 {
        return None;
    }
    let mut out = Vec::new();
    let mut last = first;
    if count > 0 {
        out.push(first);
    }
    while out.len() < count {
        let least = zigzag(&mut bytes)?;
        let (widths, rest) = bytes.split_at_checked(minis)?;
        bytes = rest;
        for width in widths {
            if out.len() == count {
                break;
            }
            if *width > 64 {
                return None;
            }
            let length = size / 8 * usize::from(*width);
            let (stretch, rest) = bytes.split_at(length.min(bytes.len()));
            for i in 0..size.min(count - out.len()) {
                let delta = packed(stretch, i, u32::from(*width))? as i64;
                last = last.wrapping_add(least).wrapping_add(delta);
                out.push(last);
            }
            bytes = rest;
        }
    }
    Some((out, bytes))
}

/// All lengths, then all bytes.
fn delta_lengths(bytes: &[u8], count: usize) -> Option<Values> {
    let (lengths, rest) = deltas(bytes, count)?;
    let mut ends = Vec::new();
    let mut at = 0u32;
    for length in lengths {
        let start = at;
        at = at.checked_add(u32::try_from(length).ok()?)?;
        ends.push((start, at));
    }
    rest.get(..at as usize).map(|bytes| Values::Bytes {
        bytes: bytes.to_vec(),
        ends,
    })
}

/// How much each shares with the one before, then the rests.
fn delta_strings(bytes: &[u8], count: usize) -> Option<Values> {
    let (prefixes, rest) = deltas(bytes, count)?;
    let Values::Bytes { bytes: rests, ends } = delta_lengths(rest, count)? else {
        return None;
    };
    let mut out: Vec<u8> = Vec::new();
    let mut places: Vec<(u32, u32)> = Vec::new();
    for (prefix, (from, to)) in prefixes.into_iter().zip(ends) {
        let prefix = usize::try_from(prefix).ok()?;
        let (before, end) = places.last().copied().unwrap_or((0, 0));
        if prefix > (end - before) as usize || out.len() > super::codec::MAX_PAGE {
            return None;
        }
        let start = out.len();
        out.extend_from_within(before as usize..before as usize + prefix);
        out.extend_from_slice(&rests[from as usize..to as usize]);
        places.push((u32::try_from(start).ok()?, u32::try_from(out.len()).ok()?));
    }
    Some(Values::Bytes {
        bytes: out,
        ends: places,
    })
}

/// The first bytes of all values, then the second, and so on.
fn split_streams(physical: Physical, bytes: &[u8], count: usize) -> Option<Values> {
    let size = match physical {
        Physical::Int32 | Physical::Float => 4,
        Physical::Int64 | Physical::Double => 8,
        Physical::Fixed(length) => length,
        _ => return None,
    };
    let bytes = bytes.get(..count.checked_mul(size)?)?;
    let joined: Vec<u8> = (0..count)
        .flat_map(|i| (0..size).map(move |k| bytes[k * count + i]))
        .collect();
    plain(physical, &joined, count)
}
