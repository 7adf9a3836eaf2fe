//! Poseidon2 over KoalaBear, width 24, with the standard constants: the hash inside proofs.

use std::sync::LazyLock;

use p3_koala_bear::{
    GenericPoseidon2LinearLayersKoalaBear as Layers, KOALABEAR_POSEIDON2_RC_24_EXTERNAL_FINAL,
    KOALABEAR_POSEIDON2_RC_24_EXTERNAL_INITIAL, KOALABEAR_POSEIDON2_RC_24_INTERNAL,
    Poseidon2KoalaBear, default_koalabear_poseidon2_24,
};
use p3_poseidon2::GenericPoseidon2LinearLayers;
use p3_symmetric::Permutation;

use crate::field::{F, PrimeCharacteristicRing};

/// Width of the permutation in field elements.
pub const WIDTH: usize = 24;
/// Elements that a sponge absorbs with each permutation; the others are its capacity, which no one sets or sees.
pub const RATE: usize = 16;
/// Full rounds, half of them before and half after the partial ones.
pub const ROUNDS_F: usize = 8;
/// Partial rounds.
pub const ROUNDS_P: usize = 23;

static PERMUTATION: LazyLock<Poseidon2KoalaBear<24>> =
    LazyLock::new(default_koalabear_poseidon2_24);

/// Applies the permutation.
pub fn permute(state: &mut [F; WIDTH]) {
    PERMUTATION.permute_mut(state);
}

/// Hashes elements: a sponge whose capacity starts from what is hashed and how long it is.
pub(crate) fn sponge(kind: u32, elements: &[F]) -> [F; WIDTH - RATE] {
    /// Told apart from the hashes of statements, which have 1 here.
    const RECURSION: u32 = 2;
    let length = u32::try_from(elements.len()).expect("fewer than 2^31 elements");
    let mut state = [F::ZERO; WIDTH];
    state[RATE..RATE + 3].copy_from_slice(&[kind, length, RECURSION].map(F::new));
    for block in elements.chunks(RATE) {
        state[..RATE].fill(F::ZERO);
        state[..block.len()].copy_from_slice(block);
        permute(&mut state);
    }
    std::array::from_fn(|i| state[i])
}

/// The linear layer of full rounds, over any expressions.
pub fn external_layer<E: PrimeCharacteristicRing>(state: &mut [E; WIDTH]) {
    <Layers as GenericPoseidon2LinearLayers<WIDTH>>::external_linear_layer(state);
}

/// The linear layer of partial rounds, over any expressions.
pub fn internal_layer<E: PrimeCharacteristicRing>(state: &mut [E; WIDTH]) {
    <Layers as GenericPoseidon2LinearLayers<WIDTH>>::internal_linear_layer(state);
}

/// Round constants: the first full rounds, the partial rounds, the last full rounds.
pub fn round_constants() -> (
    &'static [[F; WIDTH]; 4],
    &'static [F; ROUNDS_P],
    &'static [[F; WIDTH]; 4],
) {
    (
        &KOALABEAR_POSEIDON2_RC_24_EXTERNAL_INITIAL,
        &KOALABEAR_POSEIDON2_RC_24_INTERNAL,
        &KOALABEAR_POSEIDON2_RC_24_EXTERNAL_FINAL,
    )
}
