//! Products over messages: the arithmetic is that of the proof system, and registers hold a product whole.

use gadgets::product::{Challenge, DEGREE, Element, multiply, product_of, registers_of};
use stark::{EF, F, Field, P, PrimeCharacteristicRing};

/// Some element, another for each seed.
fn element(seed: u64) -> Element<F> {
    std::array::from_fn(|i| F::from_u64((seed * 5 + i as u64 + 1).wrapping_pow(7) % u64::from(P)))
}

#[test]
fn elements_multiply_as_those_of_the_proof_system() {
    for seed in 0..100 {
        let (x, y) = (element(2 * seed), element(2 * seed + 1));
        assert_eq!(EF::new(multiply(&x, &y)), EF::new(x) * EF::new(y));
        assert!(EF::new(x).try_inverse().is_some());
    }
}

#[test]
fn registers_hold_a_product() {
    let one: Element<F> = std::array::from_fn(|i| F::from_bool(i == 0));
    assert_eq!(registers_of(one), [0; 3]);
    for seed in 0..100 {
        assert_eq!(product_of(&registers_of(element(seed))), element(seed));
    }
    // A coordinate with a multiple of p is the same coordinate.
    let mut registers = registers_of(element(7));
    registers[1] += u128::from(P) << 40;
    assert_eq!(product_of(&registers), element(7));
}

/// The order of messages does not matter; every element of a message does, and so do the seed and the product's number.
#[test]
fn products_compare_messages() {
    let messages = [[3, 0, 9], [4, 1, 7], [3, 0, 8]].map(|m| m.map(F::new));
    let product = |challenge: &Challenge, messages: &[[F; 3]]| {
        let one: Element<F> = std::array::from_fn(|i| F::from_bool(i == 0));
        let factors = messages.iter().map(|m| challenge.factor(m));
        factors.fold(one, |product, factor| multiply(&product, &factor))
    };
    let challenge = Challenge::new(b"seed", 0, 3);
    let own = product(&challenge, &messages);
    let [first, second, third] = messages;
    assert_eq!(product(&challenge, &[third, first, second]), own);
    for at in 0..3 {
        let mut other = messages;
        other[1][at] += F::ONE;
        assert_ne!(product(&challenge, &other), own);
    }
    assert_ne!(product(&challenge, &[first, second, second]), own);
    for other in [
        Challenge::new(b"other", 0, 3),
        Challenge::new(b"seed", 1, 3),
    ] {
        assert_ne!(product(&other, &messages), own);
    }
    assert_eq!(challenge.public().len(), (1 + 3) * DEGREE);
}
