//! Loan tapes and their templates.
//!
//! Our own layout is a CSV or Parquet table (all columns text) with a column `id` and one for each field of the
//! template; an empty cell is an absent value. A tape in another layout is read with a *layout file*, which says for each
//! field where it stands:
//!
//! ```json
//! {"template": "mortgage", "about": "...", "id": "id_loan", "fields": {
//!   "fico": {"column": "fico", "absent_if": ["9999"]},
//!   "purpose": {"column": "loan_purpose", "codes": {"P": "purchase"}},
//!   "maturity": {"column": "dt_matr", "month": true},
//!   "status": {"value": "performing"},
//!   "origination": {"absent": true}}}
//! ```
//!
//! A source's code for "not available" becomes an absent value, never a number. An `instalment`, and what accrued or is
//! overdue, is computed where it is not given.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::pool::standing::{BALANCE, Standings, describe};
use crate::pool::states::{COMPUTED, fill_computed};
use crate::pool::tape::{CutOff, Loan, Tape};
use crate::pool::template::{BUILT_IN, Template, built_in};
use records::files::json;
use records::files::{At, Header, ImportError, read_file};
use records::json::Pairs;
use records::table::read_table;

/// The names and files of the layouts that come with Sealbook.
const LAYOUTS: &[(&str, &str)] = &[(
    "mortgage-dataset",
    include_str!("../../templates/layouts/mortgage-dataset.json"),
)];

/// Where the fields of a template stand in a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The template whose fields they are.
    pub template: String,
    /// What files have this layout.
    pub about: String,
    /// The column of the id.
    id: String,
    fields: Pairs<Source>,
}

/// Where a field's value comes from: a column, the same value everywhere, or nowhere.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    column: Option<String>,
    value: Option<String>,
    #[serde(default)]
    absent: bool,
    /// Texts that mean "not available", besides an empty cell.
    #[serde(default)]
    absent_if: Vec<String>,
    /// What the source's codes are called in the template; others are refused.
    #[serde(default)]
    codes: BTreeMap<String, String>,
    /// A month, written `203002`: the first of it.
    #[serde(default)]
    month: bool,
}

/// Reads a template: the name of one that comes with Sealbook, or a JSON file.
///
/// # Errors
/// Says what is wrong where.
pub fn read_template(name: &str) -> Result<Template, ImportError> {
    let path = Path::new(name);
    let file = At::file(path);
    let template: Template = match built_in(name) {
        Some(text) => json(&file, text.as_bytes())?,
        None if path.extension().is_some() => json(&file, &read_file(path)?)?,
        None => {
            let problem = format!(
                "is no template; name one of {}, or a JSON file",
                BUILT_IN.join(", ")
            );
            return Err(file.error(None, problem));
        }
    };
    let wrong = |e: crate::pool::template::TemplateError| file.error(Some(&e.field), e.problem);
    template.validate().map_err(wrong)?;
    Ok(template)
}

/// Reads a layout: the name of one that comes with Sealbook, or a JSON file.
///
/// # Errors
/// Says what is wrong where.
pub fn read_layout(name: &str) -> Result<Layout, ImportError> {
    let path = Path::new(name);
    let file = At::file(path);
    match LAYOUTS.iter().find(|(n, _)| *n == name) {
        Some((_, text)) => json(&file, text.as_bytes()),
        None if path.extension().is_some() => json(&file, &read_file(path)?),
        None => {
            let names: Vec<&str> = LAYOUTS.iter().map(|(n, _)| *n).collect();
            let problem = format!("is no layout; name {}, or a JSON file", names.join(", "));
            Err(file.error(None, problem))
        }
    }
}

/// Reads a tape of a template's loans, in our own layout unless another is given.
///
/// # Errors
/// Says what is wrong where.
pub fn read_tape(
    path: &Path,
    template: &Template,
    layout: Option<&Layout>,
    cut_off: CutOff,
) -> Result<Tape, ImportError> {
    let standings = Standings::new(template);
    let mut loans = Vec::new();
    let mut seen: HashMap<String, At> = HashMap::new();
    let file = At::file(path);
    read_table(
        path,
        |at, header| Columns::find(at, header, template, layout),
        |columns, at, cells| {
            let mut loan = columns.loan(at, cells, template)?;
            if standings.owed_though_closed(&loan) > 0 {
                let what = describe(&standings, &loan, template);
                let problem = format!(
                    "loan `{}` is {what}; a closed loan owes nothing: correct the status or the balance",
                    loan.id
                );
                return Err(at.error(Some(BALANCE), problem));
            }
            fill_computed(&mut loan, template).map_err(|e| at.error(None, e.to_string()))?;
            if let Some(first) = seen.insert(loan.id.clone(), at.clone()) {
                let first = first.error(None, "").to_string();
                let problem = format!(
                    "duplicate loan `{}`, first at {}; a loan stands on a tape once",
                    loan.id,
                    first.trim_end_matches(": ")
                );
                return Err(at.error(Some(&columns.id.1), problem));
            }
            loans.push(loan);
            Ok(())
        },
    )?;
    if loans.is_empty() {
        return Err(file.error(None, "has no loan"));
    }
    Ok(Tape {
        template: template.clone(),
        cut_off,
        loans,
    })
}

/// Whether a field may be left out, to be computed.
fn is_computed(name: &str) -> bool {
    COMPUTED.contains(&name)
}

/// Where a table's cells stand.
struct Columns {
    /// The number and name of the id's column.
    id: (usize, String),
    /// Per field, its column and how to read it.
    fields: Vec<(Option<(usize, String)>, Source)>,
}

impl Columns {
    fn find(
        at: &At,
        header: &Header,
        template: &Template,
        layout: Option<&Layout>,
    ) -> Result<Self, ImportError> {
        let place = |name: &str| Ok((header.column(at, name)?, name.to_string()));
        let Some(layout) = layout else {
            let known = |name: &&String| *name != "id" && template.field(name).is_none();
            if let Some(name) = header.names().iter().find(known) {
                let problem = format!(
                    "is no field of the template `{}`; remove the column or use a layout file",
                    template.name
                );
                return Err(at.line(1).error(Some(name), problem));
            }
            let fields = template.fields.iter().map(|f| {
                let there = header.names().contains(&f.name);
                // A column of an optional field may be missing as a whole.
                let column = match (f.optional || is_computed(&f.name)) && !there {
                    true => None,
                    false => Some(place(&f.name)?),
                };
                Ok((column, Source::default()))
            });
            return Ok(Self {
                id: place("id")?,
                fields: fields.collect::<Result<_, ImportError>>()?,
            });
        };
        let wrong = |field: &str, problem: &str| {
            let problem = format!("in the layout: {problem}");
            Err(at.error(Some(field), problem))
        };
        if layout.template != template.name {
            return wrong("template", "is for another template");
        }
        let unknown = |name: &&String| template.field(name).is_none();
        if let Some(name) = layout.fields.iter().map(|(n, _)| n).find(unknown) {
            return wrong(name, "is no field of the template");
        }
        let mut fields = Vec::new();
        for field in &template.fields {
            if is_computed(&field.name) && layout.fields.get(&field.name).is_none() {
                fields.push((None, Source::default()));
                continue;
            }
            let Some(source) = layout.fields.get(&field.name) else {
                return wrong(&field.name, "is missing; say where it comes from");
            };
            let ways = [
                source.column.is_some(),
                source.value.is_some(),
                source.absent,
            ];
            if ways.iter().filter(|w| **w).count() != 1 {
                return wrong(&field.name, "give one of `column`, `value`, `absent`");
            }
            if !field.optional && (source.absent || !source.absent_if.is_empty()) {
                return wrong(&field.name, "is never absent in the template");
            }
            let column = source.column.as_deref().map(place).transpose()?;
            fields.push((column, source.clone()));
        }
        Ok(Self {
            id: place(&layout.id)?,
            fields,
        })
    }

    fn loan(&self, at: &At, cells: &[&str], template: &Template) -> Result<Loan, ImportError> {
        let id = cells[self.id.0];
        if id.is_empty() {
            return Err(at.error(Some(&self.id.1), "is empty; every loan has an id"));
        }
        let mut values = Vec::with_capacity(template.fields.len());
        for (field, (column, source)) in template.fields.iter().zip(&self.fields) {
            let (cell, name) = match column {
                Some((index, name)) => (cells[*index], name.as_str()),
                None => (source.value.as_deref().unwrap_or(""), field.name.as_str()),
            };
            if is_computed(&field.name) && cell.is_empty() {
                // Filled in when the other fields are known.
                values.push(None);
                continue;
            }
            if cell.is_empty() || source.absent_if.iter().any(|a| a == cell) {
                if !field.optional {
                    let problem = "is empty; in this template it is never absent";
                    return Err(at.error(Some(name), problem));
                }
                values.push(None);
                continue;
            }
            let month;
            let text = if source.codes.is_empty() {
                cell
            } else {
                match source.codes.get(cell) {
                    Some(code) => code,
                    None => {
                        let known: Vec<&str> = source.codes.keys().map(String::as_str).collect();
                        let problem = format!("'{cell}' is not one of {}", known.join(", "));
                        return Err(at.error(Some(name), problem));
                    }
                }
            };
            let text = match (source.month, text.len(), text.is_ascii()) {
                (true, 6, true) => {
                    month = format!("{}-{}-01", &text[..4], &text[4..]);
                    &month
                }
                _ => text,
            };
            let value = field.parse(text);
            values.push(Some(value.map_err(|e| at.error(Some(name), e))?));
        }
        Ok(Loan {
            id: id.to_string(),
            values,
        })
    }
}

/// Writes a tape in our own layout: a CSV that reads as the same tape. Texts are written as the numbers they are known by.
///
/// # Errors
/// If the file cannot be written.
pub fn write_tape(path: &Path, tape: &Tape) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    let fields = &tape.template.fields;
    let header = std::iter::once("id").chain(fields.iter().map(|f| f.name.as_str()));
    writer.write_record(header)?;
    for loan in &tape.loans {
        let cells = fields.iter().zip(&loan.values);
        let cells = cells.map(|(field, value)| value.map_or(String::new(), |v| field.show(v)));
        writer.write_record(std::iter::once(loan.id.clone()).chain(cells))?;
    }
    writer.flush()
}
