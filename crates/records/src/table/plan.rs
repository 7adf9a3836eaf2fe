//! Which column of a file is which column of a record.

use std::collections::HashMap;

use crate::files::{At, ImportError};
use crate::layout::{Layout, Source};
use crate::record::{Column, Kind, Others, Presence, Record};
use crate::text;

/// Where a record's column stands and how it is read.
pub(super) struct Plan {
    /// The number of the file's column.
    pub place: Option<usize>,
    /// What a layout says of it.
    pub source: Source,
    /// Its name as errors tell it.
    pub name: String,
}

impl Plan {
    /// The name under which a JSON object holds it, if it is in the file at all.
    pub fn wanted(&self) -> Option<&str> {
        (self.source.value.is_none() && !self.source.absent).then_some(self.name.as_str())
    }
}

/// What becomes of columns that the file's header lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Needed ones are refused.
    Refused,
    /// There is no header: each object names its members.
    Allowed,
    /// There is no header: lines have so many columns, and a layout gives positions.
    Positional(usize),
}

/// Plans how to read each column of a record.
pub(super) fn plans(
    at: &At,
    record: &Record,
    header: &[String],
    layout: Option<&Layout>,
    missing: Missing,
) -> Result<Vec<Plan>, ImportError> {
    if !layout.is_some_and(Layout::is_positional) {
        check_unique(at, header)?;
    }
    let Some(layout) = layout else {
        if let Others::Refused(remedy) = &record.others {
            let is_known = |name: &String| record.columns.iter().any(|c| c.is_called(name));
            if let Some(name) = header.iter().find(|n| !is_known(n)) {
                return Err(at.error(Some(name), remedy.clone()));
            }
        }
        let plan = |column| own(at, column, header, missing);
        return record.columns.iter().map(plan).collect();
    };
    let wrong = |field: &str, problem: &str| {
        Err(at.error(Some(field), format!("in the layout: {problem}")))
    };
    if layout.record != record.name {
        return wrong(
            "record",
            &format!(
                "`{}` is not `{}`; give the layout of this kind of file",
                layout.record, record.name
            ),
        );
    }
    let unknown = |(name, _): &&(String, Source)| record.column(name).is_none();
    if let Some((name, _)) = layout.columns.iter().find(unknown) {
        return wrong(name, "is no column of this record; remove it");
    }
    let mut plans = Vec::with_capacity(record.columns.len());
    for column in &record.columns {
        plans.push(match layout.columns.get(&column.name) {
            Some(source) => laid_out(at, column, source, header, missing)?,
            None if column.presence == Presence::Optional => Plan {
                place: None,
                source: Source {
                    absent: true,
                    ..Source::default()
                },
                name: column.name.clone(),
            },
            None => return wrong(&column.name, "is missing; say where it comes from"),
        });
    }
    Ok(plans)
}

/// Refuses a name that stands twice: most readers would silently take one of the two.
fn check_unique(at: &At, header: &[String]) -> Result<(), ImportError> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (i, name) in header.iter().enumerate() {
        if let Some(first) = seen.insert(name, i) {
            let problem = format!(
                "the column stands twice, as columns {} and {}; remove one, or rename it",
                first + 1,
                i + 1
            );
            return Err(at.error(Some(&text::shown(name)), problem));
        }
    }
    Ok(())
}

/// A column in our own layout.
fn own(at: &At, column: &Column, header: &[String], missing: Missing) -> Result<Plan, ImportError> {
    let mut places = (0..header.len()).filter(|place| column.is_called(&header[*place]));
    let place = places.next();
    if let Some((first, other)) = place.zip(places.next()) {
        let problem = format!(
            "the column stands twice, as `{}` and as `{}`; remove one",
            header[first], header[other]
        );
        return Err(at.error(Some(&column.name), problem));
    }
    if place.is_none() && missing == Missing::Refused && column.presence != Presence::Optional {
        return Err(at.error(Some(&column.name), lacking(&column.name, header)));
    }
    Ok(Plan {
        name: place.map_or(&column.name, |place| &header[place]).clone(),
        place,
        source: Source::default(),
    })
}

fn lacking(name: &str, header: &[String]) -> String {
    let alike = |n: &&String| n.eq_ignore_ascii_case(name);
    match header.iter().find(alike) {
        Some(other) => format!("the column is missing; rename `{other}`"),
        None => "the column is missing; add it to the header and every line".into(),
    }
}

/// A column that a layout describes.
fn laid_out(
    at: &At,
    column: &Column,
    source: &Source,
    header: &[String],
    missing: Missing,
) -> Result<Plan, ImportError> {
    let wrong =
        |problem: String| Err(at.error(Some(&column.name), format!("in the layout: {problem}")));
    if column.presence == Presence::Required && (source.absent || !source.absent_if.is_empty()) {
        return wrong("is never absent in this record".into());
    }
    if source.scale.is_some() && !column.kind.is_number() {
        return wrong("`scale` is for numbers".into());
    }
    if source.date.is_some() && column.kind != Kind::Date {
        return wrong("`date` is for dates".into());
    }
    if source.width.is_some() && !column.kind.is_text() {
        return wrong("`width` is for ids and texts".into());
    }
    let mut plan = Plan {
        place: None,
        source: source.clone(),
        name: column.name.clone(),
    };
    if let Some(name) = &source.column {
        plan.place = header.iter().position(|n| n == name);
        plan.name.clone_from(name);
        if plan.place.is_none() && missing == Missing::Refused {
            return Err(at.error(Some(name), lacking(name, header)));
        }
    }
    if let Some(position) = source.position {
        let count = match missing {
            Missing::Allowed => {
                return wrong("a JSON object has no positions; give `column`".into());
            }
            Missing::Refused => header.len(),
            Missing::Positional(count) => count,
        };
        if position > count {
            return wrong(format!(
                "has position {position} where the file has {count} columns"
            ));
        }
        plan.place = Some(position - 1);
        plan.name = format!("{} (column {position})", column.name);
    }
    Ok(plan)
}
