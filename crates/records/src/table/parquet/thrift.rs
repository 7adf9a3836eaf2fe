//! Thrift's compact protocol, in which Parquet's headers are written, as a tree of values.
//!
//! Nothing is allocated by a length that the bytes themselves do not bear out: every value takes at least a byte.

/// Deepest nesting.
const MAX_DEPTH: usize = 16;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Double,
    Binary(&'a [u8]),
    List(Vec<Value<'a>>),
    Struct(Struct<'a>),
}

/// The fields of a struct by their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Struct<'a>(Vec<(i64, Value<'a>)>);

impl<'a> Struct<'a> {
    fn get(&self, id: i64) -> Option<&Value<'a>> {
        self.0.iter().find(|(i, _)| *i == id).map(|(_, v)| v)
    }
    pub fn int(&self, id: i64) -> Option<i64> {
        match self.get(id)? {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }
    pub fn bool(&self, id: i64) -> Option<bool> {
        match self.get(id)? {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }
    pub fn text(&self, id: i64) -> Option<&'a str> {
        match self.get(id)? {
            Value::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
    pub fn list(&self, id: i64) -> Option<&[Value<'a>]> {
        match self.get(id)? {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
    pub fn inner(&self, id: i64) -> Option<&Struct<'a>> {
        self.get(id)?.as_struct()
    }
    /// The id of the only field: which member of a union it is.
    pub fn union(&self) -> Option<i64> {
        self.0.first().map(|(id, _)| *id)
    }
}

impl<'a> Value<'a> {
    pub fn as_struct(&self) -> Option<&Struct<'a>> {
        match self {
            Self::Struct(fields) => Some(fields),
            _ => None,
        }
    }
}

/// Reads a struct from the front of bytes, and says how many it took. `None` if they are no such thing.
pub(super) fn read(bytes: &[u8]) -> Option<(Struct<'_>, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let fields = reader.fields(0)?;
    Some((fields, reader.at))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn int(&mut self) -> Option<i64> {
        let n = self.varint()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    fn fields(&mut self, depth: usize) -> Option<Struct<'a>> {
        let mut fields = Vec::new();
        let mut last = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(Struct(fields));
            }
            last = match head >> 4 {
                0 => self.int()?,
                delta => last.checked_add(i64::from(delta))?,
            };
            let value = match head & 15 {
                1 => Value::Bool(true),
                2 => Value::Bool(false),
                kind => self.value(kind, depth)?,
            };
            fields.push((last, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match kind {
            // In a list a truth is a byte.
            1 | 2 => Value::Bool(self.byte()? == 1),
            3 => Value::Int(i64::from(self.byte()? as i8)),
            4..=6 => Value::Int(self.int()?),
            7 => {
                self.take(8)?;
                Value::Double
            }
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Binary(self.take(length)?)
            }
            9 | 10 => {
                let head = self.byte()?;
                let size = match head >> 4 {
                    15 => self.varint()?,
                    size => u64::from(size),
                };
                let mut items = Vec::new();
                for _ in 0..size {
                    items.push(self.value(head & 15, depth + 1)?);
                }
                Value::List(items)
            }
            11 => {
                let size = self.varint()?;
                let kinds = if size > 0 { self.byte()? } else { 0 };
                let mut items = Vec::new();
                for _ in 0..size {
                    items.push(self.value(kinds >> 4, depth + 1)?);
                    items.push(self.value(kinds & 15, depth + 1)?);
                }
                Value::List(items)
            }
            12 => Value::Struct(self.fields(depth + 1)?),
            _ => return None,
        })
    }
}
