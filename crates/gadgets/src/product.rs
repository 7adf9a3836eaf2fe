//! Two lists that hold the same messages, in whatever order: shown by two products of a factor a message, each over the rows of
//! a table and from part to part.
//!
//! A message is a list of elements `e`, its factor `gamma - sum of beta^k * e[k]`, in the quintic extension (155 bits). The
//! challenge `gamma, beta` is a hash of commitments to both lists, so the products of different lists of `n` messages are
//! equal for at most `n` times the elements of a message of all challenges ([`stark::HashedChallenge`]).

use sha3::{Digest as _, Sha3_256};
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder, When};

use crate::limbs::join;
use crate::public::Publics;
use crate::range::LIMB_BITS;
use crate::totals::{ELEMENT_LIMBS, elements_register, pass};

/// Coordinates of the extension field in which products are taken.
pub const DEGREE: usize = 5;
/// Registers of a product, of kind [`Elements`](crate::totals::Register::Elements).
pub const REGISTERS: usize = DEGREE.div_ceil(2);
/// Bits of an element in a register.
const ELEMENT_BITS: usize = LIMB_BITS * ELEMENT_LIMBS;

/// An element of the quintic extension, `X^5 = 1 - X^2`, coordinates from the constant up.
pub type Element<E> = [E; DEGREE];

/// `x * y`.
pub fn multiply<E: Expr>(x: &Element<E>, y: &Element<E>) -> Element<E> {
    let mut product: [E; 2 * DEGREE - 1] = std::array::from_fn(|_| E::ZERO);
    for (i, x) in x.iter().enumerate() {
        for (j, y) in y.iter().enumerate() {
            product[i + j] += x.clone() * y.clone();
        }
    }
    // X^(5 + k) = X^k - X^(2 + k), from the top.
    for k in (0..DEGREE - 1).rev() {
        let high = product[DEGREE + k].clone();
        product[k] += high.clone();
        product[k + 2] -= high;
    }
    std::array::from_fn(|i| product[i].clone())
}

/// Public elements, drawn from all commitments that they compare; in a row, read from the public values.
#[derive(Clone, Debug)]
pub struct Challenge<E = F> {
    /// What a message's factor starts from.
    gamma: Element<E>,
    /// Powers of what a message's elements are combined with.
    powers: Vec<Element<E>>,
}

impl Challenge {
    /// The challenge of product `index` of a claim, over messages of so many elements. `seed` says whose claim it is and has
    /// the commitments to all that is compared.
    pub fn new(seed: &[u8], index: usize, elements: usize) -> Self {
        let draw = |which: u8| -> Element<F> {
            std::array::from_fn(|i| {
                let mut hash = Sha3_256::new();
                hash.update(b"sealbook product challenge");
                hash.update([index as u8, which, i as u8]);
                hash.update(seed);
                let digest = hash.finalize();
                let bytes: [u8; 16] = std::array::from_fn(|i| digest[i]);
                // 128 bits modulo p: as good as uniform.
                F::from_u64((u128::from_le_bytes(bytes) % u128::from(stark::P)) as u64)
            })
        };
        let (gamma, beta) = (draw(0), draw(1));
        let mut powers = vec![std::array::from_fn(|i| F::from_bool(i == 0))];
        while powers.len() < elements {
            powers.push(multiply(&powers[powers.len() - 1], &beta));
        }
        Self { gamma, powers }
    }

    /// The elements as public values.
    pub fn public(&self) -> Vec<F> {
        let powers = self.powers.as_flattened();
        self.gamma.iter().chain(powers).copied().collect()
    }

    /// The elements inside a row: the next public values.
    pub fn read<W, B: RowBuilder<W>>(&self, b: &B, publics: &mut Publics) -> Challenge<B::E> {
        let mut element = || std::array::from_fn(|_| publics.element(b));
        Challenge {
            gamma: element(),
            powers: self.powers.iter().map(|_| element()).collect(),
        }
    }
}

impl<E: Expr> Challenge<E> {
    /// `gamma - sum of beta^k * element k`.
    pub fn factor(&self, elements: &[E]) -> Element<E> {
        assert_eq!(
            elements.len(),
            self.powers.len(),
            "a power for each element"
        );
        std::array::from_fn(|i| {
            let mut value = self.gamma[i].clone();
            for (power, element) in self.powers.iter().zip(elements) {
                value -= element.clone() * power[i].clone();
            }
            value
        })
    }
}

/// Elements of a message over so many limbs.
pub fn message_len(limbs: usize) -> usize {
    limbs.div_ceil(3)
}

/// A running product over the rows, passed from part to part.
pub struct Product<'a, E> {
    /// Its constraint.
    pub id: &'static str,
    /// Its first register.
    pub register: usize,
    /// What factors are made of.
    pub challenge: &'a Challenge<E>,
}

impl<E: Expr> Product<'_, E> {
    /// Multiplies the product by the factor of a message in limbs on rows with the bit `counts`. `before` is the product
    /// over the rows above. The first coordinate is passed less one, so that a product starts from zeros.
    pub fn multiply<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        [first, last]: [&B::E; 2],
        counts: &B::E,
        message: &[B::E],
        before: impl Fn(&W) -> [F; DEGREE],
    ) {
        let elements: Vec<B::E> = message.chunks(3).map(join).collect();
        self.multiply_elements(b, [first, last], counts, &elements, before);
    }

    /// A product over all rows of one table, which starts from one and ends at these public elements. Its registers are not used.
    pub fn over_all_rows<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        counts: &B::E,
        elements: &[B::E],
        before: impl Fn(&W) -> [F; DEGREE],
        end: &[B::E],
    ) {
        let [product, after] = step(b, self, counts, elements, before);
        for i in 0..DEGREE {
            let one = b.constant(F::from_bool(i == 0));
            b.assert_zero(self.id, When::First, product[i].clone() - one);
            b.assert_zero(self.id, When::Last, after[i].clone() - end[i].clone());
        }
    }

    /// The same for a message in whole elements.
    pub fn multiply_elements<W, B: RowBuilder<W, E = E>>(
        &self,
        b: &mut B,
        [first, last]: [&B::E; 2],
        counts: &B::E,
        elements: &[B::E],
        before: impl Fn(&W) -> [F; DEGREE],
    ) {
        let [product, after] = step(b, self, counts, elements, before);
        let registers = |b: &B, elements: &[B::E]| -> Vec<[B::E; 2]> {
            let mut shown: Vec<B::E> = elements.to_vec();
            shown[0] -= b.one();
            shown.push(b.constant(F::ZERO));
            shown.as_chunks().0.to_vec()
        };
        let (before, after) = (registers(b, &product), registers(b, &after));
        for (i, (before, after)) in before.iter().zip(&after).enumerate() {
            pass(b, self.register + i, first, last, before, after);
        }
    }
}

/// A step of a running product over the rows: the product over the rows above, and the one that has this row's factor, too, if
/// the bit `counts` is 1. The latter is in cells, so that what is sent has degree 1.
fn step<W, B: RowBuilder<W>>(
    b: &mut B,
    product: &Product<'_, B::E>,
    counts: &B::E,
    elements: &[B::E],
    before: impl Fn(&W) -> [F; DEGREE],
) -> [Element<B::E>; 2] {
    let (id, factor) = (product.id, product.challenge.factor(elements));
    let (above, next): (Vec<B::E>, Vec<B::E>) =
        (0..DEGREE).map(|i| b.state(|w| before(w)[i])).unzip();
    let above: Element<B::E> = std::array::from_fn(|i| above[i].clone());
    let times = multiply(&above, &factor);
    let after: Element<B::E> = std::array::from_fn(|i| {
        let step = times[i].clone() - above[i].clone();
        let value = above[i].clone() + counts.clone() * step;
        let cell = b.derive([&value], |[v]| v);
        b.equal(id, cell.clone(), value);
        cell
    });
    for (next, after) in next.into_iter().zip(&after) {
        b.assert_zero(id, When::Transition, next - after.clone());
    }
    [above, after]
}

/// A product from its registers.
pub fn product_of(registers: &[u128]) -> Element<F> {
    std::array::from_fn(|i| {
        let element = (registers[i / 2] >> (ELEMENT_BITS * (i % 2))) % (1 << ELEMENT_BITS);
        F::from_u64((element % u128::from(stark::P)) as u64) + F::from_bool(i == 0)
    })
}

/// The registers of a product: its first coordinate less one.
pub fn registers_of(product: Element<F>) -> [u128; REGISTERS] {
    let mut elements = [F::ZERO; 2 * REGISTERS];
    elements[..DEGREE].copy_from_slice(&product);
    elements[0] -= F::ONE;
    std::array::from_fn(|i| elements_register([elements[2 * i], elements[2 * i + 1]]))
}
