//! What signs between values make of them.

use fixed::{Decimal, Rounding};

use super::literal::Parsed;
use super::value::{Json, Tree};

/// Decimals to which a quotient must come out.
const QUOTIENT_DECIMALS: u8 = 20;

/// A key: a text, or a tuple of texts, which AbsBox has for lists of actions.
pub(super) fn key_of(value: Json) -> Option<String> {
    match value {
        Json::Text(text) => Some(text),
        Json::List(list) => {
            let texts = list.into_iter().map(|t| match t.value {
                Json::Text(text) => Some(text),
                _ => None,
            });
            let texts: Vec<String> = texts.collect::<Option<_>>()?;
            Some(format!("({})", texts.join(", ")))
        }
        _ => None,
    }
}

/// Two maps as one: a later member takes the place of an earlier one of its name.
pub(super) fn merged(left: Tree, right: Tree) -> Parsed<Tree> {
    let line = left.line;
    match (left.value, right.value) {
        (Json::Map(mut map), Json::Map(others)) => {
            for (name, value) in others {
                match map.iter_mut().find(|(n, _)| *n == name) {
                    Some((_, old)) => *old = value,
                    None => map.push((name, value)),
                }
            }
            Ok(Tree {
                line,
                value: Json::Map(map),
            })
        }
        _ => Err((
            right.line,
            "is joined to a map and is none, or to what is none".into(),
        )),
    }
}

/// A sum of numbers, or two texts or lists as one; or a difference of numbers.
pub(super) fn added(left: Tree, right: Tree, sign: char) -> Parsed<Tree> {
    let line = left.line;
    let value = match (left.value, right.value, sign) {
        (Json::Text(a), Json::Text(b), '+') => Json::Text(a + &b),
        (Json::List(mut a), Json::List(b), '+') => {
            a.extend(b);
            Json::List(a)
        }
        (Json::Number(a), Json::Number(b), _) => Json::Number(arithmetic(line, &a, &b, sign)?),
        _ => {
            return Err((
                line,
                format!("`{sign}` stands between values that it does not go with"),
            ));
        }
    };
    Ok(Tree { line, value })
}

/// A product or a quotient of numbers.
pub(super) fn multiplied(left: Tree, right: &Tree, sign: char) -> Parsed<Tree> {
    let line = left.line;
    match (left.value, &right.value) {
        (Json::Number(a), Json::Number(b)) => Ok(Tree {
            line,
            value: Json::Number(arithmetic(line, &a, b, sign)?),
        }),
        _ => Err((
            line,
            format!("`{sign}` stands between values that are no numbers; write the result"),
        )),
    }
}

/// The exact result, as it is written.
fn arithmetic(line: u64, a: &str, b: &str, sign: char) -> Parsed<String> {
    let number = |text: &str| {
        text.parse::<Decimal>()
            .map_err(|e| (line, format!("{text}: {e}")))
    };
    let (x, y) = (number(a)?, number(b)?);
    let wrong = |e: fixed::FixedError| (line, format!("{a} {sign} {b}: {e}; write the result"));
    let result = match sign {
        '+' => x.checked_add(&y),
        '-' => x.checked_sub(&y),
        '*' => x.checked_mul(&y),
        _ => x
            .normalized()
            .div(&y.normalized(), QUOTIENT_DECIMALS, Rounding::Floor),
    };
    let result = result.map_err(wrong)?.normalized();
    let is_exact = sign != '/' || result.checked_mul(&y).is_ok_and(|back| back == x);
    if is_exact {
        Ok(result.to_string())
    } else {
        Err((
            line,
            format!("{a} / {b} has no end of decimals; write the number that is meant"),
        ))
    }
}
