//! Charts of a report, as SVG inside HTML. Floats only draw: what is proven stands in the tables.

use std::fmt::Write;

use crate::svg::{COLOURS, escaped, short, step};

/// A line of a chart, one value for each place on the horizontal axis.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its values; a gap where there is none.
    pub values: Vec<Option<f64>>,
    /// Whether it is dashed: a bound or a total, beside what the chart is about.
    pub dashed: bool,
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 28.0;
/// Height of a line of the legend.
const LEGEND: f64 = 18.0;
/// Most groups of places that a line is drawn by.
const MOST_POINTS: usize = 150;
/// Names of a legend beside bars that stand in a row.
const BAR_LEGEND: usize = 5;
/// Most labels on the horizontal axis.
const LABELS: usize = 6;

/// The plane of a chart: from values to places.
struct Plane {
    low: f64,
    high: f64,
    floor: f64,
    top: f64,
}

impl Plane {
    fn y(&self, value: f64) -> f64 {
        self.floor - (value - self.low) / (self.high - self.low) * (self.floor - self.top)
    }
}

/// Lines over labelled places, such as payment dates. `from_zero` begins the vertical axis at zero.
pub fn lines(
    title: &str,
    unit: &str,
    places: &[String],
    lines: &[Line],
    from_zero: bool,
) -> String {
    let values = lines
        .iter()
        .flat_map(|l| l.values.iter().flatten().copied());
    let (mut low, mut high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    let margin = ((high - low) * 0.05).max(high.abs() * 0.01).max(1e-9);
    low = if from_zero { 0.0 } else { low - margin };
    high += margin;
    // The plane keeps its height, however long the legend.
    let rows = lines.len().div_ceil(4).max(1) as f64;
    let height = 282.0 + LEGEND * rows;
    let plane = Plane {
        low,
        high,
        floor: height - BOTTOM,
        top: TOP + LEGEND * rows,
    };
    let mut svg = open(title, height);
    axis(&mut svg, &plane, unit);
    let last = places.len().saturating_sub(1).max(1) as f64;
    let x = |i: usize| LEFT + i as f64 / last * (WIDTH - LEFT - RIGHT);
    let every = places.len().div_ceil(LABELS).max(1);
    for (i, place) in places.iter().enumerate().step_by(every) {
        let anchor = match x(i) {
            x if x > WIDTH - RIGHT - 30.0 => "end",
            _ => "middle",
        };
        let _ = writeln!(
            svg,
            "<path fill=\"none\" stroke=\"#888\" d=\"M{0:.1} {1}v4\"/><text x=\"{0:.1}\" y=\"{2}\" text-anchor=\"{anchor}\">{3}</text>",
            x(i),
            plane.floor,
            plane.floor + 17.0,
            escaped(place)
        );
    }
    for (k, line) in lines.iter().enumerate() {
        let (colour, dashes) = (COLOURS[k % COLOURS.len()], dashes(line.dashed));
        let mut path = String::new();
        let mut pen = 'M';
        for i in drawn_places(&line.values) {
            match line.values[i] {
                Some(value) => {
                    let _ = write!(path, "{pen}{:.1} {:.1}", x(i), plane.y(value));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        let _ = writeln!(
            svg,
            "<path class=\"line\" fill=\"none\" stroke-width=\"2\" d=\"{path}\" stroke=\"{colour}\"{dashes}/>"
        );
        let (column, row) = ((k % 4) as f64, (k / 4) as f64);
        let (at, y) = (LEFT + column * 195.0, TOP + row * LEGEND);
        let _ = writeln!(
            svg,
            "<path class=\"line\" fill=\"none\" stroke-width=\"2\" d=\"M{at:.1} {y}h22\" stroke=\"{colour}\"{dashes}/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            at + 28.0,
            y + 4.0,
            escaped(&line.name)
        );
    }
    svg + "</svg>\n"
}

/// The places of a line that are drawn. Of a long one the first gap, the lowest and the highest value of every few: more than
/// that cannot be seen, and a page of many charts would be too long to open. Of equal values on end, the first and the last.
fn drawn_places(values: &[Option<f64>]) -> Vec<usize> {
    let every = values.len().div_ceil(MOST_POINTS).max(1);
    let mut places: Vec<usize> = Vec::new();
    for start in (0..values.len()).step_by(every) {
        let these = start..(start + every).min(values.len());
        let by_value = |a: &usize, b: &usize| {
            let value = |i: usize| values[i].unwrap_or(0.0);
            value(*a).total_cmp(&value(*b))
        };
        let there = || these.clone().filter(|i| values[*i].is_some());
        let gap = these.clone().find(|i| values[*i].is_none());
        let mut few: Vec<usize> = [gap, there().min_by(by_value), there().max_by(by_value)]
            .into_iter()
            .flatten()
            .collect();
        few.sort_unstable();
        few.dedup();
        places.extend(few);
    }
    let last = values.len().checked_sub(1);
    if places.last().copied() != last {
        places.extend(last);
    }
    let needed = |k: usize| {
        let near = k.checked_sub(1).and_then(|b| places.get(b));
        match (near, places.get(k + 1)) {
            (Some(a), Some(b)) => {
                values[*a] != values[places[k]] || values[places[k]] != values[*b]
            }
            _ => true,
        }
    };
    (0..places.len())
        .filter(|k| needed(*k))
        .map(|k| places[k])
        .collect()
}

/// Bars by group, from zero on.
pub fn bars(title: &str, unit: &str, groups: &[(String, Vec<f64>)], series: &[String]) -> String {
    let most = groups.iter().flat_map(|(_, v)| v).copied();
    let most = most.fold(0.0, f64::max).max(1e-9) * 1.05;
    // Names of groups stand beside their bars: they may be long.
    let (bar, gap) = (14.0, 12.0);
    let group = bar * series.len() as f64 + gap;
    let top = TOP + LEGEND * series.len().div_ceil(BAR_LEGEND).max(1) as f64;
    let height = top + group * groups.len() as f64 + BOTTOM;
    let left = 260.0;
    let x = |v: f64| left + v / most * (WIDTH - left - 70.0);
    let mut svg = open(title, height);
    for (k, name) in series.iter().enumerate() {
        let at = left + 120.0 * (k % BAR_LEGEND) as f64;
        let y = TOP + LEGEND * (k / BAR_LEGEND) as f64;
        let _ = writeln!(
            svg,
            "<rect x=\"{at:.1}\" y=\"{}\" width=\"12\" height=\"10\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            y - 6.0,
            COLOURS[k % COLOURS.len()],
            at + 18.0,
            y + 4.0,
            escaped(&cut(name, 14))
        );
    }
    for (g, (name, values)) in groups.iter().enumerate() {
        let y = top + group * g as f64;
        let middle = y + bar * series.len() as f64 / 2.0 + 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>",
            left - 10.0,
            escaped(&cut(name, 40))
        );
        for (k, value) in values.iter().enumerate() {
            let at = y + bar * k as f64;
            let _ = writeln!(
                svg,
                "<rect class=\"bar\" x=\"{left}\" y=\"{at:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\">{}{unit}</text>",
                x(*value) - left,
                bar - 2.0,
                COLOURS[k % COLOURS.len()],
                x(*value) + 5.0,
                at + bar - 4.0,
                short(*value)
            );
        }
    }
    let _ = writeln!(
        svg,
        "<path fill=\"none\" stroke=\"#888\" d=\"M{left} {top}V{:.1}\"/>",
        height - BOTTOM
    );
    svg + "</svg>\n"
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    text.chars().take(most - 1).chain(['\u{2026}']).collect()
}

fn dashes(dashed: bool) -> &'static str {
    if dashed {
        " stroke-dasharray=\"6 4\""
    } else {
        ""
    }
}

fn open(title: &str, height: f64) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>\n\
         <text x=\"0\" y=\"12\" font-weight=\"bold\">{0}</text>\n",
        escaped(title)
    )
}

/// The vertical axis, with lines across.
fn axis(svg: &mut String, plane: &Plane, unit: &str) {
    let every = step(plane.high - plane.low);
    let mut tick = (plane.low / every).ceil() * every;
    while tick <= plane.high {
        let y = plane.y(tick);
        let _ = writeln!(
            svg,
            "<path fill=\"none\" stroke=\"#8885\" stroke-width=\"0.7\" d=\"M{LEFT} {y:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}{unit}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            // Rounded, so that zero is not a tiny number, and without the sign of a negative one.
            short((tick / every).round() * every + 0.0)
        );
        tick += every;
    }
    let _ = writeln!(
        svg,
        "<path fill=\"none\" stroke=\"#888\" d=\"M{LEFT} {:.1}V{1:.1}H{2}\"/>",
        plane.top,
        plane.floor,
        WIDTH - RIGHT
    );
}
