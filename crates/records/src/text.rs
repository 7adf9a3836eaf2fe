//! The one rule for texts, the same in CSV, Parquet and JSON, and for column names, ids, texts and numbers.
//!
//! - **Trimmed.** Spaces, tabs, no-break spaces (U+00A0, U+202F) and byte order marks (U+FEFF) at both ends are no part of a
//!   text: an id padded with spaces is the id.
//! - **Absent.** What is empty after that is absent, as are a Parquet null and a JSON `null`. Words for "no value" (`NULL`, `NA`,
//!   `N/A`, `nan`, ...) are not absent by themselves: where an id, a number or a date belongs they are refused, and a layout may list
//!   them under `absent_if`.
//! - **Refused** anywhere in a text: control characters, line breaks included, and what cannot be seen or told from a space (no-break
//!   spaces, zero-width characters): texts that look the same are the same.
//! - **Ids** are 1 to 128 printable ASCII characters.
//! - **Numbers** are digits with at most one point. What a spreadsheet has cut (`1.23E+05`), thousands separators, signs of
//!   currencies and percents are refused with what to do. The exponents that programs write (`7e-05`) keep every digit and are
//!   read.

use fixed::{Decimal, ParseError};

/// Most characters of a text that an error shows.
const SHOWN: usize = 60;
/// Most characters of an id.
const MAX_ID: usize = 128;

/// A text without what stands around it: spaces, tabs, no-break spaces and byte order marks.
pub fn trimmed(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(b'!'..=b'~'), Some(b'!'..=b'~')) => text,
        _ => text.trim_matches([' ', '\t', '\u{a0}', '\u{202f}', '\u{feff}']),
    }
}

/// A text as errors show it: without control characters, and cut if it is long.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            out.push_str("...");
            break;
        }
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A character by its number, such as `U+00E9`.
fn codepoint(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Refuses control characters, and what cannot be seen or told from a space.
///
/// # Errors
/// Names the character.
pub fn check_text(text: &str) -> Result<(), String> {
    let what = |c: char| match c.is_control() {
        true => "the control character",
        false => "the invisible character",
    };
    match text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        None => Ok(()),
        Some(c) => Err(format!(
            "'{}' holds {} {}; remove it, or write a space",
            shown(text),
            what(c),
            codepoint(c)
        )),
    }
}

/// Whether a text is an id: 1 to 128 printable ASCII characters, and neither a word for "no value" nor a number that a spreadsheet
/// has cut.
///
/// # Errors
/// Says what is wrong and what to do.
pub fn check_id(text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > MAX_ID {
        return Err(format!(
            "'{}' has {} characters; an id has 1 to {MAX_ID}",
            shown(text),
            text.chars().count()
        ));
    }
    if let Some(c) = text.chars().find(|c| !(' '..='~').contains(c)) {
        return Err(format!(
            "'{}' holds {}; an id is printable ASCII text: replace the character",
            shown(text),
            codepoint(c)
        ));
    }
    if is_no_value(text) {
        return Err(format!(
            "'{text}' is a word for no value; every record has an id of its own"
        ));
    }
    if is_cut_id(text) {
        return Err(format!(
            "'{text}' is a number that a spreadsheet has cut; format the column as text and export it again"
        ));
    }
    Ok(())
}

/// Whether a text is a word for "no value".
pub fn is_no_value(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "null", "nil", "none", "na", "n/a", "#n/a", "nan", "#null!", "#ref!", "#value!", "#name?",
        "-",
    ];
    text.len() <= 7 && WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Digits, perhaps with a point, and an exponent with a sign: how a spreadsheet shows a long number.
fn is_cut_id(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let mantissa_is_number = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    mantissa_is_number && exponent.strip_prefix(['+', '-']).is_some_and(digits)
}

/// An exponent as spreadsheets write it: a capital E, a sign, two digits or more.
fn is_cut_number(text: &str) -> bool {
    let Some((_, exponent)) = text.split_once('E') else {
        return false;
    };
    let rest = exponent.strip_prefix(['+', '-']).unwrap_or("");
    rest.len() >= 2 && rest.bytes().all(|b| b.is_ascii_digit())
}

/// A number.
///
/// # Errors
/// Says what is wrong and what to do.
pub fn number(text: &str) -> Result<Decimal, String> {
    if is_cut_number(text) {
        return Err(format!(
            "'{}' is how a spreadsheet shows a number that it has cut; format the column as a number with all its digits and \
             export it again",
            shown(text)
        ));
    }
    text.parse().map_err(|e| match e {
        ParseError::TooLong(_) => {
            format!("'{}' has more digits than can be kept exactly", shown(text))
        }
        ParseError::NotANumber(_) => no_number(text),
    })
}

/// Why a text is no number, and what to do.
fn no_number(text: &str) -> String {
    let told = format!("'{}' is not a number", shown(text));
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    let remedy = if is_no_value(text) {
        "leave it empty if there is no value, or list the word under `absent_if` in a layout"
    } else if digits && text.contains(',') {
        "write it without thousands separators; if the comma is a decimal comma, write a point or give a layout with \
         `\"decimal\": \",\"`"
    } else if digits && text.contains([' ', '\'', '_', '\u{a0}', '\u{202f}', '\u{2019}'])
        || text.matches('.').count() > 1
    {
        "write it without thousands separators"
    } else if digits && text.ends_with('%') {
        "write the percent without its sign"
    } else if digits && text.starts_with('(') && text.ends_with(')') {
        "write what is negative with a minus"
    } else if digits && text.contains(['$', '€', '£', '¥']) {
        "write it without the sign of a currency"
    } else {
        "write digits with at most one point, such as -12.5"
    };
    format!("{told}; {remedy}")
}

/// Moves the point of a number so many places to the right, or to the left if negative.
///
/// # Errors
/// If the number does not fit.
pub fn scaled(number: &Decimal, places: i8) -> Result<Decimal, String> {
    let power = 10i128.checked_pow(u32::from(places.unsigned_abs()));
    let by = match (power, places >= 0) {
        (Some(power), true) => Decimal::from_int(power),
        (Some(_), false) => Decimal::new(1, places.unsigned_abs()),
        (None, _) => return Err(format!("{number} cannot be scaled by 10^{places}")),
    };
    number
        .checked_mul(&by)
        .map_err(|e| format!("{number} times 10^{places}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_of_every_space_and_of_nothing_else() {
        for text in [
            "a b",
            " a b\t",
            "\u{feff}a b\u{a0}",
            "\u{202f} a b \u{202f}",
        ] {
            assert_eq!(trimmed(text), "a b");
        }
        assert_eq!(trimmed("\u{200b}a"), "\u{200b}a", "not a space");
        assert_eq!(trimmed(" \u{a0}"), "");
    }

    #[test]
    fn ids_are_printable_ascii() {
        for id in ["007", "a b", "L-1/2 (x)", "12E45678", "1e5", "~"] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for (id, problem) in [
            ("caf\u{e9}", "holds U+00E9"),
            ("a\u{a0}b", "holds U+00A0"),
            ("\u{200b}a", "holds U+200B"),
            ("\u{430}1", "holds U+0430"),
            ("a\nb", "holds U+000A"),
            ("1.23E+05", "a number that a spreadsheet has cut"),
            ("1E+15", "a number that a spreadsheet has cut"),
            ("1,2e+15", "a number that a spreadsheet has cut"),
            ("NULL", "a word for no value"),
            ("N/A", "a word for no value"),
            ("", "has 0 characters"),
        ] {
            let told = check_id(id).unwrap_err();
            assert!(told.contains(problem), "{told}");
        }
        assert!(check_id(&"x".repeat(129)).unwrap_err().contains("129"));
    }

    #[test]
    fn numbers_keep_their_digits_or_are_refused_with_what_to_do() {
        for (text, plain) in [
            ("7e-05", "0.00007"),
            ("1.0E-7", "0.0000001"),
            ("1e14", "100000000000000"),
            ("-.5", "-0.5"),
        ] {
            assert_eq!(number(text).unwrap(), plain.parse().unwrap());
        }
        for (text, remedy) in [
            (
                "1.23E+05",
                "format the column as a number with all its digits",
            ),
            ("1E+15", "format the column as a number with all its digits"),
            (
                "1.2E-07",
                "format the column as a number with all its digits",
            ),
            ("1,5", "decimal comma"),
            ("1,234.50", "without thousands separators"),
            ("1 234", "without thousands separators"),
            (
                "1\u{a0}234",
                "'1\\u{a0}234' is not a number; write it without thousands separators",
            ),
            ("1.234.567", "without thousands separators"),
            ("1'234", "without thousands separators"),
            ("5%", "without its sign"),
            ("$5", "sign of a currency"),
            ("(5)", "with a minus"),
            ("NA", "`absent_if`"),
            ("five", "at most one point"),
        ] {
            let told = number(text).unwrap_err();
            assert!(told.contains(remedy), "{text}: {told}");
        }
    }

    #[test]
    fn points_move_exactly() {
        let d = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(scaled(&d("0.0738"), 2), Ok(d("7.38")));
        assert_eq!(scaled(&d("12345"), -2), Ok(d("123.45")));
        assert!(scaled(&d("1"), -40).is_err());
    }
}
