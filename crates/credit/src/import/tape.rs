//! Loan tapes and their templates.
//!
//! Our own layout is a table with a column `id` and one for each field of the template ([`record`]); an empty cell is an absent
//! value. A tape in another layout is read with a layout file ([`records::layout`]), whose `record` is the template's name. A source's
//! code for "not available" becomes an absent value, never a number. An `instalment`, and what accrued or is overdue, is
//! computed where it is not given.

use std::collections::HashMap;
use std::path::Path;

use crate::pool::standing::{BALANCE, Standings, describe};
use crate::pool::states::{COMPUTED, fill_computed};
use crate::pool::tape::{CutOff, Loan, Tape};
use crate::pool::template::{BUILT_IN, Template, built_in};
use records::files::json;
use records::files::{At, ImportError, Place, read_file};
use records::layout::Layout;
use records::record::{Column, Kind, Record};
use records::table::{Row, Table};

/// The names and files of the layouts that come with Sealbook.
const LAYOUTS: &[(&str, &str)] = &[(
    "mortgage-dataset",
    include_str!("../../templates/layouts/mortgage-dataset.json"),
)];

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

/// The record of a template's loans: the id, then the fields. In our own layout a column of an optional field may be missing as a
/// whole; a layout file says of each where it comes from.
pub fn record(template: &Template, has_layout: bool) -> Record {
    let mut columns = vec![Column::new("id", Kind::Id, "the loan")];
    for field in &template.fields {
        let column = field.column();
        columns.push(match (is_computed(&field.name), field.optional) {
            (true, _) => column.optional(),
            (false, true) if has_layout => column.may_be_empty(),
            (false, true) => column.optional(),
            (false, false) => column,
        });
    }
    let remedy = format!(
        "is no field of the template `{}`; remove the column or use a layout file",
        template.name
    );
    Record::new(&template.name, &template.about, columns).refusing_others(&remedy)
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
    let mut seen: HashMap<String, Place> = HashMap::new();
    let record = record(template, layout.is_some());
    let mut table = Table::open(path, layout, |_, _| Ok(record.clone()))?;
    while let Some(row) = table.next_row()? {
        let mut loan = loan(&row, template)?;
        if standings.owed_though_closed(&loan) > 0 {
            let what = describe(&standings, &loan, template);
            let problem = format!(
                "loan `{}` is {what}; a closed loan owes nothing: correct the status or the balance",
                loan.id
            );
            return Err(row.at().error(Some(BALANCE), problem));
        }
        fill_computed(&mut loan, template).map_err(|e| row.at().error(None, e.to_string()))?;
        if let Some(first) = seen.insert(loan.id.clone(), row.place()) {
            let problem = format!(
                "duplicate loan `{}`, first at {}; a loan stands on a tape once",
                loan.id,
                At::file(path).place(first)
            );
            return Err(row.error(0, problem));
        }
        loans.push(loan);
    }
    if loans.is_empty() {
        return Err(At::file(path).error(None, "has no loan"));
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

fn loan(row: &Row<'_>, template: &Template) -> Result<Loan, ImportError> {
    let mut values = Vec::with_capacity(template.fields.len());
    for (i, field) in template.fields.iter().enumerate() {
        let column = i + 1;
        let value = row.value(column)?.map(|value| field.units(value));
        let value = value.transpose().map_err(|e| row.error(column, e))?;
        values.push(value);
    }
    Ok(Loan {
        id: row.need(0)?,
        values,
    })
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
