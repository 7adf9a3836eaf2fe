//! The documented generator of Monte Carlo scenarios: the same numbers from the same seed, everywhere.
//!
//! The words of scenario `s` are `SHA3-256(TAG || seed || s || block)` for blocks 0, 1, 2, ... (`s` and `block` as
//! eight bytes, least significant first; the seed behind its length in eight bytes), each read as four words of eight
//! bytes, least significant first. A scenario has its own stream, so a longer set begins with the shorter one.
//!
//! Standard normal numbers come in pairs by the polar method (Marsaglia and Bray 1964): two words, cut to 57 bits, are
//! numbers `u, v` in `[-1, 1)`; pairs with `u^2 + v^2 >= 1` or zero are dropped; the others give `u f` and `v f` with
//! `f = sqrt(-2 ln(u^2 + v^2) / (u^2 + v^2))`, in units of 2^-56.

use fixed::{DomainError, FRACTION_BITS, Interval};
use sha3::{Digest, Sha3_256};

const TAG: &[u8] = b"sealbook scenarios 1";

/// The words of one scenario.
pub(super) struct Words {
    start: Sha3_256,
    block: u64,
    ready: Vec<u64>,
}

impl Words {
    pub fn new(seed: &str, scenario: u64) -> Self {
        let mut start = Sha3_256::new();
        start.update(TAG);
        start.update((seed.len() as u64).to_le_bytes());
        start.update(seed);
        start.update(scenario.to_le_bytes());
        Self {
            start,
            block: 0,
            ready: Vec::new(),
        }
    }

    fn next(&mut self) -> u64 {
        loop {
            if let Some(word) = self.ready.pop() {
                return word;
            }
            let mut hash = self.start.clone();
            hash.update(self.block.to_le_bytes());
            self.block += 1;
            let bytes = hash.finalize();
            let words = bytes.as_chunks::<8>().0.iter().rev();
            self.ready.extend(words.map(|&w| u64::from_le_bytes(w)));
        }
    }

    /// The lowest bit of a word.
    pub fn bit(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// A number in `[-1, 1)`, in units of 2^-56.
    fn uniform(&mut self) -> i128 {
        i128::from(self.next() >> (64 - FRACTION_BITS - 1)) - (1 << FRACTION_BITS)
    }

    /// So many independent standard normal numbers, in units of 2^-56; below 9 in magnitude.
    ///
    /// # Errors
    /// None that can happen: all numbers are in range.
    pub fn normals(&mut self, count: usize) -> Result<Vec<i128>, DomainError> {
        let mut normals = Vec::with_capacity(count + 1);
        while normals.len() < count {
            let (u, v) = (self.uniform(), self.uniform());
            let square = (u * u + v * v) >> FRACTION_BITS;
            if square == 0 || square >= 1 << FRACTION_BITS {
                continue;
            }
            let square = Interval::from_ends(square, square)?;
            let factor = square.ln()?.times(-2)?.div(&square)?.sqrt()?.center().lo();
            for x in [u, v] {
                let x = Interval::from_ends(x, x)?;
                let factor = Interval::from_ends(factor, factor)?;
                normals.push(x.mul(&factor)?.lo());
            }
        }
        normals.truncate(count);
        Ok(normals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_documented_ones() {
        // SHA3-256 of the documented bytes, as any other implementation computes it.
        let mut bytes = b"sealbook scenarios 1".to_vec();
        bytes.extend(4u64.to_le_bytes());
        bytes.extend(b"2026");
        bytes.extend(7u64.to_le_bytes());
        let hash = |block: u64| {
            let mut bytes = bytes.clone();
            bytes.extend(block.to_le_bytes());
            Sha3_256::digest(bytes)
        };
        let mut words = Words::new("2026", 7);
        for block in 0..2 {
            for word in hash(block).as_chunks::<8>().0 {
                assert_eq!(words.next(), u64::from_le_bytes(*word));
            }
        }
    }

    #[test]
    fn normals_are_normal() {
        let mut normals: Vec<f64> = (0..64)
            .flat_map(|s| Words::new("a seed", s).normals(501).unwrap())
            .map(|x| x as f64 / 2f64.powi(FRACTION_BITS as i32))
            .collect();
        let n = normals.len() as f64;
        let moment = |k: i32| normals.iter().map(|x| x.powi(k)).sum::<f64>() / n;
        // Four standard errors of each moment.
        for (k, expected, variance) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let allowed = 4.0 * f64::sqrt(variance / n);
            assert!(
                (moment(k) - expected).abs() < allowed,
                "moment {k}: {}",
                moment(k)
            );
        }
        // Kolmogorov's distance, below its 0.1% point.
        normals.sort_by(f64::total_cmp);
        let cdf = |x: f64| {
            let x = Interval::from_ends(0, 0).unwrap().add(&of(x)).unwrap();
            x.normal_cdf().lo() as f64 / 2f64.powi(FRACTION_BITS as i32)
        };
        let distance = normals
            .iter()
            .enumerate()
            .map(|(i, &x)| (cdf(x) - (i as f64 + 0.5) / n).abs())
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / n.sqrt(), "{distance}");
    }

    fn of(x: f64) -> Interval {
        let units = (x * 2f64.powi(FRACTION_BITS as i32)) as i128;
        Interval::from_ends(units, units).unwrap()
    }
}
