//! Powers of large numbers, several side by side where the processor can.

use num_bigint::BigUint;

#[cfg(target_arch = "x86_64")]
use super::ifma;

/// Other processors work out one number after another.
#[cfg(not(target_arch = "x86_64"))]
mod ifma {
    use num_bigint::BigUint;

    pub(super) const LANES: usize = 8;

    pub(super) fn serves(_: u64) -> bool {
        false
    }

    pub(super) fn powers(_: &[[&BigUint; 3]]) -> Option<Vec<BigUint>> {
        None
    }

    pub(super) fn fermat(_: &[BigUint]) -> Option<Vec<bool>> {
        None
    }
}

/// How many powers modulo numbers of so many bits take no longer than one.
pub(super) fn side_by_side(bits: u64) -> usize {
    // Unoptimised, vectors take longer than what is behind `modpow`.
    if !cfg!(debug_assertions) && ifma::serves(bits) { ifma::LANES } else { 1 }
}

/// Powers, each of a base, an exponent and an odd modulus, in the order of what was asked.
pub(super) fn powers(jobs: &[[&BigUint; 3]]) -> Vec<BigUint> {
    let one = |[base, exponent, modulus]: &[&BigUint; 3]| base.modpow(exponent, modulus);
    match jobs.iter().map(|[.., modulus]| side_by_side(modulus.bits())).min() {
        None | Some(1) => jobs.iter().map(one).collect(),
        Some(many) => jobs.chunks(many).flat_map(|jobs| ifma::powers(jobs).unwrap_or_else(|| jobs.iter().map(one).collect())).collect(),
    }
}

/// For each of some odd numbers `n` whether 2 to the `n - 1` is 1 modulo `n`, as it is for primes.
pub(super) fn fermat(numbers: &[BigUint]) -> Vec<bool> {
    let one = |n: &BigUint| BigUint::from(2u8).modpow(&(n - 1u8), n) == BigUint::from(1u8);
    match numbers.iter().map(|n| side_by_side(n.bits())).min() {
        None | Some(1) => numbers.iter().map(one).collect(),
        Some(many) => numbers.chunks(many).flat_map(|all| ifma::fermat(all).unwrap_or_else(|| all.iter().map(one).collect())).collect(),
    }
}
