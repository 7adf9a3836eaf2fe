//! How facts are said: what every statement's `words` is written with.
//!
//! A statement's `words` returns lines: the sentence first, then its details. They are made from the claim alone, and
//! from all of it that the prover chose and that decides the fact. Every text that stands in a claim or a file goes
//! through [`quoted`], so that no name can be read as a sentence.

use records::units::Cents;
use serde::Serialize;
use sha3::{Digest as _, Sha3_256};

/// Cents of a currency as a decimal amount.
pub fn cents(amount: Cents) -> fixed::Decimal {
    fixed::Decimal::new(amount.0.into(), credit::deal::CENT_DECIMALS)
}

/// A text from a claim or a file between backticks, of printable ASCII only: everything else, backticks and
/// backslashes included, stands as an escape.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('`');
    for c in text.chars() {
        match c {
            '`' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => quoted.extend(c.escape_default()),
        }
    }
    quoted.push('`');
    quoted
}

/// Whether a terminal or a browser may be led astray by a character: controls, and what reorders or hides text.
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text as it may be shown: line breaks stay, every other control character and every character that reorders or
/// hides text (such as bidirectional marks) stands as an escape. The last gate of all that the program prints.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_treacherous(c) && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text on one line, as [`printable`]: what an error quotes of a file cannot start a line of its own.
pub fn one_line(text: &(impl std::fmt::Display + ?Sized)) -> String {
    printable(&text.to_string().replace(['\n', '\r'], " "))
}

/// JSON for machines, whole and of the same value: what [`printable`] would escape stands as a JSON escape.
pub fn json(value: &serde_json::Value) -> String {
    let mut escaped = String::new();
    for c in format!("{value:#}").chars() {
        if is_treacherous(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                escaped += &format!("\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// SHA3-256 of the canonical JSON (fields in the order of their declaration, without spaces) of plain data, in hex.
pub fn digest(data: &impl Serialize) -> String {
    let json = serde_json::to_vec(data).expect("plain data");
    let digest = Sha3_256::digest(json);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes_or_its_line() {
        assert_eq!(quoted("BTC"), "`BTC`");
        assert_eq!(quoted("a`, b"), "`a\\`, b`");
        assert_eq!(quoted("a\n\u{1b}[2K"), "`a\\n\\u{1b}[2K`");
        assert_eq!(quoted("\u{202e}evil"), "`\\u{202e}evil`");
        assert_eq!(quoted("é"), "`\\u{e9}`");
    }

    #[test]
    fn what_reorders_or_hides_text_is_shown_as_an_escape() {
        assert_eq!(printable("a\u{1b}[1m\nb"), "a\\u{1b}[1m\nb");
        for c in [
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{9b}',
            '\u{e0041}',
        ] {
            assert!(printable(&format!("x{c}y")).is_ascii(), "{c:?}");
        }
        assert_eq!(one_line(&"a\r\nb"), "a  b");
    }

    #[test]
    fn json_keeps_its_value_without_such_characters() {
        let value = serde_json::json!({ "a": "x\u{202e}y\n\u{e0041}", "b": [1, "\u{9b}"] });
        let text = json(&value);
        assert!(text.is_ascii());
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
