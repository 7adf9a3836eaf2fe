//! Loan tapes and their templates.
//!
//! Our own layout is a table with a column `id` and one for each field of the template ([`record`]); an empty cell is an absent
//! value. A tape in another layout is read with a layout file ([`records::layout`]), whose `record` is the template's name. A source's
//! code for "not available" becomes an absent value, never a number. An `instalment`, and what accrued or is overdue, is
//! computed where it is not given, as is the remaining term from the maturity where a layout gives only that. A layout's columns
//! `only_...` say which loans it is for: a cell that is neither empty nor among their codes is refused.

use std::collections::HashMap;
use std::path::Path;

use crate::pool::LoanFields;
use crate::pool::standing::{BALANCE, STATUS, Standings, describe};
use crate::pool::states::{COMPUTED, fill_computed};
use crate::pool::tape::{CutOff, Loan, Tape};
use crate::pool::template::{BUILT_IN, Template, built_in};
use records::files::json;
use records::files::{At, ImportError, Place, read_file};
use records::layout::Layout;
use records::record::{Column, Kind, Presence, Record};
use records::table::{Row, Table};

macro_rules! layout {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../templates/layouts/", $name, ".json")),
        )
    };
}

/// The names and files of the layouts that come with Sealbook.
pub const LAYOUTS: &[(&str, &str)] = &[
    layout!("mortgage-dataset"),
    layout!("freddie-mac-origination"),
    layout!("freddie-mac-performance"),
    layout!("fannie-mae-performance"),
    layout!("abs-ee-auto"),
    layout!("esma-annex-2"),
];

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
    let (mut loans, mut places) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, Place> = HashMap::new();
    let mut record = record(template, layout.is_some());
    let only = layout.map_or(0, |layout| extend(&mut record, layout));
    let mut table = Table::open(path, layout, |_, _| Ok(record.clone()))?;
    while let Some(row) = table.next_row()? {
        for column in record.columns.len() - only..record.columns.len() {
            check_only(&row, column)?;
        }
        let mut loan = loan(&row, template)?;
        fill_term(&mut loan, template, &cut_off).map_err(|e| row.at().error(Some(TERM), e))?;
        if layout.is_some_and(|l| l.columns.get(STATUS).is_some_and(|s| s.value.is_some())) {
            fill_status(&mut loan, template);
        }
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
        places.push(row.place());
        loans.push(loan);
    }
    let Some(first) = places.first() else {
        return Err(At::file(path).error(None, "has no loan; write one a line"));
    };
    let tape = Tape {
        template: template.clone(),
        cut_off,
        loans,
    };
    if let Some(column) = template.field(RATE).map(|i| i + 1)
        && !layout.is_some_and(|l| says_scale(l, RATE))
        && let Some(problem) = looks_like_fractions(&tape)
    {
        let at = At::file(path).place(first.clone());
        return Err(at.error(Some(table.name(column)), problem));
    }
    Ok(tape)
}

/// Columns of a layout that are in no template: `only_...` says which loans the layout is for.
const ONLY: &str = "only_";
/// The field of the months to maturity.
const TERM: &str = "remaining_term";
/// The field from which they follow where a layout does not say them.
const MATURITY: &str = "maturity";

/// Makes a record fit what a layout says: columns `only_...` are added, how many is returned, and the remaining term may be left out
/// where the maturity is given.
fn extend(record: &mut Record, layout: &Layout) -> usize {
    let gives = |name: &str| {
        layout
            .columns
            .get(name)
            .is_some_and(|source| !source.absent)
    };
    if !gives(TERM) && gives(MATURITY) {
        for column in record.columns.iter_mut().filter(|c| c.name == TERM) {
            column.presence = Presence::Optional;
        }
    }
    let names = layout.columns.iter().map(|(name, _)| name);
    let only = names.filter(|name| name.starts_with(ONLY) && record.column(name).is_none());
    let only: Vec<Column> = only
        .map(|name| Column::new(name, Kind::code(&["yes"]), "which loans are read").may_be_empty())
        .collect();
    record.columns.extend(only.iter().cloned());
    only.len()
}

/// Refuses a loan that the layout is not for. The layout's codes of the column say which cells it is for; an empty one always is.
fn check_only(row: &Row<'_>, column: usize) -> Result<(), ImportError> {
    row.value(column).map(|_| ()).map_err(|mut e| {
        let told = e.problem.split(" is not one of").next().unwrap_or_default();
        e.problem = format!(
            "{told}: the layout does not read such loans, see its `about`; remove the line"
        );
        e
    })
}

/// Computes the months to maturity, if a layout left them out: from the cut-off date, a part of a month as one; none past it.
fn fill_term(loan: &mut Loan, template: &Template, cut_off: &CutOff) -> Result<(), String> {
    let Some(term) = template.field(TERM).filter(|i| loan.values[*i].is_none()) else {
        return Ok(());
    };
    let maturity = template.field(MATURITY).and_then(|i| loan.values[i]);
    let maturity =
        maturity.ok_or("follows from the maturity, which is absent; give one of the two")?;
    let months = cut_off.months_until(maturity);
    if months > template.fields[term].kind.most() {
        return Err(format!("would be {months} months; correct the maturity"));
    }
    loan.values[term] = Some(months);
    Ok(())
}

/// Where a layout says one status for all loans, days past due say which of the open ones are late.
fn fill_status(loan: &mut Loan, template: &Template) {
    let Ok(fields) = LoanFields::new(template) else {
        return;
    };
    let Ok(state) = fields.state(loan) else {
        // What is wrong with it is said when it is completed.
        return;
    };
    let (field, codes) = &fields.status;
    if let (true, Some(code)) = (
        state.status.is_open(),
        codes.iter().position(|c| *c == state.status),
    ) {
        loan.values[*field] = Some(code as u64);
    }
}

/// The field of a year's interest, in percent.
const RATE: &str = "rate";

/// Whether a layout says where the point of a field's numbers belongs.
fn says_scale(layout: &Layout, field: &str) -> bool {
    layout.columns.get(field).is_some_and(|s| s.scale.is_some())
}

/// What to say where no rate reaches a percent, and some are above zero: most likely they are fractions.
fn looks_like_fractions(tape: &Tape) -> Option<String> {
    let rate = tape.template.field(RATE)?;
    let field = &tape.template.fields[rate];
    let one = field.parse("1").ok()?;
    let rates = || tape.loans.iter().filter_map(|loan| loan.values[rate]);
    let largest = rates().max().filter(|most| (1..one).contains(most))?;
    let first = rates().next()?;
    Some(format!(
        "'{}': no rate of the tape reaches 1 percent (the highest is {}); they look like fractions: write percents, 7.38 for 0.0738, or \
         give a layout in which `{RATE}` has \"scale\": 2 (or \"scale\": 0 if they are percents)",
        field.show(first),
        field.show(largest)
    ))
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
