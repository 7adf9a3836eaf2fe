//! Dates as days from 1970-01-01 of the Gregorian calendar, and moments in UTC.

/// The days to a date written as `2026-11-21`, from 1970 on. `None` if it is not one.
pub fn days_of(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut part = |length: usize| -> Option<i64> {
        let part = parts.next()?;
        let digits = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok())?
    };
    let (y, m, d) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() || !(1970..=9999).contains(&y) || !(1..=12).contains(&m) {
        return None;
    }
    let days = days_of_civil(y, m, d);
    (civil(days) == (y, m, d)).then_some(days)
}

/// The days to a date, which is not checked.
fn days_of_civil(y: i64, m: i64, d: i64) -> i64 {
    // Years count from March, so that a leap day ends one.
    let (year, month) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d - 1;
    days - 719_468
}

/// The day of the month.
pub fn day_of_month(days: i64) -> i64 {
    civil(days).2
}

/// The same day of the month so many months later; for days of the month up to 28, which every month has.
pub fn months_later(days: i64, months: i64) -> i64 {
    let (y, m, d) = civil(days);
    let month = 12 * y + m - 1 + months;
    days_of_civil(month.div_euclid(12), month.rem_euclid(12) + 1, d)
}

/// The same day of the next month; the last day stays the last, and a day that the month lacks becomes its last.
pub fn next_month(days: i64) -> i64 {
    let (y, m, d) = civil(days);
    let start = months_later(days_of_civil(y, m, 1), 1);
    let end = months_later(start, 1) - 1;
    let is_last = civil(days + 1).2 == 1;
    if is_last {
        end
    } else {
        (start + d - 1).min(end)
    }
}

/// The days between two dates where every month has thirty: a 31st counts as a 30th (30E/360, ISDA 2006 Definitions 4.16(g)).
pub fn days_30_360(from: i64, to: i64) -> i64 {
    let ((y, m, d), (y2, m2, d2)) = (civil(from), civil(to));
    360 * (y2 - y) + 30 * (m2 - m) + d2.min(30) - d.min(30)
}

/// The days between two dates by the 30/360 rule of the United States (MSRB rule G-33, SIA "Standard Securities Calculation
/// Methods"). Of a period that starts on the last day of February the first day counts as a 30th, and so does the last day if it
/// is a last day of February, too. Then a 31st at the end counts as a 30th if the first day is a 30th or a 31st, and a 31st at the
/// start as a 30th.
pub fn days_30_360_us(from: i64, to: i64) -> i64 {
    let ((y, m, mut d), (y2, m2, mut d2)) = (civil(from), civil(to));
    let ends_february = |days: i64, month: i64| month == 2 && civil(days + 1).1 == 3;
    if ends_february(from, m) {
        if ends_february(to, m2) {
            d2 = 30;
        }
        d = 30;
    }
    if d2 == 31 && d >= 30 {
        d2 = 30;
    }
    360 * (y2 - y) + 30 * (m2 - m) + d2 - d.min(30)
}

/// The date so many days after 1970-01-01, as `2026-11-21`.
pub fn written(days: i64) -> String {
    let (y, m, d) = civil(days);
    format!("{y:04}-{m:02}-{d:02}")
}

/// A moment in milliseconds since 1970 as `2026-11-26 18:48:06 UTC`, with milliseconds (`18:48:06.250`) where there are any;
/// beyond the year 9999 the milliseconds themselves, since such a moment is a mistake.
pub fn moment(ms: u64) -> String {
    const DAY_MS: u64 = 86_400_000;
    let days = (ms / DAY_MS) as i64;
    let (seconds, rest) = (ms % DAY_MS / 1000, ms % 1000);
    if civil(days).0 > 9999 {
        return format!("{ms} ms after 1970");
    }
    let fraction = match rest {
        0 => String::new(),
        _ => format!(".{rest:03}"),
    };
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {h:02}:{m:02}:{s:02}{fraction} UTC", written(days))
}

/// The milliseconds since 1970 to a moment in UTC written as `2026-11-26`, `2026-11-26T18:48:06Z` or `2026-11-26 18:48:06 UTC`, with
/// or without milliseconds. `None` if it is not one.
pub fn moment_of(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once(['T', ' ']) {
        None => (text, "00:00:00"),
        Some((date, time)) => (
            date,
            time.strip_suffix('Z')
                .or_else(|| time.strip_suffix(" UTC"))?,
        ),
    };
    let (time, millis) = time.split_once('.').unwrap_or((time, "000"));
    let digits = |text: &str, length: usize, below: u64| -> Option<u64> {
        let digits = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok())?.filter(|n| *n < below)
    };
    let mut clock = time.split(':');
    let mut next = |below: u64| digits(clock.next()?, 2, below);
    let seconds = 3600 * next(24)? + 60 * next(60)? + next(60)?;
    let days = u64::try_from(days_of(date)?).ok()?;
    let whole = clock.next().is_none();
    whole.then_some(86_400_000 * days + 1000 * seconds + digits(millis, 3, 1000)?)
}

/// Year, month, day.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let d = day - (153 * month + 2) / 5 + 1;
    let (m, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, m, d)
}

/// The first moment a snapshot may be of: 2000-01-01, in milliseconds since 1970.
pub const FIRST_MOMENT: u64 = 946_684_800_000;

/// The moment that all come before: 2100-01-01.
pub const LAST_MOMENT: u64 = 4_102_444_800_000;

/// Whether a moment lies between the years 2000 and 2100.
///
/// # Errors
/// Says what is wrong with it; most often it is in other units.
pub fn check_moment(ms: u64) -> Result<(), String> {
    if (FIRST_MOMENT..LAST_MOMENT).contains(&ms) {
        return Ok(());
    }
    let hint = match unit_of(ms) {
        Some(unit) => format!("it looks like {unit}"),
        None if ms == 0 => "it is not set".into(),
        None => format!("it is {}", moment(ms)),
    };
    Err(format!(
        "{ms} is no moment between 2000-01-01 and 2100-01-01: {hint}; write milliseconds since 1970 in UTC, such as \
         1795718886000 for {}",
        moment(1_795_718_886_000)
    ))
}

/// The unit in which a number would be a moment of this century, if not in milliseconds.
pub fn unit_of(number: u64) -> Option<&'static str> {
    let number = u128::from(number);
    let range = u128::from(FIRST_MOMENT)..u128::from(LAST_MOMENT);
    let units = [
        (1000, 1, "seconds"),
        (1, 1000, "microseconds"),
        (1, 1_000_000, "nanoseconds"),
    ];
    let mut fitting = units
        .into_iter()
        .filter(|(times, by, _)| range.contains(&(number * times / by)));
    fitting.next().map(|(.., name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (1_000, "1970-01-01 00:00:01 UTC"),
            (951_868_799_999, "2000-02-29 23:59:59.999 UTC"),
            (1_795_718_886_000, "2026-11-26 18:48:06 UTC"),
            (1_590_103_193_775, "2020-05-21 23:19:53.775 UTC"),
            (253_402_300_799_999, "9999-12-31 23:59:59.999 UTC"),
            (253_402_300_800_000, "253402300800000 ms after 1970"),
            (u64::MAX, "18446744073709551615 ms after 1970"),
        ] {
            assert_eq!(moment(ms), text);
            if !text.contains("after") {
                assert_eq!(moment_of(text), Some(ms), "{text}");
            }
        }
        for (text, ms) in [
            ("2026-11-26", 1_795_651_200_000),
            ("2026-11-26T18:48:06Z", 1_795_718_886_000),
            ("2026-11-26T18:48:06.250Z", 1_795_718_886_250),
        ] {
            assert_eq!(moment_of(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "1795718886000",
            "2026-11-26T18:48:06",
            "2026-11-26T18:48:06+01:00",
            "2026-11-26T24:00:00Z",
            "2026-11-26T18:60:00Z",
            "2026-11-26T18:48Z",
            "2026-11-26T18:48:06.25Z",
            "2026-11-26T18:48:06:00Z",
            "2026-02-29",
        ] {
            assert_eq!(moment_of(text), None, "{text}");
        }
    }

    #[test]
    fn months_and_conventions() {
        let day = |text| days_of(text).unwrap();
        assert_eq!(months_later(day("2026-11-25"), 3), day("2027-02-25"));
        assert_eq!(months_later(day("2026-12-28"), 12), day("2027-12-28"));
        assert_eq!(months_later(day("2026-01-01"), 0), day("2026-01-01"));
        assert_eq!(day_of_month(day("2026-11-25")), 25);
        for (from, to, days) in [
            ("2026-01-25", "2026-02-25", 30),
            ("2026-01-31", "2026-02-25", 25),
            ("2026-01-30", "2026-03-31", 60),
            ("2024-02-28", "2025-02-28", 360),
        ] {
            assert_eq!(days_30_360(day(from), day(to)), days, "{from} to {to}");
        }
    }

    /// Against QuantLib's `Thirty360(Thirty360.USA)` by its rules: last days of February count as a 30th.
    #[test]
    fn thirty_days_a_month_in_the_united_states() {
        let day = |text: &str| days_of(text).unwrap();
        for (from, to, us, e) in [
            ("2026-01-25", "2026-02-25", 30, 30),
            ("2026-01-31", "2026-02-25", 25, 25),
            // The end of February starts the period.
            ("2025-02-28", "2025-03-31", 30, 32),
            ("2024-02-28", "2024-03-31", 33, 32),
            ("2024-02-29", "2024-03-31", 30, 31),
            ("2024-02-29", "2025-02-28", 360, 359),
            ("2025-02-28", "2025-03-28", 28, 30),
            // A 31st at the end counts as one where the start is no 30th.
            ("2026-01-15", "2026-03-31", 76, 75),
            ("2026-01-30", "2026-03-31", 60, 60),
        ] {
            assert_eq!(days_30_360_us(day(from), day(to)), us, "{from} to {to}");
            assert_eq!(days_30_360(day(from), day(to)), e, "{from} to {to}");
        }
    }

    #[test]
    fn dates_are_days() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2016-01-04", 16_804),
            ("2026-11-21", 20_778),
        ] {
            assert_eq!(days_of(text), Some(days), "{text}");
        }
        for text in [
            "2001-02-29",
            "1900-01-01",
            "2020-1-01",
            "2020-13-01",
            "2020-01-32",
            "+020-01-01",
            "",
            "2020-01-01-",
        ] {
            assert_eq!(days_of(text), None, "{text}");
        }
        let mut last = (1969, 12, 31);
        for days in 0..100_000 {
            let (y, m, d) = civil(days);
            assert!((y, m, d) > last);
            assert_eq!(days_of(&written(days)), Some(days));
            last = (y, m, d);
        }
    }
}
