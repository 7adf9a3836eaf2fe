//! Pictures, as SVG: the distribution of a venue's liability, and where its risk measures lie.

use std::fmt::Write;

use crate::svg::{COLOURS, escaped, short, step};

/// What is drawn: liabilities in the quote currency, with the weights of the tilt.
pub struct Distribution<'a> {
    /// The liability in each scenario.
    pub liabilities: &'a [f64],
    /// The probability of each scenario; any scale.
    pub probabilities: &'a [f64],
    /// The weight of each scenario under the tilt; any scale.
    pub weights: &'a [f64],
    /// Vertical lines with their names, such as VaR.
    pub marks: &'a [(&'a str, f64)],
    /// The title: what is decided.
    pub title: &'a str,
    /// Lines below the title, such as the horizon and the date.
    pub notes: &'a [String],
    /// The currency.
    pub quote: &'a str,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 620.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 100.0;
const BOTTOM: f64 = 200.0;
const BINS: usize = 60;
const BARS: &str = "#B8C4CE";
const TILT: &str = "#E69F00";

/// The picture: a histogram of the liability, the same reweighted by the tilt as a line, and the marks. Shares are on a
/// logarithmic scale that starts below a single scenario, or the tail, which decides, could not be seen.
pub fn distribution(d: &Distribution<'_>) -> String {
    let plot = Plot::new(d);
    [
        plot.head(),
        plot.bars(),
        plot.tilt(),
        plot.axes(),
        plot.titles(),
        plot.marks(),
        plot.legend(),
        "</svg>\n".into(),
    ]
    .concat()
}

/// Where the plotting area ends below.
const FLOOR: f64 = HEIGHT - BOTTOM;
/// How wide a bin is drawn.
const WIDE: f64 = (WIDTH - LEFT - RIGHT) / BINS as f64;

/// What is drawn, counted, and the ranges of the axes. Its parts are written in the order in which they cover each other.
struct Plot<'a> {
    drawn: &'a Distribution<'a>,
    /// The least liability on the axis.
    low: f64,
    /// The greatest.
    high: f64,
    /// The share of scenarios in each bin.
    bars: [f64; BINS],
    /// The same under the tilt.
    tilted: [f64; BINS],
    /// The least share on the axis: half a scenario.
    least: f64,
    /// The greatest.
    most: f64,
}

impl<'a> Plot<'a> {
    fn new(d: &'a Distribution<'a>) -> Self {
        let all = d.liabilities.iter().chain(d.marks.iter().map(|(_, x)| x));
        let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), &x| {
            (low.min(x), high.max(x))
        });
        let margin = ((high - low) * 0.03).max(1e-6);
        let (low, high) = (low - margin, high + margin);
        let mut bars = [0.0; BINS];
        let mut tilted = [0.0; BINS];
        let total: f64 = d.weights.iter().sum();
        let all: f64 = d.probabilities.iter().sum();
        let scenarios = d.liabilities.iter().zip(d.probabilities);
        for ((x, p), w) in scenarios.zip(d.weights) {
            let bin = (((x - low) / (high - low) * BINS as f64) as usize).min(BINS - 1);
            bars[bin] += p / all;
            tilted[bin] += if total > 0.0 { w / total } else { 0.0 };
        }
        Self {
            drawn: d,
            low,
            high,
            least: 0.5 / d.liabilities.len() as f64,
            most: bars.iter().chain(&tilted).copied().fold(1e-9, f64::max) * 1.3,
            bars,
            tilted,
        }
    }

    /// Where a liability lies, from the left.
    fn x_of(&self, x: f64) -> f64 {
        LEFT + (x - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)
    }

    /// Where a share lies, from above; less than the least is drawn as nothing.
    fn y_of(&self, y: f64) -> f64 {
        let height = (y.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        FLOOR - height * (FLOOR - TOP)
    }

    /// The upper left corner of each bin's bar.
    fn corners(&self, shares: &[f64; BINS]) -> impl Iterator<Item = (f64, f64)> {
        let corner = |(bin, share): (usize, &f64)| (LEFT + WIDE * bin as f64, self.y_of(*share));
        shares.iter().enumerate().map(corner)
    }

    fn head(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<title>{0}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{0}</text>\n",
            escaped(self.drawn.title)
        );
        for (i, note) in self.drawn.notes.iter().enumerate() {
            let y = 43.0 + 16.0 * i as f64;
            let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{y}\">{}</text>", escaped(note));
        }
        svg
    }

    fn bars(&self) -> String {
        let bar = |(x, y): (f64, f64)| {
            format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{BARS}\"/>\n",
                WIDE - 1.0,
                FLOOR - y
            )
        };
        self.corners(&self.bars).map(bar).collect()
    }

    /// The reweighted histogram, a line.
    fn tilt(&self) -> String {
        let top = |(x, y): (f64, f64)| format!("{x:.1},{y:.1} {:.1},{y:.1}", x + WIDE);
        let points: Vec<String> = self.corners(&self.tilted).map(top).collect();
        format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{TILT}\" stroke-width=\"2\"/>\n",
            points.join(" ")
        )
    }

    /// The axes with their numbers.
    fn axes(&self) -> String {
        let mut svg = format!(
            "<path d=\"M{LEFT} {TOP}V{FLOOR}H{}\" fill=\"none\" stroke=\"#444\"/>\n",
            WIDTH - RIGHT
        );
        for tick in ticks(self.low, self.high) {
            let x = self.x_of(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {FLOOR}v5\" stroke=\"#444\"/><text x=\"{x:.1}\" y=\"{}\" \
                 text-anchor=\"middle\">{}</text>",
                FLOOR + 18.0,
                short(tick)
            );
        }
        for tick in (0..9).map(|power| 0.1f64.powi(power)) {
            if !(self.least..=self.most).contains(&tick) {
                continue;
            }
            let y = self.y_of(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}h-5\" stroke=\"#444\"/><text x=\"{}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{}%</text>",
                LEFT - 8.0,
                y + 4.0,
                percent(tick)
            );
        }
        svg
    }

    /// What the axes show.
    fn titles(&self) -> String {
        format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">owed beyond all capital at the horizon, {}</text>\n\
             <text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">share of scenarios</text>\n",
            (LEFT + WIDTH - RIGHT) / 2.0,
            FLOOR + 38.0,
            escaped(self.drawn.quote),
            (TOP + FLOOR) / 2.0
        )
    }

    /// The vertical lines. The legend names them, so that close ones do not write over each other.
    fn marks(&self) -> String {
        let mark = |(i, (name, value)): (usize, &(&str, f64))| {
            let (x, y) = (self.x_of(*value), legend_line(i));
            // The tilt has its own.
            let mut colours = COLOURS.iter().filter(|c| **c != TILT).cycle();
            let colour = colours.nth(i).unwrap_or(&TILT);
            format!(
                "<path class=\"mark\" d=\"M{x:.1} {TOP}V{FLOOR}\" stroke=\"{colour}\" stroke-width=\"2\" \
                 stroke-dasharray=\"6 3\"/>\n\
                 <path d=\"M{0} {y}h24\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"6 3\"/>\
                 <text x=\"{1}\" y=\"{2}\">{3} {4}</text>\n",
                LEFT + 14.0,
                LEFT + 44.0,
                y + 4.0,
                escaped(name),
                short(*value)
            )
        };
        self.drawn.marks.iter().enumerate().map(mark).collect()
    }

    /// What bars and line are, below the names of the marks.
    fn legend(&self) -> String {
        let y = legend_line(self.drawn.marks.len());
        format!(
            "<rect x=\"{0}\" y=\"{1}\" width=\"24\" height=\"10\" fill=\"{BARS}\"/><text x=\"{2}\" y=\"{3}\">scenarios</text>\n\
             <path d=\"M{0} {4}h24\" stroke=\"{TILT}\" stroke-width=\"2\"/><text x=\"{2}\" y=\"{5}\">the tilt: the same, \
             reweighted as EVaR sees them</text>\n",
            LEFT + 14.0,
            y - 5.0,
            LEFT + 44.0,
            y + 4.0,
            y + 17.0,
            y + 21.0
        )
    }
}

/// Where a line of the legend lies, from above: below the axis, where it hides no bar.
fn legend_line(i: usize) -> f64 {
    FLOOR + 62.0 + 17.0 * i as f64
}

/// A power of ten as a percentage, with all its digits.
fn percent(share: f64) -> String {
    let digits = (-share.log10().round() - 2.0).max(0.0) as usize;
    format!("{:.digits$}", 100.0 * share)
}

/// Round numbers from one number to another.
fn ticks(from: f64, to: f64) -> impl Iterator<Item = f64> {
    let every = step(to - from);
    let first = (from / every).ceil() * every;
    std::iter::successors(Some(first), move |tick| Some(tick + every))
        .take_while(move |tick| *tick <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_their_order() {
        let liabilities: Vec<f64> = (0..200).map(|i| f64::from(i * i) / 100.0 - 90.0).collect();
        let weights: Vec<f64> = liabilities.iter().map(|x| (x / 50.0).exp()).collect();
        let marks = [
            ("VaR", 200.0),
            ("CVaR", 250.0),
            ("EVaR", 280.0),
            ("capital", 500.0),
        ];
        let svg = distribution(&Distribution {
            liabilities: &liabilities,
            probabilities: &[1.0; 200],
            weights: &weights,
            marks: &marks,
            title: "A & B",
            notes: &["1 day".to_string()],
            quote: "USD",
        });
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("A &amp; B") && !svg.contains("NaN"));
        let places: Vec<f64> = svg
            .lines()
            .filter_map(|l| {
                l.strip_prefix("<path class=\"mark\" d=\"M")?
                    .split_once(' ')
            })
            .map(|(x, _)| x.parse().unwrap())
            .collect();
        assert_eq!(places.len(), 4);
        assert!(places.is_sorted() && places.iter().all(|x| (LEFT..=WIDTH - RIGHT).contains(x)));
        // Every element is closed.
        let opened = svg.matches('<').count();
        let closed = svg.matches("</").count() + svg.matches("/>").count();
        assert_eq!(
            opened,
            2 * svg.matches("</").count() + svg.matches("/>").count(),
            "{opened} {closed}"
        );
    }

    /// One scenario in ten thousand stands out of the axis by more than a few pixels.
    #[test]
    fn the_tail_can_be_seen() {
        let mut liabilities = vec![-1000.0; 9_999];
        liabilities.push(500.0);
        let svg = distribution(&Distribution {
            weights: &vec![1.0; 10_000],
            probabilities: &vec![1.0; 10_000],
            liabilities: &liabilities,
            marks: &[("cash", 0.0)],
            title: "adequate",
            notes: &[],
            quote: "USD",
        });
        let heights = svg
            .lines()
            .filter(|l| l.starts_with("<rect x=\"8") && l.contains(BARS));
        let tall = |line: &str| -> Option<f64> {
            let (_, height) = line.split_once("height=\"")?;
            height.split_once('"')?.0.parse().ok()
        };
        let most = heights.filter_map(tall).fold(0.0, f64::max);
        assert!(most > 15.0, "{most}");
        assert!(
            svg.contains(">0.01%</text>") && svg.contains(">100%</text>"),
            "{svg}"
        );
    }
}
