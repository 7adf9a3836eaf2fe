//! Symmetric matrices on whole numbers: the Cholesky factor, and eigenvectors by Jacobi's method.
//!
//! Entries are in units of 2^-56, below 2^7 in magnitude, for matrices of up to 64 rows with ones on the diagonal
//! (correlations). Every operation rounds the same way everywhere; results are good to about 2^-44.

use fixed::{DomainError, FRACTION_BITS, Interval};

/// Numbers in units of 2^-56, row by row.
pub(super) type Matrix = Vec<Vec<i128>>;

pub(super) const UNIT: i128 = 1 << FRACTION_BITS;
/// Below this, a pivot or an entry off the diagonal is zero but for rounding.
const SMALL: i128 = UNIT >> 44;

/// A product of two numbers below 2^7, rounded down.
pub(super) fn times(a: i128, b: i128) -> i128 {
    (a * b) >> FRACTION_BITS
}

pub(super) fn exact(x: i128) -> Result<Interval, DomainError> {
    Interval::from_ends(x, x)
}

fn root(x: i128) -> Result<i128, DomainError> {
    Ok(exact(x)?.sqrt()?.lo())
}

fn quotient(a: i128, b: i128) -> Result<i128, DomainError> {
    Ok(exact(a)?.div(&exact(b)?)?.lo())
}

/// The lower triangle `L` with `L L^T = c`. Where rows depend on each other, the later one's own part is zero.
///
/// # Errors
/// If a number is out of range.
pub(super) fn cholesky(c: &Matrix) -> Result<Matrix, DomainError> {
    let n = c.len();
    let mut l = vec![vec![0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let known: i128 = (0..j).map(|k| times(l[i][k], l[j][k])).sum();
            let rest = c[i][j] - known;
            l[i][j] = if i == j {
                if rest > SMALL { root(rest)? } else { 0 }
            } else if l[j][j] > 0 {
                quotient(rest, l[j][j])?
            } else {
                0
            };
        }
    }
    Ok(l)
}

/// Eigenvalues, largest first, and for each its eigenvector.
///
/// # Errors
/// If a number is out of range.
pub(super) fn eigenvectors(c: &Matrix) -> Result<Vec<(i128, Vec<i128>)>, DomainError> {
    let n = c.len();
    let mut a = c.clone();
    // Rows are the eigenvectors.
    let mut vectors: Matrix = (0..n)
        .map(|i| (0..n).map(|j| if i == j { UNIT } else { 0 }).collect())
        .collect();
    // Convergence is quadratic: ten sweeps are more than any matrix needs.
    for _ in 0..20 {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q].abs() > SMALL {
                    turned = true;
                    rotate(&mut a, &mut vectors, p, q)?;
                }
            }
        }
        if !turned {
            break;
        }
    }
    let mut pairs: Vec<_> = vectors
        .into_iter()
        .enumerate()
        .map(|(i, vector)| (a[i][i], vector))
        .collect();
    pairs.sort_by_key(|(value, _)| std::cmp::Reverse(*value));
    Ok(pairs)
}

/// Turns rows and columns `p` and `q` so that their common entry vanishes.
fn rotate(a: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) -> Result<(), DomainError> {
    let (difference, entry) = (exact(a[p][p] - a[q][q])?, exact(2 * a[p][q])?);
    // tan of the smaller angle: 2 a_pq / (d + sign(d) sqrt(d^2 + 4 a_pq^2)), below 1 in magnitude.
    let length = difference
        .mul(&difference)?
        .add(&entry.mul(&entry)?)?
        .center()
        .sqrt()?
        .lo();
    let divisor = if difference.lo() >= 0 {
        difference.lo() + length
    } else {
        difference.lo() - length
    };
    let tan = quotient(entry.lo(), divisor)?;
    let cos = quotient(UNIT, root(UNIT + times(tan, tan))?)?;
    let sin = times(tan, cos);
    let turn = |x: i128, y: i128| (times(cos, x) + times(sin, y), times(cos, y) - times(sin, x));
    for row in a.iter_mut() {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    let (above, below) = a.split_at_mut(q);
    for (x, y) in above[p].iter_mut().zip(below[0].iter_mut()) {
        (*x, *y) = turn(*x, *y);
    }
    let (above, below) = vectors.split_at_mut(q);
    for (x, y) in above[p].iter_mut().zip(below[0].iter_mut()) {
        (*x, *y) = turn(*x, *y);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A correlation matrix of 12 series made from 15 numbers each, with one series twice.
    fn correlations() -> Matrix {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            (state >> 40) as f64 / 2f64.powi(24) - 0.5
        };
        let mut series: Vec<Vec<f64>> =
            (0..12).map(|_| (0..15).map(|_| next()).collect()).collect();
        series[7] = series[3].clone();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
        let of = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        let number = |x: f64| (x * UNIT as f64) as i128;
        series
            .iter()
            .map(|a| series.iter().map(|b| number(of(a, b))).collect())
            .collect()
    }

    fn close(a: i128, b: i128) -> bool {
        (a - b).abs() < UNIT >> 38
    }

    #[test]
    fn the_cholesky_factor_squares_to_the_matrix() {
        let c = correlations();
        let l = cholesky(&c).unwrap();
        for i in 0..c.len() {
            for j in 0..c.len() {
                let product: i128 = (0..c.len()).map(|k| times(l[i][k], l[j][k])).sum();
                assert!(close(product, c[i][j]), "{i} {j}");
                assert!(j <= i || l[i][j] == 0);
            }
        }
        assert!(
            (0..c.len()).all(|i| l[i][7].abs() < UNIT >> 20),
            "dependent"
        );
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_make_the_matrix() {
        let c = correlations();
        let pairs = eigenvectors(&c).unwrap();
        for i in 0..c.len() {
            for j in 0..c.len() {
                let product: i128 = (0..c.len())
                    .map(|k| times(pairs[i].1[k], pairs[j].1[k]))
                    .sum();
                assert!(close(product, if i == j { UNIT } else { 0 }), "{i} {j}");
                let made: i128 = pairs
                    .iter()
                    .map(|(value, v)| times(times(v[i], *value), v[j]))
                    .sum();
                assert!(close(made, c[i][j]), "{i} {j}");
            }
        }
        assert!(pairs.is_sorted_by_key(|(value, _)| std::cmp::Reverse(*value)));
        assert!(pairs[11].0.abs() < UNIT >> 38, "one series twice");
    }

    #[test]
    fn equal_diagonals_and_single_rows_turn() {
        let half = UNIT / 2;
        let pairs = eigenvectors(&vec![vec![UNIT, half], vec![half, UNIT]]).unwrap();
        assert!(close(pairs[0].0, UNIT + half) && close(pairs[1].0, half));
        assert_eq!(
            eigenvectors(&vec![vec![UNIT]]).unwrap(),
            [(UNIT, vec![UNIT])]
        );
    }
}
