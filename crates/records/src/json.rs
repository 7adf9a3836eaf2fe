//! JSON in which no object names a member twice.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::scan;

/// The members of a JSON object in their order. An object that names a member twice is refused: of
/// two amounts for one asset a map would silently keep one.
#[derive(Clone, Debug)]
pub struct Pairs<V>(pub Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Pairs<V> {
    /// In the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, V)> {
        self.0.iter()
    }

    /// By name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

impl<V: Serialize> Serialize for Pairs<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(n, v)| (n, v)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs: Vec<(String, V)> = Vec::new();
                let mut seen = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format!(
                            "`{name}` stands twice in one object; remove one"
                        )));
                    }
                    let value = map.next_value()?;
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Why a document is not what it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The line, from 1.
    pub line: u64,
    /// The byte in the line, from 1.
    pub column: u64,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            problem,
        } = self;
        write!(f, "line {line}, column {column}: {problem}")
    }
}

impl std::error::Error for JsonError {}

/// Reads JSON, with or without a byte order mark. An object, at any depth, that names a member twice is refused, with both places:
/// most readers would silently keep the last.
///
/// # Errors
/// If it is not JSON, not what `T` is, or a member stands twice.
pub fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let at_start = |problem: String| JsonError {
        line: 1,
        column: 1,
        problem,
    };
    let bytes = scan::without_mark(bytes).map_err(at_start)?;
    scan::check_unique(bytes).map_err(|fault| {
        let (line, column) = scan::position(bytes, fault.at);
        JsonError {
            line,
            column,
            problem: fault.problem,
        }
    })?;
    serde_json::from_slice(bytes).map_err(|e| {
        let text = e.to_string();
        let place = format!(" at line {} column {}", e.line(), e.column());
        JsonError {
            line: e.line() as u64,
            column: e.column() as u64,
            problem: text.strip_suffix(&place).unwrap_or(&text).to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        type Json = serde_json::Value;
        assert!(read::<Json>(br#"{"a": [1, {"b": 1.5, "c": null}], "b": "x"}"#).is_ok());
        for text in [
            r#"{"a": 1, "a": 2}"#,
            r#"[{"x": {"b": 1, "c": 2, "b": 1}}]"#,
            r#"{"a": 1, "\u0061": 1}"#,
        ] {
            let error = read::<Json>(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("stands twice"), "{error}");
            assert!(error.contains("first at line 1, column"), "{error}");
        }
        let twice = "\u{feff}{\"x\": {\n\"b\": 1,\r\n \"b\": 2}}";
        let error = read::<Json>(twice.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.column), (3, 2));
        let told = "`b` stands twice in one object, first at line 2, column 1; remove one";
        assert_eq!(error.problem, told);
    }

    #[test]
    fn encodings_are_told() {
        type Json = serde_json::Value;
        assert!(read::<Json>("\u{feff}[1]".as_bytes()).is_ok());
        let utf16: Vec<u8> = "\u{feff}[1]"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let error = read::<Json>(&utf16).unwrap_err().to_string();
        assert!(error.contains("UTF-16"), "{error}");
        for text in [
            "[1",
            "[1]]",
            "{\"a\" 1}",
            "[nan]",
            "[01]",
            "\"a",
            "",
            "[\u{1}]",
        ] {
            assert!(read::<Json>(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(read::<Json>(deep.as_bytes()).is_err());
    }
}
