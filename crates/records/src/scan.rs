//! A JSON scanner that knows where it is: it finds what stands twice, and reads rows of cells without losing a digit.

use std::borrow::Cow;
use std::collections::HashMap;

/// Deepest nesting.
const MAX_DEPTH: usize = 100;

/// What is wrong, and at which byte.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub at: usize,
    pub problem: String,
}

/// A scalar as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// The digits as they stand.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A list or an object.
    Nested,
}

/// Reads a document from the front.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    pub at: usize,
}

/// The line, and the byte in it, of a byte: both from 1. A lone carriage return ends a line, too.
pub(crate) fn position(bytes: &[u8], at: usize) -> (u64, u64) {
    let (mut line, mut start) = (1, 0);
    for i in 0..at.min(bytes.len()) {
        let ends = match bytes[i] {
            b'\n' => true,
            b'\r' => bytes.get(i + 1) != Some(&b'\n'),
            _ => false,
        };
        if ends {
            (line, start) = (line + 1, i + 1);
        }
    }
    (line, (at - start) as u64 + 1)
}

/// A document without its byte order mark.
///
/// # Errors
/// If it is in another encoding.
pub(crate) fn without_mark(bytes: &[u8]) -> Result<&[u8], String> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(rest),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("is UTF-16 text; save the file as UTF-8".into()),
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Err("is a compressed file; unpack it first".into())
        }
        [b'P', b'K', 3, 4, ..] => {
            Err("is a spreadsheet or a ZIP file; export the sheet as CSV, or unpack it".into())
        }
        _ => Ok(bytes),
    }
}

impl Scanner {
    fn fault<T>(&self, problem: impl Into<String>) -> Result<T, Fault> {
        Err(Fault {
            at: self.at,
            problem: problem.into(),
        })
    }

    /// The next byte that is no space.
    pub fn peek(&mut self, bytes: &[u8]) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Takes a byte, if it is the next that is no space.
    pub fn take(&mut self, bytes: &[u8], byte: u8) -> bool {
        let is = self.peek(bytes) == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, bytes: &[u8], byte: u8) -> Result<(), Fault> {
        if self.take(bytes, byte) {
            return Ok(());
        }
        let wanted = char::from(byte);
        match bytes.get(self.at) {
            None => self.fault(format!(
                "the file ends where `{wanted}` is expected; it was cut"
            )),
            Some(_) => self.fault(format!("is not JSON: `{wanted}` is expected here")),
        }
    }

    /// A string.
    pub fn string<'a>(&mut self, bytes: &'a [u8]) -> Result<Cow<'a, str>, Fault> {
        self.expect(bytes, b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match bytes.get(self.at) {
                None => {
                    self.at = start - 1;
                    return self.fault("a quote opens here and never closes; the file was cut");
                }
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) => {
                    return self.fault("a control character stands in a text; escape it");
                }
                Some(_) => self.at += 1,
            }
        }
        let inside = &bytes[start..self.at];
        self.at += 1;
        let wrong = |problem: String| Fault { at: start, problem };
        if escaped {
            let quoted = &bytes[start - 1..self.at];
            let text = serde_json::from_slice(quoted);
            return text
                .map(Cow::Owned)
                .map_err(|e| wrong(format!("is no JSON text: {e}")));
        }
        std::str::from_utf8(inside)
            .map(Cow::Borrowed)
            .map_err(|_| wrong("is not UTF-8 text; save the file as UTF-8".into()))
    }

    /// A value of which only a scalar is told.
    pub fn value<'a>(&mut self, bytes: &'a [u8], depth: usize) -> Result<Scalar<'a>, Fault> {
        if depth > MAX_DEPTH {
            return self.fault("is nested too deep");
        }
        match self.peek(bytes) {
            Some(b'"') => self.string(bytes).map(Scalar::Text),
            Some(b'{') => {
                self.members(bytes, depth, |_, _, _| Ok(()))?;
                Ok(Scalar::Nested)
            }
            Some(b'[') => {
                self.at += 1;
                if !self.take(bytes, b']') {
                    loop {
                        self.value(bytes, depth + 1)?;
                        if !self.take(bytes, b',') {
                            break;
                        }
                    }
                    self.expect(bytes, b']')?;
                }
                Ok(Scalar::Nested)
            }
            _ => self.word(bytes),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word<'a>(&mut self, bytes: &'a [u8]) -> Result<Scalar<'a>, Fault> {
        let rest = &bytes[self.at..];
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"+-._".contains(b);
        let length = rest.iter().take_while(|b| plain(b)).count();
        let word = std::str::from_utf8(&rest[..length]).unwrap_or("");
        let scalar = match word {
            "null" => Scalar::Null,
            "true" => Scalar::Bool(true),
            "false" => Scalar::Bool(false),
            "" if rest.is_empty() => {
                return self.fault("the file ends where a value is expected; it was cut");
            }
            "" => return self.fault("is not JSON: a value is expected here"),
            word if is_number(word) => Scalar::Number(word),
            word => {
                let problem = format!(
                    "is not JSON: `{}` is no value; write null if there is none",
                    crate::text::shown(word)
                );
                return self.fault(problem);
            }
        };
        self.at += length;
        Ok(scalar)
    }

    /// An object whose members are given to `each` with the place of their name. A name that stands twice is refused.
    pub fn members<'a>(
        &mut self,
        bytes: &'a [u8],
        depth: usize,
        mut each: impl FnMut(usize, Cow<'a, str>, Scalar<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut seen: HashMap<Cow<'a, str>, usize> = HashMap::new();
        self.expect(bytes, b'{')?;
        if self.take(bytes, b'}') {
            return Ok(());
        }
        loop {
            self.peek(bytes);
            let at = self.at;
            let name = self.string(bytes)?;
            if let Some(first) = seen.insert(name.clone(), at) {
                let (line, column) = position(bytes, first);
                let problem = format!(
                    "`{}` stands twice in one object, first at line {line}, column {column}; remove one",
                    crate::text::shown(&name)
                );
                return Err(Fault { at, problem });
            }
            self.expect(bytes, b':')?;
            let value = self.value(bytes, depth + 1)?;
            each(at, name, value)?;
            if !self.take(bytes, b',') {
                return self.expect(bytes, b'}');
            }
        }
    }
}

/// Whether a word is a number by JSON's grammar.
fn is_number(word: &str) -> bool {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['+', '-']).unwrap_or(e))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((w, f)) => (w, Some(f)),
        None => (mantissa, None),
    };
    let plain = digits(whole) && (whole == "0" || !whole.starts_with('0'));
    plain && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

/// Refuses a document in which an object, at any depth, names a member twice.
pub(crate) fn check_unique(bytes: &[u8]) -> Result<(), Fault> {
    let mut scanner = Scanner { at: 0 };
    scanner.value(bytes, 0)?;
    match scanner.peek(bytes) {
        None => Ok(()),
        Some(_) => scanner.fault("stands after the end of the document; remove it"),
    }
}
