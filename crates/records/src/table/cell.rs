//! From a cell as it stands to a text in our own form: the same for all formats.

use std::borrow::Cow;

use crate::layout::Source;
use crate::record::Kind;
use crate::text;

/// A cell as its format holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw<'a> {
    /// A null, or no cell.
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number that is typed as such.
    Whole(Cow<'a, str>),
    /// An exact number with decimals that is typed as such.
    Number(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// A typed day, written `2026-11-21`.
    Date(String),
    /// What no column can have, and what to do.
    Refused(Cow<'static, str>),
}

/// The text of a cell, trimmed and as the layout translates it; `None` if it is absent.
pub(super) fn text<'a>(
    raw: Raw<'a>,
    kind: &Kind,
    source: &Source,
    decimal_comma: bool,
) -> Result<Option<Cow<'a, str>>, String> {
    let (text, typed) = match raw {
        Raw::Absent => return Ok(None),
        Raw::Refused(problem) => return Err(problem.into_owned()),
        Raw::Text(text) => (trim(text), false),
        Raw::Whole(digits) => {
            if kind.is_text() && source.width.is_none() && !source.is_absent(&digits) {
                return Err(format!(
                    "{} is a number where a text belongs, which loses zeros on the left; make the column a text, or give a \
                     layout with its `width`",
                    text::shown(&digits)
                ));
            }
            (digits, true)
        }
        Raw::Number(digits) if kind.is_number() => (digits, true),
        Raw::Number(digits) => {
            return Err(format!(
                "{} is a number with decimals where none belongs; correct the column's type",
                text::shown(&digits)
            ));
        }
        Raw::Bool(value) => (bool_text(value, kind, source)?, true),
        Raw::Date(date) => {
            // It is a date already, so no form of the layout applies.
            return match kind {
                Kind::Date => Ok(Some(Cow::Owned(date))),
                _ => Err(format!(
                    "{date} is a date where none belongs; correct the column's type"
                )),
            };
        }
    };
    if source.is_absent(&text) {
        return Ok(None);
    }
    if source.value.is_some() {
        return Ok(Some(text));
    }
    translated(text, kind, source, decimal_comma && !typed).map(Some)
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text::trimmed(text)),
        Cow::Owned(text) => Cow::Owned(text::trimmed(&text).to_string()),
    }
}

fn bool_text(value: bool, kind: &Kind, source: &Source) -> Result<Cow<'static, str>, String> {
    let word = if value { "true" } else { "false" };
    if source.codes.contains_key(word) {
        return Ok(word.into());
    }
    if kind.is_yes_no() {
        return Ok(if value { "yes" } else { "no" }.into());
    }
    Err(format!(
        "{word} stands where no yes or no belongs; correct the column's type"
    ))
}

/// What a layout makes of a text that is there.
fn translated<'a>(
    text: Cow<'a, str>,
    kind: &Kind,
    source: &Source,
    decimal_comma: bool,
) -> Result<Cow<'a, str>, String> {
    let mut text = text;
    if let Some(word) = source.word(&text)? {
        text = Cow::Owned(word.to_string());
    }
    if let Some(padded) = source.padded(&text)? {
        text = Cow::Owned(padded);
    }
    if let Some(form) = &source.date {
        return form.read(&text).map(Cow::Owned);
    }
    if kind.is_number() && decimal_comma {
        if text.contains('.') {
            return Err(format!(
                "'{}' has a point where the layout has decimal commas; write it without thousands separators",
                text::shown(&text)
            ));
        }
        if text.contains(',') {
            text = Cow::Owned(text.replacen(',', ".", 1));
        }
    }
    if let Some(places) = source.scale.filter(|places| *places != 0) {
        let number = text::number(&text)?;
        return Ok(Cow::Owned(
            text::scaled(&number, places)?.normalized().to_string(),
        ));
    }
    Ok(text)
}
