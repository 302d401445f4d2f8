//! Powers modulo odd numbers, eight side by side, on processors that multiply eight numbers of 52 bits at once (AVX-512 IFMA).
//!
//! A number is `N` limbs of 52 bits; a vector holds the same limb of eight numbers. Products are Montgomery's, and are kept
//! below twice the modulus: `52 * N` is at least [`SPARE`] bits more than the modulus has.

#![allow(clippy::inline_always)] // vectors stay in registers only within one function

use std::arch::x86_64::__m512i;

use num_bigint::BigUint;

pulp::simd_type!({
    /// What the processor must know.
    #[allow(missing_docs)]
    pub struct Ifma {
        pub avx512f: feature!("avx512f"),
        pub avx512ifma: feature!("avx512ifma"),
    }
});

/// How many numbers are worked on at once.
pub(super) const LANES: usize = 8;
const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;
/// A factor below four times the modulus, squared, is below the modulus after its division by 2 to `52 * N`.
const SPARE: u64 = 4;

/// The same limb of eight numbers.
type Row = [u64; LANES];

/// Whether this processor can, with moduli of so many bits.
pub(super) fn serves(bits: u64) -> bool {
    bits + SPARE <= 40 * u64::from(BITS) && Ifma::is_available()
}

/// For each of up to eight odd numbers `n` whether 2 to the `n - 1` is 1 modulo `n`; nothing where [`serves`] is false.
pub(super) fn fermat(numbers: &[BigUint]) -> Option<Vec<bool>> {
    let less: Vec<BigUint> = numbers.iter().map(|n| n - 1u8).collect();
    let two = BigUint::from(2u8);
    let jobs: Vec<[&BigUint; 3]> = numbers.iter().zip(&less).map(|(n, less)| [&two, less, n]).collect();
    let one = BigUint::from(1u8);
    Some(of_size(&jobs, true)?.iter().map(|power| *power == one).collect())
}

/// Up to eight powers, each of a base, an exponent and an odd modulus; nothing where [`serves`] is false.
pub(super) fn powers(jobs: &[[&BigUint; 3]]) -> Option<Vec<BigUint>> {
    of_size(jobs, false)
}

fn of_size(jobs: &[[&BigUint; 3]], of_two: bool) -> Option<Vec<BigUint>> {
    let bits = jobs.iter().map(|[.., modulus]| modulus.bits()).max()?;
    let simd = Ifma::try_new().filter(|_| serves(bits))?;
    let limbs = (bits + SPARE).div_ceil(u64::from(BITS));
    Some(match limbs {
        ..=10 => run::<10>(simd, jobs, of_two),
        11..=20 => run::<20>(simd, jobs, of_two),
        21..=30 => run::<30>(simd, jobs, of_two),
        _ => run::<40>(simd, jobs, of_two),
    })
}

fn run<const N: usize>(simd: Ifma, jobs: &[[&BigUint; 3]], of_two: bool) -> Vec<BigUint> {
    let shift = BITS * N as u32;
    // Lanes without work repeat the last.
    let lane = |l: usize| jobs[l.min(jobs.len() - 1)];
    let modulus = |l: usize| lane(l)[2];
    let longest = jobs.iter().map(|[_, exponent, _]| exponent.bits()).max().unwrap_or(0);
    let mask = |bit: u64| (0..LANES).fold(0, |mask, l| mask | u8::from(lane(l)[1].bit(bit)) << l);
    let bits: Vec<u8> = (0..longest).rev().map(mask).collect();
    let moduli = rows::<N>(|l| modulus(l).clone());
    let one = rows::<N>(|l| (BigUint::from(1u8) << shift) % modulus(l));
    let base = if of_two { one } else { rows::<N>(|l| (lane(l)[0] << shift) % modulus(l)) };
    let inverse = moduli[0].map(minus_inverse);
    let job = Job { simd, moduli: &moduli, inverse, base: &base, one: &one, bits: &bits, of_two };
    let out = simd.vectorize(job);
    (0..jobs.len()).map(|l| join(out.iter().map(|row| row[l])) % modulus(l)).collect()
}

/// The limbs of eight numbers.
fn rows<const N: usize>(number: impl Fn(usize) -> BigUint) -> [Row; N] {
    let mut out = [[0; LANES]; N];
    for l in 0..LANES {
        let digits = number(l).to_u64_digits();
        let digit = |i: usize| digits.get(i).copied().unwrap_or(0);
        for (k, row) in out.iter_mut().enumerate() {
            let (i, s) = (k * BITS as usize / 64, k * BITS as usize % 64);
            let high = if s > 64 - BITS as usize { digit(i + 1) << (64 - s) } else { 0 };
            row[l] = (digit(i) >> s | high) & MASK;
        }
    }
    out
}

fn join(limbs: impl DoubleEndedIterator<Item = u64>) -> BigUint {
    limbs.rev().fold(BigUint::ZERO, |sum, limb| (sum << BITS) + limb)
}

/// What an odd number has to be multiplied with to give -1 modulo 2 to the 52, by Newton.
fn minus_inverse(odd: u64) -> u64 {
    let inverse = (0..6).fold(1u64, |x, _| x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x))));
    inverse.wrapping_neg() & MASK
}

/// Eight powers to work out.
struct Job<'a, const N: usize> {
    simd: Ifma,
    moduli: &'a [Row; N],
    inverse: Row,
    /// The bases and the number one, in Montgomery's form.
    base: &'a [Row; N],
    one: &'a [Row; N],
    /// The exponents from their highest bit on: which lanes have it.
    bits: &'a [u8],
    /// The bases are all 2: doubling serves for multiplying.
    of_two: bool,
}

impl<const N: usize> pulp::NullaryFnOnce for Job<'_, N> {
    type Output = [Row; N];

    #[inline(always)]
    fn call(self) -> [Row; N] {
        let f = self.simd.avx512f;
        let zero = f._mm512_setzero_si512();
        let inverse = pulp::cast(self.inverse);
        // Closures would not be compiled for this processor: loops are.
        let (mut m, mut base, mut x) = ([zero; N], [zero; N], [zero; N]);
        for k in 0..N {
            m[k] = pulp::cast(self.moduli[k]);
            base[k] = pulp::cast(self.base[k]);
            x[k] = pulp::cast(self.one[k]);
        }
        for bits in self.bits {
            let square = product(self.simd, &x, &x, &m, inverse);
            if self.of_two {
                x = settle(self.simd, &square, f._mm512_maskz_set1_epi64(*bits, 1));
                continue;
            }
            x = settle(self.simd, &square, zero);
            if *bits != 0 {
                let more = settle(self.simd, &product(self.simd, &x, &base, &m, inverse), zero);
                for k in 0..N {
                    x[k] = f._mm512_mask_blend_epi64(*bits, x[k], more[k]);
                }
            }
        }
        let mut unit = [zero; N];
        unit[0] = f._mm512_set1_epi64(1);
        let x = settle(self.simd, &product(self.simd, &x, &unit, &m, inverse), zero);
        let mut out = [[0; LANES]; N];
        for k in 0..N {
            out[k] = pulp::cast(x[k]);
        }
        out
    }
}

/// The sums of Montgomery's product by limb, without their carries.
#[inline(always)]
fn product<const N: usize>(simd: Ifma, a: &[__m512i; N], b: &[__m512i; N], m: &[__m512i; N], inverse: __m512i) -> [__m512i; N] {
    let (f, i) = (simd.avx512f, simd.avx512ifma);
    let zero = f._mm512_setzero_si512();
    const { assert!(N.is_multiple_of(2)) };
    let mut sums = [zero; N];
    let (pairs, _) = b.as_chunks::<2>();
    for [first, second] in pairs {
        let lowest = i._mm512_madd52lo_epu64(sums[0], a[0], *first);
        let q = i._mm512_madd52lo_epu64(zero, lowest, inverse);
        let carry = f._mm512_srli_epi64::<BITS>(i._mm512_madd52lo_epu64(lowest, m[0], q));
        let next = i._mm512_madd52lo_epu64(f._mm512_add_epi64(sums[1], carry), a[1], *first);
        let next = i._mm512_madd52hi_epu64(next, a[0], *first);
        let next = i._mm512_madd52lo_epu64(next, m[1], q);
        let next = i._mm512_madd52hi_epu64(next, m[0], q);
        let next = i._mm512_madd52lo_epu64(next, a[0], *second);
        let r = i._mm512_madd52lo_epu64(zero, next, inverse);
        let carry = f._mm512_srli_epi64::<BITS>(i._mm512_madd52lo_epu64(next, m[0], r));
        // The lowest two limbs are gone: all others move down by two.
        for k in 2..N {
            let mut sum = sums[k];
            sum = i._mm512_madd52lo_epu64(sum, a[k], *first);
            sum = i._mm512_madd52hi_epu64(sum, a[k - 1], *first);
            sum = i._mm512_madd52lo_epu64(sum, m[k], q);
            sum = i._mm512_madd52hi_epu64(sum, m[k - 1], q);
            sum = i._mm512_madd52lo_epu64(sum, a[k - 1], *second);
            sum = i._mm512_madd52hi_epu64(sum, a[k - 2], *second);
            sum = i._mm512_madd52lo_epu64(sum, m[k - 1], r);
            sum = i._mm512_madd52hi_epu64(sum, m[k - 2], r);
            sums[k - 2] = sum;
        }
        sums[0] = f._mm512_add_epi64(sums[0], carry);
        let mut sum = i._mm512_madd52hi_epu64(zero, a[N - 1], *first);
        sum = i._mm512_madd52hi_epu64(sum, m[N - 1], q);
        sum = i._mm512_madd52lo_epu64(sum, a[N - 1], *second);
        sum = i._mm512_madd52hi_epu64(sum, a[N - 2], *second);
        sum = i._mm512_madd52lo_epu64(sum, m[N - 1], r);
        sums[N - 2] = i._mm512_madd52hi_epu64(sum, m[N - 2], r);
        let sum = i._mm512_madd52hi_epu64(zero, a[N - 1], *second);
        sums[N - 1] = i._mm512_madd52hi_epu64(sum, m[N - 1], r);
    }
    sums
}

/// Limbs of 52 bits, after a shift to the left in each lane.
#[inline(always)]
fn settle<const N: usize>(simd: Ifma, sums: &[__m512i; N], shift: __m512i) -> [__m512i; N] {
    let f = simd.avx512f;
    let mask = f._mm512_set1_epi64(MASK as i64);
    let mut carry = f._mm512_setzero_si512();
    let mut limbs = *sums;
    for limb in &mut limbs {
        let sum = f._mm512_add_epi64(f._mm512_sllv_epi64(*limb, shift), carry);
        carry = f._mm512_srli_epi64::<BITS>(sum);
        *limb = f._mm512_and_si512(sum, mask);
    }
    limbs
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use rand_core::Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn powers_are_those_of_one_after_another() {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let mut number = |bits: usize, low: u8| {
            let mut bytes = vec![0; bits / 8];
            rng.fill_bytes(&mut bytes);
            bytes[bits / 8 - 1] |= low;
            bytes[0] |= 0x80;
            BigUint::from_bytes_be(&bytes)
        };
        for (bits, count) in [(64, 3), (512, 8), (1024, 5), (1040, 1), (1560, 2), (2072, 2)] {
            let numbers: Vec<[BigUint; 3]> = (0..count).map(|i| [number(bits + 8, 0), number(16 + 8 * i, 0), number(bits, 1)]).collect();
            let jobs: Vec<[&BigUint; 3]> = numbers.iter().map(|[base, exponent, modulus]| [base, exponent, modulus]).collect();
            let Some(powers) = powers(&jobs) else { return };
            let expected: Vec<BigUint> = jobs.iter().map(|[base, exponent, modulus]| base.modpow(exponent, modulus)).collect();
            assert_eq!(powers, expected, "{bits} bits");
        }
        let small = [3u16, 9, 341, 561, 65521, 65535].map(BigUint::from);
        let expected: Vec<bool> = small.iter().map(|n| BigUint::from(2u8).modpow(&(n - 1u8), n) == BigUint::from(1u8)).collect();
        assert_eq!(fermat(&small), Some(expected));
        assert!(!serves(2077));
    }
}
