//! Pieces of a page.

use std::fmt::Write;

use fixed::Decimal;
use records::units::Cents;

use crate::svg::escaped;

/// Looks in light and dark rooms, and on paper.
const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8885;--soft:#8882}
body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em}
h1{margin-bottom:0}h2{margin-top:2em;border-bottom:1px solid var(--line)}h3{margin-top:1.6em}
.sub{opacity:.75;margin-top:.2em}
.box{background:var(--soft);padding:.6em 1em;border-radius:6px}
code{font-size:.85em;overflow-wrap:anywhere;unicode-bidi:isolate}
table{border-collapse:collapse;width:100%;margin:.8em 0;font-variant-numeric:tabular-nums}
table{font-size:.9em}th,td{padding:.25em .45em;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600}.n{text-align:right;white-space:nowrap}.bad{color:#D55E00;font-weight:600}
.wide{overflow-x:auto}
svg{width:100%;height:auto;margin:1em 0;font:12px system-ui,sans-serif}
svg text{fill:currentColor}
@media print{body{margin:0;max-width:none;font-size:12px}table{font-size:.8em}h2{break-after:avoid}svg,table{break-inside:avoid}}";

/// A page. The title is escaped, the body is not.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style></head>\n\
         <body>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

/// A cell of a table.
pub enum Cell {
    /// Words.
    Text(String),
    /// A number, set to the right.
    Number(String),
    /// What an investor should not overlook.
    Bad(String),
}

impl Cell {
    /// Whether it is set to the right.
    fn is_number(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Number(_) => true,
            Self::Bad(text) => text.starts_with(|c: char| c.is_ascii_digit()),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

/// A table. Columns whose cells are numbers have their heads on the right as well.
pub fn table(heads: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut html = String::from("<div class=\"wide\"><table>\n<tr>");
    for (i, head) in heads.iter().enumerate() {
        let number = rows
            .first()
            .and_then(|r| r.get(i))
            .is_some_and(Cell::is_number);
        let class = if number { " class=\"n\"" } else { "" };
        let _ = write!(html, "<th{class}>{}</th>", escaped(head));
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let (class, text) = match cell {
                Cell::Text(text) => ("", text),
                Cell::Number(text) => (" class=\"n\"", text),
                Cell::Bad(text) if cell.is_number() => (" class=\"n bad\"", text),
                Cell::Bad(text) => (" class=\"bad\"", text),
            };
            let _ = write!(html, "<td{class}>{}</td>", escaped(text));
        }
        html.push_str("</tr>\n");
    }
    html + "</table></div>\n"
}

/// A list of sentences.
pub fn list(items: &[&str]) -> String {
    let items = items.iter().map(|i| format!("<li>{}</li>\n", escaped(i)));
    format!("<ul>\n{}</ul>\n", items.collect::<String>())
}

/// Cents with thousands apart.
pub fn money(Cents(cents): Cents) -> String {
    let whole = (cents / 100).to_string();
    let mut text = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{:02}", cents % 100)
}

/// Cents, as a cell.
pub fn amount(cents: Cents) -> Cell {
    Cell::Number(money(cents))
}

/// Cents that should be none.
pub fn loss(cents: Cents) -> Cell {
    match cents {
        Cents(0) => Cell::Number(money(cents)),
        _ => Cell::Bad(money(cents)),
    }
}

/// A number to draw.
pub fn drawn(number: &Decimal) -> f64 {
    number.to_string().parse().unwrap_or(0.0)
}

/// Cents to draw, in units of the currency.
pub fn drawn_cents(cents: Cents) -> f64 {
    cents.0 as f64 / 100.0
}
