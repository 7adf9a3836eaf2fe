//! Pictures, as SVG: the distribution of a venue's liability, and where its risk measures lie.

use std::fmt::Write;

use crate::svg::{COLOURS, escaped, short, step};

/// What is drawn: liabilities in the quote currency, with the weights of the tilt.
pub struct Distribution<'a> {
    /// The liability in each scenario.
    pub liabilities: &'a [f64],
    /// The weight of each scenario under the tilt; any scale.
    pub weights: &'a [f64],
    /// Vertical lines with their names, such as VaR.
    pub marks: &'a [(&'a str, f64)],
    /// The title.
    pub title: &'a str,
    /// The currency.
    pub quote: &'a str,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 70.0;
const BINS: usize = 60;
const BARS: &str = "#B8C4CE";
const TILT: &str = "#E69F00";

/// The picture: a histogram of the liability, the same reweighted by the tilt as a line, and the marks.
pub fn distribution(d: &Distribution<'_>) -> String {
    let all = d.liabilities.iter().chain(d.marks.iter().map(|(_, x)| x));
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), &x| {
        (low.min(x), high.max(x))
    });
    let margin = ((high - low) * 0.03).max(1e-6);
    let (low, high) = (low - margin, high + margin);
    let x_of = |x: f64| LEFT + (x - low) / (high - low) * (WIDTH - LEFT - RIGHT);
    let mut bars = [0.0; BINS];
    let mut tilted = [0.0; BINS];
    let total: f64 = d.weights.iter().sum();
    for (x, w) in d.liabilities.iter().zip(d.weights) {
        let bin = (((x - low) / (high - low) * BINS as f64) as usize).min(BINS - 1);
        bars[bin] += 1.0 / d.liabilities.len() as f64;
        tilted[bin] += if total > 0.0 { w / total } else { 0.0 };
    }
    let most = bars.iter().chain(&tilted).copied().fold(1e-9, f64::max) * 1.05;
    let floor = HEIGHT - BOTTOM;
    let y_of = |y: f64| floor - y / most * (floor - TOP);
    let mut svg = String::new();
    let mut put = |line: String| {
        let _ = writeln!(svg, "{line}");
    };
    put(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<title>{0}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{0}</text>",
        escaped(d.title)
    ));
    let wide = (WIDTH - LEFT - RIGHT) / BINS as f64;
    for (bin, share) in bars.iter().enumerate() {
        let (x, y) = (LEFT + wide * bin as f64, y_of(*share));
        put(format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{BARS}\"/>",
            wide - 1.0,
            floor - y
        ));
    }
    let mut line = String::new();
    for (bin, share) in tilted.iter().enumerate() {
        let (x, y) = (LEFT + wide * bin as f64, y_of(*share));
        let _ = write!(line, "{x:.1},{y:.1} {:.1},{y:.1} ", x + wide);
    }
    put(format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{TILT}\" stroke-width=\"2\"/>",
        line.trim_end()
    ));
    // Axes.
    put(format!(
        "<path d=\"M{LEFT} {TOP}V{floor}H{}\" fill=\"none\" stroke=\"#444\"/>",
        WIDTH - RIGHT
    ));
    let every = step(high - low);
    let mut tick = (low / every).ceil() * every;
    while tick <= high {
        let x = x_of(tick);
        put(format!(
            "<path d=\"M{x:.1} {floor}v5\" stroke=\"#444\"/><text x=\"{x:.1}\" y=\"{}\" \
             text-anchor=\"middle\">{}</text>",
            floor + 18.0,
            short(tick)
        ));
        tick += every;
    }
    let every = step(most);
    let mut tick = 0.0;
    while tick <= most {
        let y = y_of(tick);
        put(format!(
            "<path d=\"M{LEFT} {y:.1}h-5\" stroke=\"#444\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}%</text>",
            LEFT - 8.0,
            y + 4.0,
            short(100.0 * tick)
        ));
        tick += every;
    }
    put(format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">liability at the horizon, {}</text>\n\
         <text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">share of scenarios</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 28.0,
        escaped(d.quote),
        (TOP + floor) / 2.0
    ));
    for (i, (name, x)) in d.marks.iter().enumerate() {
        let (x, colour) = (x_of(*x), COLOURS[i % COLOURS.len()]);
        put(format!(
            "<path class=\"mark\" d=\"M{x:.1} {TOP}V{floor}\" stroke=\"{colour}\" stroke-width=\"2\" \
             stroke-dasharray=\"6 3\"/>"
        ));
        // The legend names the lines, so that close ones do not write over each other.
        let y = TOP + 10.0 + 17.0 * i as f64;
        put(format!(
            "<path d=\"M{0} {y}h24\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"6 3\"/>\
             <text x=\"{1}\" y=\"{2}\">{3} {4}</text>",
            LEFT + 14.0,
            LEFT + 44.0,
            y + 4.0,
            escaped(name),
            short(d.marks[i].1)
        ));
    }
    let y = TOP + 10.0 + 17.0 * d.marks.len() as f64;
    put(format!(
        "<rect x=\"{0}\" y=\"{1}\" width=\"24\" height=\"10\" fill=\"{BARS}\"/><text x=\"{2}\" y=\"{3}\">scenarios</text>\n\
         <path d=\"M{0} {4}h24\" stroke=\"{TILT}\" stroke-width=\"2\"/><text x=\"{2}\" y=\"{5}\">the tilt: the same, \
         reweighted as EVaR sees them</text>\n</svg>",
        LEFT + 14.0,
        y - 5.0,
        LEFT + 44.0,
        y + 4.0,
        y + 17.0,
        y + 21.0
    ));
    svg
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
            weights: &weights,
            marks: &marks,
            title: "A & B",
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
}
