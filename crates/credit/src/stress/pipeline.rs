//! Loans that are late before they default: what delinquency tests of a deal look at.

use fixed::Decimal;
use records::units::Cents;
use serde::{Deserialize, Serialize};

use super::{Stress, StressError};
use crate::collections::Collections;

/// The longest time from the first missed payment to a default, in months.
pub const MAX_LATE: u16 = 24;
/// The whole of what is late, of which some defaults.
const WHOLE: u64 = 1_000_000;

/// The pipeline of delinquency: how long loans are late before they default, and which part of those that are late does.
///
/// A balance that defaults in a month was late at the ends of so many months before it: 30 days past due at the first, 30 more at
/// each later one. Others are as late at the same time and catch up, in the proportion that the stress says. Being late takes no
/// cash away before the default: the servicer advances what is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Months from the first missed payment to the default, 1 to [`MAX_LATE`].
    pub months: u16,
    /// Which part of what is late defaults, in percent, above 0 to 100, at most 4 decimals.
    pub defaults: Decimal,
}

impl Pipeline {
    /// Checks what a file or a claim says.
    ///
    /// # Errors
    /// Says which part is out of range.
    pub fn validate(&self) -> Result<(), StressError> {
        let problem = match self.units() {
            _ if !(1..=MAX_LATE).contains(&self.months) => {
                format!("loans are late for 1 to {MAX_LATE} months before they default")
            }
            None => {
                "above 0 and at most 100 percent of what is late defaults, with at most 4 decimals"
                    .into()
            }
            Some(_) => return Ok(()),
        };
        Err(StressError::Invalid {
            field: "delinquency",
            problem,
        })
    }

    /// Which part defaults, in 10^-6.
    fn units(&self) -> Option<u64> {
        let units = self.defaults.rescale_exact(4).ok();
        let units = units.and_then(|u| u64::try_from(u).ok());
        units.filter(|u| (1..=WHOLE).contains(u))
    }

    /// Says of projected months, one after another to the end, which loans are late at the end of each. Rounded up, so that a test
    /// fails rather sooner; together at most what is owed, the longest late first.
    ///
    /// # Errors
    /// As [`Pipeline::validate`].
    pub fn fill(&self, rows: &mut [Collections]) -> Result<(), StressError> {
        self.validate()?;
        let part = u128::from(self.units().unwrap_or(WHOLE));
        let months = usize::from(self.months);
        let defaulted: Vec<Cents> = rows.iter().map(|r| r.defaulted).collect();
        for (now, row) in rows.iter_mut().enumerate() {
            let mut late = [0u128; 3];
            let coming = defaulted.iter().skip(now + 1).take(months).enumerate();
            for (i, defaults) in coming {
                // Of what defaults in the next month all payments but none is missed; of what defaults last, one.
                let missed = months - i;
                late[missed.min(3) - 1] += u128::from(defaults.0);
            }
            let mut left = row.balance_after;
            for (bucket, late) in row.delinquent.iter_mut().zip(late).rev() {
                let late = (late * u128::from(WHOLE)).div_ceil(part);
                *bucket = Cents(u64::try_from(late).unwrap_or(u64::MAX)).min(left);
                left -= *bucket;
            }
        }
        Ok(())
    }
}

impl Stress {
    /// Says which loans are late, if the stress does; otherwise none are.
    ///
    /// # Errors
    /// If the stress is invalid.
    pub fn fill_delinquency(&self, rows: &mut [Collections]) -> Result<(), StressError> {
        match &self.delinquency {
            Some(pipeline) => pipeline.fill(rows),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(defaults: &[u64]) -> Vec<Collections> {
        let mut owed: u64 = defaults.iter().sum::<u64>() + 1_000;
        let row = |d: &u64| {
            let balance_before = Cents(owed);
            owed -= d;
            Collections {
                balance_before,
                balance_after: Cents(owed),
                defaulted: Cents(*d),
                ..Collections::default()
            }
        };
        defaults.iter().map(row).collect()
    }

    fn pipeline(months: u16, percent: &str) -> Pipeline {
        Pipeline {
            months,
            defaults: percent.parse().unwrap(),
        }
    }

    /// Four months late, all of which default: of 50 that default in the sixth month, one payment is missing at the end of the
    /// second, two at that of the third, three and four after it.
    #[test]
    fn what_defaults_was_late_before() {
        let mut all = rows(&[10, 0, 0, 0, 0, 50]);
        pipeline(4, "100").fill(&mut all).unwrap();
        let late: Vec<[u64; 3]> = all.iter().map(|r| r.delinquent.map(|c| c.0)).collect();
        let expected = [
            [0, 0, 0],
            [50, 0, 0],
            [0, 50, 0],
            [0, 0, 50],
            [0, 0, 50],
            [0, 0, 0],
        ];
        assert_eq!(late, expected);
    }

    /// Of three that are late one defaults: 7 / 33.3333% are 21.00002, rounded up. And no more is late than is owed.
    #[test]
    fn some_catch_up_and_no_more_is_late_than_owed() {
        let mut all = rows(&[0, 7]);
        pipeline(1, "33.3333").fill(&mut all).unwrap();
        assert_eq!(all[0].delinquent, [Cents(22), Cents(0), Cents(0)]);
        let mut all = rows(&[0, 7]);
        pipeline(1, "0.0001").fill(&mut all).unwrap();
        assert_eq!(all[0].delinquent[0], all[0].balance_after);
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for (months, percent) in [
            (0, "50"),
            (25, "50"),
            (3, "0"),
            (3, "100.0001"),
            (3, "0.00001"),
            (3, "-1"),
        ] {
            let error = pipeline(months, percent).fill(&mut []).unwrap_err();
            assert!(error.to_string().starts_with("`delinquency`"), "{error}");
        }
    }
}
