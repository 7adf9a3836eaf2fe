//! Asset-class templates: which fields a loan has, in which units, and which may be absent.

use fixed::Decimal;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};

use records::date;
use records::record::{self, Column, Value};

/// Most fields of a template.
pub const MAX_FIELDS: usize = 64;
/// Most optional fields: their presence is one number in a commitment.
pub const MAX_OPTIONAL: usize = 30;
/// Most codes of a template, all fields together.
pub const MAX_CODES: usize = 1000;
/// Most bytes of a template, as JSON: commitments hash it, for every cut-off date of a claim.
pub const MAX_BYTES: usize = 100_000;
/// Bits of a limb, in which sizes are counted.
const LIMB_BITS: u32 = 10;
/// Most limbs of a number.
const MAX_NUMBER_LIMBS: usize = 5;
/// Limbs of a date: days from 1970-01-01.
const DATE_LIMBS: usize = 2;
/// Hexadecimal digits of a text's number.
const TEXT_DIGITS: usize = 15;
/// Limbs of a text: 60 bits of its SHA3-256.
const TEXT_LIMBS: usize = 6;

/// The fields that loans of an asset class have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name, such as `mortgage`.
    pub name: String,
    /// What the loans are.
    pub about: String,
    /// The field that figures are weighted by unless they say otherwise, such as `balance`.
    pub weight: String,
    /// The fields besides the id, in the order in which a commitment holds them.
    pub fields: Vec<Field>,
}

/// One field of a loan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name: lower-case letters, digits, underscores.
    pub name: String,
    /// What it means.
    pub about: String,
    /// What values it has.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it may be absent. An absent value is not a number: no comparison holds for it.
    #[serde(default)]
    pub optional: bool,
}

/// What values a field has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// A number that is not negative.
    Number {
        /// Digits behind the point; more are refused.
        decimals: u8,
        /// The largest value.
        max: Decimal,
        /// What it is counted in.
        unit: String,
    },
    /// A date, written `2026-11-21`.
    Date,
    /// One of these words.
    Code(Vec<String>),
    /// A text, of which 60 bits of a hash are committed to: it can be compared, not read.
    Text,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {problem}")]
pub struct TemplateError {
    /// Where.
    pub field: String,
    /// What, and what to do.
    pub problem: String,
}

macro_rules! built_in {
    ($($name:literal),*) => {
        /// The names of the templates that come with Sealbook.
        pub const BUILT_IN: &[&str] = &[$($name),*];

        /// The JSON of a template that comes with Sealbook.
        pub fn built_in(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some(include_str!(concat!("../../templates/", $name, ".json"))),)*
                _ => None,
            }
        }
    };
}

built_in!(
    "mortgage",
    "auto",
    "receivable",
    "consumer",
    "carbon",
    "mortgage-eu"
);

impl Template {
    /// Checks what a file or a claim says.
    ///
    /// # Errors
    /// Says which field is wrong and why.
    pub fn validate(&self) -> Result<(), TemplateError> {
        let error = |field: &str, problem: String| TemplateError {
            field: field.to_string(),
            problem,
        };
        if !records::names::is_name(&self.name) {
            return Err(error("name", records::names::NO_NAME.into()));
        }
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            return Err(error(
                "fields",
                format!("a template has 1 to {MAX_FIELDS} fields"),
            ));
        }
        for (i, field) in self.fields.iter().enumerate() {
            let name = field.name.as_str();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if !name.starts_with(|c: char| c.is_ascii_lowercase())
                || !name.chars().all(plain)
                || super::rules::KEYWORDS.contains(&name)
                || name == "id"
            {
                return Err(error(
                    name,
                    "a name is lower-case letters, digits and underscores, and no word of the rule language".into(),
                ));
            }
            if self.fields[..i].iter().any(|f| f.name == name) {
                return Err(error(name, "stands twice; rename one".into()));
            }
            field.kind.check().map_err(|problem| error(name, problem))?;
            // Which loans count must not depend on what is absent.
            let says = !field.kind.codes().is_empty() && !field.optional;
            if name == super::standing::STATUS && !says {
                return Err(error(name, "must be a code and always present: it says which loans count; give it another name".into()));
            }
        }
        if self.optional().count() > MAX_OPTIONAL {
            return Err(error(
                "fields",
                format!("at most {MAX_OPTIONAL} may be optional"),
            ));
        }
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |t| t.len());
        if bytes > MAX_BYTES {
            return Err(error(
                "about",
                format!("a template has at most {MAX_BYTES} bytes; write shorter texts"),
            ));
        }
        let codes: usize = self.fields.iter().map(|f| f.kind.codes().len()).sum();
        if codes > MAX_CODES {
            return Err(error("fields", format!("at most {MAX_CODES} codes fit")));
        }
        match self.field(&self.weight) {
            Some(i) if self.fields[i].is_weight() => Ok(()),
            _ => Err(error(
                &self.weight,
                "the weight must be a number that is always present".into(),
            )),
        }
    }

    /// The number of a field.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// The numbers of the fields that may be absent.
    pub fn optional(&self) -> impl Iterator<Item = usize> + '_ {
        let fields = self.fields.iter().enumerate();
        fields.filter(|(_, f)| f.optional).map(|(i, _)| i)
    }
}

/// A template in words, for what a verifier prints: said to be built in only if it is the one that comes with Sealbook, to the
/// byte; any other by the digest of its JSON, since it may call anything by any name.
pub fn template_words(template: &Template) -> String {
    if template.is_built_in() {
        format!("built-in template `{}`", template.name)
    } else {
        format!(
            "template `{}` of the prover's own, SHA3-256 {}",
            template.name,
            template.digest()
        )
    }
}

impl Template {
    /// Whether it is the one of its name that comes with Sealbook, to the byte of its JSON.
    pub fn is_built_in(&self) -> bool {
        let text = |template: &Self| serde_json::to_string(template).ok();
        let built_in = built_in(&self.name).and_then(|t| serde_json::from_str::<Self>(t).ok());
        built_in.is_some_and(|b| text(&b).is_some() && text(&b) == text(self))
    }

    /// SHA3-256 of its JSON: its parts in the order of their declaration, without spaces.
    pub fn digest(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("a template is plain data");
        let digest = Sha3_256::digest(bytes);
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl Field {
    /// Whether figures may be weighted by it.
    pub fn is_weight(&self) -> bool {
        matches!(self.kind, Kind::Number { .. }) && !self.optional
    }

    /// A value in the field's units, from how a file writes it.
    ///
    /// # Errors
    /// Says what is wrong and what to do.
    pub fn parse(&self, text: &str) -> Result<u64, String> {
        self.units(self.column().kind.read(text.into())?)
    }

    /// The column of a tape that holds it.
    pub fn column(&self) -> Column {
        let (kind, unit) = match &self.kind {
            Kind::Number {
                decimals,
                max,
                unit,
            } => {
                let kind = record::Kind::Decimal {
                    decimals: Some(*decimals),
                    min: Some(Decimal::ZERO),
                    max: Some(*max),
                };
                (kind, unit.as_str())
            }
            Kind::Date => (record::Kind::Date, ""),
            Kind::Code(codes) => (record::Kind::Code(codes.clone()), ""),
            Kind::Text => (record::Kind::Text, ""),
        };
        Column::new(&self.name, kind, &self.about).unit(unit)
    }

    /// What a cell of its column holds, in the field's units.
    ///
    /// # Errors
    /// If a date is too late.
    pub fn units(&self, value: Value<'_>) -> Result<u64, String> {
        let most = self.kind.most();
        let units = match (&self.kind, value) {
            (Kind::Number { decimals, .. }, Value::Decimal(number)) => {
                let units = number.rescale_exact(*decimals).ok();
                units.and_then(|u| u64::try_from(u).ok())
            }
            (_, Value::Days(days)) => u64::try_from(days.0).ok(),
            (_, Value::Code(code)) => Some(code.0 as u64),
            (_, Value::Text(text)) => Some(shown_text(&text).unwrap_or_else(|| text_value(&text))),
            (_, Value::Decimal(_) | Value::Whole(_)) => None,
        };
        units
            .filter(|u| *u <= most)
            .ok_or_else(|| format!("is more than {}; correct it", self.show(most)))
    }

    /// A value as a file writes it; a text as the number it is known by, which [`Field::parse`] takes for it.
    pub fn show(&self, value: u64) -> String {
        match &self.kind {
            Kind::Number { decimals, .. } => Decimal::new(value.into(), *decimals).to_string(),
            Kind::Date => date::written(value as i64),
            Kind::Code(codes) => codes[value as usize].clone(),
            Kind::Text => format!("#{value:015x}"),
        }
    }
}

/// The number that [`Field::show`] writes for a text.
fn shown_text(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == TEXT_DIGITS)?;
    let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digits
        .bytes()
        .all(plain)
        .then(|| u64::from_str_radix(digits, 16).ok())?
}

/// The number a text is known by: the first 60 bits of its SHA3-256, little end first.
fn text_value(text: &str) -> u64 {
    let digest = Sha3_256::digest(text.as_bytes());
    let bytes: [u8; 8] = std::array::from_fn(|i| digest[i]);
    u64::from_le_bytes(bytes) % (1 << 60)
}

impl Kind {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Number { decimals, max, .. } => {
                let units = max.rescale_exact(*decimals).ok();
                let most = 1i128 << (LIMB_BITS as usize * MAX_NUMBER_LIMBS);
                if *decimals > 9 || !units.is_some_and(|u| (1..most - 1).contains(&u)) {
                    return Err(format!(
                        "a number has at most 9 decimals, and a largest value with them of less than {most} units"
                    ));
                }
            }
            Self::Code(codes) => {
                let distinct: std::collections::BTreeSet<&String> = codes.iter().collect();
                if codes.is_empty() || distinct.len() != codes.len() {
                    return Err("codes are different words, at least one".into());
                }
                if let Some(code) = codes.iter().find(|c| !super::rules::is_word(c)) {
                    return Err(format!(
                        "the code '{code}' is not a word of letters, digits, `_`, `-` and `.`"
                    ));
                }
            }
            Self::Date | Self::Text => {}
        }
        Ok(())
    }

    /// The codes; none of other kinds.
    pub fn codes(&self) -> &[String] {
        match self {
            Self::Code(codes) => codes,
            _ => &[],
        }
    }

    /// The largest value, in units.
    pub fn most(&self) -> u64 {
        match self {
            Self::Number { decimals, max, .. } => {
                let units = max.rescale_exact(*decimals).unwrap_or(0);
                u64::try_from(units).unwrap_or(0)
            }
            Self::Date => (1 << (LIMB_BITS as usize * DATE_LIMBS)) - 2,
            Self::Code(codes) => codes.len() as u64 - 1,
            Self::Text => (1 << (LIMB_BITS as usize * TEXT_LIMBS)) - 1,
        }
    }

    /// The 10-bit limbs that hold a value; one more than the largest number or date fits, too.
    pub fn limbs(&self) -> usize {
        match self {
            Self::Number { .. } => {
                let bits = u64::BITS - (self.most() + 1).leading_zeros();
                bits.div_ceil(LIMB_BITS) as usize
            }
            Self::Date => DATE_LIMBS,
            Self::Code(_) => 1,
            Self::Text => TEXT_LIMBS,
        }
    }
}
