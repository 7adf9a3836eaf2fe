//! What all pictures share.

/// Okabe and Ito's colours, which people who do not see all colours can tell apart.
pub const COLOURS: [&str; 6] = [
    "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9",
];

/// A step of 1, 2 or 5 times a power of ten that gives about six ticks.
pub fn step(range: f64) -> f64 {
    let rough = range / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|f| f * power >= rough)
        .unwrap_or(10.0);
    factor * power
}

/// A number with a unit prefix: 1500 is `1.5k`.
pub fn short(x: f64) -> String {
    let (scale, unit) = match x.abs() {
        a if a >= 1e9 => (1e9, "bn"),
        a if a >= 1e6 => (1e6, "m"),
        a if a >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let text = format!("{:.2}", x / scale);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

/// A text inside an element or an attribute.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(1500.0), "1.5k");
        assert_eq!(short(-2_000_000.0), "-2m");
        assert_eq!(short(0.25), "0.25");
        assert_eq!(step(60.0), 10.0);
    }
}
